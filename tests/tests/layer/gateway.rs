//! Signing in without being asked.

use std::time::Duration;

use cas_layer::{
    Access, CasConfigBuilder, Paths, Veto,
    testing::{Fault, ManualClock, Quirk},
};
use reqwest::Method;

use crate::{browser::Browser, support::App};

fn gateway(config: CasConfigBuilder) -> CasConfigBuilder {
    config.rule(Paths::prefix("/gate"), Access::gateway())
}

async fn app(clock: &ManualClock) -> App {
    App::with(|c| gateway(c).clock(clock.clone())).await
}

/// Comes to the path for the first time; the browser now has our cookie.
async fn arrive(app: &App, browser: &mut Browser) {
    let first = browser.open(&app.at("/gate")).await;
    assert_eq!((first.status.as_u16(), first.body.as_str()), (200, "/gate"));
    assert_eq!(first.header("cache-control"), "private, no-store");
    assert!(browser.cookie("-login").is_some());
}

#[tokio::test]
async fn who_has_signed_in_at_the_cas_server_is_signed_in_without_a_form() {
    let app = app(&ManualClock::new()).await;
    let mut browser = Browser::new();
    arrive(&app, &mut browser).await;
    let trip = browser.open(&app.at("/gate?page=2")).await;
    assert!(trip.location().starts_with(app.cas.url()));
    assert_eq!(trip.location_parameter("gateway").as_deref(), Some("true"));
    assert_eq!(trip.location_parameter("renew"), None);
    let service = trip.location_parameter("service").unwrap();
    let back = browser.open(&app.callback(&service)).await;
    assert_eq!(back.location(), "/gate?page=2");
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn who_has_not_comes_back_as_a_visitor_and_is_left_alone_for_a_while() {
    let clock = ManualClock::new();
    let app = app(&clock).await;
    let mut browser = Browser::new();
    arrive(&app, &mut browser).await;
    let trip = browser.open(&app.at("/gate?page=2")).await;
    // The real CAS server, which has no session of this browser.
    let cas = Browser::new().open(trip.location()).await;
    let back = browser.open(cas.location()).await;
    assert_eq!(back.location(), "/gate?page=2");
    assert!(!browser.has_session());
    for _ in 0..3 {
        assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
    }
    clock.advance(Duration::from_secs(599));
    assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.open(&app.at("/gate")).await.status, 302);
}

#[tokio::test]
async fn the_app_says_for_how_long_a_visitor_is_left_alone() {
    let clock = ManualClock::new();
    let app = App::with(|config| {
        gateway(config)
            .clock(clock.clone())
            .sign_in(|sign_in| sign_in.gateway_interval(Duration::from_secs(60)))
    })
    .await;
    let mut browser = Browser::new();
    arrive(&app, &mut browser).await;
    let trip = browser.open(&app.at("/gate")).await;
    let cas = Browser::new().open(trip.location()).await;
    browser.open(cas.location()).await;
    clock.advance(Duration::from_secs(59));
    assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.open(&app.at("/gate")).await.status, 302);
}

#[tokio::test]
async fn a_browser_that_keeps_no_cookies_makes_no_trip() {
    let app = app(&ManualClock::new()).await;
    let mut browser = Browser::new();
    browser.refuses = vec!["cas-"];
    for _ in 0..5 {
        assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
    }
}

#[tokio::test]
async fn programs_scripts_and_forms_are_never_sent_away() {
    let app = app(&ManualClock::new()).await;
    let mut browser = Browser::new();
    arrive(&app, &mut browser).await;
    for (method, name, value) in [
        (Method::GET, "accept", "application/json"),
        (Method::GET, "sec-fetch-mode", "cors"),
        (Method::GET, "x-requested-with", "XMLHttpRequest"),
        (Method::GET, "sec-purpose", "prefetch"),
        (Method::POST, "accept", "text/html"),
    ] {
        let request = browser
            .request(method, &app.at("/gate"))
            .header(name, value);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 200, "{name}: {value}");
    }
    assert_eq!(browser.open(&app.at("/gate")).await.status, 302);
}

#[tokio::test]
async fn nobody_is_signed_in_again_right_after_a_sign_out() {
    let clock = ManualClock::new();
    let app = app(&clock).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    browser.open(&app.at("/logout")).await;
    assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
    clock.advance(Duration::from_secs(600));
    assert_eq!(browser.open(&app.at("/gate")).await.status, 302);
}

#[tokio::test]
async fn what_goes_wrong_on_the_trip_leaves_a_visitor_and_shows_no_page_of_ours() {
    let clock = ManualClock::new();
    let app = app(&clock).await;
    for fault in [Some(Fault::Status(500)), Some(Fault::Garbage), None] {
        let mut browser = Browser::new();
        arrive(&app, &mut browser).await;
        let trip = browser.open(&app.at("/gate")).await;
        let service = trip.location_parameter("service").unwrap();
        let unknown = fault.is_none();
        app.cas.set_fault(fault);
        let callback = if unknown {
            format!("{service}&ticket=ST-unknown")
        } else {
            app.callback(&service)
        };
        let back = browser.open(&callback).await;
        assert_eq!(back.location(), "/gate");
        assert!(!browser.has_session());
        app.cas.set_fault(None);
        assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
    }
}

#[tokio::test]
async fn a_ticket_of_a_trip_that_this_browser_did_not_make_is_not_validated() {
    let app = app(&ManualClock::new()).await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    arrive(&app, &mut attacker).await;
    let trip = attacker.open(&app.at("/gate")).await;
    let callback = app.callback(&trip.location_parameter("service").unwrap());
    arrive(&app, &mut victim).await;
    let answer = victim.open(&callback).await;
    assert_eq!(answer.location(), "/gate");
    assert!(!victim.has_session());
    assert_eq!(app.cas.validations(), 0);
}

#[tokio::test]
async fn a_made_up_way_back_leads_to_this_app_alone() {
    let app = app(&ManualClock::new()).await;
    let mut browser = Browser::new();
    for (query, location) in [
        ("g=1&next=/gate", "/gate"),
        ("g=1&next=//evil.example", "/home"),
        ("g=1", "/home"),
    ] {
        let answer = browser.open(&app.at(&format!("/login?{query}"))).await;
        assert_eq!(answer.location(), location, "{query}");
    }
}

#[tokio::test]
async fn a_page_that_caches_may_share_brings_no_cookie() {
    use axum::{Router, http::header, routing::get};
    use cas_layer::CasLayer;
    let site = crate::site::Site::axum("", |config| {
        let shared = async || ([(header::CACHE_CONTROL, "public, max-age=60")], "shared");
        Router::new()
            .route("/gate", get(shared))
            .layer(CasLayer::new(gateway(config).build().unwrap()))
    })
    .await;
    let answer = Browser::new().open(&site.at("/gate")).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    assert_eq!(answer.header("set-cookie"), "");
}

/// Another login without the callback might show a form, if the session at the CAS server ends meanwhile.
#[tokio::test]
async fn a_visitor_whose_ticket_is_lost_to_the_proxy_callback_comes_back_as_a_visitor() {
    let app = App::with(|config| {
        // Nobody listens there.
        let nowhere = "http://127.0.0.1:9/cas/proxy";
        gateway(config)
            .session(|session| session.encrypted(true))
            .proxy(|proxy| proxy.callback_path("/cas/proxy").callback_url(nowhere))
    })
    .await;
    app.cas.set_quirks([Quirk::CallbackFailureRefuses]);
    let mut browser = Browser::new();
    browser.open(&app.at("/gate")).await;
    let trip = browser.open(&app.at("/gate")).await;
    let lost = browser
        .open(&app.callback(&trip.location_parameter("service").unwrap()))
        .await;
    assert_eq!(lost.location(), "/gate");
    assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
}

#[tokio::test]
async fn who_is_not_admitted_comes_back_as_a_visitor() {
    let app = App::with(|config| {
        gateway(config).session(|session| {
            session.admit(|_| async { Err(Veto::new("You are blocked.").into()) })
        })
    })
    .await;
    let mut browser = Browser::new();
    browser.open(&app.at("/gate")).await;
    let trip = browser.open(&app.at("/gate")).await;
    let service = trip.location_parameter("service").unwrap();
    let back = browser.open(&app.callback(&service)).await;
    assert_eq!(back.location(), "/gate");
    assert!(!browser.has_session());
    assert_eq!(browser.open(&app.at("/gate")).await.status, 200);
}
