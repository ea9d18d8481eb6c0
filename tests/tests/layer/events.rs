//! What is logged of what happens, by documented names.

use std::net::{IpAddr, Ipv4Addr};

use cas_layer_tests::listening::{Listening, heard};
use reqwest::Method;

use crate::{
    browser::Browser,
    happenings::{WAYS, turn_away},
    registry::Moody,
    single_logout::{FORM, alice, form, message, post, query},
    support::App,
};

pub(crate) const OVERVIEW: &str =
    include_str!("../../../cas-layer/src/docs/guide/observability.md");

/// Lines of events that have all of these fields.
pub(crate) fn lines(fields: &[&str]) -> Vec<String> {
    let text = heard();
    text.lines()
        .filter(|line| line.contains(" cas_layer: "))
        .filter(|line| fields.iter().all(|field| line.contains(field)))
        .map(str::to_owned)
        .collect()
}

/// There are so many of them, and who is signed in is in none.
#[track_caller]
fn expect(count: usize, fields: &[&str]) -> String {
    let found = lines(fields);
    assert_eq!(found.len(), count, "{fields:?} in {}", heard());
    for line in &found {
        assert!(!line.contains("alice"), "{line}");
    }
    for field in fields.iter().filter_map(|field| field.split_once("=\"")) {
        let value = field.1.trim_end_matches('"');
        let documented = OVERVIEW.contains(&format!("`{value}`"));
        assert!(documented && OVERVIEW.contains(field.0), "{field:?}");
    }
    found.concat()
}

#[tokio::test]
async fn a_sign_in_and_a_sign_out_are_logged_with_the_session_alone() {
    let _listening = Listening::start();
    let app = App::start().await;
    let (mut browser, ..) = alice(&app).await;
    let line = expect(1, &["INFO", "event=\"signed-in\"", "session="]);
    let session = line.split("session=").nth(1).unwrap().trim().to_owned();
    assert_eq!(session.len(), 32, "{line}");
    browser.open(&app.at("/logout")).await;
    expect(
        1,
        &[
            "INFO",
            "event=\"signed-out\"",
            "cause=\"sign-out\"",
            &session,
        ],
    );
}

#[tokio::test]
async fn a_validation_is_a_span_with_its_result_and_duration() {
    let _listening = Listening::start();
    let app = App::start().await;
    let (mut browser, service, ticket) = alice(&app).await;
    expect(
        1,
        &[
            "cas_layer::validate{protocol=cas3}",
            "event=\"validated\"",
            "result=\"ok\"",
            "seconds=",
        ],
    );
    // What lower crates say of it is found inside.
    assert!(
        heard()
            .lines()
            .any(|line| line.contains("cas_layer::validate{") && line.contains("hyper_util::"))
    );
    browser.cookies.clear();
    let service_2 = app.begin(&mut browser, "/profile").await;
    browser.open(&format!("{service_2}&ticket={ticket}")).await;
    expect(1, &["event=\"validated\"", "result=\"ticket-refused\""]);
    let text = heard();
    for secret in [ticket.as_str(), service.as_str(), "service="] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_request_of_somebody_who_has_signed_in_is_not_worth_a_word() {
    let _listening = Listening::start();
    let app = App::start().await;
    let (mut browser, ..) = alice(&app).await;
    let before = lines(&[]).len();
    for path in ["/profile", "/public/whoami", "/"] {
        assert_eq!(browser.open(&app.at(path)).await.status, 200);
    }
    assert!(heard().contains("signed in"));
    assert_eq!(lines(&[]).len(), before);
    assert_eq!(
        heard()
            .matches("cas_layer::validate{protocol=cas3}: cas_layer: new")
            .count(),
        1
    );
}

#[tokio::test]
async fn every_refusal_is_logged_with_its_reason() {
    for reason in WAYS {
        let _listening = Listening::start();
        turn_away(reason, |config| config).await;
        let fields = ["event=\"refused\"", &format!("reason=\"{reason}\"")];
        let count = if reason == "busy" {
            lines(&fields).len().max(1)
        } else {
            1
        };
        let line = expect(count, &fields);
        let has_error = matches!(
            reason,
            "registry-unavailable"
                | "registry-full"
                | "ticket-refused"
                | "cas-unreachable"
                | "cas-timed-out"
                | "cas-unreadable"
                | "vetoed"
                | "bad-user-name"
                | "admission-failed"
                | "admission-timed-out"
                | "admission-panicked"
                | "session-too-large"
        );
        assert_eq!(line.contains("error="), has_error, "{line}");
        let level = match reason {
            "not-begun-here"
            | "vetoed"
            | "signed-out-meanwhile"
            | "not-confirmed"
            | "not-allowed" => " INFO ",
            "invalid-ticket"
            | "ticket-by-post"
            | "cookies-needed"
            | "ticket-refused"
            | "cas-away"
            | "foreign-sign-out"
            | "foreign-confirmation" => " WARN ",
            _ => "ERROR ",
        };
        assert!(line.contains(level), "{line}");
    }
    assert!(OVERVIEW.contains("`internal-error`"));
}

#[tokio::test]
async fn a_login_that_begins_again_for_a_refused_ticket_is_logged_once() {
    let _listening = Listening::start();
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let page = browser.insist_with(&service, "ST-gone").await;
    assert_eq!(page.status, 403);
    assert_eq!(app.cas.validations(), 3);
    let line = expect(1, &["event=\"refused\"", "reason=\"ticket-refused\""]);
    assert!(line.contains(" WARN "), "{line}");
    assert_eq!(lines(&["ERROR"]), Vec::<String>::new());
}

#[tokio::test]
async fn the_sizes_of_a_session_that_is_too_large_are_logged() {
    let _listening = Listening::start();
    turn_away("session-too-large", |config| config).await;
    let line = expect(1, &["reason=\"session-too-large\""]);
    assert!(line.contains(" bytes, and 4096 are the limit"), "{line}");
}

#[tokio::test]
async fn a_browser_that_keeps_no_session_is_logged() {
    let _listening = Listening::start();
    let app = App::start().await;
    let mut browser = Browser::new();
    browser.refuses = vec!["-session"];
    for _ in 0..3 {
        app.sign_in(&mut browser, "/profile").await;
    }
    expect(1, &["WARN", "event=\"session-not-kept\"", "session="]);
}

#[tokio::test]
async fn logout_requests_are_logged_with_channel_and_result_and_sessions_with_their_cause() {
    let _listening = Listening::start();
    let registry = Moody::default();
    let app = App::with(|config| config.registry(registry.clone())).await;
    let (_, service, ticket) = alice(&app).await;
    let (_, _, second) = alice(&app).await;
    let body = form(&message(&[&ticket]));
    for _ in 0..2 {
        post(&service, FORM, body.clone()).await;
    }
    let back = "channel=\"back\"";
    let request = "event=\"logout-request\"";
    expect(
        1,
        &["DEBUG", request, back, "result=\"ended\"", "sessions=1"],
    );
    expect(1, &["DEBUG", request, back, "result=\"unknown\""]);
    expect(
        1,
        &["INFO", "event=\"signed-out\"", "cause=\"back-channel\""],
    );

    for (content_type, body) in [
        (FORM, "a=b".to_owned()),
        ("text/xml", message(&[&second])),
        (FORM, "x".repeat(100_000)),
    ] {
        post(&service, content_type, body).await;
    }
    let malformed = "result=\"malformed\"";
    // Anybody can send these: one is said, and the others on request.
    expect(1, &["WARN", request, back, malformed, "error="]);
    expect(2, &["DEBUG", request, back, malformed, "error="]);

    let url = |name: &str, value: &str| app.at(&format!("/login?{}", query(&[(name, value)])));
    let mut browser = Browser::new();
    browser.open(&url("SAMLRequest", "AAAA")).await;
    let front = "channel=\"front\"";
    expect(1, &["WARN", request, front, malformed, "error="]);
    registry.set_broken(Some("end_if_opened"));
    browser
        .open(&url("logoutRequest", &message(&[&second])))
        .await;
    expect(
        1,
        &[
            "ERROR",
            request,
            front,
            "result=\"not-remembered\"",
            "error=out of order",
        ],
    );
    expect(1, &["event=\"signed-out\"", "cause=\"front-channel\""]);
    assert!(!heard().contains(&ticket) && !heard().contains(&second));
}

#[tokio::test]
async fn logout_requests_from_elsewhere_are_logged() {
    for (address, result) in [
        (
            Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            "result=\"source-refused\"",
        ),
        (None, "result=\"source-unknown\""),
    ] {
        let _listening = Listening::start();
        let app = App::with(|c| {
            c.peer_address(move |_| address)
                .sign_out(|sign_out| sign_out.logout_sources(["127.0.0.1"]))
        })
        .await;
        let body = form(&message(&["ST-1"]));
        assert_eq!(post(&app.at("/login"), FORM, body).await.status, 403);
        expect(1, &["event=\"logout-request\"", "channel=\"back\"", result]);
    }
}

#[tokio::test]
async fn other_ends_of_sessions_are_logged_and_so_is_a_registry_that_is_not_sure() {
    let _listening = Listening::start();
    let registry = Moody::default();
    let app = App::with(|config| config.registry(registry.clone())).await;
    let (mut browser, ..) = alice(&app).await;
    let mut tab = Browser::new();
    let service = app.begin(&mut tab, "/profile").await;
    tab.cookies
        .push(browser.cookie("-session").unwrap().clone());
    tab.open(&app.callback(&service)).await;
    expect(1, &["INFO", "event=\"signed-out\"", "cause=\"replaced\""]);

    app.sign_in(&mut browser, "/profile").await;
    registry.set_broken(Some("end"));
    browser.open(&app.at("/logout")).await;
    expect(
        1,
        &[
            "ERROR",
            "event=\"signed-out\"",
            "cause=\"sign-out\"",
            "error=out of order",
        ],
    );

    registry.set_broken(Some("end_all"));
    let everywhere = tab.request(Method::POST, &app.at("/everywhere"));
    // The app's own handler takes the error for a panic, so there may be no answer.
    let mut other = tab.clone();
    let _ = tokio::spawn(async move { other.send(everywhere).await }).await;
    expect(
        1,
        &[
            "ERROR",
            "event=\"signed-out\"",
            "cause=\"all-sessions\"",
            "error=out of order",
        ],
    );
}

#[tokio::test]
async fn forms_without_a_sign_in_in_them_do_not_fill_the_log() {
    let _listening = Listening::start();
    let app = App::with(|config: cas_layer::CasConfigBuilder| {
        config.sign_in(|sign_in| sign_in.bare_service_url(true))
    })
    .await;
    let url = app.at("/login");
    for _ in 0..20 {
        let answer = post(&url, FORM, "cas_answer=continue&cas_confirmation=x");
        assert_eq!(answer.await.status, 403);
    }
    expect(
        1,
        &["INFO", "event=\"refused\"", "reason=\"not-confirmed\""],
    );
    expect(
        19,
        &["DEBUG", "event=\"refused\"", "reason=\"not-confirmed\""],
    );
}
