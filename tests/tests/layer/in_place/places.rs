//! Apps under a path of their host.

use axum::Router;
use cas_layer::{CasInPlaceLayer, testing::CasServer};
use tokio::net::TcpListener;
use tower::{ServiceExt as _, service_fn};

use super::{begin, callback, seen, sign_in};
use crate::{
    browser::Browser,
    site::{self, Site},
    support::alice,
};

#[tokio::test]
async fn a_nested_app_signs_in_at_its_public_paths() {
    for is_service in [false, true] {
        let site = Site::axum("/app", |config| {
            let cas = CasInPlaceLayer::new(config.build().unwrap());
            let inner = Router::new().fallback(seen).layer(cas);
            if is_service {
                Router::new().nest_service("/app", inner)
            } else {
                Router::new().nest("/app", inner)
            }
        })
        .await;
        let mut browser = Browser::new();
        let service = begin(&site, &mut browser, "/page?a=%2f").await;
        assert!(
            service.starts_with(&site.at("/page?cas_login=")),
            "{service}"
        );
        let back = browser.open(&callback(&site, &service)).await;
        assert_eq!(back.location(), "/app/page?a=%2f");
        let page = browser.open(&site.at("/page?a=%2f")).await;
        assert_eq!(page.body, "alice at /page?a=%2f");
        assert_eq!(site.cas.log_out("alice").await.accepted, 1);
        begin(&site, &mut browser, "/page").await;
    }
}

#[tokio::test]
async fn one_nested_route_signs_in_at_its_public_path() {
    let site = Site::axum("/app", |config| {
        let cas = CasInPlaceLayer::new(config.build().unwrap());
        let route = axum::routing::get(seen).route_layer(cas);
        Router::new().nest("/app", Router::new().route("/page", route))
    })
    .await;
    let mut browser = Browser::new();
    let back = sign_in(&site, &mut browser, "/page?a=b").await;
    assert_eq!(back.location(), "/app/page?a=b");
    assert_eq!(browser.open(&site.at("/page")).await.body, "alice at /page");
}

#[tokio::test]
async fn behind_a_proxy_that_strips_the_path_the_public_path_comes_back() {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/portal", listener.local_addr().unwrap());
    let config = site::config(cas.url(), &url)
        .endpoints(|endpoints| endpoints.prefix_stripped_by_proxy(true));
    let app = Router::new()
        .fallback(seen)
        .layer(CasInPlaceLayer::new(config.build().unwrap()));
    // All that a proxy does to a request, within one process.
    let proxy = service_fn(move |mut request: axum::extract::Request| {
        let target = request.uri().to_string();
        let stripped = target.strip_prefix("/portal").unwrap().to_owned();
        *request.uri_mut() = stripped.parse().unwrap();
        app.clone().oneshot(request)
    });
    tokio::spawn(async move {
        axum::serve(listener, tower::make::Shared::new(proxy))
            .await
            .unwrap();
    });
    let mut browser = Browser::new();
    let to_cas = browser.open(&format!("{url}/page?a=b")).await;
    let service = to_cas.location_parameter("service").unwrap();
    assert!(
        service.starts_with(&format!("{url}/page?cas_login=")),
        "{service}"
    );
    let ticket = cas.issue_ticket("alice", &service);
    let back = browser.open(&format!("{service}&ticket={ticket}")).await;
    assert_eq!(back.location(), "/portal/page?a=b");
    let page = browser.open(&format!("{url}/page?a=b")).await;
    assert_eq!(page.body, "alice at /page?a=b");
}
