//! A ticket counts in the browser that began the login, and nowhere else.

use crate::{browser::Browser, support::App};

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
