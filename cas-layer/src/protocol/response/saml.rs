//! SAML 1.1: a `Response` in a SOAP 1.1 envelope (CAS protocol 4.2.5; SAML 1.1 core, chapters 2 and 3).
//!
//! Nothing is looked up: every element has its place, told by namespace and name, and one that stands elsewhere
//! or comes once too often makes the whole answer unreadable. So there is no second assertion or name to be
//! taken for the first. Signatures are not looked at: it is TLS that says who answers.

mod assertion;
mod conditions;
mod places;
mod status;

pub(crate) use conditions::SamlExpectation;

use self::places::{ASSERTION, PROTOCOL, SIGNATURE, at_most_one, check_version, one, sort};
use super::ResponseError;
use crate::protocol::{Authentication, document};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

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
