//! With a bare service URL, nobody is signed in under a name that is new to their browser before they have seen it.

mod in_place;
mod limits;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use cas_layer::{
    CasConfigBuilder, PageKind, SessionPlace,
    testing::{CasServer, ManualClock, User},
};
use http::Response;
use reqwest::Method;
use serde_json::Value;

use cas_layer_tests::noise::noise;

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

const CONTINUE: &str = "continue";
const OTHER: &str = "other";

fn mallory() -> User {
    User::new("mallory", "looking-glass")
}

async fn app(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> App {
    let cas = CasServer::builder().user(alice()).user(mallory());
    App::against(cas, |config| {
        configure(config.sign_in(|sign_in| sign_in.bare_service_url(true)))
    })
    .await
}

/// The way back from the CAS server with a ticket of this user's.
fn callback(app: &App, user: &str) -> String {
    let service = app.at("/login");
    format!("{service}?ticket={}", app.cas.issue_ticket(user, &service))
}

/// Begins a login on the way to the profile, and comes back from it as this user.
async fn come_back(app: &App, browser: &mut Browser, user: &str) -> Answer {
    app.begin(browser, "/profile?a=b").await;
    browser.open(&callback(app, user)).await
}

/// The same, confirmed.
async fn sign_in(app: &App, browser: &mut Browser, user: &str) {
    let question = come_back(app, browser, user).await.question();
    let back = browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(back.location(), "/profile?a=b");
    assert_eq!(app.whoami(browser).await, user);
}

async fn is_signed_out(app: &App, browser: &mut Browser) {
    assert!(!browser.has_session());
    assert_eq!(app.whoami(browser).await, Value::Null);
}

/// Who was signed in, and who turned away and why, by the app's hooks.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn listen(&self, config: CasConfigBuilder) -> CasConfigBuilder {
        let (signed_in, refused, out) = (self.clone(), self.clone(), self.clone());
        config
            .on_sign_in(move |user| signed_in.note(format!("in: {}", user.name())))
            .on_refused(move |it| {
                let name = it.user_name().unwrap_or("?");
                refused.note(format!("{}: {name}", it.reason()));
            })
            .on_sign_out(move |it| out.note(format!("out: {}", it.cause())))
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The attack that a bare service URL invites: another site opens the app in the victim's browser, so that a login
/// begins there, and then has it come back with a ticket of the attacker's own.
#[tokio::test]
async fn a_visitor_is_not_signed_in_under_the_name_of_whoever_sent_them_a_ticket() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    // Somebody new, somebody who has been here, and somebody who is signed in and gives their password again.
    let mut new = Browser::new();
    let mut known = Browser::new();
    sign_in(&app, &mut known, "alice").await;
    let mut current = known.clone();
    known.open(&app.at("/logout")).await;
    told.take();
    for victim in [&mut new, &mut known, &mut current] {
        let had = app.whoami(victim).await;
        victim
            .open(&app.at("/login?renew=true&next=/profile"))
            .await;
        let page = victim.open(&callback(&app, "mallory")).await;
        assert_eq!(app.whoami(victim).await, had, "{page:?}");
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<bdi>mallory</bdi>"), "{}", page.body);
        let set: Vec<_> = page.set_cookies();
        assert!(set.iter().all(|cookie| cookie.name().ends_with("-login")));
        assert_eq!(told.take(), Vec::<String>::new());
    }
    assert_eq!(app.cas.validations(), 4, "none is kept waiting by an error");
}

#[tokio::test]
async fn a_user_confirms_once_in_a_browser_and_is_known_from_then_on() {
    let clock = ManualClock::new();
    let told = Told::default();
    let app = app(|config| told.listen(config.clock(clock.clone()))).await;
    let mut browser = Browser::new();
    let page = come_back(&app, &mut browser, "alice").await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "strict-origin");
    assert!(!page.body.contains("ST-"), "{}", page.body);
    is_signed_out(&app, &mut browser).await;
    let back = browser.answer(&app.url, &page.question(), CONTINUE).await;
    assert_eq!(back.status, 303);
    assert_eq!(back.location(), "/profile?a=b");
    assert_eq!(app.whoami(&mut browser).await, "alice");
    assert_eq!(told.take(), ["in: alice"]);
    let profile = browser.open(&app.at("/profile")).await;
    assert!(profile.body.contains("alice@wonderland.example"));
    // After a sign-out, and as long as a year later.
    for days in [0, 1, 364] {
        browser.open(&app.at("/logout")).await;
        clock.advance(Duration::from_secs(days * 24 * 3600));
        let back = come_back(&app, &mut browser, "alice").await;
        assert_eq!(back.location(), "/profile?a=b", "{days}");
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
    browser.open(&app.at("/logout")).await;
    clock.advance(Duration::from_secs(365 * 24 * 3600));
    come_back(&app, &mut browser, "alice").await.question();
}

#[tokio::test]
async fn another_user_of_the_browser_is_asked_and_so_is_the_first_one_after_them() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    let mut browser = Browser::new();
    sign_in(&app, &mut browser, "alice").await;
    browser.open(&app.at("/logout")).await;
    sign_in(&app, &mut browser, "mallory").await;
    assert_eq!(told.take(), ["in: alice", "out: sign-out", "in: mallory"]);
    // Over a live session as well, which ends with the confirmation and not before.
    browser.open(&app.at("/login?renew=true")).await;
    let question = browser.open(&callback(&app, "alice")).await.question();
    assert_eq!(app.whoami(&mut browser).await, "mallory");
    browser.answer(&app.url, &question, CONTINUE).await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
    assert_eq!(told.take(), ["out: replaced", "in: alice"]);
}

#[tokio::test]
async fn a_session_in_the_browser_shows_who_is_known_there() {
    let app = app(|config| config).await;
    let mut browser = Browser::new();
    sign_in(&app, &mut browser, "alice").await;
    // The login cookie is gone, as after an update or an hour of an earlier release.
    browser
        .cookies
        .retain(|cookie| !cookie.name().ends_with("-login"));
    browser.open(&app.at("/login?renew=true&next=/home")).await;
    let service = app.at("/login");
    let ticket = app.cas.issue_ticket("alice", &service);
    let back = browser.open(&format!("{service}?ticket={ticket}")).await;
    assert_eq!(back.location(), "/home");
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn who_is_somebody_else_signs_in_with_a_password_on_the_way_to_the_same_page() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    let mut browser = Browser::new();
    let question = come_back(&app, &mut browser, "mallory").await.question();
    let onward = browser.answer(&app.url, &question, OTHER).await;
    assert_eq!(onward.status, 303);
    assert!(onward.location().starts_with(app.cas.url()));
    assert_eq!(onward.location_parameter("renew").as_deref(), Some("true"));
    assert_eq!(told.take(), ["not-confirmed: mallory"]);
    is_signed_out(&app, &mut browser).await;
    let page = browser.open(&callback(&app, "alice")).await;
    let back = browser.answer(&app.url, &page.question(), CONTINUE).await;
    assert_eq!(back.location(), "/profile?a=b");
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn tabs_wait_by_themselves_and_a_page_that_is_loaded_again_starts_afresh() {
    let app = app(|config| config).await;
    let mut browser = Browser::new();
    let first = come_back(&app, &mut browser, "alice").await.question();
    let second = come_back(&app, &mut browser, "mallory").await.question();
    // The button means who stands on its page, whatever came since.
    browser.answer(&app.url, &first, CONTINUE).await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
    browser.answer(&app.url, &second, CONTINUE).await;
    assert_eq!(app.whoami(&mut browser).await, "mallory");

    let mut browser = Browser::new();
    app.begin(&mut browser, "/profile").await;
    let callback = callback(&app, "alice");
    browser.open(&callback).await.question();
    let again = browser.open(&callback).await;
    assert!(again.location().starts_with(app.cas.url()), "{again:?}");
    let service = app.at("/login");
    let ticket = app.cas.issue_ticket("alice", &service);
    let page = browser.open(&format!("{service}?ticket={ticket}")).await;
    browser.answer(&app.url, &page.question(), CONTINUE).await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
    // Once for each: who has nothing waiting is told what is wrong.
    let mut stranger = Browser::new();
    assert_eq!(stranger.open(&callback).await.status, 400);
}

#[tokio::test]
async fn a_program_cannot_confirm_and_is_told_so() {
    let told = Told::default();
    let app = app(|config| told.listen(config)).await;
    let mut program = Browser::new();
    app.begin(&mut program, "/profile").await;
    let request = program.request(Method::GET, &callback(&app, "alice"));
    let answer = program
        .send(request.header("accept", "application/json"))
        .await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["reason"], "confirmation-needed");
    assert_eq!(problem["login_url"], app.at("/login"));
    assert!(!answer.body.contains("e1."), "{}", answer.body);
    assert_eq!(told.take(), ["not-confirmed: alice"]);
    is_signed_out(&app, &mut program).await;
}

#[tokio::test]
async fn attributes_too_many_for_a_page_are_told_as_for_a_cookie() {
    for size in [5_000, 100_000] {
        let app = app(|config| {
            config.session(|session| {
                let session = session.place(SessionPlace::Cookie);
                session.map(move |session| {
                    session.attributes_mut().push("note", noise(size));
                    Ok(())
                })
            })
        })
        .await;
        let mut browser = Browser::new();
        let mut page = come_back(&app, &mut browser, "alice").await;
        if size == 5_000 {
            page = browser.answer(&app.url, &page.question(), CONTINUE).await;
        }
        assert_eq!(page.status, 500, "{size}");
        assert!(page.body.contains("more attributes than fit"));
        is_signed_out(&app, &mut browser).await;
    }
}

#[tokio::test]
async fn nobody_confirms_in_a_frame_where_the_app_is_in_none() {
    let app = app(|config| config).await;
    let mut browser = Browser::new();
    let question = come_back(&app, &mut browser, "mallory").await.question();
    for (dest, status) in [("iframe", 403), ("frame", 403), ("document", 303)] {
        let url = app.at(&question.action);
        let form = browser
            .form(&url, question.form(CONTINUE))
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", dest);
        assert_eq!(browser.send(form).await.status, status, "{dest}");
    }
    assert_eq!(app.whoami(&mut browser).await, "mallory");
}

#[tokio::test]
async fn the_question_can_be_switched_off_by_name() {
    let app =
        app(|config: CasConfigBuilder| config.sign_in(|sign_in| sign_in.allow_login_csrf(true)))
            .await;
    let mut browser = Browser::new();
    let back = come_back(&app, &mut browser, "mallory").await;
    assert_eq!(back.location(), "/profile?a=b");
    assert_eq!(app.whoami(&mut browser).await, "mallory");
    // And there is nothing to confirm.
    let form = browser.form(
        &app.at("/login"),
        "cas_confirmation=x&cas_answer=continue".into(),
    );
    assert_eq!(browser.send(form).await.status, 400);
}

#[tokio::test]
async fn without_a_bare_service_url_nobody_is_asked() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let back = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(back.location(), "/profile");
    let age = browser.cookie("-login").unwrap().max_age().unwrap();
    assert_eq!(age.whole_seconds(), 3600);
}

#[tokio::test]
async fn an_app_asks_in_its_own_words() {
    let app = app(|config| {
        config.pages(|pages| {
            pages.rendered_by(|page, _| {
                let question = page.confirmation()?;
                assert_eq!(page.kind(), PageKind::ConfirmationNeeded);
                let (name, value) = question.field();
                let (yes, yes_value) = question.yes();
                let html = format!(
                    "Bist du {}? <form method=\"post\" action=\"{}\">\
                 <button name=\"{yes}\" value=\"{yes_value}\">Ja</button>\
                 <input name=\"{name}\" value=\"{value}\"></form>",
                    question.user_name(),
                    question.action(),
                );
                Some(Response::new(Bytes::from(html)))
            })
        })
    })
    .await;
    let mut browser = Browser::new();
    let page = come_back(&app, &mut browser, "alice").await;
    assert!(page.body.starts_with("Bist du alice?"), "{}", page.body);
    assert_eq!(
        page.header("content-security-policy"),
        "frame-ancestors 'none'"
    );
    browser.answer(&app.url, &page.question(), CONTINUE).await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
}
