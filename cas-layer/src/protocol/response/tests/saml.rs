//! SAML 1.1. One file for what real servers answer, and one for each thing that an answer has to get right.

mod captures;
mod conditions;
mod forms;
mod places;
mod status;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::{Outcome, authentication_from, outcome_from, refused, table, user};
use crate::protocol::response::{ResponseError, SamlExpectation, parse_saml_response};
use crate::protocol::{Authentication, ServiceUrl};

const SERVICE: &str = "https://app.example.org/login?b=1&next=/a";
const REQUEST_ID: &str = "_00112233445566778899aabbccddeeff";
/// In the middle of the time window of [`ALICE`].
const NOW: &str = "2026-11-23T22:26:15Z";

/// An answer as Java servers write it: prefixes everywhere, declared where they are first needed, and one
/// `Attribute` for all values of a name.
const ALICE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>
<saml1p:Response xmlns:saml1p="urn:oasis:names:tc:SAML:1.0:protocol" InResponseTo="_00112233445566778899aabbccddeeff" IssueInstant="2026-11-23T22:26:00.000Z" MajorVersion="1" MinorVersion="1" Recipient="https://app.example.org/login?b=1&amp;next=/a" ResponseID="_1">
<saml1p:Status><saml1p:StatusCode Value="saml1p:Success"/></saml1p:Status>
<saml1:Assertion xmlns:saml1="urn:oasis:names:tc:SAML:1.0:assertion" AssertionID="_2" IssueInstant="2026-11-23T22:26:00.000Z" Issuer="localhost" MajorVersion="1" MinorVersion="1">
<saml1:Conditions NotBefore="2026-11-23T22:26:00.000Z" NotOnOrAfter="2026-11-23T22:26:30.000Z"><saml1:AudienceRestrictionCondition><saml1:Audience>https://app.example.org/login?b=1&amp;next=/a</saml1:Audience></saml1:AudienceRestrictionCondition></saml1:Conditions>
<saml1:AuthenticationStatement AuthenticationInstant="2026-11-23T22:25:50.250Z" AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password"><saml1:Subject><saml1:NameIdentifier>alice</saml1:NameIdentifier><saml1:SubjectConfirmation><saml1:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:artifact</saml1:ConfirmationMethod></saml1:SubjectConfirmation></saml1:Subject></saml1:AuthenticationStatement>
<saml1:AttributeStatement><saml1:Subject><saml1:NameIdentifier>alice</saml1:NameIdentifier><saml1:SubjectConfirmation><saml1:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:artifact</saml1:ConfirmationMethod></saml1:SubjectConfirmation></saml1:Subject>
<saml1:Attribute AttributeName="mail" AttributeNamespace="http://www.ja-sig.org/products/cas/"><saml1:AttributeValue xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xsd:string">alice@example.org</saml1:AttributeValue></saml1:Attribute>
<saml1:Attribute AttributeName="memberOf" AttributeNamespace="http://www.ja-sig.org/products/cas/"><saml1:AttributeValue>rabbits</saml1:AttributeValue><saml1:AttributeValue>cats &amp; hatters</saml1:AttributeValue></saml1:Attribute>
</saml1:AttributeStatement></saml1:Assertion></saml1p:Response></SOAP-ENV:Body></SOAP-ENV:Envelope>"#;

/// [`ALICE`] with every occurrence of `part` replaced. It has to occur.
#[track_caller]
fn alice_with(part: &str, replacement: &str) -> String {
    replaced(ALICE, part, replacement)
}

#[track_caller]
fn replaced(document: &str, part: &str, replacement: &str) -> String {
    assert!(document.contains(part), "{part}");
    document.replace(part, replacement)
}

fn time(text: &str) -> SystemTime {
    text.parse::<Timestamp>().unwrap().try_into().unwrap()
}

fn parse_at(
    body: impl AsRef<[u8]>,
    service: &str,
    now: SystemTime,
    tolerance: Duration,
) -> Result<Authentication, ResponseError> {
    let expected = SamlExpectation {
        request_id: REQUEST_ID,
        service: &ServiceUrl::parse(service).unwrap(),
        now,
        tolerance,
    };
    parse_saml_response(body.as_ref(), &expected)
}

/// An answer about somebody of this name.
pub(super) fn of_user(name: &str) -> String {
    alice_with(">alice<", &format!(">{name}<"))
}

pub(super) fn parse(body: &[u8]) -> Result<Authentication, ResponseError> {
    parse_at(body, SERVICE, time(NOW), Duration::from_secs(5))
}

#[track_caller]
fn authentication(body: impl AsRef<[u8]>) -> Authentication {
    authentication_from(parse(body.as_ref()))
}

fn outcome(body: impl AsRef<[u8]>) -> Outcome {
    outcome_from(parse(body.as_ref()))
}
