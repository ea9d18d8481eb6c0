//! One request through the layer, in a process of its own, for `tests/figures` to see which files run.
//!
//! ```text
//! trace sign-in          # the request by which a user comes back from the CAS server
//! trace authenticated    # a request of a user who has a session
//! ```
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a tool of ours: it fails by panicking"
)]

use std::{env, pin::Pin};

use axum::{Router, body::Body, response::Response, routing::get};
use cas_layer::{
    CasConfig, CasLayer, CasUser, Key,
    testing::{CasServer, User},
};
use http::{
    HeaderMap, Request, StatusCode,
    header::{ACCEPT, COOKIE, HOST, LOCATION, SET_COOKIE},
};
use reqwest::{Client, redirect::Policy};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;
use url::Url;

/// Nothing listens there: requests are handed to the service.
const APP: &str = "http://127.0.0.1:8080";

type Answering = Pin<Box<dyn Future<Output = Response>>>;

/// What callgrind looks at. The tasks that the request starts run in here too: there is one thread.
#[inline(never)]
fn measured(runtime: &Runtime, answering: Answering) -> Response {
    runtime.block_on(answering)
}

fn main() {
    let mode = env::args().nth(1).expect("which: sign-in or authenticated");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let cas = runtime.block_on(async {
        let alice = User::new("alice", "rabbit-hole").attribute("mail", ["alice@example.org"]);
        CasServer::builder().user(alice).start().await.unwrap()
    });
    let config = CasConfig::builder(cas.url(), APP).key(Key::generate());
    let app = Router::new()
        .route(
            "/profile",
            get(async |user: CasUser| user.name().to_owned()),
        )
        .layer(CasLayer::new(config.build().unwrap()))
        // Otherwise axum would put the layer on anew for every request.
        .with_state(());

    let (callback, cookies) = runtime.block_on(log_in(app.clone()));
    let sign_in = ask(app.clone(), &callback, &cookies);
    match mode.as_str() {
        "sign-in" => {
            let answer = measured(&runtime, sign_in);
            assert!(answer.status().is_redirection(), "{answer:?}");
        }
        "authenticated" => {
            let signed_in = runtime.block_on(sign_in);
            // A clone: what ends with the request is not to be the layer itself.
            let request = ask(app.clone(), "/profile", &cookies_of(signed_in.headers()));
            let answer = measured(&runtime, request);
            assert_eq!(answer.status(), StatusCode::OK);
        }
        other => panic!("{other} is neither sign-in nor authenticated"),
    }
}

/// Logs in at the CAS server, and gives back where it leads to and the cookies that the app has set.
async fn log_in(app: Router) -> (String, String) {
    let answer = ask(app, "/profile", "").await;
    let cookies = cookies_of(answer.headers());
    let login = Url::parse(location(answer.headers())).unwrap();
    let browser = Client::builder()
        .cookie_store(true)
        .no_proxy()
        .redirect(Policy::none());
    let browser = browser.build().unwrap();
    let form = browser
        .get(login.clone())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let (_, rest) = form.split_once("name=\"execution\" value=\"").unwrap();
    let (execution, _) = rest.split_once('"').unwrap();
    let (_, service) = login
        .query_pairs()
        .find(|(name, _)| name == "service")
        .unwrap();
    let fields = [
        ("execution", execution),
        ("service", &service),
        ("username", "alice"),
        ("password", "rabbit-hole"),
    ];
    let answer = browser
        .post(login.clone())
        .form(&fields)
        .send()
        .await
        .unwrap();
    let back = location(answer.headers());
    (
        back.strip_prefix(APP)
            .expect("a way back to the app")
            .to_owned(),
        cookies,
    )
}

/// Hands the app a browser's request for a page.
fn ask(app: Router, path: &str, cookies: &str) -> Answering {
    let mut request = Request::get(path)
        .header(HOST, "127.0.0.1:8080")
        .header(ACCEPT, "text/html");
    if !cookies.is_empty() {
        request = request.header(COOKIE, cookies);
    }
    let request = request.body(Body::empty()).unwrap();
    Box::pin(async move { app.oneshot(request).await.unwrap() })
}

fn location(headers: &HeaderMap) -> &str {
    headers.get(LOCATION).expect("a redirect").to_str().unwrap()
}

/// The cookies that an answer sets, as a browser sends them.
fn cookies_of(headers: &HeaderMap) -> String {
    let set = headers
        .get_all(SET_COOKIE)
        .iter()
        .map(|it| it.to_str().unwrap());
    let pairs: Vec<_> = set
        .map(|it| it.split(';').next().unwrap_or_default())
        .collect();
    pairs.join("; ")
}
