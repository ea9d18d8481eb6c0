//! How long a session lasts, in use and out of use.

use std::time::Duration;

use cas_layer::{
    MemoryRegistry,
    registry::Registry as _,
    testing::{CasServer, ManualClock, User},
};
use reqwest::Method;

use crate::{browser::Browser, support::App};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

fn a_second_less_than(time: Duration) -> Duration {
    time.checked_sub(SECOND).unwrap()
}

/// Whether a page that requires a user is shown.
async fn sees_the_profile(app: &App, browser: &mut Browser) -> bool {
    let answer = browser.open(&app.at("/profile")).await;
    answer.status == 200
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_after_two_hours_and_its_cookie_is_cleared() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    clock.advance(a_second_less_than(2 * HOUR));
    assert_eq!(app.whoami(&mut browser).await, "alice");
    clock.advance(SECOND);
    assert!(app.whoami(&mut browser).await.is_null());
    assert!(
        browser.has_session(),
        "the app's own responses are left alone"
    );
    assert!(!sees_the_profile(&app, &mut browser).await);
    assert!(!browser.has_session());
}

#[tokio::test]
async fn a_session_in_use_lasts_until_its_lifetime_is_over() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    for minutes in (10..8 * 60).step_by(10) {
        clock.advance(10 * MINUTE);
        assert!(sees_the_profile(&app, &mut browser).await, "{minutes}");
    }
    clock.advance(a_second_less_than(10 * MINUTE));
    assert!(sees_the_profile(&app, &mut browser).await);
    clock.advance(SECOND);
    assert!(!sees_the_profile(&app, &mut browser).await);
}

/// The documentation says: at the latest the idle time after the last request, at the earliest nine
/// tenths of it.
#[tokio::test]
async fn a_session_ends_nine_to_ten_tenths_of_the_idle_time_after_its_last_use() {
    for (last_use, ends_after) in [(9, 91), (10, 100)] {
        let clock = ManualClock::new();
        let idle = Duration::from_secs(100);
        let app = App::with(|config| {
            config
                .clock(clock.clone())
                .session(|session| session.idle_timeout(idle))
        })
        .await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        clock.advance(last_use * SECOND);
        assert!(sees_the_profile(&app, &mut browser).await);
        clock.advance((ends_after - 1) * SECOND);
        assert_eq!(app.whoami(&mut browser).await, "alice", "{last_use}");
        clock.advance(SECOND);
        assert!(app.whoami(&mut browser).await.is_null(), "{last_use}");
    }
}

#[tokio::test]
async fn public_paths_keep_no_session_in_use() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    for _ in 0..12 {
        assert_eq!(app.whoami(&mut browser).await, "alice");
        clock.advance(10 * MINUTE);
    }
    assert!(app.whoami(&mut browser).await.is_null());
}

#[tokio::test]
async fn the_idle_time_can_be_off() {
    let clock = ManualClock::new();
    let app = App::with(|config| {
        config
            .clock(clock.clone())
            .session(|session| session.idle_timeout(None))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let before = browser.cookie("-session").unwrap().clone();
    clock.advance(a_second_less_than(8 * HOUR));
    assert!(sees_the_profile(&app, &mut browser).await);
    assert_eq!(browser.cookie("-session").unwrap(), &before, "never anew");
    clock.advance(SECOND);
    assert!(!sees_the_profile(&app, &mut browser).await);
}

/// With one second, every second is a tenth and the whole.
#[tokio::test]
async fn the_shortest_idle_time_signs_in_and_ends() {
    let clock = ManualClock::new();
    let app = App::with(|config| {
        config
            .clock(clock.clone())
            .session(|session| session.idle_timeout(SECOND))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    assert!(sees_the_profile(&app, &mut browser).await);
    clock.advance(SECOND);
    assert!(!sees_the_profile(&app, &mut browser).await);
}

/// A copy that somebody else has kept in use would otherwise live on after its owner has signed out.
#[tokio::test]
async fn signing_out_or_in_again_ends_an_idle_session_in_all_its_copies() {
    for sign_out in [true, false] {
        let clock = ManualClock::new();
        let app = App::with(|config| config.clock(clock.clone())).await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        let mut copy = browser.clone();
        clock.advance(HOUR);
        assert!(sees_the_profile(&app, &mut copy).await);
        clock.advance(HOUR);
        assert_eq!(app.whoami(&mut copy).await, "alice");
        if sign_out {
            browser.open(&app.at("/logout")).await;
        } else {
            let idle = browser.cookie("-session").unwrap().clone();
            let service = app.begin(&mut browser, "/profile").await;
            assert!(!browser.has_session(), "cleared when the login began");
            // As a browser has it whose login began in another tab.
            browser.cookies.push(idle);
            browser.open(&app.callback(&service)).await;
            assert_eq!(app.whoami(&mut browser).await, "alice");
        }
        assert!(app.whoami(&mut copy).await.is_null(), "{sign_out}");
    }
}

/// Its owner goes to a node whose clock is wrong, and somebody else has a copy of the cookie.
#[tokio::test]
async fn signing_out_ends_a_session_that_seems_to_have_expired_or_to_be_from_the_future() {
    for (is_ahead, by) in [(true, 9 * HOUR), (true, 400 * 24 * HOUR), (false, HOUR)] {
        let (clock, registry) = (ManualClock::new(), MemoryRegistry::default());
        let of_app = registry.clone();
        let app = App::with(|config| config.clock(clock.clone()).registry(of_app)).await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        let mut copy = browser.clone();
        let (there, back) = if is_ahead {
            (
                ManualClock::advance as fn(&_, _),
                ManualClock::rewind as fn(&_, _),
            )
        } else {
            (
                ManualClock::rewind as fn(&_, _),
                ManualClock::advance as fn(&_, _),
            )
        };
        there(&clock, by);
        assert!(app.whoami(&mut browser).await.is_null());
        browser.open(&app.at("/logout")).await;
        assert!(!browser.has_session());
        let entries = registry.ended().len();
        // Nothing is added by another copy, nor by what nobody has sealed.
        let cookie = copy.cookie("-session").unwrap().clone();
        copy.clone().open(&app.at("/logout")).await;
        for n in 0..3 {
            let mut stranger = Browser::new();
            let mut forged = cookie.clone();
            forged.set_value(format!("{n}{}", cookie.value()));
            stranger.cookies.push(forged);
            stranger.open(&app.at("/logout")).await;
        }
        assert_eq!(registry.ended().len(), entries);
        back(&clock, by);
        assert!(
            app.whoami(&mut copy).await.is_null(),
            "ahead: {is_ahead}, by {by:?}"
        );
        app.sign_in(&mut browser, "/profile").await;
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

/// With a live session it leads on: a used ticket is what reloading the page brings.
#[tokio::test]
async fn a_refused_ticket_is_a_page_for_somebody_whose_session_is_idle() {
    let clock = ManualClock::new();
    let app = App::with(|config| config.clock(clock.clone())).await;
    for (passes, status) in [(HOUR, 302), (2 * HOUR, 403)] {
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        clock.advance(passes);
        let mut tab = browser.clone();
        tab.cookies
            .retain(|cookie| !cookie.name().ends_with("-session"));
        let service = app.begin(&mut tab, "/profile").await;
        browser.keep(tab.cookie("-login").unwrap().clone());
        let refused = browser.insist_with(&service, "ST-used").await;
        assert_eq!(refused.status, status);
    }
}

async fn remembered(clock: &ManualClock, lifetime: Option<Duration>) -> (App, Browser) {
    let alice = User::new("alice", "rabbit-hole")
        .attribute("longTermAuthenticationRequestTokenUsed", ["true"]);
    let app = App::against(CasServer::builder().user(alice), |config| {
        let config = config
            .clock(clock.clone())
            .session(|session| session.persistent(true));
        match lifetime {
            Some(lifetime) => config.session(|session| session.remember_me_lifetime(lifetime)),
            None => config,
        }
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    (app, browser)
}

#[tokio::test]
async fn a_remember_me_login_lasts_as_long_as_it_is_told_to_used_or_not() {
    let clock = ManualClock::new();
    let (app, mut browser) = remembered(&clock, Some(30 * 24 * HOUR)).await;
    let kept_for = browser.cookie("-session").unwrap().max_age().unwrap();
    assert_eq!(kept_for.whole_days(), 30);
    clock.advance(a_second_less_than(30 * 24 * HOUR));
    assert!(sees_the_profile(&app, &mut browser).await);
    clock.advance(SECOND);
    assert!(!sees_the_profile(&app, &mut browser).await);
}

#[tokio::test]
async fn a_remember_me_login_is_like_any_other_unless_told_otherwise() {
    let clock = ManualClock::new();
    let (app, mut browser) = remembered(&clock, None).await;
    let kept_for = browser.cookie("-session").unwrap().max_age().unwrap();
    assert_eq!(kept_for.whole_hours(), 8);
    clock.advance(2 * HOUR);
    assert!(!sees_the_profile(&app, &mut browser).await);
}

#[tokio::test]
async fn the_remember_me_lifetime_is_for_remember_me_logins_alone() {
    let clock = ManualClock::new();
    let app = App::with(|config| {
        config
            .clock(clock.clone())
            .session(|session| session.remember_me_lifetime(30 * 24 * HOUR))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    clock.advance(2 * HOUR);
    assert!(!sees_the_profile(&app, &mut browser).await);
}

#[tokio::test]
async fn a_persistent_cookie_is_kept_for_what_is_left_of_the_session_and_any_other_until_the_browser_closes()
 {
    let clock = ManualClock::new();
    let app = App::with(|config| {
        config
            .clock(clock.clone())
            .session(|session| session.persistent(true))
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let seconds = |browser: &Browser| {
        let age = browser.cookie("-session").unwrap().max_age();
        age.map(cookie::time::Duration::whole_seconds)
    };
    assert_eq!(seconds(&browser), Some(8 * 3600));
    clock.advance(HOUR);
    assert!(sees_the_profile(&app, &mut browser).await);
    assert_eq!(seconds(&browser), Some(7 * 3600), "issued anew");

    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    assert_eq!(seconds(&browser), None);
}

#[tokio::test]
async fn signing_out_of_a_session_that_ended_with_all_others_adds_nothing_to_the_registry() {
    let registry = MemoryRegistry::default();
    let of_app = registry.clone();
    let app = App::with(|config| config.registry(of_app)).await;
    let (mut browser, mut elsewhere) = (Browser::new(), Browser::new());
    for browser in [&mut browser, &mut elsewhere] {
        app.sign_in(browser, "/profile").await;
    }
    let everywhere = browser.request(Method::POST, &app.at("/everywhere"));
    assert_eq!(browser.send(everywhere).await.status, 200);
    let entries = registry.ended().len();
    elsewhere.open(&app.at("/logout")).await;
    assert_eq!(registry.ended().len(), entries);
}
