//! What a browser sends and keeps.

use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, extract::ConnectInfo, response::Redirect, routing::get};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use tower::{Layer as _, service_fn};

use super::{APP, Site, server};
use crate::{
    CasConfig, CasInPlaceLayer, CasLayer, CasUser, Key,
    testing::{TestBrowser, TestPage, VisitError},
};

/// The fields that the app saw.
fn fields(page: &TestPage, names: &[&str]) -> Vec<String> {
    let text = page.text();
    let value = |name: &&str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        let line = lines.find(|(known, _)| known == name);
        line.map_or("", |(_, value)| value).to_owned()
    };
    names.iter().map(value).collect()
}

const FETCH: [&str; 3] = ["sec-fetch-mode", "sec-fetch-dest", "sec-fetch-site"];

#[tokio::test]
async fn the_app_sees_a_browser() {
    let Site { cas, app } = Site::start().await;
    let browser = TestBrowser::new(app, APP);
    let page = browser.sign_in(&cas, "/head").await.unwrap();
    assert_eq!(
        fields(&page, &FETCH),
        ["navigate", "document", "cross-site"]
    );
    let page = browser.get("/head").await.unwrap();
    assert_eq!(fields(&page, &FETCH), ["navigate", "document", "none"]);
    let [accept, host] = &fields(&page, &["accept", "host"])[..] else {
        panic!("{}", page.text());
    };
    assert!(accept.starts_with("text/html,"), "{accept}");
    assert_eq!(host, "app.example.org");
    let page = browser.post("/head", &[]).await.unwrap();
    assert_eq!(
        fields(&page, &FETCH),
        ["navigate", "document", "same-origin"]
    );
    let form = fields(&page, &["origin", "content-type"]);
    assert_eq!(form, [APP, "application/x-www-form-urlencoded"]);
    let request = Request::post("/head").body("").unwrap();
    let page = browser.send(request).await.unwrap();
    assert_eq!(fields(&page, &FETCH), ["cors", "empty", "same-origin"]);
    assert_eq!(fields(&page, &["accept", "origin"]), ["*/*", APP]);
    let request = Request::get("https://app.example.org/head")
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-mode", "no-cors");
    let page = browser.send(request.body("").unwrap()).await.unwrap();
    assert_eq!(fields(&page, &FETCH), ["no-cors", "empty", "same-origin"]);
    assert_eq!(fields(&page, &["accept", "origin"]), ["text/html", ""]);
}

/// A page of the app's own is from another site if the way to it led through one.
#[tokio::test]
async fn the_app_sees_which_way_somebody_came() {
    let cas = server().start().await.unwrap();
    let there_and_back = format!("{}/logout?service={APP}/head", cas.url());
    let leave = axum::routing::post(async move || Redirect::to(&there_and_back));
    let app = super::handlers().route("/leave", leave);
    let browser = TestBrowser::new(app, APP);
    let page = browser.post("/leave", &[]).await.unwrap();
    assert_eq!(page.url(), "https://app.example.org/head");
    assert_eq!(
        fields(&page, &FETCH),
        ["navigate", "document", "cross-site"]
    );
    assert_eq!(fields(&page, &["content-type"]), [""]);
}

#[tokio::test]
async fn a_browser_says_less_where_others_can_listen() {
    let cas = server().start().await.unwrap();
    let app = CasConfig::builder(cas.url(), "http://app.test:8080")
        .allow_insecure_http(true)
        .key(Key::generate())
        .build()
        .unwrap();
    let app = super::handlers().layer(CasLayer::new(app));
    let browser = TestBrowser::new(app, "http://app.test:8080");
    let page = browser.sign_in(&cas, "/head").await.unwrap();
    assert_eq!(fields(&page, &FETCH), ["", "", ""]);
    assert_eq!(fields(&page, &["host"]), ["app.test:8080"]);
}

#[tokio::test]
async fn forms_are_posted_and_a_script_gets_401_with_the_way_to_sign_in() {
    let Site { cas, app } = Site::start().await;
    let browser = TestBrowser::new(app, APP);
    let page = browser.post("/echo", &[("a", "b")]).await.unwrap();
    assert_eq!(page.status(), 401);
    let htmx = || Request::get("/profile").header("hx-request", "true");
    let answer = browser.send(htmx().body("").unwrap()).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("hx-redirect"));
    let json = Request::post("/echo").body("{}").unwrap();
    let answer = browser.send(json).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(problem["reason"], "sign-in-needed");

    browser.sign_in(&cas, "/profile").await.unwrap();
    let page = browser.post("/echo", &[("a", "b & c"), ("a", "ü")]).await;
    assert_eq!(page.unwrap().text(), "a=b+%26+c&a=%C3%BC");
    let answer = browser.send(htmx().body("").unwrap()).await.unwrap();
    assert_eq!(answer.text(), "Hello alice");
}

#[tokio::test]
async fn signing_out_goes_by_way_of_the_cas_server_and_ends_the_session() {
    let Site { cas, app } = Site::start().await;
    let browser = TestBrowser::new(app.clone(), APP);
    browser.sign_in(&cas, "/profile").await.unwrap();
    let page = browser.post("/logout", &[]).await.unwrap();
    assert_eq!(page.url(), "https://app.example.org/logout_callback");
    assert!(
        page.text().contains("You have signed out."),
        "{}",
        page.text()
    );
    let page = browser.get("/profile").await.unwrap();
    assert!(page.url().starts_with(&format!("{}/login?", cas.url())));
    // The session at the CAS server has ended too, so there is a form.
    let page = browser.sign_in_as(&cas, "/profile", "bob").await.unwrap();
    assert_eq!(page.text(), "Hello bob");
}

#[tokio::test]
async fn a_browser_keeps_the_cookies_of_its_app() {
    let Site { cas, app } = Site::start().await;
    let browser = TestBrowser::new(app, APP);
    assert!(browser.cookies().is_empty());
    browser.sign_in(&cas, "/profile").await.unwrap();
    let session = |browser: &TestBrowser| {
        let cookies = browser.cookies();
        cookies
            .iter()
            .any(|(name, value)| name.ends_with("-session") && value.len() > 50)
    };
    assert!(session(&browser));
    browser.get("/logout").await.unwrap();
    assert!(!session(&browser));
}

#[tokio::test]
async fn a_browser_visits_its_app_and_loopback_alone() {
    let Site { app, .. } = Site::with(|config| config.public("/away")).await;
    let browser = TestBrowser::new(app, APP);
    for path in [
        "/away",
        "https://other.example.org/a?ticket=ST-1",
        "http://app.example.org/",
    ] {
        let error = browser.get(path).await.unwrap_err();
        assert!(matches!(error, VisitError::Elsewhere { .. }), "{error}");
        assert!(!error.to_string().contains("ST-1"), "{error}");
    }
    let request = Request::get("https://other.example.org/a").body("");
    let error = browser.send(request.unwrap()).await.unwrap_err();
    assert!(matches!(error, VisitError::Elsewhere { .. }), "{error}");
    let error = browser.get("http://[").await.unwrap_err();
    assert!(matches!(error, VisitError::InvalidUrl { .. }), "{error}");
}

#[tokio::test]
async fn tickets_come_back_at_each_page_under_the_layer_in_place() {
    let cas = server().start().await.unwrap();
    let config = CasConfig::builder(cas.url(), APP).key(Key::generate());
    let layer = CasInPlaceLayer::new(config.build().unwrap());
    let browser = TestBrowser::new(super::handlers().layer(layer), APP);
    let page = browser.sign_in(&cas, "/profile").await.unwrap();
    assert_eq!(page.text(), "Hello alice");
    assert_eq!(page.url(), "https://app.example.org/profile");
}

#[tokio::test]
async fn the_app_is_any_service_with_any_body() {
    let cas = server().start().await.unwrap();
    let config = CasConfig::builder(cas.url(), APP).key(Key::generate());
    let hello = service_fn(async |request: Request<Full<Bytes>>| {
        let user = request.extensions().get::<CasUser>();
        let name = user.map_or("nobody", CasUser::name).to_owned();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name)))
    });
    let app = CasLayer::new(config.build().unwrap()).layer(hello);
    let browser = TestBrowser::with_body::<Full<Bytes>, _, _>(app, APP);
    let page = browser.sign_in(&cas, "/anything").await.unwrap();
    assert_eq!(page.text(), "alice");
}

#[tokio::test]
async fn a_service_that_fails_is_no_answer() {
    let fails = service_fn(async |_: Request<axum::body::Body>| {
        Err::<Response<Full<Bytes>>, _>(std::io::Error::other("out of order"))
    });
    let error = TestBrowser::new(fails, APP).get("/a").await.unwrap_err();
    let VisitError::NoAnswer { url, source } = error else {
        panic!("{error}");
    };
    assert_eq!(url, "https://app.example.org/a");
    assert_eq!(source.to_string(), "out of order");
}

#[tokio::test]
async fn the_app_sees_a_peer_on_loopback() {
    let peer = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string();
    let app: Router = Router::new().route("/", get(peer));
    let page = TestBrowser::new(app, APP).get("/").await.unwrap();
    assert_eq!(page.text(), "127.0.0.1");
}
