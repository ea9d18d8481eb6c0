//! With a bare service URL, nobody is signed in under a name that is new to their browser before they have seen it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::get};
use bytes::Bytes;
use cas_layer::{
    CasConfigBuilder, CasInPlaceLayer, MemoryRegistry, PageKind, Paths, RequireUser,
    testing::{CasServer, ManualClock, User},
};
use http::Response;
use reqwest::Method;
use serde_json::Value;

use crate::{
    browser::{Answer, Browser, parameter},
    registry::Moody,
    single_logout::{FORM, form, message, post},
    site::Site,
    support::{App, alice},
};

const CONTINUE: &str = "continue";
const OTHER: &str = "other";

fn mallory() -> User {
    User::new("mallory", "looking-glass")
}

async fn app(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> App {
    let cas = CasServer::builder().user(alice()).user(mallory());
    App::against(cas, |config| configure(config.bare_service_url())).await
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
        let config = config.clock(clock.clone()).no_idle_timeout();
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
    let app = app(|config| config.logout_sources(["10.0.0.0/8"], |_| None)).await;
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
async fn attributes_too_many_for_a_page_are_told_as_for_a_cookie() {
    for size in [5_000, 100_000] {
        let app = app(|config| {
            config.map_session(move |session| {
                session.attributes_mut().push("note", "x".repeat(size));
                Ok(())
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

#[tokio::test]
async fn the_question_can_be_switched_off_by_name() {
    let app = app(CasConfigBuilder::allow_login_csrf).await;
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
        config.pages(|page| {
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

/// The layer in place over one route of an app under a path, and a page that a layer below asks a user for.
async fn site(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Site {
    Site::axum("/portal", |config| {
        let config = configure(config.bare_service_url().landing_path("/page"));
        let config = config.rule(Paths::prefix("/open"), cas_layer::Access::optional());
        let layer = CasInPlaceLayer::new(config.build().unwrap());
        let seen = async |user: Option<cas_layer::CasUser>| {
            user.map_or("nobody".to_owned(), |user| user.name().to_owned())
        };
        let sign_out =
            async |user: cas_layer::CasUser| user.sign_out().await.map(axum::body::Body::from);
        let below = get(seen).layer(RequireUser::new());
        Router::new()
            .route("/portal/page", get(seen))
            .route("/portal/open/page", below)
            .route("/portal/sign-out", axum::routing::post(sign_out))
            .fallback(async |request: axum::extract::Request| request.uri().to_string())
            .layer(layer)
    })
    .await
}

async fn come_back_to(site: &Site, browser: &mut Browser, page: &str) -> Answer {
    let begun = browser.open(&site.at(page)).await;
    let service = begun.location_parameter("service").unwrap();
    let ticket = site.cas.issue_ticket("alice", &service);
    browser.open(&format!("{service}?ticket={ticket}")).await
}

#[tokio::test]
async fn in_place_the_page_itself_takes_the_answer() {
    let site = site(|config| config).await;
    let host = site.url.strip_suffix("/portal").unwrap().to_owned();
    for (page, action) in [
        ("/page?a=%2f&b", "/portal/page?cas_confirmation"),
        ("/open/page?a", "/portal/open/page?cas_confirmation"),
        // Some server would refuse this path, so the ticket comes back to the landing path.
        ("/a%27b?c", "/portal/page?cas_confirmation"),
    ] {
        let mut browser = Browser::new();
        let question = come_back_to(&site, &mut browser, page).await.question();
        assert_eq!(question.action, action);
        assert!(!browser.has_session());
        // From elsewhere it is none, and the app does not see it either.
        let url = format!("{host}{action}");
        let foreign = browser.form(&url, question.form(CONTINUE));
        let foreign = foreign.header("sec-fetch-site", "cross-site");
        assert_eq!(browser.clone().send(foreign).await.status, 403);
        let mut stranger = Browser::new();
        assert_eq!(
            stranger.answer(&host, &question, CONTINUE).await.status,
            403
        );
        let large = browser.form(&url, "x".repeat(70_000));
        assert_eq!(browser.clone().send(large).await.status, 413);

        let back = browser.answer(&host, &question, CONTINUE).await;
        assert_eq!(back.location(), format!("/portal{page}"));
        assert_eq!(browser.open(&site.at("/page")).await.body, "alice");
        // After a sign-out by the app's own handler the browser knows her still.
        let out = browser.request(Method::POST, &site.at("/sign-out"));
        assert_eq!(browser.send(out).await.status, 303);
        let back = come_back_to(&site, &mut browser, page).await;
        assert_eq!(back.location(), format!("/portal{page}"));
    }
}

#[tokio::test]
async fn in_place_who_is_somebody_else_is_asked_for_a_password() {
    let site = site(|config| config).await;
    let host = site.url.strip_suffix("/portal").unwrap().to_owned();
    let mut browser = Browser::new();
    let question = come_back_to(&site, &mut browser, "/page?a")
        .await
        .question();
    let onward = browser.answer(&host, &question, OTHER).await;
    assert_eq!(onward.status, 303);
    assert_eq!(
        onward.location_parameter("service").unwrap(),
        site.at("/page")
    );
    assert_eq!(onward.location_parameter("renew").as_deref(), Some("true"));
    assert!(!browser.has_session());
    // And a form of the app's own is the app's own.
    let mut browser = Browser::new();
    let question = come_back_to(&site, &mut browser, "/page").await.question();
    browser.answer(&host, &question, CONTINUE).await;
    for own in [
        "/form?cas_confirmation=1",
        "/form?a&cas_confirmation",
        "/form",
    ] {
        let request = browser.form(&site.at(own), question.form(CONTINUE));
        assert_eq!(browser.send(request).await.body, format!("/portal{own}"));
    }
}
