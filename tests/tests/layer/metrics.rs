//! What is counted, under documented names.

use std::collections::BTreeMap;

use metrics::{Unit, set_default_local_recorder};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::{
    browser::Browser,
    events::OVERVIEW,
    happenings::{WAYS, turn_away},
    single_logout::{FORM, alice, form, message, post, query},
    support::App,
};

/// Counts by name and labels, and for a histogram how many values it has. All of them are documented.
pub(crate) fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (key, unit, description, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        assert!(OVERVIEW.contains(&format!("`{}`", key.name())), "{key}");
        assert!(description.is_some(), "{key} is not described");
        let labels: Vec<String> = key
            .labels()
            .map(|label| {
                for word in [label.key(), label.value()] {
                    assert!(OVERVIEW.contains(&format!("`{word}`")), "{key}: {word}");
                }
                format!("{}={}", label.key(), label.value())
            })
            .collect();
        let (expected_unit, count) = match value {
            DebugValue::Counter(count) => (Unit::Count, count),
            DebugValue::Histogram(values) => {
                assert!(
                    values
                        .iter()
                        .all(|seconds| (0.0..60.0).contains(&seconds.0))
                );
                (Unit::Seconds, values.len() as u64)
            }
            DebugValue::Gauge(_) => panic!("{key}"),
        };
        assert_eq!(unit, Some(expected_unit), "{key}");
        let name = key.name().strip_prefix("cas_layer_").unwrap();
        counts.insert(format!("{name} {}", labels.join(" ")), count);
    }
    counts
}

fn expected(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|&(name, count)| (name.to_owned(), count))
        .collect()
}

#[tokio::test]
async fn sign_ins_validations_and_ended_sessions_are_counted() {
    let recorder = DebuggingRecorder::new();
    let _recording = set_default_local_recorder(&recorder);
    let app = App::start().await;
    let (mut browser, service, ticket) = alice(&app).await;
    let (_, _, second) = alice(&app).await;
    for path in ["/profile", "/", "/public/whoami"] {
        browser.open(&app.at(path)).await;
    }
    browser.open(&app.at("/logout")).await;
    for tickets in [
        [ticket.as_str(), "ST-unknown"],
        [second.as_str(), "ST-unknown"],
    ] {
        post(&service, FORM, form(&message(&tickets))).await;
    }
    let (mut third, _, ticket) = alice(&app).await;
    let request = query(&[("logoutRequest", &message(&[&ticket]))]);
    third.open(&app.at(&format!("/login?{request}"))).await;
    third.open(&app.at("/login?SAMLRequest=AAAA")).await;
    assert_eq!(
        counted(&recorder.snapshotter()),
        expected(&[
            ("sign_ins_total result=signed-in", 3),
            ("validation_seconds result=ok", 3),
            ("sessions_ended_total cause=sign-out", 1),
            ("sessions_ended_total cause=back-channel", 1),
            ("sessions_ended_total cause=front-channel", 1),
            ("logout_requests_total channel=back result=unknown", 1),
            ("logout_requests_total channel=back result=ended", 1),
            ("logout_requests_total channel=front result=ended", 1),
            ("logout_requests_total channel=front result=malformed", 1),
        ])
    );
}

#[tokio::test]
async fn every_sign_in_that_comes_to_nothing_is_counted_by_its_reason() {
    for reason in WAYS {
        let recorder = DebuggingRecorder::new();
        let _recording = set_default_local_recorder(&recorder);
        turn_away(reason, |config| config).await;
        let counts = counted(&recorder.snapshotter());
        let counted = counts.get(&format!("sign_ins_total result={reason}"));
        let is_sign_in =
            !["not-allowed", "foreign-sign-out", "foreign-confirmation"].contains(&reason);
        if reason == "busy" {
            assert!(counted.is_some(), "{counts:?}");
        } else {
            assert_eq!(counted, is_sign_in.then_some(&1), "{counts:?}");
        }
    }
}

#[tokio::test]
async fn a_visitor_cannot_make_new_labels() {
    let recorder = DebuggingRecorder::new();
    let _recording = set_default_local_recorder(&recorder);
    let app = App::start().await;
    let mut browser = Browser::new();
    for odd in ["x", "%00", "ST-1-x", "a b", "<y>"] {
        let service = app.begin(&mut browser, "/profile").await;
        browser.open(&format!("{service}&ticket={odd}")).await;
        post(&app.at("/login"), FORM, form(odd)).await;
        post(&app.at("/login"), odd.trim_matches('%'), odd.to_owned()).await;
        browser
            .open(&app.at(&format!("/login?logoutRequest={odd}")))
            .await;
    }
    let counts = counted(&recorder.snapshotter());
    let names: Vec<&str> = counts.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "logout_requests_total channel=back result=malformed",
            "logout_requests_total channel=front result=malformed",
            "sign_ins_total result=invalid-ticket",
            "sign_ins_total result=ticket-refused",
            "validation_seconds result=ticket-refused",
        ]
    );
}
