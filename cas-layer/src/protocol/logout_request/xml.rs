//! The message itself: a `LogoutRequest` of SAML 2.0 (core, 3.7.1), of which the `SessionIndex` elements count.

use roxmltree::Node;

use super::LogoutRequest;
use crate::protocol::ServiceTicket;
use crate::protocol::document::{self, is_space, namespace, trim};

const NAMESPACE: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SESSION_INDEX: &str = "SessionIndex";
const TOO_MANY: &str = "it has too many `SessionIndex` elements";
/// Base64 has no `<`.
pub(super) fn is_xml(value: &str) -> bool {
    start(value).starts_with('<')
}

/// The tickets that the message names. `NameID`, `ID` and `IssueInstant` are placeholders on many servers, and
/// not looked at.
pub(super) fn sessions(document: &str) -> Result<Vec<ServiceTicket>, &'static str> {
    if document.len() > LogoutRequest::MAX_BYTES {
        return Err("it is longer than 64 KiB");
    }
    // Each of them has its name in it at most twice. What has more is not worth parsing.
    if document
        .matches(SESSION_INDEX)
        .nth(2 * LogoutRequest::MAX_SESSIONS)
        .is_some()
    {
        return Err(TOO_MANY);
    }
    let document = document::parse(start(document))?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "LogoutRequest")) {
        return Err("it is XML, but no SAML `LogoutRequest`");
    }
    let mut count = 0;
    let mut sessions = Vec::new();
    for index in root
        .children()
        .filter(|child| child.is_element() && child.tag_name().name() == SESSION_INDEX)
    {
        if namespace(&index) != NAMESPACE {
            return Err("a `SessionIndex` is in the wrong namespace");
        }
        if index.children().any(|child| child.is_element()) {
            return Err("a `SessionIndex` has elements inside");
        }
        count += 1;
        if count > LogoutRequest::MAX_SESSIONS {
            return Err(TOO_MANY);
        }
        // Whatever the protocol: nothing is sent, and what was never a ticket here ends nothing.
        sessions.extend(ServiceTicket::parse_artifact(trim(&text(&index))));
    }
    if count == 0 {
        return Err("it has no `SessionIndex`");
    }
    Ok(sessions)
}

/// What follows a byte order mark and empty lines.
fn start(document: &str) -> &str {
    document
        .strip_prefix('\u{feff}')
        .unwrap_or(document)
        .trim_start_matches(is_space)
}

/// The texts of an element without elements inside. Comments and CDATA do not split them.
fn text(element: &Node<'_, '_>) -> String {
    element
        .children()
        .filter(Node::is_text)
        .filter_map(|text| text.text())
        .collect()
}
