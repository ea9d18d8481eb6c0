//! The session cookie as it lies in browsers, those of older releases too.

use std::time::{Duration, UNIX_EPOCH};

use axum::{Router, body::Body, extract::Request, routing::get};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use cas_layer::{CasConfigBuilder, CasLayer, CasUser, testing::ManualClock};
use http::StatusCode;
use tower::ServiceExt as _;

use crate::{browser::Browser, site, support::App};

// Golden vectors: computed apart from this code, with Python's `hmac` and libsodium. Alice signed in in
// 2001, and her session lasts until 2096.
const VERSION_1: &str = "AQVhbGljZQcHBwcHBwcHBwcHBwcHBweAlOvcA4DQrPMOAfaT69wDAQEAEwEIbWVtYmVyT2YBB3JhYmJpdHM5y14kha\
    AXXKYiPRny2t0sRTAejEKUGteP05-M4LvQnQ";
const VERSION_2: &str = "AgVhbGljZQcHBwcHBwcHBwcHBwcHBweAlOvcA4DQrPMOAfaT69wDAQEABYCU69wDAAATAQhtZW1iZXJPZgEHcmFiYm\
    l0c-KV4pgSvMca4FeORSOMzSaoDOzVMD4bu5mmZy4ilHGB";
const REMEMBERED: &str = "AgVhbGljZQcHBwcHBwcHBwcHBwcHBweAlOvcA4DQrPMOAfaT69wDAQEABYCU69wDAQATAQhtZW1iZXJPZgEHcmFiYm\
    l0c2l_0YNLKPNSL14LqZYG0GDDcEgifDO3uHnWDJhlIU5e";
const VERSION_2_ENCRYPTED: &str = "e1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXTbK92KhpgYQrWfeMy8YIqRh-D_k8-iB5GJVp8qZ-f3EbDagp3F7mNre\
    uwQAplKcR_WnhQ-Yg_e82OUl8EHJvoYwrlzeJGIiuExushez0TUKGz2PSvy4";
const REMEMBERED_ENCRYPTED: &str = "e1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXTbK92KhpgYQrWfeMy8YIqRh-D_k8-iB5GJVp8qZ-f3EbDagp3F7mNre\
    uwQAplKcR_GnhQ-Yg_e82OUl8EHJvoYwrlzeJGNkaLpbPe5WQtAbCpa_yVJo";

/// When Alice signed in, in seconds since the epoch.
const SIGNED_IN: u64 = 1_000_000_000;

/// What the app answers to a browser that brings this cookie so many seconds after sign-in.
async fn answer(
    cookie: &str,
    later: u64,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> (StatusCode, String) {
    let config = site::config("https://cas.example.org/cas", "https://app.example.org");
    let clock = ManualClock::new();
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    clock.rewind(Duration::from_secs(now - SIGNED_IN - later));
    let config = config
        .session(|session| {
            session
                .cookie_name("app")
                .remember_me_lifetime(Duration::from_secs(86_400))
        })
        .clock(clock);
    let config = configure(config).build().unwrap();
    assert_eq!(config.cookie_name(), "__Host-app-session");
    let user = async |user: CasUser| {
        let group = user.attributes().first("memberOf").unwrap_or_default();
        format!("{} {group} {}", user.name(), user.session_id())
    };
    let app = Router::new()
        .route("/", get(user))
        .layer(CasLayer::new(config));
    let request = Request::get("/")
        .header("accept", "text/html")
        .header("cookie", format!("__Host-app-session={cookie}"));
    let answer = app
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 16)
        .await
        .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn cookies_of_every_version_in_every_form_open_whatever_is_written_now() {
    for cookie in [
        VERSION_1,
        VERSION_2,
        REMEMBERED,
        VERSION_2_ENCRYPTED,
        REMEMBERED_ENCRYPTED,
    ] {
        for configure in [
            |config: CasConfigBuilder| config.session(|session| session.idle_timeout(None)),
            |config: CasConfigBuilder| {
                config.session(|session| session.idle_timeout(None).encrypted(true))
            },
        ] {
            let (status, body) = answer(cookie, 5 * 3600, configure).await;
            assert_eq!(status, 200, "{cookie}");
            assert_eq!(body, "alice rabbits 07070707070707070707070707070707");
        }
    }
}

#[tokio::test]
async fn what_is_idle_is_in_the_cookie_and_version_1_was_issued_at_sign_in() {
    for (cookie, expected) in [
        (VERSION_1, 302),
        (VERSION_2, 302),
        (VERSION_2_ENCRYPTED, 302),
        (REMEMBERED, 200),
        (REMEMBERED_ENCRYPTED, 200),
    ] {
        assert_eq!(
            answer(cookie, 3 * 3600, |config| config).await.0,
            expected,
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn the_browsers_owner_can_read_a_signed_cookie_and_not_an_encrypted_one() {
    let encrypt: fn(CasConfigBuilder) -> CasConfigBuilder =
        |config: CasConfigBuilder| config.session(|session| session.encrypted(true));
    for (configure, readable) in [(encrypt, false), (|config| config, true)] {
        let app = App::with(configure).await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        assert_eq!(app.whoami(&mut browser).await, "alice");
        let value = browser.cookie("-session").unwrap().value().to_owned();
        let text = value.strip_prefix("e1.");
        assert_eq!(text.is_none(), readable, "{value}");
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(text.unwrap_or(&value))
            .unwrap();
        for said in ["alice", "wonderland", "memberOf"] {
            let shown = bytes
                .windows(said.len())
                .any(|part| part == said.as_bytes());
            assert_eq!(shown, readable, "{said}");
        }
    }
}
