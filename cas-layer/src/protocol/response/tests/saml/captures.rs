//! What django-cas-server answered.

use std::time::Duration;

use super::{Outcome, authentication_from, outcome_from, parse_at, refused, table, time};
use crate::protocol::response::{ResponseError, Unmet};

macro_rules! capture {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/django-cas-server/",
            $name
        ))
    };
}

const OK: &str = capture!("saml-ok-https-service.xml");
const SERVICE: &str = "https://127.0.0.1:43955/app";
const TOLERANCE: Duration = Duration::from_secs(5);

#[test]
fn a_success_gives_the_user_and_every_value() {
    for (body, service) in [
        (OK, SERVICE),
        (
            capture!("saml-ok-http-service.xml"),
            "http://127.0.0.1:43117/app",
        ),
    ] {
        let now = time("2026-11-23T22:26:04Z");
        let authentication = authentication_from(parse_at(body, service, now, TOLERANCE));
        assert_eq!(authentication.user(), "alice");
        assert_eq!(
            table(&authentication),
            [
                ("authenticationDate", vec!["2026-11-23T22:25:50+00:00"]),
                ("longTermAuthenticationRequestTokenUsed", vec!["false"]),
                ("isFromNewLogin", vec!["false"]),
                ("displayName", vec!["Ålice Lidell <&>"]),
                ("mail", vec!["alice@wonderland.example"]),
                ("memberOf", vec!["rabbits", "cats & hatters", "猫"]),
                ("empty", vec![""]),
                ("quote", vec![r#"say "hi" it's"#]),
            ]
        );
        // The attribute, not the `AuthenticationInstant`, which is the time of the answer there.
        assert_eq!(
            authentication.authentication_date(),
            Some(time("2026-11-23T22:25:50Z"))
        );
        assert_eq!(authentication.is_from_new_login(), Some(false));
        assert!(authentication.proxies().is_empty());
    }
}

#[test]
fn a_success_counts_for_its_service_and_in_its_minute_alone() {
    let outcome = |service, now| outcome_from(parse_at(OK, service, time(now), TOLERANCE));
    assert_eq!(
        outcome("https://127.0.0.1:43955/app/", "2026-11-23T22:26:04Z"),
        Outcome::Unmet(Unmet::OtherRecipient)
    );
    for now in ["2026-11-23T22:25:58Z", "2026-11-23T22:27:09Z"] {
        assert!(matches!(outcome(SERVICE, now), Outcome::Unmet(_)), "{now}");
    }
}

#[test]
fn a_refusal_says_why_without_the_ticket() {
    let ticket = "ST-MLcZ3ceLiQXDKUeffcKbDXZrIxn36QPZPCfpuXbxQkgfuABf0k7hBG8MGxdU9";
    for (body, text) in [
        (capture!("saml-replay.xml"), "ticket … not found"),
        (
            capture!("saml-wrong-target.xml"),
            "TARGET … does not match ticket service",
        ),
    ] {
        let result = parse_at(body, SERVICE, time("2026-11-23T22:26:04Z"), TOLERANCE);
        let Err(ResponseError::Refused(refusal)) = &result else {
            panic!("no refusal: {body}");
        };
        assert_eq!(refusal.text(ticket), text);
        assert_eq!(outcome_from(result), refused("AuthnFailed"));
    }
}
