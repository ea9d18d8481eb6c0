//! What the app is told of sign-ins, sign-outs and refusals.

use std::sync::{Arc, Mutex};

use cas_layer::{CasConfigBuilder, RefusedReason, UserName};
use reqwest::Method;

use crate::{
    browser::Browser,
    happenings::{WAYS, turn_away},
    registry::Moody,
    single_logout::{FORM, alice, form, message, post, query},
    support::App,
};

/// What the hooks were told, in words, in order.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    /// What was told since this was last asked.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Listens to everything.
    fn listen(&self, config: CasConfigBuilder) -> CasConfigBuilder {
        let (signed_in, signed_out, refused) = (self.clone(), self.clone(), self.clone());
        config
            .on_sign_in(move |user| {
                assert_eq!(
                    user.attributes().first("mail"),
                    Some("alice@wonderland.example")
                );
                signed_in.note(format!("in: {} {}", user.name(), user.session_id()));
            })
            .on_sign_out(move |out| {
                let session = out
                    .session_id()
                    .map_or("all".to_owned(), |id| id.to_string());
                let name = out.user_name().unwrap_or("?");
                signed_out.note(format!("{}: {name} {session}", out.cause()));
            })
            .on_refused(move |who| {
                let name = who.user_name().unwrap_or("?");
                refused.note(format!("{}: {name}", who.reason()));
            })
    }

    /// The session that was opened since this was last asked.
    fn session(&self) -> String {
        let told = self.take();
        let session = told.last().and_then(|line| line.strip_prefix("in: alice "));
        session.unwrap_or_else(|| panic!("{told:?}")).to_owned()
    }
}

async fn app() -> (App, Told) {
    let told = Told::default();
    (App::with(|config| told.listen(config)).await, told)
}

#[tokio::test]
async fn a_sign_in_and_a_sign_out_are_told_with_user_and_session() {
    let (app, told) = app().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let session = told.session();
    // Using the session is no event, and neither is asking for a page without one.
    browser.open(&app.at("/profile")).await;
    Browser::new().open(&app.at("/profile")).await;
    assert!(told.take().is_empty());
    browser.open(&app.at("/logout")).await;
    browser.open(&app.at("/logout")).await;
    assert_eq!(told.take(), [format!("sign-out: alice {session}")]);
}

#[tokio::test]
async fn a_session_that_another_replaces_is_told_before_the_new_one() {
    let (app, told) = app().await;
    let mut browser = Browser::new();
    let mut tab = browser.clone();
    let service = app.begin(&mut tab, "/profile").await;
    app.sign_in(&mut browser, "/profile").await;
    let first = told.session();
    browser
        .cookies
        .retain(|cookie| !cookie.name().ends_with("-login"));
    browser.cookies.push(tab.cookie("-login").unwrap().clone());
    browser.open(&app.callback(&service)).await;
    let lines = told.take();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], format!("replaced: alice {first}"));
    assert!(
        lines[1].starts_with("in: alice ") && !lines[1].contains(&first),
        "{lines:?}"
    );
}

#[tokio::test]
async fn single_logout_by_the_server_tells_sessions_without_their_user_and_each_once() {
    let (app, told) = app().await;
    let (_, _, one) = alice(&app).await;
    let first = told.session();
    let (_, service, two) = alice(&app).await;
    let second = told.session();
    let (mut browser, _, three) = alice(&app).await;
    let third = told.session();
    // The third ends otherwise.
    browser.open(&app.at("/logout")).await;
    assert_eq!(told.take(), [format!("sign-out: alice {third}")]);

    let body = form(&message(&[&one, &two, "ST-unknown", &two, &three]));
    for expected in [vec![first, second], Vec::new()] {
        assert_eq!(post(&service, FORM, body.clone()).await.status, 200);
        let mut expected: Vec<String> = expected
            .iter()
            .map(|session| format!("back-channel: ? {session}"))
            .collect();
        expected.sort();
        let mut lines = told.take();
        lines.sort();
        assert_eq!(lines, expected);
    }
}

#[tokio::test]
async fn single_logout_through_a_browser_tells_whose_session_it_was_if_it_is_that_browsers() {
    let (app, told) = app().await;
    for (own, name) in [(true, "alice"), (false, "?")] {
        let (mut browser, _, ticket) = alice(&app).await;
        let session = told.session();
        if !own {
            browser = Browser::new();
        }
        let message = message(&[&ticket]);
        let url = app.at(&format!("/login?{}", query(&[("logoutRequest", &message)])));
        assert_eq!(browser.open(&url).await.status, 200);
        assert_eq!(told.take(), [format!("front-channel: {name} {session}")]);
    }
}

#[tokio::test]
async fn the_end_of_all_sessions_of_a_user_is_told_once() {
    let (app, told) = app().await;
    let (mut browser, ..) = alice(&app).await;
    alice(&app).await;
    told.take();
    let request = browser.request(Method::POST, &app.at("/everywhere"));
    browser.send(request).await;
    assert_eq!(told.take(), ["all-sessions: alice all"]);
    assert!(app.whoami(&mut browser).await.is_null());
}

#[tokio::test]
async fn a_sign_out_is_told_even_if_other_nodes_do_not_know_it_yet() {
    let (registry, told) = (Moody::default(), Told::default());
    let app = App::with(|config| told.listen(config).registry(registry.clone())).await;
    let (mut browser, ..) = alice(&app).await;
    let session = told.session();
    registry.set_broken(Some("end"));
    browser.open(&app.at("/logout")).await;
    assert_eq!(told.take(), [format!("sign-out: alice {session}")]);
}

#[tokio::test]
async fn every_refusal_is_told_with_its_reason_and_the_name_of_who_is_known() {
    for reason in WAYS {
        let told = Told::default();
        let silent = Arc::clone(&told.0);
        turn_away(reason, |config| {
            told.listen(config)
                .session(|session| session.user_name(UserName::AsciiUppercase))
                .on_sign_in(move |_| silent.lock().unwrap().clear())
        })
        .await;
        let name = match reason {
            // As the CAS server calls them: no session came of it.
            "vetoed"
            | "bad-user-name"
            | "admission-failed"
            | "admission-timed-out"
            | "admission-panicked" => "alice",
            // As their session does, or would have.
            "signed-out-meanwhile" | "not-confirmed" | "session-too-large" | "not-allowed" => {
                "ALICE"
            }
            _ => "?",
        };
        let lines = told.take();
        let expected = format!("{reason}: {name}");
        let others: &[&str] = match reason {
            "cookies-needed" => &["not-begun-here: ?"],
            "busy" | "cas-away" => &["cas-timed-out: ?"],
            _ => &[],
        };
        assert!(lines.contains(&expected), "{reason}: {lines:?}");
        assert!(
            lines
                .iter()
                .all(|line| *line == expected || others.contains(&&**line)),
            "{reason}: {lines:?}"
        );
    }
}

#[tokio::test]
async fn a_hook_that_panics_lets_nobody_in_and_keeps_nobody_signed_in() {
    let open = async |browser: &Browser, url: String| {
        let mut browser = browser.clone();
        tokio::spawn(async move { browser.open(&url).await }).await
    };
    let app = App::with(|config| config.on_sign_in(|_| panic!("on purpose"))).await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let answer = open(&browser, app.callback(&service)).await;
    assert!(
        answer.is_err(),
        "there is no answer that could bring a cookie"
    );

    let app = App::with(|config| config.on_sign_out(|_| panic!("on purpose"))).await;
    let (mut browser, ..) = alice(&app).await;
    assert!(open(&browser, app.at("/logout")).await.is_err());
    assert!(app.whoami(&mut browser).await.is_null());

    let app =
        App::with(|config| config.on_refused(|refused| panic!("on purpose: {}", refused.reason())))
            .await;
    let service = app.begin(&mut Browser::new(), "/profile").await;
    let foreign = app.callback(&service);
    assert!(open(&Browser::new(), foreign).await.is_err());
}

#[test]
fn sign_ins_are_told_apart_from_other_refusals() {
    assert!(RefusedReason::TicketRefused.is_of_sign_in());
    assert!(!RefusedReason::NotAllowed.is_of_sign_in());
    assert!(!RefusedReason::ForeignSignOut.is_of_sign_in());
    assert!(RefusedReason::NotConfirmed.is_of_sign_in());
    assert!(!RefusedReason::ForeignConfirmation.is_of_sign_in());
}
