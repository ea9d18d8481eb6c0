//! Answers with something more, something less, or something elsewhere, as an attacker would have them who can
//! put markup into a value or wrap one answer into another.

use super::{ALICE, Outcome, alice_with, outcome, replaced, user};
use crate::protocol::response::Unmet;

/// The element of that name, from its first start tag to its first end tag.
fn element(name: &str) -> &'static str {
    let start = ALICE.find(&format!("<{name}")).unwrap();
    let end_tag = format!("</{name}>");
    let end = ALICE.find(&end_tag).unwrap() + end_tag.len();
    &ALICE[start..end]
}

/// The assertion, about somebody else.
fn eve() -> String {
    replaced(element("saml1:Assertion"), ">alice<", ">eve<")
}

#[track_caller]
fn unreadable(body: &str) {
    assert_eq!(outcome(body), Outcome::Unreadable, "{body}");
}

/// Everywhere where something can be added, before and after each tag that begins with `<`.
fn with_everywhere(added: &str) -> Vec<String> {
    let first = ALICE.find("<SOAP-ENV:Body>").unwrap();
    ALICE
        .match_indices('<')
        .filter(|(at, _)| *at >= first)
        .map(|(at, _)| format!("{}{added}{}", &ALICE[..at], &ALICE[at..]))
        .collect()
}

#[test]
fn there_is_one_assertion() {
    let alice = element("saml1:Assertion");
    let eve = eve();
    for two in [
        format!("{alice}{alice}"),
        format!("{alice}{eve}"),
        format!("{eve}{alice}"),
    ] {
        unreadable(&alice_with(alice, &two));
    }
    unreadable(&alice_with(alice, ""));
}

#[test]
fn a_second_assertion_is_never_read_wherever_it_is() {
    // In a value it is text, in a confirmation it is not looked at, elsewhere it spoils the answer.
    let mut taken = 0;
    for body in with_everywhere(&eve()) {
        match outcome(&body) {
            Outcome::User(name) => {
                assert_eq!(name, "alice", "{body}");
                taken += 1;
            }
            Outcome::Unreadable | Outcome::Unmet(Unmet::OtherAudience) => {}
            other => panic!("{other:?}: {body}"),
        }
    }
    assert!((1..20).contains(&taken), "{taken}");
}

#[test]
fn the_assertion_stands_in_the_response_alone() {
    let alice = element("saml1:Assertion");
    let without = alice_with(alice, "");
    for (before, what) in [
        ("</SOAP-ENV:Body>", "beside the response"),
        ("</SOAP-ENV:Envelope>", "beside the body"),
        ("<saml1p:Response ", "before the response"),
        ("</saml1p:Status>", "in the status"),
    ] {
        unreadable(&replaced(&without, before, &format!("{alice}{before}")));
        let wrapped = format!("<saml1p:Extra>{alice}</saml1p:Extra>{before}");
        assert_eq!(
            outcome(replaced(&without, before, &wrapped)),
            Outcome::Unreadable,
            "{what}"
        );
    }
    for wrapper in ["saml1:Advice", "saml1p:Response", "x", "saml1:Evidence"] {
        let body = alice_with(alice, &format!("<{wrapper}>{alice}</{wrapper}>"));
        unreadable(&replaced(
            &body,
            "<saml1p:Response ",
            "<saml1p:Response xmlns:saml1='urn:oasis:names:tc:SAML:1.0:assertion' ",
        ));
    }
    let header = format!("<SOAP-ENV:Header>{alice}</SOAP-ENV:Header><SOAP-ENV:Body>");
    unreadable(&replaced(&without, "<SOAP-ENV:Body>", &header));
    // Where it is not looked at, it does no harm either.
    let both = format!(
        "<SOAP-ENV:Header>{}</SOAP-ENV:Header><SOAP-ENV:Body>",
        eve()
    );
    assert_eq!(outcome(alice_with("<SOAP-ENV:Body>", &both)), user("alice"));
}

#[test]
fn there_is_one_response_in_one_body_in_one_envelope() {
    let response = element("saml1p:Response");
    unreadable(&alice_with(response, &format!("{response}{response}")));
    unreadable(&alice_with(
        response,
        &format!(
            "{}{response}",
            replaced(response, "Success", "RequestDenied")
        ),
    ));
    unreadable(&alice_with(response, &format!("<x>{response}</x>")));
    // Nested, with a status of its own.
    unreadable(&alice_with(
        "</saml1p:Response>",
        &format!("{response}</saml1p:Response>"),
    ));
    let body = element("SOAP-ENV:Body");
    unreadable(&alice_with(body, &format!("{body}{body}")));
    unreadable(&alice_with(
        body,
        &format!("<SOAP-ENV:Header/><SOAP-ENV:Header/>{body}"),
    ));
    unreadable(&alice_with(body, &format!("{body}<x/>")));
    unreadable(response);
    unreadable(body);
    for (part, replacement) in [
        (
            "http://schemas.xmlsoap.org/soap/envelope/",
            "http://www.w3.org/2003/05/soap-envelope",
        ),
        ("http://schemas.xmlsoap.org/soap/envelope/", "urn:x"),
        ("SOAP-ENV:Envelope", "SOAP-ENV:Enveloped"),
        ("SOAP-ENV:Body", "SOAP-ENV:body"),
    ] {
        unreadable(&alice_with(part, replacement));
    }
}

#[test]
fn elements_of_other_namespaces_are_not_those_of_saml() {
    for name in [
        "saml1p:Response",
        "saml1p:Status",
        "saml1p:StatusCode",
        "saml1:Assertion",
        "saml1:Conditions",
        "saml1:AudienceRestrictionCondition",
        "saml1:Audience",
        "saml1:AuthenticationStatement",
        "saml1:AttributeStatement",
        "saml1:Subject",
        "saml1:NameIdentifier",
        "saml1:Attribute",
        "saml1:AttributeValue",
    ] {
        let (_, local) = name.split_once(':').unwrap();
        let declared = alice_with("<SOAP-ENV:Envelope ", "<SOAP-ENV:Envelope xmlns:x='urn:x' ");
        for other in [format!("x:{local}"), local.to_owned()] {
            // The end of the name, so that `Attribute` is not a part of `AttributeStatement`.
            let mut body = declared.clone();
            for end in [">", " ", "/>"] {
                body = body.replace(&format!("<{name}{end}"), &format!("<{other}{end}"));
                body = body.replace(&format!("</{name}{end}"), &format!("</{other}{end}"));
            }
            assert_ne!(body, declared, "{name}");
            assert_eq!(
                outcome(body.replace("xmlns:saml1=", "xmlns:y='urn:y' xmlns:saml1=")),
                Outcome::Unreadable,
                "{other}"
            );
        }
    }
}

#[test]
fn every_statement_is_about_the_same_one_user() {
    let name = element("saml1:NameIdentifier");
    let subject = element("saml1:Subject");
    for names in [
        format!("{name}{name}"),
        format!("{name}<saml1:NameIdentifier>eve</saml1:NameIdentifier>"),
        String::new(),
        "<saml1:NameIdentifier/>".to_owned(),
        "<saml1:NameIdentifier> \r\n </saml1:NameIdentifier>".to_owned(),
        "<saml1:NameIdentifier>al<x>ice</x></saml1:NameIdentifier>".to_owned(),
        "<saml1:NameIdentifier><saml1:NameIdentifier>alice</saml1:NameIdentifier></saml1:NameIdentifier>".to_owned(),
        "<saml1:NameIdentifier>al\tice</saml1:NameIdentifier>".to_owned(),
        format!("<saml1:NameIdentifier>{}</saml1:NameIdentifier>", "a".repeat(1025)),
    ] {
        // In one statement, in the other, and in both.
        unreadable(&ALICE.replacen(name, &names, 1));
        unreadable(&alice_with(name, &names));
        let (start, rest) = ALICE.split_once("<saml1:AttributeStatement>").unwrap();
        unreadable(&format!("{start}<saml1:AttributeStatement>{}", rest.replacen(name, &names, 1)));
    }
    for other in ["eve", "Alice", "alice2", "alic\u{e9}"] {
        let other = format!("<saml1:NameIdentifier>{other}</saml1:NameIdentifier>");
        unreadable(&ALICE.replacen(name, &other, 1));
    }
    unreadable(&alice_with(subject, &format!("{subject}{subject}")));
    unreadable(&alice_with(subject, ""));
    let confirmation = element("saml1:SubjectConfirmation");
    unreadable(&alice_with(
        confirmation,
        &format!("{confirmation}{confirmation}"),
    ));
}

#[test]
fn there_is_one_authentication_statement() {
    let statement = element("saml1:AuthenticationStatement");
    unreadable(&alice_with(statement, ""));
    unreadable(&alice_with(statement, &format!("{statement}{statement}")));
    unreadable(&alice_with(
        "saml1:AuthenticationStatement",
        "saml1:AuthorizationDecisionStatement",
    ));
    let other = replaced(element("saml1:AttributeStatement"), ">alice<", ">eve<");
    unreadable(&alice_with(
        "</saml1:Assertion>",
        &format!("{other}</saml1:Assertion>"),
    ));
}

#[test]
fn an_attribute_has_a_name_and_values_and_nothing_else() {
    for (part, replacement) in [
        (r#" AttributeName="mail""#, ""),
        (r#" AttributeName="mail""#, r#" AttributeName=" ""#),
        (
            "<saml1:AttributeValue>rabbits",
            "<x/><saml1:AttributeValue>rabbits",
        ),
        (
            "<saml1:AttributeValue>rabbits",
            "<saml1:NameIdentifier>eve</saml1:NameIdentifier><saml1:AttributeValue>rabbits",
        ),
        (
            "</saml1:AttributeStatement>",
            "<x/></saml1:AttributeStatement>",
        ),
    ] {
        unreadable(&alice_with(part, replacement));
    }
    let values = "<saml1:AttributeValue>v</saml1:AttributeValue>".repeat(20_000);
    unreadable(&alice_with(
        "<saml1:AttributeValue>rabbits",
        &format!("{values}<saml1:AttributeValue>rabbits"),
    ));
    // A user among the attributes is an attribute.
    for name in ["user", "uid", "NameIdentifier"] {
        let body = alice_with(
            r#"AttributeName="mail""#,
            &format!("AttributeName='{name}'"),
        );
        let body = replaced(&body, ">alice@example.org<", ">eve<");
        assert_eq!(outcome(body), user("alice"));
    }
}

#[test]
fn a_doctype_or_an_entity_is_refused() {
    let declaration = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    for doctype in [
        "<!DOCTYPE x>",
        r#"<!DOCTYPE x [<!ENTITY a "alice">]>"#,
        r#"<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">"#,
        r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#,
    ] {
        let body = alice_with(declaration, &format!("{declaration}{doctype}"));
        unreadable(&body);
        unreadable(&replaced(&body, ">alice<", ">&a;<"));
    }
    unreadable(&alice_with(">alice<", ">&a;<"));
}

#[test]
fn a_broken_document_is_unreadable_wherever_it_is_cut() {
    for end in 0..ALICE.len() {
        assert_eq!(outcome(&ALICE[..end]), Outcome::Unreadable, "{end}");
    }
    for byte in (0..=255_u8).step_by(3) {
        for position in (0..ALICE.len()).step_by(41) {
            let mut changed = ALICE.as_bytes().to_vec();
            changed[position] = byte;
            // Whatever it is, it is not a panic.
            let _ = outcome(&changed);
        }
    }
}

#[test]
fn a_mebibyte_of_anything_comes_to_an_end() {
    let fill = |part: &str| part.repeat((1024 * 1024 - 8 * 1024) / part.len());
    let value = alice_with(">rabbits<", &format!(">{}<", fill("x")));
    assert_eq!(outcome(value), user("alice"));
    let codes = "<saml1p:StatusCode Value='saml1p:A'>";
    for body in [
        alice_with(element("saml1:Assertion"), &fill("<saml1:Assertion/>")),
        alice_with(
            element("saml1:Attribute"),
            &fill("<saml1:Attribute AttributeName='a'/>"),
        ),
        alice_with(
            r#"<saml1p:StatusCode Value="saml1p:Success"/>"#,
            &format!(
                "{}{}",
                codes.repeat(9_000),
                "</saml1p:StatusCode>".repeat(9_000)
            ),
        ),
        alice_with(
            "<saml1:Audience>",
            &format!(
                "{}<saml1:Audience>",
                fill("<saml1:Audience>a</saml1:Audience>")
            ),
        ),
    ] {
        assert!(body.len() <= 1024 * 1024 + 1024);
        let outcome = outcome(body);
        assert!(
            matches!(outcome, Outcome::Unreadable | Outcome::User(_)),
            "{outcome:?}"
        );
    }
}
