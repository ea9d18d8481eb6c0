//! Single logout: the CAS server says whose sessions are over (CAS protocol 2.3.3, appendix C).
//!
//! The message comes from the server itself, as a form (back channel), or through the browser, in a query
//! (front channel, which the specification leaves out). It names service tickets, and each one ends the session
//! that was opened with it. Nobody signs the message: whoever knows a ticket can end its session, and a ticket
//! that nobody ever had ends nothing.

mod encoded;
mod fields;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use fields::is_form;

use super::ServiceTicket;

const LOGOUT_REQUEST: &str = "logoutRequest";
/// The name that SAML's own binding has for it (SAML 2.0 bindings, 3.4.4.1).
const SAML_REQUEST: &str = "SAMLRequest";

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

    /// Back channel: reads the body of an `application/x-www-form-urlencoded` request.
    pub(crate) fn from_form(body: &[u8]) -> Result<Self, InvalidLogoutRequest> {
        let document = fields::find(body, &[LOGOUT_REQUEST])?;
        Self::from_xml(&document)
    }

    /// Front channel: reads a query as it stands in the URL, without its `?`. The request is plain XML, or
    /// base64 of deflated XML.
    pub(crate) fn from_query(query: &str) -> Result<Self, InvalidLogoutRequest> {
        let value = fields::find(query.as_bytes(), &[LOGOUT_REQUEST, SAML_REQUEST])?;
        if xml::is_xml(&value) {
            Self::from_xml(&value)
        } else {
            Self::from_xml(&encoded::decode(&value)?)
        }
    }

    fn from_xml(document: &str) -> Result<Self, InvalidLogoutRequest> {
        let sessions = xml::sessions(document).map_err(InvalidLogoutRequest::Unreadable)?;
        Ok(Self { sessions })
    }

    /// In the order of the message, without those that no ticket can be: there is no such session.
    pub(crate) fn sessions(&self) -> &[ServiceTicket] {
        &self.sessions
    }
}

/// Why a form or a query is no logout request. Never carries anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLogoutRequest {
    /// None of the fields is one.
    #[error("there is no logout request")]
    Missing,
    /// More than one of the fields is one.
    #[error("there is more than one logout request")]
    Repeated,
    /// It would end a session and begin one.
    #[error("there is a ticket next to the logout request")]
    WithTicket,
    /// It is not what a CAS server sends, for the reason told.
    #[error("the logout request cannot be read: {0}")]
    Unreadable(&'static str),
}
