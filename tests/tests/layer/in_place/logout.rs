//! Signing out in place, by the user and by the CAS server.

use cas_layer::{CasConfigBuilder, CasLayer, CasUser, testing::Quirk};
use http::Extensions;
use reqwest::Method;

use super::{begin, callback, routes, sign_in, whole};
use crate::{
    browser::{Browser, parameter},
    registry::Moody,
    single_logout::{FORM, deflated, form, message, post, query},
    site::Site,
};

/// Alice, signed in at a page, with the service URL and the ticket of her session.
async fn alice(site: &Site, page: &str) -> (Browser, String, String) {
    let mut browser = Browser::new();
    let service = begin(site, &mut browser, page).await;
    let callback = callback(site, &service);
    let ticket = parameter(&callback, "ticket").unwrap();
    assert_eq!(browser.open(&callback).await.status, 302);
    (browser, service, ticket)
}

async fn is_signed_in(site: &Site, browser: &mut Browser) -> bool {
    let seen = browser.open(&site.at("/public/whoami")).await;
    seen.body.starts_with("alice at ")
}

#[tokio::test]
async fn a_sign_out_by_the_apps_own_handler_ends_the_session_here_and_at_the_cas_server() {
    let site = whole(|c| c.sign_out(|sign_out| sign_out.after_logout_path("/public/bye"))).await;
    let mut browser = Browser::new();
    sign_in(&site, &mut browser, "/page").await;
    let mut copy = browser.clone();
    let request = browser.request(Method::POST, &site.at("/sign-out"));
    let out = browser.send(request).await;
    assert_eq!((out.status.as_u16(), out.body.as_str()), (303, ""));
    let logout = format!("{}/logout?service=", site.cas.url());
    assert!(out.location().starts_with(&logout), "{}", out.location());
    let back = out.location_parameter("service").unwrap();
    assert_eq!(back, site.at("/public/bye"));
    assert_eq!(out.header("cache-control"), "no-store");
    assert!(!browser.has_session());
    assert!(!is_signed_in(&site, &mut copy).await);
}

#[tokio::test]
async fn a_sign_out_leads_to_where_the_mode_and_the_configuration_say() {
    let in_place = whole(|config| config).await;
    let local =
        whole(|config: CasConfigBuilder| config.sign_out(|sign_out| sign_out.locally(true))).await;
    let endpoint = Site::axum("", |config| {
        routes().layer(CasLayer::new(config.build().unwrap()))
    })
    .await;
    for (site, to_cas, end) in [
        (&in_place, true, "/home"),
        (&local, false, "/home"),
        (&endpoint, true, "/logout_callback"),
    ] {
        let mut browser = Browser::new();
        let to = browser.open(&site.at("/page")).await;
        let service = to.location_parameter("service").unwrap();
        browser.open(&callback(site, &service)).await;
        let request = browser.request(Method::POST, &site.at("/sign-out"));
        let out = browser.send(request).await;
        let onward = if to_cas {
            assert!(out.location().starts_with(site.cas.url()));
            out.location_parameter("service").unwrap()
        } else {
            site.at(out.location())
        };
        assert_eq!(onward, site.at(end));
        assert!(!browser.has_session());
    }
}

#[tokio::test]
async fn a_logout_request_of_the_cas_server_ends_the_session_however_it_is_sent() {
    for quirk in [
        Quirk::LogoutPretty,
        Quirk::LogoutWithoutQuery,
        Quirk::LogoutFormCharset,
        Quirk::LogoutTwice,
        Quirk::LogoutManyIndexes,
    ] {
        let site = whole(|config| config).await;
        site.cas.set_quirks([quirk]);
        for page in ["/page?a=b", "/it's"] {
            let (mut browser, ..) = alice(&site, page).await;
            assert!(is_signed_in(&site, &mut browser).await);
            let report = site.cas.log_out("alice").await;
            assert!(
                report.sent > 0 && report.accepted == report.sent,
                "{quirk:?}"
            );
            assert!(!is_signed_in(&site, &mut browser).await, "{quirk:?} {page}");
        }
    }
}

#[tokio::test]
async fn tickets_that_come_back_to_a_public_landing_path_are_signed_out_there() {
    let site = whole(|c| c.public("/home")).await;
    let (mut browser, service, _) = alice(&site, "/it's").await;
    assert!(service.starts_with(&site.at("/home?")), "{service}");
    assert_eq!(site.cas.log_out("alice").await.accepted, 1);
    assert!(!is_signed_in(&site, &mut browser).await);
}

#[tokio::test]
async fn what_begins_as_a_logout_request_and_is_none_is_refused() {
    let site = whole(|config| config).await;
    let (mut browser, service, ticket) = alice(&site, "/page").await;
    let good = form(&message(&[&ticket]));
    for (body, status) in [
        ("logoutRequest=".to_owned(), 400),
        ("logoutRequest=a&b=c".to_owned(), 400),
        (format!("{good}&ticket=ST-1"), 400),
        (format!("{good}&{good}"), 400),
    ] {
        assert_eq!(
            post(&service, FORM, body.clone()).await.status,
            status,
            "{body}"
        );
    }
    assert!(is_signed_in(&site, &mut browser).await);
    assert_eq!(post(&service, FORM, good).await.status, 200);
    assert!(!is_signed_in(&site, &mut browser).await);
}

#[tokio::test]
async fn a_logout_request_from_elsewhere_than_listed_is_refused() {
    let nobody = |_: &Extensions| Some([203, 0, 113, 9].into());
    let site = whole(|c| {
        c.peer_address(nobody)
            .sign_out(|sign_out| sign_out.logout_sources(["192.0.2.0/24"]))
    })
    .await;
    let (mut browser, service, ticket) = alice(&site, "/page").await;
    let body = form(&message(&[&ticket]));
    assert_eq!(post(&service, FORM, body).await.status, 403);
    assert!(is_signed_in(&site, &mut browser).await);
    // Any other form is not one of those.
    let request = browser.request(Method::POST, &site.at("/echo"));
    let own = browser.send(request.header("content-type", FORM).body("a=b"));
    assert_eq!(own.await.body, "a=b");
}

#[tokio::test]
async fn a_logout_request_through_the_browser_is_taken_where_it_can_be_read_as_one() {
    let site = whole(|config| config).await;
    let (mut browser, service, ticket) = alice(&site, "/page").await;
    let good = query(&[("logoutRequest", &message(&[&ticket]))]);
    for own in [
        "logoutRequest=42",
        "SAMLRequest=PHg%2BPC94Pg%3D%3D",
        "logoutRequest",
    ] {
        let seen = browser.open(&site.at(&format!("/page?{own}"))).await;
        assert_eq!(seen.body, format!("alice at /page?{own}"));
    }
    let public = browser.open(&site.at(&format!("/public/a?{good}"))).await;
    assert!(public.body.starts_with("alice at "), "{}", public.body);
    let head = browser.request(Method::HEAD, &site.at(&format!("/page?{good}")));
    browser.send(head).await;
    assert!(is_signed_in(&site, &mut browser).await);
    let answer = browser.open(&format!("{service}&{good}")).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert!(!browser.has_session());
}

/// The address of a page with a logout request that a SAML service of the app's own takes for one as well.
fn saml(sessions: &[&str]) -> String {
    let request = deflated(&message(sessions));
    let query = query(&[("SAMLRequest", &request), ("RelayState", "e1s1")]);
    format!("/saml/slo?{query}")
}

#[tokio::test]
async fn a_logout_request_of_the_apps_own_reaches_the_app() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    let own = saml(&["_a1", "_b2"]);
    // As any page, by way of a sign-in.
    let back = sign_in(&site, &mut browser, &own).await;
    assert_eq!(back.location(), own);
    let seen = browser.open(&site.at(&own)).await;
    assert_eq!(seen.body, format!("alice at {own}"));
    assert_eq!(seen.header("set-cookie"), "");
    assert!(is_signed_in(&site, &mut browser).await);
    // A second time, in the address of a sign-in.
    let service = begin(&site, &mut Browser::new(), "/page").await;
    let url = format!("{service}&{}", own.split_once('?').unwrap().1);
    assert_eq!(browser.open(&url).await.location(), "/page");
}

#[tokio::test]
async fn a_logout_request_about_a_session_of_ours_does_not_reach_the_app() {
    let site = whole(|config| config).await;
    let (mut browser, _, ticket) = alice(&site, "/page").await;
    let (mut other, ..) = alice(&site, "/page").await;
    let relay = format!("{}/logout?_eventId=next&RelayState=e1s1", site.cas.url());
    // Whoever brings it; and when the session has ended already.
    for mut bringer in [Browser::new(), other.clone(), Browser::new()] {
        let url = site.at(&saml(&["_a1", &ticket]));
        assert_eq!(bringer.open(&url).await.location(), relay);
        assert!(!is_signed_in(&site, &mut browser).await);
    }
    assert!(is_signed_in(&site, &mut other).await);
}

#[tokio::test]
async fn a_logout_request_of_which_nobody_can_tell_whose_it_is_is_sent_nowhere() {
    let registry = Moody::default();
    let site = whole(|c| c.registry(registry.clone())).await;
    let (mut browser, _, ticket) = alice(&site, "/page").await;
    registry.set_broken(Some("end_if_opened"));
    let foreign = browser.open(&site.at(&saml(&["_a1"]))).await;
    assert_eq!(foreign.status, 503);
    assert!(!foreign.header("retry-after").is_empty());
    assert!(browser.has_session());
    // The browser's own is known without asking, and the other apps are not to wait.
    let own = browser.open(&site.at(&saml(&[&ticket]))).await;
    assert!(own.location().starts_with(site.cas.url()));
    assert!(!browser.has_session());
}

/// What a handler sees of the user does not depend on the mode.
#[tokio::test]
async fn a_session_of_one_mode_is_one_of_the_other() {
    let site = Site::axum("", |config| {
        let config = config.build().unwrap();
        let in_place = cas_layer::CasInPlaceLayer::new(config.clone());
        let who = axum::routing::get(async |user: CasUser| user.name().to_owned());
        axum::Router::new()
            .route("/one", who.clone().layer(in_place))
            .merge(
                axum::Router::new()
                    .route("/other", who)
                    .layer(CasLayer::new(config)),
            )
    })
    .await;
    let mut browser = Browser::new();
    assert_eq!(
        sign_in(&site, &mut browser, "/one").await.location(),
        "/one"
    );
    assert_eq!(browser.open(&site.at("/other")).await.body, "alice");
}
