//! Why a password or a ticket-granting ticket gives no ticket.

use std::{borrow::Cow, error::Error, fmt};

use reqwest::StatusCode;

use super::fetch::{FetchError, FetchErrorKind};

/// Why a call of the REST protocol failed.
///
/// Its text is fit for a log: it has no user name, no password, no ticket, and none of the server's words. It is meant
/// for operators, not for a page.
pub struct RestError {
    kind: RestErrorKind,
    message: Cow<'static, str>,
    is_temporary: bool,
    source: Option<reqwest::Error>,
}

/// The kinds of [`RestError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestErrorKind {
    /// The password is not sent: the CAS server is asked over plain http and is not on this machine, or the user name or
    /// the password cannot be one. The server was not asked.
    NotSent,
    /// The CAS server does not accept this password of this user (401).
    WrongPassword,
    /// This user or this app may not do so (403; 401 for a service ticket).
    Forbidden,
    /// The ticket-granting ticket is not valid, or no longer (404 or 410 where it was sent). Only a new sign-in brings
    /// another.
    Expired,
    /// Too many attempts, or the account is locked for a while (423, 429).
    Throttled,
    /// The server does not understand the request (400). It may want more than a user name and a password. Old servers answer so
    /// to a wrong password too.
    InvalidRequest,
    /// There is no REST protocol at this server (404, 405, 406, 415, 501).
    NotOffered,
    /// The server has a fault, or is being repaired (500 and above).
    Unavailable,
    /// No connection, or one that broke before the answer was complete.
    Unreachable,
    /// No connection within its time limit, or no complete answer within the limit of the whole call.
    TimedOut,
    /// An answer that no CAS server gives: another status, a redirect, a success without a ticket, over 1 MiB.
    Unreadable,
}

/// What was asked for, which decides what a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// With a password.
    ToSignIn,
    /// With a ticket-granting ticket.
    WithTicket,
}

impl RestError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> RestErrorKind {
        self.kind
    }

    /// Whether the same call may succeed in a few minutes though nobody repairs anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Nothing was sent.
    pub(super) fn not_sent(message: &'static str) -> Self {
        Self {
            kind: RestErrorKind::NotSent,
            message: message.into(),
            is_temporary: false,
            source: None,
        }
    }

    /// What a status other than that of success means.
    pub(super) fn status(status: StatusCode, asked: Asked) -> Self {
        let kind = kind_of(status, asked);
        let what = match kind {
            RestErrorKind::WrongPassword => "the CAS server does not accept the password",
            RestErrorKind::Forbidden => "the CAS server does not allow this",
            RestErrorKind::Expired => "the ticket-granting ticket is not valid, or no longer",
            RestErrorKind::Throttled => "the CAS server wants no further attempts for a while",
            RestErrorKind::InvalidRequest => "the CAS server does not understand the request",
            RestErrorKind::NotOffered => "the CAS server does not offer the REST protocol",
            RestErrorKind::Unavailable => "the CAS server has a fault",
            _ => return FetchError::status(status).into(),
        };
        Self {
            kind,
            message: format!("{what} (status {})", status.as_u16()).into(),
            is_temporary: matches!(kind, RestErrorKind::Throttled | RestErrorKind::Unavailable),
            source: None,
        }
    }

    pub(super) fn unreadable(reason: &'static str) -> Self {
        FetchError::unreadable(reason).into()
    }
}

fn kind_of(status: StatusCode, asked: Asked) -> RestErrorKind {
    match (status.as_u16(), asked) {
        (400, _) => RestErrorKind::InvalidRequest,
        (401, Asked::ToSignIn) => RestErrorKind::WrongPassword,
        (401, Asked::WithTicket) | (403, _) => RestErrorKind::Forbidden,
        (404 | 410, Asked::WithTicket) => RestErrorKind::Expired,
        (404 | 405 | 406 | 415 | 501, _) => RestErrorKind::NotOffered,
        (423 | 429, _) => RestErrorKind::Throttled,
        (500.., _) => RestErrorKind::Unavailable,
        _ => RestErrorKind::Unreadable,
    }
}

impl From<FetchError> for RestError {
    fn from(error: FetchError) -> Self {
        Self {
            kind: match error.kind {
                FetchErrorKind::Unreachable => RestErrorKind::Unreachable,
                FetchErrorKind::TimedOut => RestErrorKind::TimedOut,
                FetchErrorKind::Unreadable => RestErrorKind::Unreadable,
            },
            message: error.message,
            is_temporary: error.is_temporary,
            source: error.source,
        }
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("is_temporary", &self.is_temporary)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for RestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
