//! Signing in and out, when all goes well.

use cas_layer::{Protocol, testing::ManualClock};
use reqwest::Method;
use std::time::Duration;

use crate::{
    browser::Browser,
    support::{App, key},
};

#[tokio::test]
async fn a_visitor_signs_in_and_comes_back_to_the_page_they_asked_for() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile?tab=2&q=a%20b%26c").await;
    assert!(service.starts_with(&app.at("/login?")), "{service}");

    let back = browser.open(&app.callback(&service)).await;
    assert_eq!(back.status, 302);
    assert_eq!(back.location(), "/profile?tab=2&q=a%20b%26c");
    assert!(!back.location().contains("ticket"));

    let profile = browser.open(&app.at(back.location())).await;
    assert_eq!(profile.status, 200);
    let profile: serde_json::Value = serde_json::from_str(&profile.body).unwrap();
    assert_eq!(profile["user"], "alice");
    assert_eq!(
        profile["attributes"]["memberOf"],
        serde_json::json!(["rabbits", "cats & hatters", "猫"])
    );
    assert_eq!(app.cas.validations(), 1);
}

#[tokio::test]
async fn every_protocol_version_signs_in() {
    for protocol in [
        Protocol::Cas1,
        Protocol::Cas2,
        Protocol::Cas3,
        Protocol::Saml1,
    ] {
        let app = App::with(|config| config.client(|client| client.protocol(protocol))).await;
        let mut browser = Browser::new();
        assert_eq!(
            app.sign_in(&mut browser, "/profile").await.location(),
            "/profile",
            "{protocol}"
        );
        assert_eq!(app.whoami(&mut browser).await, "alice", "{protocol}");
    }
}

#[tokio::test]
async fn the_session_cookie_holds_no_ticket_and_is_kept_from_scripts() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    let ticket = callback.split("ticket=").nth(1).unwrap();
    let back = browser.open(&callback).await;
    let session = back
        .set_cookies()
        .into_iter()
        .find(|c| c.name().ends_with("-session"))
        .unwrap();
    assert_eq!(session.http_only(), Some(true));
    assert_eq!(session.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!(session.path(), Some("/"));
    // On plain http a browser would refuse both.
    assert_ne!(session.secure(), Some(true));
    assert!(!session.name().starts_with("__Host-"));
    let headers = format!("{:?}", back.headers);
    assert!(!headers.contains(ticket), "{headers}");
}

#[tokio::test]
async fn login_leads_to_next_or_to_the_landing_path() {
    let app = App::start().await;
    for (login, leads_to) in [
        ("/login", "/home"),
        ("/login?next=/profile", "/profile"),
        ("/login?next=%2Fprofile%3Fa%3Db", "/profile?a=b"),
    ] {
        let mut browser = Browser::new();
        assert_eq!(app.sign_in(&mut browser, login).await.location(), leads_to);
        let again = browser.open(&app.at(login)).await;
        assert_eq!(again.location(), leads_to, "signed in already");
    }
    assert_eq!(app.cas.validations(), 3);
}

#[tokio::test]
async fn signing_out_ends_the_session_here_at_once_and_then_at_the_cas_server() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let copy = browser.clone();

    let out = browser.open(&app.at("/logout")).await;
    assert_eq!(out.status, 302);
    assert_eq!(
        out.location_parameter("service").unwrap(),
        app.at("/logout_callback")
    );
    assert!(
        out.location()
            .starts_with(&format!("{}/logout?", app.cas.url()))
    );
    assert!(!browser.has_session());
    assert!(app.whoami(&mut browser).await.is_null());
    // A stolen copy of the cookie is as dead.
    let mut copy = copy;
    assert!(copy.has_session());
    assert!(app.whoami(&mut copy).await.is_null());
    assert!(
        copy.open(&app.at("/profile"))
            .await
            .location()
            .starts_with(app.cas.url())
    );

    let page = browser.open(&app.at("/logout_callback")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("Signed out") && page.body.contains("href=\"/login\""),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_form_can_sign_out_by_post() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let post = browser
        .request(Method::POST, &app.at("/logout"))
        .body("a=b");
    let out = browser.send(post).await;
    assert_eq!(out.status, 303);
    assert!(app.whoami(&mut browser).await.is_null());
}

#[tokio::test]
async fn signing_out_without_a_session_still_goes_to_the_cas_server() {
    let app = App::start().await;
    let out = Browser::new().open(&app.at("/logout")).await;
    assert!(out.location().starts_with(app.cas.url()));
}

#[tokio::test]
async fn the_logout_callback_leaves_a_session_alone_and_may_lead_elsewhere() {
    let app =
        App::with(|config| config.sign_out(|sign_out| sign_out.after_logout_path("/public/bye")))
            .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let callback = browser.open(&app.at("/logout_callback")).await;
    assert_eq!(callback.location(), "/public/bye");
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn a_sign_in_over_a_live_session_ends_the_old_one() {
    let app = App::start().await;
    let mut browser = Browser::new();
    // Two tabs begin, both finish.
    let first = app.begin(&mut browser, "/profile").await;
    let second = app.begin(&mut browser, "/home").await;
    browser.open(&app.callback(&first)).await;
    let mut copy = browser.clone();
    assert_eq!(app.whoami(&mut copy).await, "alice");
    assert_eq!(browser.open(&app.callback(&second)).await.status, 302);
    assert_eq!(app.whoami(&mut browser).await, "alice");
    assert!(app.whoami(&mut copy).await.is_null());
}

#[tokio::test]
async fn a_session_ends_after_its_lifetime_and_its_cookie_is_cleared() {
    let clock = ManualClock::new();
    let manual = clock.clone();
    let app = App::with(|c| {
        c.clock(manual)
            .session(|session| session.lifetime(Duration::from_secs(600)))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    clock.advance(Duration::from_secs(599));
    assert_eq!(app.whoami(&mut browser).await, "alice");
    clock.advance(Duration::from_secs(1));
    assert!(app.whoami(&mut browser).await.is_null());
    assert!(
        browser.has_session(),
        "the app's own responses are left alone"
    );
    browser.open(&app.at("/profile")).await;
    assert!(!browser.has_session());
}

#[tokio::test]
async fn a_node_whose_clock_is_slow_accepts_a_session_five_minutes_ahead_and_no_more() {
    let clock = ManualClock::new();
    let manual = clock.clone();
    let app = App::with(|config| config.clock(manual)).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    clock.rewind(Duration::from_secs(300));
    assert_eq!(app.whoami(&mut browser).await, "alice");
    clock.rewind(Duration::from_secs(1));
    assert!(app.whoami(&mut browser).await.is_null());
    browser.open(&app.at("/profile")).await;
    assert!(browser.has_session(), "left alone");
}

#[tokio::test]
async fn a_key_change_signs_nobody_out() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let session = browser.cookie("-session").unwrap().value().to_owned();

    // The next node has a new first key and keeps the old one; it is the same app to the browser.
    let (cas, url) = (app.cas.url().to_owned(), app.url.clone());
    let rolled = node(&cas, &url, &[key(2), key(1)]);
    assert_eq!(who(rolled, &session).await, "alice");
    // A node that does not know the key sees a visitor and leaves the cookie alone.
    let other = node(&cas, &url, &[key(2)]);
    assert_eq!(who(other, &session).await, "nobody, cookie untouched");
}

fn node(cas: &str, url: &str, keys: &[cas_layer::Key]) -> axum::Router {
    let mut config = cas_layer::CasConfig::builder(cas, url).public("/");
    for key in keys {
        config = config.key(key.clone());
    }
    axum::Router::new()
        .route(
            "/",
            axum::routing::get(async |user: Option<cas_layer::CasUser>| {
                user.map_or_else(|| "nobody".to_owned(), |user| user.name().to_owned())
            }),
        )
        .layer(cas_layer::CasLayer::new(config.build().unwrap()))
}

async fn who(node: axum::Router, session: &str) -> String {
    use tower::ServiceExt as _;
    let name = {
        // The name depends on app and CAS server alone, which are the same for all nodes.
        let probe = node.clone().oneshot(request("/login", None)).await.unwrap();
        let set = probe.headers()["set-cookie"].to_str().unwrap().to_owned();
        set.split('=').next().unwrap().replace("-login", "-session")
    };
    let cookie = format!("{name}={session}");
    let answer = node
        .clone()
        .oneshot(request("/", Some(&cookie)))
        .await
        .unwrap();
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 16)
        .await
        .unwrap();
    let mut who = String::from_utf8(bytes.to_vec()).unwrap();
    let demand = node
        .oneshot(request("/profile", Some(&cookie)))
        .await
        .unwrap();
    let touched = demand
        .headers()
        .get_all("set-cookie")
        .iter()
        .any(|set| set.to_str().unwrap().starts_with(&name));
    if who == "nobody" {
        who += if touched {
            ", cookie touched"
        } else {
            ", cookie untouched"
        };
    }
    who
}

fn request(path: &str, cookie: Option<&str>) -> axum::extract::Request {
    let mut request = http::Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    request.body(axum::body::Body::empty()).unwrap()
}
