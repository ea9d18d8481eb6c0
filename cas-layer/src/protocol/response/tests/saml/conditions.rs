//! When, for whom, and in answer to what.

use std::time::{Duration, SystemTime};

use super::{
    ALICE, Outcome, SERVICE, alice_with, outcome, outcome_from, parse_at, replaced, time, user,
};
use crate::protocol::response::Unmet;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const BEGIN: &str = "2026-11-23T22:26:00.000Z";
const END: &str = "2026-11-23T22:26:30.000Z";

fn at(now: SystemTime, tolerance: Duration) -> Outcome {
    outcome_from(parse_at(ALICE, SERVICE, now, tolerance))
}

#[test]
fn an_assertion_counts_from_its_beginning_up_to_its_end_and_not_at_its_end() {
    let tolerance = Duration::ZERO;
    let (begin, end) = (time(BEGIN), time(END));
    for now in [begin, begin + SECOND, end - MILLISECOND] {
        assert_eq!(at(now, tolerance), user("alice"), "{now:?}");
    }
    assert_eq!(
        at(begin - MILLISECOND, tolerance),
        Outcome::Unmet(Unmet::NotYetValid {
            ahead: MILLISECOND,
            tolerance
        })
    );
    for ago in [Duration::ZERO, MILLISECOND] {
        assert_eq!(
            at(end + ago, tolerance),
            Outcome::Unmet(Unmet::NoLongerValid { ago, tolerance })
        );
    }
}

#[test]
fn the_tolerance_moves_both_edges_outwards_and_no_further() {
    for tolerance in [MILLISECOND, 5 * SECOND, 600 * SECOND] {
        let (begin, end) = (time(BEGIN) - tolerance, time(END) + tolerance);
        assert_eq!(at(begin, tolerance), user("alice"), "{tolerance:?}");
        assert_eq!(at(end - MILLISECOND, tolerance), user("alice"));
        assert_eq!(
            at(begin - MILLISECOND, tolerance),
            Outcome::Unmet(Unmet::NotYetValid {
                ahead: tolerance + MILLISECOND,
                tolerance
            })
        );
        assert_eq!(
            at(end, tolerance),
            Outcome::Unmet(Unmet::NoLongerValid {
                ago: tolerance,
                tolerance
            })
        );
    }
}

#[test]
fn a_clock_that_is_far_off_accepts_nothing() {
    for now in [
        SystemTime::UNIX_EPOCH,
        SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 33),
        SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40),
    ] {
        let outcome = at(now, 600 * SECOND);
        assert!(matches!(outcome, Outcome::Unmet(_)), "{now:?}: {outcome:?}");
    }
}

#[test]
fn the_operator_is_told_how_far_the_clocks_are_apart() {
    let tolerance = 5 * SECOND;
    for (now, says) in [
        (time(BEGIN) - 61 * SECOND - MILLISECOND, "from now"),
        (time(BEGIN) - 62 * SECOND, "from now"),
        (time(END) + 61 * SECOND + MILLISECOND, "ago"),
        (time(END) + 62 * SECOND, "ago"),
    ] {
        let Outcome::Unmet(unmet) = at(now, tolerance) else {
            panic!("{says}");
        };
        let text = unmet.to_string();
        for part in [says, "62 s", "5s", "compare the clocks"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn an_assertion_without_a_whole_time_window_is_unreadable() {
    for (part, replacement) in [
        (format!(r#" NotBefore="{BEGIN}""#), ""),
        (format!(r#" NotOnOrAfter="{END}""#), ""),
        (format!(r#"NotBefore="{BEGIN}""#), r#"NotBefore="""#),
        (
            format!(r#"NotBefore="{BEGIN}""#),
            r#"NotBefore="2026-11-23T22:26:00""#,
        ),
        (
            format!(r#"NotBefore="{BEGIN}""#),
            r#"NotBefore="2026-11-23""#,
        ),
        (format!(r#"NotBefore="{BEGIN}""#), r#"NotBefore="0""#),
        (
            format!(r#"NotOnOrAfter="{END}""#),
            r#"NotOnOrAfter="99999-01-01T00:00:00Z""#,
        ),
        (
            format!(r#"NotOnOrAfter="{END}""#),
            r#"xmlns:x="urn:x" x:NotOnOrAfter="2026-11-23T22:26:30.000Z""#,
        ),
    ] {
        let body = alice_with(&part, replacement);
        assert_eq!(outcome(body), Outcome::Unreadable, "{replacement}");
    }
    let (start, rest) = ALICE.split_once("<saml1:Conditions").unwrap();
    let (_, end) = rest.split_once("</saml1:Conditions>").unwrap();
    assert_eq!(outcome(format!("{start}{end}")), Outcome::Unreadable);
    let twice = alice_with(
        "<saml1:AuthenticationStatement",
        "<saml1:Conditions NotBefore='2001-01-01T00:00:00Z' NotOnOrAfter='2101-01-01T00:00:00Z'/><saml1:AuthenticationStatement",
    );
    assert_eq!(outcome(twice), Outcome::Unreadable);
}

#[test]
fn instants_are_read_with_any_offset_and_fraction() {
    for begin in [
        "2026-11-23T22:26:00Z",
        "2026-11-23T22:26:00.123456+00:00",
        "2026-11-23T23:26:00+01:00",
        " 2026-11-23T22:26:00.000000000Z ",
    ] {
        let part = format!(r#"NotBefore="{BEGIN}""#);
        let body = alice_with(&part, &format!(r#"NotBefore="{begin}""#));
        assert_eq!(outcome(body), user("alice"), "{begin}");
    }
}

#[test]
fn an_assertion_for_another_audience_does_not_count() {
    let audience = |text: &str| {
        alice_with(
            "<saml1:Audience>https://app.example.org/login?b=1&amp;next=/a<",
            &format!("<saml1:Audience>{text}<"),
        )
    };
    for other in [
        "",
        "https://other.example.org/",
        "https://app.example.org",
        "https://app.example.org/logi",
        "https://app.example.org/login/",
        "https://app.example.org/login?",
        "https://app.example.org/login?b=1",
        "https://app.example.org:443/login",
        "https://app.example.org/login?b=1&amp;next=/a/",
        "https://app.example.org/login?b=1&amp;next=/ab",
        "http://app.example.org/login?b=1&amp;next=/a",
        "https://app.example.org.evil.example/login?b=1&amp;next=/a",
        "HTTPS://app.example.org/login?b=1&amp;next=/a",
        "https://app.example.org/login?b=1&amp;next=/a https://other.example.org/",
    ] {
        assert_eq!(
            outcome(audience(other)),
            Outcome::Unmet(Unmet::OtherAudience),
            "{other}"
        );
    }
    let ours = "https://app.example.org/login?b=1&amp;next=/a";
    assert_eq!(outcome(audience(&format!("\r\n  {ours}\t"))), user("alice"));
}

#[test]
fn a_server_may_leave_the_query_of_the_service_out() {
    let without = |start: &str| {
        let part = format!("{start}https://app.example.org/login?b=1&amp;next=/a");
        alice_with(&part, &format!("{start}https://app.example.org/login"))
    };
    assert_eq!(outcome(without("<saml1:Audience>")), user("alice"));
    assert_eq!(outcome(without("Recipient=\"")), user("alice"));
    let both = without("Recipient=\"").replace("/login?b=1&amp;next=/a<", "/login<");
    assert_eq!(outcome(both), user("alice"));
    // A service without a query is named whole.
    let service = "https://app.example.org/login/x";
    let parsed = parse_at(without("Recipient=\""), service, time(BEGIN), SECOND);
    assert_eq!(outcome_from(parsed), Outcome::Unmet(Unmet::OtherRecipient));
}

#[test]
fn one_of_the_audiences_of_every_restriction_has_to_be_this_service() {
    let ours = "<saml1:Audience>https://app.example.org/login?b=1&amp;next=/a</saml1:Audience>";
    let other = "<saml1:Audience>https://other.example.org/</saml1:Audience>";
    let restriction = |audiences: &str| {
        format!(
            "<saml1:AudienceRestrictionCondition>{audiences}</saml1:AudienceRestrictionCondition>"
        )
    };
    let with = |restrictions: String| outcome(alice_with(&restriction(ours), &restrictions));
    assert_eq!(with(restriction(&format!("{other}{ours}"))), user("alice"));
    assert_eq!(with(restriction(ours) + &restriction(ours)), user("alice"));
    let unmet = Outcome::Unmet(Unmet::OtherAudience);
    assert_eq!(with(restriction(other)), unmet);
    assert_eq!(with(restriction("")), unmet);
    assert_eq!(with(restriction(ours) + &restriction(other)), unmet);
    assert_eq!(with(restriction(other) + &restriction(ours)), unmet);
}

#[test]
fn a_condition_that_nobody_knows_is_not_met() {
    for condition in [
        "<saml1:OneTimeUse/>",
        "<saml1:Condition xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='x'/>",
        "<AudienceRestrictionCondition/>",
        "<x:DoNotCacheCondition xmlns:x='urn:x'/>",
    ] {
        let body = alice_with(
            "</saml1:Conditions>",
            &format!("{condition}</saml1:Conditions>"),
        );
        assert_eq!(outcome(body), Outcome::Unreadable, "{condition}");
    }
}

#[test]
fn an_answer_for_another_recipient_or_to_another_request_does_not_count() {
    for recipient in [
        "",
        "app.example.org",
        "https://app.example.org/",
        "https://app.example.org/login?b=1",
        "https://other.example.org/login?b=1&amp;next=/a",
    ] {
        let body = alice_with(
            r#"Recipient="https://app.example.org/login?b=1&amp;next=/a""#,
            &format!(r#"Recipient="{recipient}""#),
        );
        assert_eq!(
            outcome(body),
            Outcome::Unmet(Unmet::OtherRecipient),
            "{recipient}"
        );
    }
    for request in ["", "_1", "_00112233445566778899AABBCCDDEEFF"] {
        let body = alice_with(
            r#"InResponseTo="_00112233445566778899aabbccddeeff""#,
            &format!(r#"InResponseTo="{request}""#),
        );
        assert_eq!(
            outcome(body),
            Outcome::Unmet(Unmet::OtherRequest),
            "{request}"
        );
    }
}

#[test]
fn another_version_of_saml_is_unreadable() {
    let (response, assertion) = ALICE.split_once("<saml1p:Status>").unwrap();
    for (major, minor) in [("2", "0"), ("1", "2"), ("0", "1"), ("", ""), ("1", "x")] {
        let versions = |text: &str| {
            let text = replaced(
                text,
                r#"MajorVersion="1""#,
                &format!(r#"MajorVersion="{major}""#),
            );
            replaced(
                &text,
                r#"MinorVersion="1""#,
                &format!(r#"MinorVersion="{minor}""#),
            )
        };
        for body in [
            format!("{}<saml1p:Status>{assertion}", versions(response)),
            format!("{response}<saml1p:Status>{}", versions(assertion)),
        ] {
            assert_eq!(outcome(body), Outcome::Unreadable, "{major}.{minor}");
        }
    }
    assert_eq!(
        outcome(alice_with(r#" MajorVersion="1""#, "")),
        Outcome::Unreadable
    );
    assert_eq!(
        outcome(alice_with("SAML:1.0:assertion", "SAML:2.0:assertion")),
        Outcome::Unreadable
    );
    assert_eq!(
        outcome(alice_with("SAML:1.0:protocol", "SAML:2.0:protocol")),
        Outcome::Unreadable
    );
}
