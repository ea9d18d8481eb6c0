//! A success is one only where it says so.

use super::{ALICE, Outcome, alice_with, outcome, parse, refused, replaced, user};
use crate::protocol::response::ResponseError;

/// [`ALICE`], assertion and all, with this content of its `Status`.
fn with_status(status: &str) -> String {
    alice_with(r#"<saml1p:StatusCode Value="saml1p:Success"/>"#, status)
}

#[test]
fn a_failed_status_is_a_refusal_even_with_an_assertion() {
    for code in [
        "RequestDenied",
        "Responder",
        "Requester",
        "VersionMismatch",
        "AuthnFailed",
        "success",
        "SUCCESS",
        "Success1",
        "NotSuccess",
    ] {
        for prefix in ["saml1p:", "nowhere:", ""] {
            let status = format!("<saml1p:StatusCode Value='{prefix}{code}'/>");
            assert_eq!(outcome(with_status(&status)), refused(code), "{status}");
        }
    }
    // And without one.
    let (start, rest) = ALICE.split_once("<saml1:Assertion ").unwrap();
    let (_, end) = rest.split_once("</saml1:Assertion>").unwrap();
    let body = format!("{start}{end}");
    assert_eq!(outcome(&body), Outcome::Unreadable, "a success without");
    assert_eq!(
        outcome(replaced(&body, "saml1p:Success", "saml1p:RequestDenied")),
        refused("RequestDenied")
    );
}

#[test]
fn a_refusal_is_one_whoever_it_is_for_and_whenever() {
    let refusal = alice_with("saml1p:Success", "saml1p:RequestDenied");
    for (part, replacement) in [
        (r#"Recipient="https:"#, r#"Recipient="http:"#),
        ("_00112233445566778899aabbccddeeff", ""),
        (r#"MajorVersion="1""#, r#"MajorVersion="2""#),
        ("2026", "2001"),
    ] {
        let body = replaced(&refusal, part, replacement);
        assert_eq!(outcome(body), refused("RequestDenied"), "{part}");
    }
}

#[test]
fn the_innermost_code_is_the_reason() {
    let nested = |outer: &str, inner: &str| {
        with_status(&format!(
            "<saml1p:StatusCode Value='saml1p:{outer}'><saml1p:StatusCode Value='saml1p:{inner}'/></saml1p:StatusCode>"
        ))
    };
    assert_eq!(
        outcome(nested("Responder", "RequestDenied")),
        refused("RequestDenied")
    );
    // Neither is a success.
    assert_eq!(
        outcome(nested("Success", "RequestDenied")),
        refused("RequestDenied")
    );
    assert_eq!(outcome(nested("Responder", "Success")), Outcome::Unreadable);
    assert_eq!(outcome(nested("Success", "Success")), Outcome::Unreadable);
}

#[test]
fn a_success_has_to_be_saml_s_own() {
    for status in [
        // Spoofed, by another namespace or none.
        "<saml1p:StatusCode Value='x:Success' xmlns:x='urn:evil'/>",
        "<saml1p:StatusCode Value='saml1p:Success' xmlns:saml1p='urn:oasis:names:tc:SAML:1.0:protocol' xmlns:x='urn:x'/><saml1p:StatusCode Value='saml1p:Success'/>",
        "<saml1p:StatusCode Value='nowhere:Success'/>",
        "<saml1p:StatusCode Value='Success'/>",
        "<saml1p:StatusCode Value='Success' xmlns='urn:oasis:names:tc:SAML:1.0:assertion'/>",
        "<saml1p:StatusCode Value='saml1p:Success' xmlns:saml1p='urn:oasis:names:tc:SAML:2.0:protocol'/>",
        "<saml1p:StatusCode Value=':Success'/>",
        "<saml1p:StatusCode Value='saml1p:x:Success'/>",
        "<saml1p:StatusCode Value='urn:oasis:names:tc:SAML:1.0:status:Success'/>",
        "<saml1p:StatusCode Value='saml1p:'/>",
        "<saml1p:StatusCode Value=''/>",
        "<saml1p:StatusCode/>",
        "<saml1p:StatusCode>saml1p:Success</saml1p:StatusCode>",
        "<StatusCode Value='saml1p:Success'/>",
        "<x:StatusCode xmlns:x='urn:evil' Value='saml1p:Success'/>",
        "<saml1p:StatusCode xmlns:x='urn:evil' x:Value='saml1p:Success'/>",
        "",
    ] {
        assert_eq!(
            outcome(with_status(status)),
            Outcome::Unreadable,
            "{status}"
        );
    }
    for status in [
        "<saml1p:StatusCode Value=' saml1p:Success '/>",
        "<saml1p:StatusCode Value='x:Success' xmlns:x='urn:oasis:names:tc:SAML:1.0:protocol'/>",
        "<saml1p:StatusCode Value='Success' xmlns='urn:oasis:names:tc:SAML:1.0:protocol'/>",
        "<StatusCode Value='Success' xmlns='urn:oasis:names:tc:SAML:1.0:protocol'/>",
    ] {
        assert_eq!(outcome(with_status(status)), user("alice"), "{status}");
    }
}

#[test]
fn two_statuses_are_none() {
    for status in [
        "</saml1p:Status><saml1p:Status><saml1p:StatusCode Value='saml1p:RequestDenied'/>",
        "<saml1p:StatusCode Value='saml1p:Success'/></saml1p:Status><saml1p:Status><saml1p:StatusCode Value='saml1p:RequestDenied'/>",
        "<saml1p:StatusCode Value='saml1p:Success'/><saml1p:StatusCode Value='saml1p:RequestDenied'/>",
        "<saml1p:StatusCode Value='saml1p:Responder'><saml1p:StatusCode Value='saml1p:A'/><saml1p:StatusCode Value='saml1p:B'/></saml1p:StatusCode>",
    ] {
        assert_eq!(
            outcome(with_status(status)),
            Outcome::Unreadable,
            "{status}"
        );
    }
}

#[test]
fn the_words_of_a_refusal_are_in_its_message_or_in_its_code() {
    let ticket = "AAEx+/=";
    for (status, words) in [
        (
            "<saml1p:StatusCode Value='saml1p:A'/><saml1p:StatusMessage>ticket AAEx+/= is gone</saml1p:StatusMessage>",
            "ticket … is gone",
        ),
        (
            "<saml1p:StatusCode Value='saml1p:A'>ticket AAEx+/= is gone</saml1p:StatusCode>",
            "ticket … is gone",
        ),
        (
            "<saml1p:StatusCode Value='saml1p:A'>code</saml1p:StatusCode><saml1p:StatusMessage>message</saml1p:StatusMessage>",
            "message",
        ),
        (
            "<saml1p:StatusCode Value='saml1p:A'>code</saml1p:StatusCode><saml1p:StatusMessage> </saml1p:StatusMessage>",
            "code",
        ),
        ("<saml1p:StatusCode Value='saml1p:A'/>", ""),
        (
            "<saml1p:StatusCode Value='saml1p:A'/><saml1p:StatusDetail><x>secret</x></saml1p:StatusDetail>",
            "",
        ),
    ] {
        let body = with_status(status);
        let Err(ResponseError::Refused(refusal)) = parse(body.as_bytes()) else {
            panic!("no refusal: {status}");
        };
        assert_eq!(refusal.code(ticket), Some("A"));
        assert_eq!(refusal.text(ticket), words, "{status}");
    }
}

#[test]
fn a_ticket_in_place_of_a_code_is_not_repeated() {
    let body = alice_with("saml1p:Success", "saml1p:ST-1-secret");
    assert_eq!(outcome(body), Outcome::Refused(None));
}

#[test]
fn a_soap_fault_says_nothing_about_the_ticket() {
    let fault = "<SOAP-ENV:Fault><faultcode>SOAP-ENV:Server</faultcode><faultstring>broken</faultstring></SOAP-ENV:Fault>";
    let envelope = |body: &str| {
        format!(
            "<SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/soap/envelope/'><SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
        )
    };
    assert_eq!(outcome(envelope(fault)), Outcome::Unreadable);
    assert_eq!(outcome(envelope("")), Outcome::Unreadable);
    let both = alice_with("</SOAP-ENV:Body>", &format!("{fault}</SOAP-ENV:Body>"));
    assert_eq!(outcome(both), Outcome::Unreadable);
}
