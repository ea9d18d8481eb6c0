//! Single logout: the CAS server says which sessions are over (CAS protocol 2.3.3, appendix C).
//!
//! The message comes from the server itself, as a form (back channel), or through the browser, in a query (front
//! channel, which the specification leaves out). It names service tickets, and each one ends the session that was
//! opened with it. The message is not signed: anybody who knows a ticket can end its session. A ticket that nobody
//! ever had ends nothing.
//!
//! What counts of a message, a `LogoutRequest` of SAML 2.0 (core, 3.7.1), are its `SessionIndex` elements.

mod encoded;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use roxmltree::Node;

use super::{
    ServiceTicket,
    document::{self, is_space, namespace, trim},
};

const LOGOUT_REQUEST: &str = "logoutRequest";
/// The name that SAML's own binding has for it (SAML 2.0 bindings, 3.4.4.1).
const SAML_REQUEST: &str = "SAMLRequest";
/// The field that a sign-in comes back with (CAS protocol 2.2.4).
const TICKET: &str = "ticket";

const NAMESPACE: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SESSION_INDEX: &str = "SessionIndex";
const TOO_MANY: &str = "it has too many `SessionIndex` elements";

/// The tickets whose sessions are over.
#[derive(Debug)]
pub(crate) struct LogoutRequest {
    sessions: Vec<ServiceTicket>,
}

impl LogoutRequest {
    /// The longest form, query or XML document that is read, in bytes.
    pub(crate) const MAX_BYTES: usize = 64 * 1024;
    /// The most `SessionIndex` elements. Servers send one.
    pub(crate) const MAX_SESSIONS: usize = 32;

    /// How many sessions a registry is asked about for it: for each ticket also whether another tab has replaced its
    /// session.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) const MAX_IDS: usize = 2 * Self::MAX_SESSIONS;

    /// Back channel: reads the body of an `application/x-www-form-urlencoded` request.
    pub(crate) fn from_form(body: &[u8]) -> Result<Self, InvalidLogoutRequest> {
        let document = find(body, &[LOGOUT_REQUEST])?;
        Self::from_xml(&document)
    }

    /// Front channel: reads a query as it stands in the URL, without its `?`. The request is plain XML, or
    /// base64 of deflated XML.
    pub(crate) fn from_query(query: &str) -> Result<Self, InvalidLogoutRequest> {
        let value = find(query.as_bytes(), &[LOGOUT_REQUEST, SAML_REQUEST])?;
        if is_xml(&value) {
            Self::from_xml(&value)
        } else {
            let document = encoded::decode(&value, Self::MAX_BYTES);
            Self::from_xml(&document.map_err(InvalidLogoutRequest::Unreadable)?)
        }
    }

    fn from_xml(document: &str) -> Result<Self, InvalidLogoutRequest> {
        let sessions = self::sessions(document).map_err(InvalidLogoutRequest::Unreadable)?;
        Ok(Self { sessions })
    }

    /// In the order of the message, without texts that cannot be tickets: they have no session.
    pub(crate) fn sessions(&self) -> &[ServiceTicket] {
        &self.sessions
    }
}

/// Why a form or a query is not a logout request. Never carries anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLogoutRequest {
    /// No field is a logout request.
    #[error("there is no logout request")]
    Missing,
    /// More than one field is a logout request.
    #[error("there is more than one logout request")]
    Repeated,
    /// It would both end a session and begin one.
    #[error("there is a ticket next to the logout request")]
    WithTicket,
    /// It is not what a CAS server sends, for the given reason.
    #[error("the logout request cannot be read: {0}")]
    Unreadable(&'static str),
}

/// The value of the only field that has one of these names.
///
/// Bytes that are not UTF-8 become replacement characters, which neither the markup that counts nor a ticket
/// has: a user name in another charset keeps nobody signed in.
fn find<'a>(fields: &'a [u8], names: &[&str]) -> Result<Cow<'a, str>, InvalidLogoutRequest> {
    if fields.len() > LogoutRequest::MAX_BYTES {
        return Err(InvalidLogoutRequest::Unreadable("it is longer than 64 KiB"));
    }
    let mut request = None;
    let mut has_ticket = false;
    for (name, value) in form_urlencoded::parse(fields) {
        has_ticket |= name == TICKET;
        if names.contains(&&*name) && request.replace(value).is_some() {
            return Err(InvalidLogoutRequest::Repeated);
        }
    }
    let request = request.ok_or(InvalidLogoutRequest::Missing)?;
    if has_ticket {
        return Err(InvalidLogoutRequest::WithTicket);
    }
    Ok(request)
}

/// Whether a `Content-Type` is that of a form. Its parameters do not matter: servers send `charset=UTF-8` and
/// others, and what counts of a logout request is ASCII.
pub(crate) fn is_form(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next();
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// Base64 has no `<`.
fn is_xml(value: &str) -> bool {
    start(value).starts_with('<')
}

/// The tickets that the message names. `NameID`, `ID` and `IssueInstant` are placeholders on many servers, and
/// not looked at.
fn sessions(document: &str) -> Result<Vec<ServiceTicket>, &'static str> {
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
        // What was never a ticket here ends nothing.
        sessions.extend(ServiceTicket::parse(trim(&text(&index))));
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
