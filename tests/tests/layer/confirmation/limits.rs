//! Who cannot confirm a sign-in, what ends one that waits, and what is no confirmation.

use std::time::Duration;

use cas_layer::{MemoryRegistry, testing::ManualClock};
use reqwest::Method;
use serde_json::Value;

use super::{CONTINUE, OTHER, Told, app, callback, come_back, is_signed_out, sign_in};
use crate::{
    browser::{Browser, parameter},
    registry::Moody,
    single_logout::{FORM, form, message, post},
};

#[tokio::test]
async fn no_other_page_confirms_for_a_visitor() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    let mut victim = Browser::new();
    let question = come_back(&app, &mut victim, "mallory").await.question();
    let url = app.at(&question.action);
    let foreign: [&[(&str, &str)]; 7] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        // In a frame, and by a script of the app's own.
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-dest", "iframe"),
        ],
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-dest", "empty"),
        ],
        &[("sec-fetch-site", ""), ("origin", &app.url)],
    ];
    for headers in foreign {
        let mut request = victim.form(&url, question.form(CONTINUE));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = victim.clone().send(request).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.set_cookies().is_empty(), "{headers:?}");
        assert_eq!(told.take(), ["foreign-confirmation: ?"], "{headers:?}");
    }
    // What waits in the attacker's own browser is of no use in the victim's.
    let mut attacker = Browser::new();
    let own = come_back(&app, &mut attacker, "mallory").await.question();
    let answer = victim.answer(&app.url, &own, CONTINUE).await;
    assert_eq!(answer.status, 403);
    assert_eq!(told.take(), ["not-confirmed: ?"]);
    is_signed_out(&app, &mut victim).await;
    // Nor without the login cookie, nor as a link.
    let mut stranger = Browser::new();
    let answer = stranger.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(answer.status, 403);
    let link = format!("{url}?{}", question.form(CONTINUE));
    assert!(
        victim
            .open(&link)
            .await
            .location()
            .starts_with(app.cas.url())
    );
    is_signed_out(&app, &mut victim).await;
    // An older browser says where its form comes from, and a program says nothing.
    for origin in [Some(app.url.as_str()), None] {
        let mut request = victim.form(&url, question.form(CONTINUE));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let mut copy = Browser::new();
        let question = come_back(&app, &mut copy, "alice").await.question();
        request = request.body(question.form(CONTINUE));
        assert_eq!(copy.send(request).await.location(), "/profile?a=b");
    }
}

#[tokio::test]
async fn a_confirmation_serves_once() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    let mut browser = Browser::new();
    let question = come_back(&app, &mut browser, "alice").await.question();
    let mut copy = browser.clone();
    browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(told.take(), ["in: alice"]);
    // A second click, or going back: the browser is signed in.
    let again = browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(again.location(), "/profile?a=b");
    // With the cookies of before, while the session is open and after it has ended.
    for _ in 0..2 {
        let mut copy = copy.clone();
        let answer = copy.answer(&app.url, &question, CONTINUE).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.body.contains("Sign-in refused"), "{}", answer.body);
        is_signed_out(&app, &mut copy).await;
        assert_eq!(told.take(), ["not-confirmed: alice"]);
        browser.open(&app.at("/logout")).await;
        told.take();
    }
    // Nor does one that was declined.
    let question = come_back(&app, &mut copy, "mallory").await.question();
    copy.clone().answer(&app.url, &question, OTHER).await;
    let answer = copy.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(answer.status, 403);
    is_signed_out(&app, &mut copy).await;
}

#[tokio::test]
async fn a_confirmation_comes_within_ten_minutes_or_not_at_all() {
    let clock = ManualClock::new();
    let app = app(|config| config.clock(clock.clone())).await;
    let mut browser = Browser::new();
    let question = come_back(&app, &mut browser, "alice").await.question();
    clock.advance(Duration::from_secs(599));
    let mut in_time = browser.clone();
    clock.advance(Duration::from_secs(1));
    let late = browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(late.status, 403);
    assert!(
        late.body
            .contains("href=\"/login?next=%2Fprofile%3Fa%3Db\""),
        "{}",
        late.body
    );
    is_signed_out(&app, &mut browser).await;
    let question = come_back(&app, &mut in_time, "alice").await.question();
    clock.advance(Duration::from_secs(599));
    in_time.answer(&app.url, &question, CONTINUE).await;
    // The session lasts as long as any other, and a logout finds it long after.
    clock.advance(Duration::from_secs(3600));
    assert_eq!(app.whoami(&mut in_time).await, "alice");
}

#[tokio::test]
async fn a_single_logout_before_the_confirmation_ends_it() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    let mut browser = Browser::new();
    app.begin(&mut browser, "/profile").await;
    let callback = callback(&app, "alice");
    let question = browser.open(&callback).await.question();
    let ticket = parameter(&callback, "ticket").unwrap();
    let logout = post(&app.at("/login"), FORM, form(&message(&[&ticket]))).await;
    assert_eq!(logout.status, 200);
    told.take();
    let answer = browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(answer.status, 403);
    is_signed_out(&app, &mut browser).await;
    assert_eq!(told.take(), ["signed-out-meanwhile: alice"]);
}

#[tokio::test]
async fn a_single_logout_long_after_a_confirmation_ends_the_session() {
    let clock = ManualClock::new();
    // With room for so few, it looks for those that have expired.
    let registry = MemoryRegistry::with_capacity(2);
    let app = app(|config| {
        let config = config
            .clock(clock.clone())
            .session(|session| session.idle_timeout(None));
        config.registry(registry)
    })
    .await;
    let mut browser = Browser::new();
    app.begin(&mut browser, "/profile").await;
    let callback = callback(&app, "alice");
    let question = browser.open(&callback).await.question();
    browser.answer(&app.url, &question, CONTINUE).await;
    clock.advance(Duration::from_secs(7 * 3600));
    assert_eq!(app.whoami(&mut browser).await, "alice");
    come_back(&app, &mut Browser::new(), "mallory").await;
    let ticket = parameter(&callback, "ticket").unwrap();
    post(&app.at("/login"), FORM, form(&message(&[&ticket]))).await;
    assert_eq!(app.whoami(&mut browser).await, Value::Null);
}

#[tokio::test]
async fn ending_all_sessions_or_signing_out_ends_what_waits() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    let mut elsewhere = Browser::new();
    sign_in(&app, &mut elsewhere, "alice").await;
    let mut browser = Browser::new();
    let question = come_back(&app, &mut browser, "alice").await.question();
    let everywhere = elsewhere.request(Method::POST, &app.at("/everywhere"));
    assert_eq!(elsewhere.send(everywhere).await.status, 200);
    told.take();
    let answer = browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(answer.status, 403);
    assert_eq!(told.take(), ["signed-out-meanwhile: alice"]);

    let question = come_back(&app, &mut browser, "alice").await.question();
    browser.open(&app.at("/logout")).await;
    let answer = browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(answer.status, 403);
    is_signed_out(&app, &mut browser).await;
}

#[tokio::test]
async fn what_an_address_says_besides_the_ticket_changes_nothing() {
    let app = app(|config| config).await;
    for made_up in ["g=1", "try=1", "r=1", "b=x&g=1", "next=/public/whoami&g=1"] {
        let mut browser = Browser::new();
        app.begin(&mut browser, "/profile").await;
        let ticket = app.cas.issue_ticket("mallory", &app.at("/login"));
        let link = app.at(&format!("/login?{made_up}&ticket={ticket}"));
        let question = browser.open(&link).await.question();
        is_signed_out(&app, &mut browser).await;
        let back = browser.answer(&app.url, &question, CONTINUE).await;
        assert_eq!(back.location(), "/profile", "{made_up}");
        let mut browser = Browser::new();
        app.begin(&mut browser, "/profile").await;
        let link = app.at(&format!("/login?{made_up}&ticket=ST-unknown"));
        assert_eq!(browser.open(&link).await.status, 403, "{made_up}");
    }
}

#[tokio::test]
async fn what_is_not_the_form_of_the_page_confirms_nothing() {
    let app = app(|config| {
        config
            .peer_address(|_| None)
            .sign_out(|sign_out| sign_out.logout_sources(["10.0.0.0/8"]))
    })
    .await;
    let mut browser = Browser::new();
    let question = come_back(&app, &mut browser, "alice").await.question();
    let sealed = &question.sealed;
    let (cut, rest) = sealed.split_at(sealed.len() - 1);
    let last = if rest == "A" { "B" } else { "A" };
    let session_cookie = {
        let mut other = Browser::new();
        sign_in(&app, &mut other, "alice").await;
        other.cookie("-session").unwrap().value().to_owned()
    };
    let login_cookie = browser.cookie("-login").unwrap().value().to_owned();
    for body in [
        format!("cas_confirmation={sealed}"),
        format!("cas_confirmation={sealed}&cas_answer="),
        format!("cas_confirmation={sealed}&cas_answer=Continue"),
        format!("cas_confirmation={sealed}&cas_answer=continue&cas_answer=other"),
        format!("cas_confirmation={sealed}&cas_confirmation={sealed}&cas_answer=continue"),
        format!("cas_confirmation={cut}{last}&cas_answer=continue"),
        format!("cas_confirmation={cut}&cas_answer=continue"),
        "cas_confirmation=&cas_answer=continue".to_owned(),
        format!("cas_confirmation={session_cookie}&cas_answer=continue"),
        format!("cas_confirmation={login_cookie}&cas_answer=continue"),
        format!(
            "cas_confirmation={}&cas_answer=continue",
            "x".repeat(60_000)
        ),
    ] {
        let request = browser.form(&app.at("/login"), body.clone());
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 403, "{body}: {}", answer.body);
    }
    let sizes = [
        ("x".repeat(70_000), 413),
        ("cas_answer=continue".to_owned(), 400),
    ];
    for (body, status) in sizes {
        let request = browser.form(&app.at("/login"), body);
        assert_eq!(browser.send(request).await.status, status);
    }
    is_signed_out(&app, &mut browser).await;
    // A list of sources is about logout requests alone.
    let logout = post(&app.at("/login"), FORM, form(&message(&["ST-1"]))).await;
    assert_eq!(logout.status, 403);
    browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn without_its_registry_nobody_is_asked_or_confirmed() {
    let registry = Moody::default();
    let app = app(|config| config.registry(registry.clone())).await;
    for part in ["begin", "open"] {
        registry.set_broken(Some(part));
        let mut browser = Browser::new();
        let page = come_back(&app, &mut browser, "alice").await;
        assert_eq!(page.status, 503, "{part}");
        registry.set_broken(None);
    }
    for part in ["begin", "open", "end_if_opened"] {
        let mut browser = Browser::new();
        let question = come_back(&app, &mut browser, "alice").await.question();
        registry.set_broken(Some(part));
        let page = browser.answer(&app.url, &question, CONTINUE).await;
        assert_eq!(page.status, 503, "{part}");
        assert!(!browser.has_session(), "{part}");
        registry.set_broken(None);
        is_signed_out(&app, &mut browser).await;
    }
    let mut browser = Browser::new();
    registry.set_broken(Some("overtaken"));
    let page = come_back(&app, &mut browser, "alice").await;
    assert_eq!(page.status, 403, "a logout came first");
}
