//! Apps that live under a path of their host sign in and out there.

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use cas_layer::{CasLayer, CasUser, testing::CasServer};
use http::Method;
use tokio::net::TcpListener;

use crate::{
    browser::Browser,
    site::{self, Site},
    support::alice,
};

async fn path(request: Request) -> String {
    request.uri().path().to_owned()
}

async fn profile(user: CasUser) -> String {
    user.name().to_owned()
}

#[tokio::test]
async fn a_nested_app_signs_in_and_out() {
    let site = Site::axum("/app", |config| {
        let cas = CasLayer::new(config.build().unwrap());
        let inner = Router::new()
            .route("/profile", get(profile))
            .fallback(path)
            .layer(cas);
        Router::new().nest("/app", inner)
    })
    .await;
    signs_in_and_out(&site.url, "/app", &site.cas).await;
}

#[tokio::test]
async fn an_app_behind_a_proxy_that_strips_its_path_signs_in_and_out() {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let before = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/portal", before.local_addr().unwrap());
    let backend = format!("http://{}", behind.local_addr().unwrap());

    let config = site::config(cas.url(), &url)
        .endpoints(|endpoints| endpoints.prefix_stripped_by_proxy(true));
    let app = Router::new()
        .route("/profile", get(profile))
        .route("/public/a", get(path))
        .layer(CasLayer::new(config.build().unwrap()));
    tokio::spawn(async move { axum::serve(behind, app).await });
    let proxy = Router::new().nest_service("/portal", get(forward).with_state(backend));
    tokio::spawn(async move { axum::serve(before, proxy).await });

    let mut browser = Browser::new();
    let public = browser.open(&format!("{url}/public/a")).await;
    assert_eq!(public.body, "/public/a");
    signs_in_and_out(&url, "/portal", &cas).await;
}

/// A reverse proxy as far as this test goes: passes on the path that is left, the query and the headers.
async fn forward(State(backend): State<String>, request: Request) -> Response {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let answer = client
        .get(format!("{backend}{}", request.uri()))
        .headers(request.headers().clone())
        .send()
        .await
        .unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap()).into_response()
}

/// Signs in under `url` and checks everything that leads a browser somewhere.
async fn signs_in_and_out(url: &str, prefix: &str, cas: &CasServer) {
    let at = |path: &str| format!("{url}{path}");
    let mut browser = Browser::new();

    let begin = browser.open(&at("/profile?tab=2")).await;
    let service = begin.location_parameter("service").unwrap();
    assert!(service.starts_with(&at("/login?")), "{service}");
    let ticket = cas.issue_ticket("alice", &service);
    let back = browser.open(&format!("{service}&ticket={ticket}")).await;
    assert_eq!(back.location(), format!("{prefix}/profile?tab=2"));
    assert_eq!(browser.open(&at("/profile?tab=2")).await.body, "alice");
    assert_eq!(
        browser.open(&at("/login")).await.location(),
        format!("{prefix}/home")
    );

    let out = browser.open(&at("/logout")).await;
    assert_eq!(
        out.location_parameter("service").unwrap(),
        at("/logout_callback")
    );
    let page = browser.open(&at("/logout_callback")).await;
    let link = format!("href=\"{prefix}/login\"");
    assert!(page.body.contains(&link), "{}", page.body);
    let fetch = browser
        .request(Method::GET, &at("/profile"))
        .header("accept", "application/json");
    let refused = browser.send(fetch).await;
    let problem: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(problem["login_url"], at("/login"));
}
