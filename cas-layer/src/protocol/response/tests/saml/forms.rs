//! The ways in which one answer can be written.

use super::{ALICE, Outcome, alice_with, authentication, outcome, replaced, table, time, user};

#[track_caller]
fn is_alice(body: &str) {
    let authentication = authentication(body);
    assert_eq!(authentication.user(), "alice");
    assert_eq!(
        table(&authentication),
        [
            ("mail", vec!["alice@example.org"]),
            ("memberOf", vec!["rabbits", "cats & hatters"]),
        ],
        "{body}"
    );
}

#[test]
fn prefixes_do_not_matter_and_neither_does_where_they_are_declared() {
    is_alice(ALICE);
    let usual = alice_with("saml1p", "samlp");
    is_alice(&replaced(&usual, "saml1", "saml"));
    is_alice(&alice_with("SOAP-ENV", "S"));
    // Default namespaces, as older servers have them; the status needs its prefix all the same.
    let without = replaced(ALICE, "saml1:", "");
    let without = replaced(&without, "xmlns:saml1=", "xmlns=");
    let without = replaced(&without, "<saml1p:", "<");
    let without = replaced(&without, "</saml1p:", "</");
    is_alice(&replaced(
        &without,
        "xmlns:saml1p=",
        r#"xmlns="urn:oasis:names:tc:SAML:1.0:protocol" xmlns:saml1p="#,
    ));
    let soap = replaced(ALICE, "SOAP-ENV:", "");
    is_alice(&replaced(&soap, "xmlns:SOAP-ENV=", "xmlns="));
}

#[test]
fn what_servers_leave_out_is_not_missed() {
    is_alice(&alice_with(
        r#" InResponseTo="_00112233445566778899aabbccddeeff""#,
        "",
    ));
    is_alice(&alice_with(
        r#" Recipient="https://app.example.org/login?b=1&amp;next=/a""#,
        "",
    ));
    is_alice(&alice_with(r#" ResponseID="_1""#, ""));
    is_alice(&alice_with(r#" Issuer="localhost""#, ""));
    let (start, rest) = ALICE.split_once("<saml1:AudienceRestriction").unwrap();
    let (_, end) = rest
        .split_once("</saml1:AudienceRestrictionCondition>")
        .unwrap();
    is_alice(&format!("{start}{end}"));
    let confirmation = "<saml1:SubjectConfirmation><saml1:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:artifact</saml1:ConfirmationMethod></saml1:SubjectConfirmation>";
    is_alice(&alice_with(confirmation, ""));
    is_alice(&alice_with(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        "\u{feff}",
    ));
    let (start, rest) = ALICE.split_once("<saml1:AttributeStatement>").unwrap();
    let (_, end) = rest.split_once("</saml1:AttributeStatement>").unwrap();
    assert!(table(&authentication(format!("{start}{end}"))).is_empty());
}

#[test]
fn what_servers_may_add_changes_nothing() {
    let signature = r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>"#;
    for (before, added) in [
        ("<SOAP-ENV:Body>", "<SOAP-ENV:Header/>"),
        (
            "<SOAP-ENV:Body>",
            "<SOAP-ENV:Header><a:b xmlns:a='urn:x'><NameIdentifier>eve</NameIdentifier></a:b></SOAP-ENV:Header>",
        ),
        ("<saml1p:Status>", signature),
        ("</saml1:Assertion>", signature),
        (
            "</saml1:Assertion>",
            "<saml1:Advice><saml1:AssertionIDReference>_3</saml1:AssertionIDReference></saml1:Advice>",
        ),
        (
            "</saml1:AuthenticationStatement>",
            "<saml1:SubjectLocality IPAddress='192.0.2.1'/>",
        ),
        ("</saml1:Conditions>", "<saml1:DoNotCacheCondition/>"),
        ("<saml1:Subject>", "<!-- <saml1:Subject/> -->"),
        (
            "</saml1p:Status>",
            "<saml1p:StatusMessage>fine</saml1p:StatusMessage>",
        ),
        ("</SOAP-ENV:Envelope>", "\r\n\t <?x y?>"),
    ] {
        is_alice(&alice_with(before, &format!("{added}{before}")));
    }
    is_alice(&alice_with(r#"MinorVersion="1""#, r#"MinorVersion="0""#));
    is_alice(&alice_with(
        "<saml1:NameIdentifier>",
        "<saml1:NameIdentifier Format='urn:x' NameQualifier='y'>",
    ));
}

#[test]
fn text_is_read_across_white_space_comments_and_cdata() {
    for name in [
        "\r\n\t alice\r\n",
        "al<!-- eve -->ice",
        "<![CDATA[al]]>ice",
        "&#x61;lice",
        "<?x y?>alice",
    ] {
        is_alice(&alice_with(
            "<saml1:NameIdentifier>alice<",
            &format!("<saml1:NameIdentifier>{name}<"),
        ));
    }
    is_alice(&alice_with(
        "<saml1:Audience>https://app.example.org/",
        "<saml1:Audience>\n  https://app<!-- -->.example.org/",
    ));
}

#[test]
fn values_come_in_one_attribute_or_in_several_of_the_same_name() {
    let several = alice_with(
        "<saml1:AttributeValue>cats",
        "</saml1:Attribute><saml1:Attribute AttributeName='memberOf'><saml1:AttributeValue>cats",
    );
    is_alice(&several);
    let apart = replaced(
        &several,
        "</saml1:AttributeStatement>",
        "<saml1:Attribute AttributeName=' mail '><saml1:AttributeValue>second</saml1:AttributeValue></saml1:Attribute></saml1:AttributeStatement>",
    );
    assert_eq!(
        authentication(apart).attributes().all("mail"),
        ["alice@example.org", "second"]
    );
    let two_statements = replaced(
        &several,
        "</saml1:AttributeStatement>",
        "</saml1:AttributeStatement><saml1:AttributeStatement><saml1:Subject><saml1:NameIdentifier>alice</saml1:NameIdentifier></saml1:Subject><saml1:Attribute AttributeName='mail'><saml1:AttributeValue>third</saml1:AttributeValue></saml1:Attribute></saml1:AttributeStatement>",
    );
    assert_eq!(
        authentication(two_statements).attributes().all("mail"),
        ["alice@example.org", "third"]
    );
}

#[test]
fn a_value_is_its_text_whatever_its_type_and_elements_in_it_are_a_list() {
    for (value, texts) in [
        (
            "<saml1:AttributeValue xsi:type='xsd:string'>a</saml1:AttributeValue>",
            &["a"][..],
        ),
        (
            "<saml1:AttributeValue xsi:type='xsd:anyType'>a</saml1:AttributeValue>",
            &["a"][..],
        ),
        (
            "<saml1:AttributeValue xsi:type='nowhere:nothing'>a</saml1:AttributeValue>",
            &["a"][..],
        ),
        ("<saml1:AttributeValue xsi:nil='true'/>", &[""]),
        ("<saml1:AttributeValue></saml1:AttributeValue>", &[""]),
        (
            "<saml1:AttributeValue> a b </saml1:AttributeValue>",
            &["a b"],
        ),
        (
            "<saml1:AttributeValue><x>a</x><y>b</y>c</saml1:AttributeValue>",
            &["a", "b", "c"],
        ),
        (
            "<saml1:AttributeValue>a<saml1:NameIdentifier>eve</saml1:NameIdentifier></saml1:AttributeValue>",
            &["a", "eve"],
        ),
    ] {
        let body = alice_with(
            "<saml1:AttributeValue>rabbits</saml1:AttributeValue>",
            &value.replace(
                "xsi:",
                "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:",
            ),
        );
        let authentication = authentication(body);
        assert_eq!(authentication.user(), "alice");
        assert_eq!(
            authentication.attributes().all("memberOf")[..texts.len()],
            *texts,
            "{value}"
        );
    }
}

#[test]
fn the_authentication_instant_is_the_date_unless_an_attribute_is() {
    assert_eq!(
        authentication(ALICE).authentication_date(),
        Some(time("2026-11-23T22:25:50.250Z"))
    );
    let body = alice_with(
        r#"AttributeName="mail""#,
        r#"AttributeName="authenticationDate""#,
    );
    let body = replaced(&body, ">alice@example.org<", ">2026-11-23T10:00:00Z[UTC]<");
    assert_eq!(
        authentication(body).authentication_date(),
        Some(time("2026-11-23T10:00:00Z"))
    );
    for instant in ["", "yesterday", "2026-11-23T22:25:50"] {
        let body = alice_with("2026-11-23T22:25:50.250Z", instant);
        assert_eq!(
            authentication(body).authentication_date(),
            None,
            "{instant}"
        );
    }
}

#[test]
fn a_plain_no_is_a_refusal_and_other_protocols_are_not_read() {
    assert_eq!(outcome("no\n\n"), Outcome::Refused(None));
    for body in [
        "",
        "yes\nalice\n",
        "{\"serviceResponse\":{\"authenticationSuccess\":{\"user\":\"alice\"}}}",
        "<serviceResponse><authenticationSuccess><user>alice</user></authenticationSuccess></serviceResponse>",
        "<!DOCTYPE html><html></html>",
        "<html/>",
    ] {
        assert_eq!(outcome(body), Outcome::Unreadable, "{body}");
    }
    assert_eq!(outcome(b"\xff\xfe"), Outcome::Unreadable);
    assert_ne!(outcome(ALICE), user("eve"));
}
