//! A cookie that the process has verified before is good for nothing more than one that it has not.

use std::time::Duration;

use cas_layer::{
    CasConfigBuilder, SessionPlace,
    testing::{CasServer, ManualClock, User},
};
use cookie::Cookie;
use reqwest::Method;
use serde_json::json;

use crate::{
    browser::Browser,
    registry::Moody,
    single_logout::{self, FORM, form, message, post},
    support::App,
};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// The forms that a session can have.
const FORMS: [fn(CasConfigBuilder) -> CasConfigBuilder; 3] = [
    |config| config,
    |config| config.session(|session| session.encrypted(true)),
    |config| config.session(|session| session.place(SessionPlace::Registry)),
];

/// Shows the session so often that the process knows its cookie.
async fn show(app: &App, browser: &mut Browser) {
    for _ in 0..4 {
        assert_eq!(app.whoami(browser).await, "alice");
        assert_eq!(browser.open(&app.at("/profile")).await.status, 200);
    }
}

async fn is_nobody(app: &App, browser: &mut Browser) {
    assert!(app.whoami(browser).await.is_null());
    assert_ne!(browser.open(&app.at("/profile")).await.status, 200);
}

#[tokio::test]
async fn a_session_that_was_signed_out_is_over_for_every_copy_of_its_cookie() {
    for configure in FORMS {
        let app = App::with(configure).await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        show(&app, &mut browser).await;
        let copy = browser.cookie("-session").unwrap().clone();
        browser.open(&app.at("/logout")).await;
        for _ in 0..3 {
            let mut thief = Browser::new();
            thief.keep(copy.clone());
            is_nobody(&app, &mut thief).await;
        }
    }
}

#[tokio::test]
async fn a_single_logout_ends_it() {
    let app = App::start().await;
    let (mut browser, service, ticket) = single_logout::alice(&app).await;
    show(&app, &mut browser).await;
    let answer = post(&service, FORM, form(&message(&[&ticket]))).await;
    assert_eq!(answer.status, 200);
    is_nobody(&app, &mut browser).await;
}

#[tokio::test]
async fn an_end_of_all_sessions_ends_it() {
    let app = App::start().await;
    let (mut browser, mut elsewhere) = (Browser::new(), Browser::new());
    for browser in [&mut browser, &mut elsewhere] {
        app.sign_in(browser, "/profile").await;
        show(&app, browser).await;
    }
    let everywhere = browser.request(Method::POST, &app.at("/everywhere"));
    assert_eq!(browser.send(everywhere).await.status, 200);
    is_nobody(&app, &mut elsewhere).await;
    is_nobody(&app, &mut browser).await;
}

#[tokio::test]
async fn it_expires_and_is_idle_as_always() {
    for configure in FORMS {
        for (idle, over_after) in [(true, 10 * MINUTE), (false, 20 * MINUTE)] {
            let clock = ManualClock::new();
            let app = App::with(|config| {
                let idle = idle.then_some(10 * MINUTE);
                configure(config.clock(clock.clone()))
                    .session(|session| session.lifetime(20 * MINUTE).idle_timeout(idle))
            })
            .await;
            let mut browser = Browser::new();
            app.sign_in(&mut browser, "/profile").await;
            show(&app, &mut browser).await;
            let copy = browser.cookie("-session").unwrap().clone();
            clock.advance(over_after.checked_sub(SECOND).unwrap());
            // A session that is in use long after its cookie was issued gets another cookie, and is not idle.
            if !idle {
                assert_eq!(app.whoami(&mut browser).await, "alice");
            }
            clock.advance(SECOND);
            let mut late = Browser::new();
            late.keep(copy);
            is_nobody(&app, &mut late).await;
        }
    }
}

#[tokio::test]
async fn it_is_from_the_future_once_the_clock_is_set_back() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    show(&app, &mut browser).await;
    clock.rewind(6 * MINUTE);
    assert!(app.whoami(&mut browser).await.is_null());
}

#[tokio::test]
async fn it_does_not_count_while_nobody_knows_which_sessions_have_ended() {
    let registry = Moody::default();
    let app = App::with(|config| config.registry(registry.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    show(&app, &mut browser).await;
    registry.set_behind(true);
    assert_eq!(browser.open(&app.at("/profile")).await.status, 503);
    registry.set_behind(false);
    show(&app, &mut browser).await;
}

/// Another cookie is another cookie, however alike it looks.
#[tokio::test]
async fn one_changed_letter_is_enough() {
    for configure in FORMS {
        let app = App::with(configure).await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        show(&app, &mut browser).await;
        let cookie = browser.cookie("-session").unwrap().clone();
        let value = cookie.value().to_owned();
        for at in 0..value.len() {
            let mut forged = value.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            let mut other = Browser::new();
            other.keep(Cookie::new(cookie.name().to_owned(), forged));
            assert!(app.whoami(&mut other).await.is_null(), "{at} of {value}");
        }
        for cut in [1, 22, 43, value.len() - 32] {
            for part in [&value[cut..], &value[..value.len() - cut]] {
                let mut other = Browser::new();
                other.keep(Cookie::new(cookie.name().to_owned(), part.to_owned()));
                assert!(app.whoami(&mut other).await.is_null(), "{part} of {value}");
            }
        }
    }
}

#[tokio::test]
async fn the_user_has_the_same_attributes_every_time() {
    for configure in FORMS {
        for groups in [2_usize, 400] {
            let names: Vec<String> = (0..groups).map(|n| format!("group-{n}")).collect();
            let user = User::new("alice", "rabbit-hole").attribute("memberOf", names.clone());
            let app = App::against(CasServer::builder().user(user), configure).await;
            let mut browser = Browser::new();
            app.sign_in(&mut browser, "/profile").await;
            for _ in 0..4 {
                let page = browser.open(&app.at("/profile")).await;
                let page: serde_json::Value = serde_json::from_str(&page.body).unwrap();
                assert_eq!(page["attributes"]["memberOf"], json!(names));
            }
        }
    }
}

#[tokio::test]
async fn the_next_user_of_the_browser_is_not_the_last() {
    let bob = User::new("bob", "builder");
    let alice = User::new("alice", "rabbit-hole");
    let app = App::against(CasServer::builder().user(alice).user(bob), |config| config).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    show(&app, &mut browser).await;
    let old = browser.cookie("-session").unwrap().clone();
    browser.open(&app.at("/logout")).await;
    let service = app.begin(&mut browser, "/profile").await;
    let ticket = app.cas.issue_ticket("bob", &service);
    browser.open(&format!("{service}&ticket={ticket}")).await;
    for _ in 0..4 {
        assert_eq!(app.whoami(&mut browser).await, "bob");
    }
    browser.keep(old);
    assert!(app.whoami(&mut browser).await.is_null());
}
