//! When the session cookie is issued anew, and when never.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, body::Body, routing::get};
use cas_layer::{CasConfigBuilder, CasLayer, CasUser, testing::ManualClock};
use http::{Response, header};
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    browser::{Answer, Browser},
    site::Site,
};

const SECOND: Duration = Duration::from_secs(1);
/// The tenth of the default idle time.
const STEP: Duration = Duration::from_secs(720);

/// A response that says `control` about caches.
fn page(control: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from("x"));
    if !control.is_empty() {
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, control.try_into().unwrap());
    }
    response
}

async fn session(user: CasUser) -> Json<serde_json::Value> {
    Json(json!({
        "name": user.name(),
        "attributes": user.attributes(),
        "id": user.session_id().to_string(),
        "signed_in": user.signed_in_at(),
        "expires": user.expires_at(),
        "authenticated": user.authentication_date(),
        "new_login": user.is_from_new_login(),
        "remembered": user.long_term_authentication_request_token_used(),
    }))
}

fn routes() -> Router {
    Router::new()
        .route("/", get(session))
        .route("/unset", get(async || page("")))
        .route("/private", get(async || page("private, max-age=60")))
        .route("/no-store", get(async || page("no-store")))
        .route("/no-cache", get(async || page("no-cache")))
        .route("/max-age", get(async || page("max-age=60")))
        .route("/shared", get(async || page("s-maxage=60")))
        .route("/for-all", get(async || page("max-age=60, Public")))
        .route("/public/unset", get(async || page("")))
        .route("/public/private", get(async || page("private")))
}

/// A site of these routes, a clock for it, and a browser of alice whose cookie is due.
async fn due(
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> (Site, ManualClock, Browser) {
    let clock = ManualClock::new();
    let site = Site::axum("", |config| {
        let config = configure(config.clock(clock.clone()));
        routes().layer(CasLayer::new(config.build().unwrap()))
    })
    .await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/").await;
    clock.advance(STEP);
    (site, clock, browser)
}

/// How often an answer sets the session cookie.
fn times_set(answer: &Answer) -> usize {
    let set = answer.set_cookies();
    set.iter()
        .filter(|cookie| cookie.name().ends_with("-session"))
        .count()
}

#[tokio::test]
async fn the_cookie_is_issued_anew_once_in_a_tenth_of_the_idle_time() {
    let (site, clock, mut browser) = due(|config| config).await;
    let mut renewals = Vec::new();
    for second in 0..=2 * STEP.as_secs() {
        // Every second matters where it changes, every hundredth elsewhere.
        if second % 720 < 2 || second % 720 > 717 || second % 100 == 0 {
            let answer = browser.open(&site.at("/")).await;
            assert_eq!(answer.status, 200);
            if times_set(&answer) == 1 {
                renewals.push(second);
            }
            let again = browser.open(&site.at("/")).await;
            assert_eq!(times_set(&again), 0, "{second}");
        }
        clock.advance(SECOND);
    }
    assert_eq!(renewals, [0, 720, 1_440]);
}

#[tokio::test]
async fn a_cookie_that_is_issued_anew_is_the_same_session() {
    let (site, clock, mut browser) = due(|config| config).await;
    let old = browser.clone();
    let before = browser.open(&site.at("/")).await;
    assert_eq!(times_set(&before), 1);
    let set = &before.set_cookies()[0];
    assert_eq!(set.http_only(), Some(true));
    assert_eq!(set.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!(set.path(), Some("/"));
    assert_eq!(set.max_age(), None);
    assert_ne!(set.value(), old.cookie("-session").unwrap().value());
    clock.advance(SECOND);
    let after = browser.open(&site.at("/")).await;
    assert_eq!(after.status, 200);
    assert_eq!(before.body, after.body);
    assert!(before.body.contains("rabbits"), "{}", before.body);

    browser.open(&site.at("/logout")).await;
    let mut old = old;
    assert_eq!(old.open(&site.at("/")).await.status, 302, "ended with it");
}

#[tokio::test]
async fn no_shared_cache_gets_a_session_cookie() {
    for (path, set, control) in [
        ("/unset", true, "private, no-store"),
        ("/private", true, "private, max-age=60"),
        ("/no-store", true, "no-store"),
        ("/no-cache", true, "no-cache, private"),
        ("/max-age", true, "max-age=60, private"),
        ("/shared", false, "s-maxage=60"),
        ("/for-all", false, "max-age=60, Public"),
        ("/public/unset", false, ""),
        ("/public/private", false, "private"),
    ] {
        let (site, _, mut browser) = due(|config| config).await;
        let answer = browser.open(&site.at(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(times_set(&answer), usize::from(set), "{path}");
        assert_eq!(answer.header("cache-control"), control, "{path}");
        let again = browser.open(&site.at(path)).await;
        if path == "/max-age" || path == "/no-cache" {
            let untouched = control.strip_suffix(", private").unwrap();
            assert_eq!(again.header("cache-control"), untouched, "not due: {path}");
        }
    }
}

#[tokio::test]
async fn where_cache_control_is_left_alone_the_app_has_to_forbid_sharing() {
    for (path, set, control) in [
        ("/unset", false, ""),
        ("/private", true, "private, max-age=60"),
        ("/no-store", true, "no-store"),
        ("/no-cache", false, "no-cache"),
        ("/max-age", false, "max-age=60"),
        ("/for-all", false, "max-age=60, Public"),
    ] {
        let (site, _, mut browser) = due(|config: CasConfigBuilder| {
            config.session(|session| session.leave_cache_control(true))
        })
        .await;
        let answer = browser.open(&site.at(path)).await;
        assert_eq!(times_set(&answer), usize::from(set), "{path}");
        assert_eq!(answer.header("cache-control"), control, "{path}");
    }
}

#[tokio::test]
async fn two_layers_of_one_app_issue_one_cookie() {
    let clock = ManualClock::new();
    let site = Site::axum("", |config| {
        let layer = CasLayer::new(config.clock(clock.clone()).build().unwrap());
        routes().layer(layer.clone()).layer(layer)
    })
    .await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/").await;
    clock.advance(STEP);
    assert_eq!(times_set(&browser.open(&site.at("/")).await), 1);
}

/// What happens to a session while the app works on a request that has brought it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meanwhile {
    Nothing,
    SignedOut,
    SignedInAnew,
    SecondsPass(u64),
}

#[tokio::test]
async fn a_session_that_ends_while_the_app_works_gets_no_new_cookie() {
    let long = 24 * 3_600;
    for (meanwhile, lifetime, expected) in [
        (Meanwhile::Nothing, long, 1),
        (Meanwhile::SignedOut, long, 0),
        (Meanwhile::SignedInAnew, long, 0),
        (Meanwhile::SecondsPass(7_200 - 720 - 1), long, 1),
        (Meanwhile::SecondsPass(7_200 - 720), long, 0),
        (Meanwhile::SecondsPass(5_000 - 720 - 1), 5_000, 1),
        (Meanwhile::SecondsPass(5_000 - 720), 5_000, 0),
    ] {
        let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let clock = ManualClock::new();
        let site = Site::axum("", |config| {
            let (arrived, go) = (Arc::clone(&arrived), Arc::clone(&go));
            let slow = async move || {
                arrived.notify_one();
                go.notified().await;
                "done"
            };
            let config = config
                .clock(clock.clone())
                .session(|session| session.lifetime(Duration::from_secs(lifetime)));
            routes()
                .route("/slow", get(slow))
                .layer(CasLayer::new(config.build().unwrap()))
        })
        .await;
        let mut browser = Browser::new();
        site.sign_in(&mut browser, "/").await;
        clock.advance(STEP);

        let mut tab = browser.clone();
        let url = site.at("/slow");
        let slow = tokio::spawn(async move { tab.open(&url).await });
        arrived.notified().await;
        match meanwhile {
            Meanwhile::Nothing => {}
            Meanwhile::SignedOut => {
                browser.open(&site.at("/logout")).await;
            }
            Meanwhile::SignedInAnew => {
                let mut tab = browser.clone();
                tab.cookies.clear();
                let begun = tab.open(&site.at("/")).await;
                let service = begun.location_parameter("service").unwrap();
                browser.keep(tab.cookie("-login").unwrap().clone());
                let ticket = site.cas.issue_ticket("alice", &service);
                let back = browser.open(&format!("{service}&ticket={ticket}")).await;
                assert_eq!(times_set(&back), 1);
            }
            Meanwhile::SecondsPass(seconds) => clock.advance(Duration::from_secs(seconds)),
        }
        go.notify_one();
        let answer = slow.await.unwrap();
        assert_eq!(answer.status, 200, "{meanwhile:?}");
        assert_eq!(times_set(&answer), expected, "{meanwhile:?} {lifetime}");
    }
}
