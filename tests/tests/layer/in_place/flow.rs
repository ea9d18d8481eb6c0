//! There and back again, and the app's parameters with it.

use std::convert::Infallible;

use axum::{Router, routing::get};
use bytes::Bytes;
use cas_layer::{CasInPlaceLayer, CasUser, Peeked, Protocol, testing::Quirk};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{Layer as _, service_fn};

use super::{begin, callback, open_raw, seen, sign_in, whole};
use crate::{
    browser::{Browser, parameter},
    site::Site,
};

/// The layer on the route `/page` alone.
async fn one_route() -> Site {
    Site::axum("", |config| {
        let cas = CasInPlaceLayer::new(config.build().unwrap());
        Router::new()
            .route("/page", get(seen).layer(cas))
            .fallback(async || "not under the layer")
    })
    .await
}

async fn plain_hyper() -> Site {
    Site::hyper(|config| {
        let app = service_fn(async |request: Request<Peeked<Incoming>>| {
            let user = request.extensions().get::<CasUser>().unwrap();
            let text = format!("{} at {}", user.name(), request.uri());
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
        });
        CasInPlaceLayer::new(config.build().unwrap()).layer(app)
    })
    .await
}

const AWKWARD: [&str; 13] = [
    "/page",
    "/page?",
    "/page?a=b",
    "/page?a=%2f&b=+&c=%20&&d",
    "/page?ticket=abc",
    "/page?ticket=abc&ticket=def&x",
    "/page?q='\\`{|}^[]",
    "/page?%22%27%3c%3E=%00%ff",
    "/page?x=?/?&y=//evil.example",
    "/page?next=/a&service=b&b=c&renew=true",
    "/page?cas_next=L2E&cas_try=1",
    "/page?=&=&&",
    "/page?jsessionid=1;a=b;c",
];

#[tokio::test]
async fn a_page_comes_back_with_its_query_byte_for_byte_wherever_the_layer_sits() {
    for site in [
        one_route().await,
        whole(|config| config).await,
        plain_hyper().await,
    ] {
        for page in AWKWARD {
            let mut browser = Browser::new();
            let (status, to_cas) = open_raw(&site, &mut browser, page).await;
            assert_eq!(status, 302, "{page}");
            let service = parameter(&to_cas, "service").unwrap();
            assert!(
                service.starts_with(&site.at("/page?cas_login=")),
                "{service}"
            );
            let back = browser.open(&callback(&site, &service)).await;
            assert_eq!((back.status.as_u16(), back.location()), (302, page));
            assert_eq!(back.header("cache-control"), "no-store");
            let (status, _) = open_raw(&site, &mut browser, page).await;
            assert_eq!(status, 200, "{page}");
        }
        let mut browser = Browser::new();
        sign_in(&site, &mut browser, "/page?a=b").await;
        let page = browser.open(&site.at("/page?a=b")).await;
        assert_eq!(page.body, "alice at /page?a=b");
    }
}

#[tokio::test]
async fn on_one_route_the_rest_of_the_app_is_not_under_the_layer() {
    let site = one_route().await;
    let mut browser = Browser::new();
    for path in ["/", "/login", "/logout", "/logout_callback", "/pages"] {
        let answer = browser.open(&site.at(path)).await;
        assert_eq!(answer.body, "not under the layer", "{path}");
    }
}

#[tokio::test]
async fn over_a_whole_app_the_endpoints_of_the_other_mode_are_pages_like_any_other() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    let back = sign_in(&site, &mut browser, "/login?next=/elsewhere").await;
    assert_eq!(back.location(), "/login?next=/elsewhere");
    let page = browser.open(&site.at("/login?next=/elsewhere")).await;
    assert_eq!(page.body, "the app's own login");
    for path in ["/logout", "/logout_callback"] {
        let page = browser.open(&site.at(path)).await;
        assert_eq!(page.body, format!("alice at {path}"));
    }
}

#[tokio::test]
async fn a_server_that_rewrites_the_query_or_doubles_the_ticket_brings_the_page_back_as_it_was() {
    for (protocol, quirk) in [
        (Protocol::Cas3, Quirk::RewriteServiceQuery),
        (Protocol::Cas3, Quirk::TwoTickets),
        (Protocol::Cas3, Quirk::ReplaceTicketInService),
        (Protocol::Cas3, Quirk::CompareWithoutQuery),
        (Protocol::Cas3, Quirk::RefuseMarkupInService),
        (Protocol::Cas1, Quirk::RewriteServiceQuery),
        (Protocol::Cas2, Quirk::LongTickets),
        (Protocol::Saml1, Quirk::RewriteServiceQuery),
        (Protocol::Saml1, Quirk::ArtifactTickets),
    ] {
        let site = whole(|c| c.client(|client| client.protocol(protocol))).await;
        site.cas.set_quirks([quirk]);
        for page in ["/page?z=1&a=%20+&&b=%27", "/caf%C3%A9/x%20y?a=b", "/page"] {
            let mut browser = Browser::new();
            let back = crate::quirks::sign_in_at(&site.cas, &mut browser, &site.at(page)).await;
            assert_eq!(back.location(), page, "{protocol} {quirk:?}");
            let seen = browser.open(&site.at(page)).await;
            assert_eq!(seen.body, format!("alice at {page}"));
        }
    }
}

#[tokio::test]
async fn a_page_that_some_server_refuses_comes_back_by_way_of_the_landing_path() {
    let site = whole(|config| config).await;
    site.cas.set_quirks([Quirk::RefuseMarkupInService]);
    for page in [
        "/it's?a='b'",
        "/%22quoted%22",
        "/a//b?c",
        "/a;v=1/b",
        "/%3Cb%3E",
    ] {
        let mut browser = Browser::new();
        let (status, to_cas) = open_raw(&site, &mut browser, page).await;
        assert_eq!(status, 302, "{page}");
        let service = parameter(&to_cas, "service").unwrap();
        assert!(
            service.starts_with(&site.at("/home?cas_login=")),
            "{service}"
        );
        let back = browser.open(&callback(&site, &service)).await;
        assert_eq!(back.location(), page);
    }
}

#[tokio::test]
async fn a_query_that_is_too_long_is_left_out_and_a_path_leads_to_the_landing_page() {
    let site = whole(|config| config).await;
    for (page, back) in [
        (format!("/page?{}", "x".repeat(2042)), None),
        (format!("/page?{}", "x".repeat(2043)), Some("/page")),
        (format!("/{}?a", "x".repeat(2048)), Some("/home")),
    ] {
        let mut browser = Browser::new();
        let answer = sign_in(&site, &mut browser, &page).await;
        assert_eq!(answer.location(), back.unwrap_or(&page));
    }
}

#[tokio::test]
async fn a_bare_service_url_is_the_page_without_its_query_and_brings_the_query_back() {
    let site = whole(|config| {
        config.sign_in(|sign_in| sign_in.bare_service_url(true).allow_login_csrf(true))
    })
    .await;
    let mut browser = Browser::new();
    // Two tabs at once, and the first comes back last.
    let first = begin(&site, &mut browser, "/page/1?a=%2f&ticket=abc").await;
    let second = begin(&site, &mut browser, "/page/2?&&").await;
    assert_eq!(first, site.at("/page/1"));
    assert_eq!(second, site.at("/page/2"));
    let back = browser.open(&callback(&site, &second)).await;
    assert_eq!(back.location(), "/page/2?&&");
    let back = browser.open(&callback(&site, &first)).await;
    assert_eq!(back.location(), "/page/1?a=%2f&ticket=abc");
    assert_eq!(site.cas.validations(), 2);
}
