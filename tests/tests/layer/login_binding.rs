//! A ticket counts in the browser that began the login, and nowhere else.

use std::time::Duration;

use cas_layer::testing::{CasServer, ManualClock, User};

use crate::{
    browser::Browser,
    support::{App, alice},
};

#[tokio::test]
async fn a_foreign_browsers_callback_is_never_validated_and_the_login_starts_afresh() {
    let app = App::start().await;
    let mut attacker = Browser::new();
    let service = app.begin(&mut attacker, "/profile").await;
    let link = app.callback(&service);

    let mut victim = Browser::new();
    let answer = victim.open(&link).await;
    assert!(
        answer.location().starts_with(app.cas.url()),
        "{}",
        answer.location()
    );
    assert_eq!(app.cas.validations(), 0);
    assert!(!victim.has_session());
    // Without noticing, the victim signs in under their own name, on the way to the same page.
    let fresh = answer.location_parameter("service").unwrap();
    assert_ne!(fresh, service);
    assert_eq!(
        victim.open(&app.callback(&fresh)).await.location(),
        "/profile"
    );
    assert_eq!(app.cas.validations(), 1);
}

#[tokio::test]
async fn a_login_begun_by_another_visitor_with_cookies_of_their_own_is_foreign_too() {
    let app = App::start().await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    let service = app.begin(&mut attacker, "/profile").await;
    app.begin(&mut victim, "/profile").await;
    assert!(
        victim
            .open(&app.callback(&service))
            .await
            .location()
            .starts_with(app.cas.url())
    );
    assert_eq!(app.cas.validations(), 0);
}

#[tokio::test]
async fn a_ticket_serves_once() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let ticket = app.cas.issue_ticket("alice", &service);
    browser.insist_with(&service, &ticket).await;
    assert!(browser.has_session());
    browser
        .cookies
        .retain(|cookie| !cookie.name().ends_with("-session"));
    let again = browser.insist_with(&service, &ticket).await;
    assert_eq!(again.status, 403);
    assert!(!browser.has_session());
}

#[tokio::test]
async fn reloading_the_callback_goes_on_to_the_page() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    browser.open(&callback).await;
    assert_eq!(browser.open(&callback).await.location(), "/profile");
    assert_eq!(app.cas.validations(), 1);
}

#[tokio::test]
async fn a_tampered_return_path_or_attempt_is_foreign() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    for tampered in [
        service.replace("next=/profile", "next=/home/other"),
        service.replace("&next=/profile", ""),
        format!("{service}&try=0&next=/other"),
    ] {
        assert_ne!(tampered, service);
        browser.open(&app.callback(&tampered)).await;
        assert_eq!(app.cas.validations(), 0, "{tampered}");
        assert!(!browser.has_session());
    }
}

#[tokio::test]
async fn five_tabs_sign_in_at_once() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let mut services = Vec::new();
    for n in 0..5 {
        services.push(app.begin(&mut browser, &format!("/page/{n}")).await);
    }
    for (n, service) in services.iter().enumerate() {
        let answer = browser.open(&app.callback(service)).await;
        assert_eq!(answer.location(), format!("/page/{n}"));
    }
    assert_eq!(app.cas.validations(), 5);
}

#[tokio::test]
async fn without_cookies_a_page_says_so_after_one_retry() {
    let app = App::start().await;
    let mut browser = Browser::new();
    browser.refuses = vec!["cas-"];
    let service = app.begin(&mut browser, "/profile").await;
    let retry = browser.open(&app.callback(&service)).await;
    assert!(retry.location().starts_with(app.cas.url()));
    let service = retry.location_parameter("service").unwrap();
    let page = browser.open(&app.callback(&service)).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Cookies needed"), "{}", page.body);
    assert!(
        page.body.contains("href=\"/login?next=%2Fprofile\""),
        "{}",
        page.body
    );
    assert_eq!(app.cas.validations(), 0);
}

#[tokio::test]
async fn a_dropped_session_cookie_is_told_after_the_third_round() {
    let app = App::start().await;
    let mut browser = Browser::new();
    browser.refuses = vec!["-session"];
    for _ in 0..2 {
        assert_eq!(
            app.sign_in(&mut browser, "/profile").await.location(),
            "/profile"
        );
    }
    let page = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Session not kept"), "{}", page.body);
    assert!(page.body.contains("href=\"/profile\""), "{}", page.body);
}

#[tokio::test]
async fn signing_in_and_out_three_times_in_a_minute_is_nobodys_fault() {
    let app = App::start().await;
    let mut browser = Browser::new();
    for _ in 0..4 {
        assert_eq!(
            app.sign_in(&mut browser, "/profile").await.location(),
            "/profile"
        );
        browser.open(&app.at("/logout")).await;
    }
}

/// Mallory's ticket for a service URL that somebody else's browser was given.
fn callback_of_mallory(app: &App, service: &str) -> String {
    let ticket = app.cas.issue_ticket("mallory", service);
    format!("{service}&ticket={ticket}")
}

async fn with_mallory() -> App {
    let users = CasServer::builder()
        .user(alice())
        .user(User::new("mallory", "secret"));
    App::against(users, |config| config).await
}

#[tokio::test]
async fn a_service_url_that_somebody_else_has_seen_replaces_nobodys_session() {
    let app = with_mallory().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    browser.open(&app.callback(&service)).await;
    // Twice: the first must leave nothing behind that lets the second in.
    for _ in 0..2 {
        let answer = browser.open(&callback_of_mallory(&app, &service)).await;
        assert_eq!(answer.location(), "/profile");
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
    // Alice herself may sign in anew with it, as a second tab does.
    let answer = browser.open(&app.callback(&service)).await;
    assert_eq!(answer.location(), "/profile");
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn what_was_begun_before_a_sign_out_signs_nobody_in_after_it() {
    let app = with_mallory().await;
    let mut browser = Browser::new();
    let used = app.begin(&mut browser, "/profile").await;
    browser.open(&app.callback(&used)).await;
    let mut tab = browser.clone();
    tab.cookies
        .retain(|cookie| !cookie.name().ends_with("-session"));
    let unused = app.begin(&mut tab, "/home").await;
    browser.open(&app.at("/logout")).await;
    for service in [used, unused] {
        let before = app.cas.validations();
        let answer = browser.open(&callback_of_mallory(&app, &service)).await;
        assert!(answer.location().starts_with(app.cas.url()));
        assert_eq!(app.cas.validations(), before);
        assert!(!browser.has_session());
    }
}

#[tokio::test]
async fn a_login_whose_cookie_another_tab_has_overwritten_begins_again_eight_times_at_most() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.begin(&mut browser, "/profile").await;
    for (tries, begins) in [(7, true), (8, false)] {
        let link = app.at(&format!("/login?next=/profile&try={tries}&b=x&ticket=ST-1"));
        let answer = browser.open(&link).await;
        assert_eq!(answer.status.is_redirection(), begins, "{tries}");
        let is_page = answer.body.contains("Sign-in goes in circles");
        assert_eq!(is_page, !begins, "{tries}: {}", answer.body);
    }
}

/// Alice has signed in since the login began, but has not used her session for too long.
#[tokio::test]
async fn a_session_that_nobody_uses_any_more_keeps_no_other_user_out() {
    for (passes, user) in [(599, "alice"), (600, "mallory")] {
        let clock = ManualClock::new();
        let users = CasServer::builder()
            .user(alice())
            .user(User::new("mallory", "secret"));
        let app = App::against(users, |config| {
            let idle = Duration::from_secs(600);
            config
                .clock(clock.clone())
                .session(|session| session.idle_timeout(idle))
        })
        .await;
        let mut browser = Browser::new();
        let first = app.begin(&mut browser, "/profile").await;
        let second = app.begin(&mut browser, "/home").await;
        browser.open(&app.callback(&first)).await;
        clock.advance(Duration::from_secs(passes));
        browser.open(&callback_of_mallory(&app, &second)).await;
        assert_eq!(app.whoami(&mut browser).await, user, "{passes}");
    }
}
