//! What an answer says, whatever its form.

use jiff::Timestamp;

/// An answer of a validation endpoint, or of `/proxy`.
pub(in crate::testing) enum Answer {
    Success {
        user: String,
        facts: Option<Facts>,
        /// The IOU of a proxy-granting ticket.
        granted: Option<String>,
        /// Whom the ticket came through, the newest first.
        proxies: Vec<String>,
    },
    Failure {
        code: &'static str,
        text: String,
    },
    /// Of `/proxy`.
    ProxySuccess {
        ticket: Option<String>,
    },
    /// Of `/proxy`.
    ProxyFailure {
        code: &'static str,
        text: String,
    },
}

/// What an answer with attributes says about a user besides the name.
pub(in crate::testing) struct Facts {
    pub(in crate::testing) authenticated: Timestamp,
    pub(in crate::testing) is_remembered: bool,
    pub(in crate::testing) from_new_login: bool,
    pub(in crate::testing) attributes: Vec<(String, Vec<String>)>,
}

/// To whom a SAML answer is.
#[derive(Clone, Copy)]
pub(in crate::testing) struct Addressee<'a> {
    pub(in crate::testing) request_id: &'a str,
    pub(in crate::testing) service: &'a str,
}
