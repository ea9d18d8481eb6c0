//! What a real server answered: django-cas-server.

use super::{Outcome, authentication, outcome, outcome_of, proxy, refused, table, user};
use crate::protocol::Protocol;
use crate::protocol::response::{ResponseError, parse_proxy_response};

macro_rules! capture {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/django-cas-server/",
            $name
        ))
    };
}

#[test]
fn a_success_gives_the_user_and_each_attribute_once() {
    let authentication = authentication(capture!("service2-ok-sso.xml"));
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
    assert_eq!(authentication.is_from_new_login(), Some(false));
    assert_eq!(
        authentication.long_term_authentication_request_token_used(),
        Some(false)
    );
    assert!(authentication.authentication_date().is_some());
    assert!(authentication.proxies().is_empty());
}

#[test]
fn a_new_login_is_told_from_an_old_one() {
    let authentication = authentication(capture!("service3-ok-new-login.xml"));
    assert_eq!(authentication.is_from_new_login(), Some(true));
}

#[test]
fn the_proxies_of_a_chain_are_read() {
    let authentication = authentication(capture!("proxyvalidate2-chain.xml"));
    assert_eq!(authentication.user(), "alice");
    assert_eq!(authentication.proxies(), ["https://127.0.0.1:43955/pgt2"]);
}

#[test]
fn the_iou_of_a_proxy_granting_ticket_is_read_and_is_no_attribute() {
    for (body, iou) in [
        (
            capture!("service3-pgt-https.xml"),
            "PGTIOU-ZSI7FsCQvzPuQIPl2LhGcJDU3uEh3rPixpmVLm2scx6imM7afkuAxIoTK",
        ),
        (
            capture!("proxyvalidate2-pgt.xml"),
            "PGTIOU-ae0hGrK4muOmfMTG7G1lx7liwulx2VpzuYMWmp5rYMVePpnGbb5fg1EHg",
        ),
    ] {
        let authentication = authentication(body);
        assert_eq!(authentication.user(), "alice");
        let read = authentication.proxy_granting_ticket_iou().unwrap();
        assert_eq!(read.expose_secret(), iou);
        let printed = format!("{:?} {:?}", table(&authentication), authentication);
        assert!(!printed.contains("PGTIOU-"), "{printed}");
    }
    let without = authentication(capture!("service2-ok-sso.xml"));
    assert!(without.proxy_granting_ticket_iou().is_none());
}

#[test]
fn a_proxy_is_named_with_its_query() {
    let authentication = authentication(capture!("proxyvalidate2-pgt-query.xml"));
    assert_eq!(
        authentication.proxies(),
        ["https://127.0.0.1:43955/pgt?mine=2&b=a%20b&a=1"]
    );
}

#[test]
fn a_proxy_ticket_is_read() {
    for (body, ticket) in [
        (
            capture!("proxy-ok.xml"),
            "PT-fgGFiaUbWWWIQSaRoZyeLt6ugBuNQko2rvOa0G8k0xVyHQppXkJ0KE7cYupte",
        ),
        (
            capture!("proxy-chain.xml"),
            "PT-zOXafogqzinpxDar5xu6ao5tbrkkiUn7HT5bLjXTkYjXVzrnnHH9JOrTjH57P",
        ),
    ] {
        assert_eq!(proxy::outcome(body), Outcome::User(ticket.to_owned()));
    }
}

#[test]
fn refusals_of_a_proxy_ticket_have_a_code_and_quote_no_ticket() {
    for (body, ticket, code, text) in [
        (
            capture!("proxy-after-logout.xml"),
            "PGT-Gs6ZFDAKlGa0ecc5MWOmHEHFcf60IqTFidGXxFUKOabMilpNeelDrJhxCXpJ",
            "INVALID_TICKET",
            "PGT … not found",
        ),
        (
            capture!("proxy-unknown-pgt.xml"),
            "PGT-unknown-0123456789",
            "INVALID_TICKET",
            "PGT … not found",
        ),
        (
            capture!("proxy-foreign-target.xml"),
            "PGT-1",
            "UNAUTHORIZED_SERVICE",
            "…",
        ),
        (
            capture!("proxy-missing.xml"),
            "PGT-1",
            "INVALID_REQUEST",
            "you must specify and pgt and targetService",
        ),
    ] {
        let Err(ResponseError::Refused(refusal)) = parse_proxy_response(body.as_bytes()) else {
            panic!("no refusal: {body}");
        };
        assert_eq!(refusal.code(ticket), Some(code));
        assert_eq!(refusal.text(ticket), text);
    }
}

#[test]
fn refusals_are_refusals_with_their_code() {
    for (body, code) in [
        (capture!("service2-replay.xml"), "INVALID_TICKET"),
        (capture!("service3-missing.xml"), "INVALID_REQUEST"),
        (capture!("service2-with-proxy-ticket.xml"), "INVALID_TICKET"),
        (capture!("service2-wrong-service.xml"), "INVALID_SERVICE"),
        (
            capture!("service2-pgt-foreign.xml"),
            "INVALID_PROXY_CALLBACK",
        ),
        (capture!("service2-markup-no-prefix.xml"), "INVALID_TICKET"),
    ] {
        assert_eq!(outcome(body), refused(code), "{body}");
    }
}

#[test]
fn plain_text_answers_are_read_by_cas_1() {
    assert_eq!(
        outcome_of(Protocol::Cas1, capture!("validate1-ok.txt")),
        user("alice")
    );
    assert_eq!(
        outcome_of(Protocol::Cas1, capture!("validate1-replay.txt")),
        Outcome::Refused(None)
    );
}

#[test]
fn an_error_page_is_unreadable_for_every_protocol() {
    for protocol in [Protocol::Cas1, Protocol::Cas2, Protocol::Cas3] {
        assert_eq!(
            outcome_of(protocol, capture!("validate1-with-proxy-ticket.html")),
            Outcome::Unreadable
        );
    }
}
