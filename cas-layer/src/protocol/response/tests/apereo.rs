//! What Apereo CAS answered.

use std::time::{Duration, SystemTime};

use super::{Outcome, authentication, outcome, outcome_of, proxy, refused, user};
use crate::protocol::{
    Authentication, Protocol,
    response::{ResponseError, parse_proxy_response, parse_service_response},
};

macro_rules! capture {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/apereo/",
            $name
        ))
    };
}

fn at(seconds: u64, nanoseconds: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

fn mail_and_groups(authentication: &Authentication) -> Vec<&str> {
    let attributes = authentication.attributes();
    let values = ["mail", "memberOf", "city", "displayName"]
        .map(|name| attributes.all(name).iter().map(String::as_str));
    values.into_iter().flatten().collect()
}

#[test]
fn xml_and_json_say_the_same() {
    for (body, date) in [
        (
            capture!("service3-pgt-https.xml"),
            at(1_795_907_028, 309_610_520),
        ),
        (
            capture!("service3-format-JSON.json"),
            at(1_795_907_028, 309_610_520),
        ),
        (
            capture!("service3-format-JSON-pgt.json"),
            at(1_795_907_089, 609_130_318),
        ),
    ] {
        let authentication = authentication(body);
        assert_eq!(authentication.user(), "casuser");
        assert_eq!(authentication.authentication_date(), Some(date), "{body}");
        assert_eq!(authentication.is_from_new_login(), Some(false));
        assert_eq!(
            authentication.long_term_authentication_request_token_used(),
            Some(false)
        );
        assert_eq!(
            mail_and_groups(&authentication),
            [
                "casuser@example.org",
                "rabbits",
                "cats & hatters",
                "<b>bold</b> \"q\" 'a'",
                "Århus ☃ 😀",
                "Ålice Lidell <&>",
            ]
        );
    }
}

#[test]
fn a_remembered_user_is_told_from_one_who_gave_a_password() {
    for (body, is_new) in [
        (capture!("service3-remember-me-new.xml"), true),
        (capture!("service3-remember-me-sso.xml"), false),
        (capture!("service3-format-JSON-remember-me-sso.json"), false),
    ] {
        let authentication = authentication(body);
        // Its name is one, dots and all.
        assert_eq!(
            authentication
                .attributes()
                .all("org.apereo.cas.authentication.principal.REMEMBER_ME"),
            ["true"]
        );
        assert_eq!(authentication.is_from_new_login(), Some(is_new), "{body}");
        assert_eq!(
            authentication.long_term_authentication_request_token_used(),
            Some(true)
        );
        assert_eq!(
            authentication.authentication_date(),
            Some(at(1_795_907_089, 787_695_349))
        );
    }
}

#[test]
fn the_iou_is_read_in_xml_and_json() {
    for (body, iou) in [
        (
            capture!("service3-pgt-https.xml"),
            "PGTIOU-12-B3wUsCO8by2UHr3sC5PH7ItsopSgWdZIdUnyE0DybmmR2qzhsxEUfjqkA0MaExnqXCU-rig",
        ),
        (
            capture!("service3-format-JSON-pgt.json"),
            "PGTIOU-17-Ktrm5w7jj1R-6ve-LyEcpNT2OcjsdyMS11Xy26wPATHRFpxmwzvG2h0BDDk8VFhrYRg-rig",
        ),
    ] {
        let authentication = authentication(body);
        let read = authentication.proxy_granting_ticket_iou().unwrap();
        assert_eq!(read.expose_secret(), iou);
    }
}

#[test]
fn a_chain_is_read_in_xml_and_json() {
    assert_eq!(
        authentication(capture!("proxyvalidate2-chain.xml")).proxies(),
        ["https://127.0.0.1:46103/pgt2", "http://127.0.0.1:46659/pgt"]
    );
    assert_eq!(
        authentication(capture!("proxyvalidate3-format-JSON.json")).proxies(),
        ["http://127.0.0.1:44973/pgt"]
    );
}

#[test]
fn refusals_have_their_code_and_words_in_xml_and_json() {
    for (body, ticket, code, text) in [
        (
            capture!("service3-unregistered-service.xml"),
            "ST-275-NunLe6ycDUpwGgEeqsggemfWkpM-rig",
            "INVALID_SERVICE",
            "Ticket … does not match supplied service The original service was … and the supplied service …",
        ),
        (
            capture!("service3-format-JSON-failure.json"),
            "ST-unknown-0123456789",
            "INVALID_TICKET",
            "Ticket … not recognized",
        ),
        (
            capture!("service3-markup-ticket.xml"),
            "ST-1",
            "INVALID_TICKET",
            "Ticket … not recognized",
        ),
    ] {
        let Err(ResponseError::Refused(refusal)) = parse_service_response(body.as_bytes()) else {
            panic!("no refusal: {body}");
        };
        assert_eq!(refusal.code(ticket), Some(code));
        assert_eq!(refusal.text(ticket), text);
    }
    for body in [
        capture!("service3-replay.xml"),
        capture!("proxy-after-logout.xml"),
    ] {
        assert_eq!(outcome(body), refused("INVALID_TICKET"));
    }
    assert_eq!(
        outcome(capture!("service2-wrong-service.xml")),
        refused("INVALID_SERVICE")
    );
}

#[test]
fn a_refusal_of_a_proxy_ticket_quotes_no_live_ticket() {
    let pgt = "PGT-9-LkoT2MjuUncfgPF82ZDXDI1n5R93y7ev5ujgYQebqZJIA1iX8XMt1M52MCOwXCtyc3E-rig";
    let body = capture!("proxy-foreign-target.xml");
    assert!(body.contains(pgt));
    let Err(ResponseError::Refused(refusal)) = parse_proxy_response(body.as_bytes()) else {
        panic!("no refusal");
    };
    assert_eq!(refusal.code(pgt), Some("UNAUTHORIZED_SERVICE_PROXY"));
    assert!(!refusal.text(pgt).contains("Lko"));
    assert_eq!(
        proxy::outcome(capture!("proxy-ok.xml")),
        Outcome::User("PT-158-zcyBKvnXukKKes5F6quuD8RsHWM-rig".to_owned())
    );
}

#[test]
fn plain_text_and_saml_are_read() {
    assert_eq!(
        outcome_of(Protocol::Cas1, capture!("validate1-ok.txt")),
        user("casuser")
    );
    assert_eq!(
        outcome_of(Protocol::Cas1, capture!("validate1-replay.txt")),
        Outcome::Refused(None)
    );
    assert_eq!(
        outcome_of(Protocol::Saml1, capture!("saml-replay.xml")),
        refused("RequestDenied")
    );
}
