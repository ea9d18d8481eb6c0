//! SAML 1.1: a `Response` in a SOAP 1.1 envelope (CAS protocol 4.2.5; SAML 1.1 core, chapters 2 and 3).
//!
//! Nothing is looked up: every element has its place, told by namespace and name, and one that stands elsewhere
//! or comes once too often makes the whole answer unreadable. So there is no second assertion or name to be
//! taken for the first. Signatures are not looked at: it is TLS that says who answers.

mod assertion;
mod conditions;
mod places;
mod status;

use std::time::{Duration, SystemTime};

use roxmltree::Node;

pub(crate) use conditions::Unmet;

use self::places::{Name, at_most_one, one, sort};
use super::ResponseError;
use crate::protocol::document::{self, attribute, trim};
use crate::protocol::{Authentication, ServiceUrl};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:1.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
const SIGNATURE: Name = ("http://www.w3.org/2000/09/xmldsig#", "Signature");

/// What an assertion has to fit.
pub(crate) struct SamlExpectation<'a> {
    /// The `RequestID` of the request.
    pub(crate) request_id: &'a str,
    pub(crate) service: &'a ServiceUrl,
    /// The time at which the answer was read.
    pub(crate) now: SystemTime,
    /// How far the clocks may differ.
    pub(crate) tolerance: Duration,
}

pub(super) fn parse(
    document: &str,
    expected: &SamlExpectation<'_>,
) -> Result<Authentication, ResponseError> {
    let document = document::parse(document).map_err(ResponseError::Unreadable)?;
    let root = document.root_element();
    if !root.has_tag_name((SOAP, "Envelope")) {
        return Err(ResponseError::Unreadable(
            "it is XML, but no SOAP `Envelope`",
        ));
    }
    let [headers, bodies] = sort(&root, [(SOAP, "Header"), (SOAP, "Body")])?;
    at_most_one(headers, "it has more than one SOAP `Header`")?;
    let body = one(bodies, "it does not have exactly one SOAP `Body`")?;
    let [responses, faults] = sort(&body, [(PROTOCOL, "Response"), (SOAP, "Fault")])?;
    // The server did not understand the question, so it has not said anything about the ticket.
    if !faults.is_empty() {
        return Err(ResponseError::Unreadable("it is a SOAP `Fault`"));
    }
    let response = one(responses, "it does not have exactly one SAML `Response`")?;
    let [statuses, assertions, _] = sort(
        &response,
        [
            (PROTOCOL, "Status"),
            (ASSERTION, "Assertion"),
            // It stands first as a rule; order does not matter to anything here.
            SIGNATURE,
        ],
    )?;
    status::check(&one(statuses, "it does not have exactly one `Status`")?)?;
    let assertion = one(assertions, "it does not have exactly one `Assertion`")?;
    check_version(&response)?;
    conditions::check_addressee(&response, expected)?;
    assertion::read(&assertion, expected)
}

/// SAML 1.0 and 1.1 have the same namespaces and, as far as they are read here, the same content.
fn check_version(node: &Node<'_, '_>) -> Result<(), ResponseError> {
    let version = |name| attribute(node, name).map(trim);
    if version("MajorVersion") == Some("1") && matches!(version("MinorVersion"), Some("0" | "1")) {
        return Ok(());
    }
    Err(ResponseError::Unreadable(
        "it is of another version of SAML",
    ))
}
