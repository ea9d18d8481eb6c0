//! Why there is no proxy ticket.

use std::{borrow::Cow, error::Error, fmt};

use super::{
    error::in_words,
    fetch::{FetchError, FetchErrorKind, Reach},
    nodes::Failure,
};
use crate::{
    protocol::{InvalidServiceUrl, ProxyGrantingTicket, Refusal, ResponseError},
    registry::RegistryError,
};

/// Why the CAS server gave no proxy ticket.
///
/// Its text is fit for a log: it has neither ticket nor target. Of the server's words, it has only those that cannot
/// be one of these, because some servers quote live proxy-granting tickets. It is meant for operators, not for a
/// page.
pub struct ProxyTicketError {
    kind: ProxyTicketErrorKind,
    code: Option<String>,
    message: Cow<'static, str>,
    is_temporary: bool,
    reach: Reach,
    source: Option<reqwest::Error>,
}

/// The kinds of [`ProxyTicketError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyTicketErrorKind {
    /// The session has no proxy-granting ticket: its sign-in brought none, and the log says why. The CAS server was
    /// not asked.
    NoGrantingTicket,
    /// No ticket is possible for this target, see [`ServiceUrl::parse`](crate::ServiceUrl::parse). The CAS server was
    /// not asked.
    InvalidTarget,
    /// The registry, which keeps the proxy-granting ticket, cannot be reached. The CAS server was not asked.
    RegistryUnavailable,
    /// The proxy-granting ticket is not valid, or no longer: the user's session at the CAS server has ended
    /// (`INVALID_TICKET`, `BAD_PGT`). Only a new sign-in brings another.
    Expired,
    /// The server gives this app, or this user, no tickets for that target (`UNAUTHORIZED_SERVICE`,
    /// `UNAUTHORIZED_SERVICE_PROXY`, `UNAUTHORIZED_USER`, `INVALID_SERVICE`).
    Unauthorized,
    /// Another refusal: the [code](ProxyTicketError::code) says which, if the server gave one. Some answer with a
    /// success that has no ticket.
    Refused,
    /// No connection, or one that broke before the answer was complete.
    Unreachable,
    /// No connection within its time limit, or no complete answer within the limit of the whole call. Or the CAS server
    /// [has not answered for a while](crate::guide::cas_trouble), and was not asked.
    TimedOut,
    /// An answer that no CAS server gives: a status of success with something else in it, another status without a
    /// refusal, a redirect, HTML, over 1 MiB, not well-formed, or contradictory.
    Unreadable,
}

impl ProxyTicketError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ProxyTicketErrorKind {
        self.kind
    }

    /// The server's code, such as `INVALID_TICKET` (CAS protocol 2.7.3), at most 64 bytes of ASCII. Only when the
    /// server refused, and only if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(super) fn from_response(error: ResponseError, ticket: &ProxyGrantingTicket) -> Self {
        match error {
            ResponseError::Refused(refusal) => Self::refused(&refusal, ticket),
            ResponseError::Unreadable(reason) => FetchError::unreadable(reason).into(),
            ResponseError::Unmet(_) => FetchError::unreadable("it is an assertion").into(),
        }
    }

    fn refused(refusal: &Refusal, ticket: &ProxyGrantingTicket) -> Self {
        let ticket = ticket.expose_secret();
        let code = refusal.code(ticket);
        Self {
            kind: match code {
                Some("INVALID_TICKET" | "BAD_PGT") => ProxyTicketErrorKind::Expired,
                Some(
                    "UNAUTHORIZED_SERVICE"
                    | "UNAUTHORIZED_SERVICE_PROXY"
                    | "UNAUTHORIZED_USER"
                    | "INVALID_SERVICE",
                ) => ProxyTicketErrorKind::Unauthorized,
                _ => ProxyTicketErrorKind::Refused,
            },
            code: code.map(str::to_owned),
            message: in_words("the CAS server gave no proxy ticket", refusal, ticket).into(),
            is_temporary: false,
            reach: Reach::Answered,
            source: None,
        }
    }
}

/// Errors that the layer finds without asking the CAS server.
impl ProxyTicketError {
    fn unasked(kind: ProxyTicketErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            is_temporary: false,
            reach: Reach::Answered,
            source: None,
        }
    }

    pub(crate) fn no_granting_ticket() -> Self {
        let message = "the session has no proxy-granting ticket";
        Self::unasked(ProxyTicketErrorKind::NoGrantingTicket, message)
    }

    pub(crate) fn ended() -> Self {
        let message = "the CAS server has ended the proxy-granting ticket";
        Self::unasked(ProxyTicketErrorKind::Expired, message)
    }

    pub(crate) fn cas_away() -> Self {
        let message = "the CAS server has not answered for a while, and was not asked";
        Self::unasked(ProxyTicketErrorKind::TimedOut, message)
    }

    pub(crate) fn invalid_target(error: InvalidServiceUrl) -> Self {
        let message = format!("the target is no service URL: {error}");
        Self::unasked(ProxyTicketErrorKind::InvalidTarget, message)
    }

    pub(crate) fn registry_unavailable(error: &RegistryError) -> Self {
        let message = format!("the proxy-granting ticket cannot be looked up: {error}");
        Self::unasked(ProxyTicketErrorKind::RegistryUnavailable, message)
    }
}

impl From<FetchError> for ProxyTicketError {
    fn from(error: FetchError) -> Self {
        Self {
            kind: match error.kind {
                FetchErrorKind::Unreachable => ProxyTicketErrorKind::Unreachable,
                FetchErrorKind::TimedOut => ProxyTicketErrorKind::TimedOut,
                FetchErrorKind::Unreadable => ProxyTicketErrorKind::Unreadable,
            },
            code: None,
            message: error.message,
            is_temporary: error.is_temporary,
            reach: error.reach,
            source: error.source,
        }
    }
}

impl Failure for ProxyTicketError {
    fn reach(&self) -> Reach {
        self.reach
    }

    fn is_time_out(&self) -> bool {
        self.kind == ProxyTicketErrorKind::TimedOut
    }

    fn is_temporary(&self) -> bool {
        self.is_temporary
    }
}

impl fmt::Display for ProxyTicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for ProxyTicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyTicketError")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("is_temporary", &self.is_temporary)
            .field("reach", &self.reach)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for ProxyTicketError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
