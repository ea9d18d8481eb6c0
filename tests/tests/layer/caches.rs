//! What may be stored.

use axum::{Router, response::IntoResponse, routing::get};
use cas_layer::{CasConfig, CasConfigBuilder, CasLayer, testing::CasServer};
use http::{Request, header};
use tower::ServiceExt as _;

use crate::{
    browser::Browser,
    support::{App, key},
};

#[tokio::test]
async fn answers_of_the_layer_are_never_stored() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    for url in [
        app.at("/profile"),
        app.at("/login"),
        app.callback(&service),
        app.at("/login"),
        app.at("/login?ticket=%20"),
        app.at("/logout"),
        app.at("/logout_callback"),
    ] {
        let answer = browser.open(&url).await;
        if !answer.body.contains("\"user\":\"alice\"") {
            assert_eq!(answer.header("cache-control"), "no-store", "{url}");
        }
    }
}

/// `Cache-Control` of `/set` (which the app sets itself), `/unset` and `/public`, signed in.
async fn cache_control(
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> [Option<String>; 3] {
    let cas = CasServer::start().await.unwrap();
    let config = CasConfig::builder(cas.url(), "http://localhost")
        .key(key(1))
        .public("/public");
    let app = Router::new()
        .route(
            "/set",
            get(async || ([(header::CACHE_CONTROL, "public, max-age=60")], "x").into_response()),
        )
        .route("/unset", get(async || "x"))
        .route("/public", get(async || "x"))
        .layer(CasLayer::new(configure(config).build().unwrap()));
    let send = |uri: String, cookie: String| {
        let request = Request::get(uri).header("cookie", cookie);
        app.clone()
            .oneshot(request.body(axum::body::Body::empty()).unwrap())
    };
    let cookie = |response: &http::Response<axum::body::Body>, name: &str| {
        let all = response.headers().get_all("set-cookie").iter();
        let mut pairs = all.map(|set| set.to_str().unwrap().split(';').next().unwrap().to_owned());
        pairs.find(|pair| pair.contains(name)).unwrap()
    };
    let begun = send("/login".into(), String::new()).await.unwrap();
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let service = crate::browser::parameter(&location, "service").unwrap();
    let ticket = cas.issue_ticket("casuser", &service);
    let callback = format!(
        "{}&ticket={ticket}",
        service.strip_prefix("http://localhost").unwrap()
    );
    let back = send(callback, cookie(&begun, "-login=")).await.unwrap();
    let session = cookie(&back, "-session=");
    let mut found = Vec::new();
    for path in ["/set", "/unset", "/public"] {
        let response = send(path.into(), session.clone()).await.unwrap();
        assert_eq!(response.status(), 200);
        let control = response.headers().get(header::CACHE_CONTROL);
        found.push(control.map(|value| value.to_str().unwrap().to_owned()));
    }
    found.try_into().unwrap()
}

#[tokio::test]
async fn a_page_behind_the_sign_in_is_private_unless_the_app_says_otherwise() {
    let [set, unset, public] = cache_control(|config| config).await;
    assert_eq!(set.as_deref(), Some("public, max-age=60"));
    assert_eq!(unset.as_deref(), Some("private, no-store"));
    assert_eq!(public, None);
}

#[tokio::test]
async fn that_can_be_left_to_the_app() {
    let [set, unset, _] = cache_control(|config: CasConfigBuilder| {
        config.session(|session| session.leave_cache_control(true))
    })
    .await;
    assert_eq!(set.as_deref(), Some("public, max-age=60"));
    assert_eq!(unset, None);
}
