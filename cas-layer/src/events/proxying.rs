//! Acting for users: the results of proxy-granting tickets and of requests for proxy tickets.

use std::fmt;

use crate::{client::ProxyTicketErrorKind, protocol::Unreadable, registry::RegistryError};

/// The result of a request for the proxy callback, unless it only checked whether the callback answers.
#[derive(Clone, Copy)]
pub(crate) enum ProxyCallbackOutcome<'e> {
    /// The pair waits for its sign-in.
    Kept,
    /// There is already a pair with this IOU.
    Twice,
    /// Nobody is signing in.
    Unexpected,
    /// There is no room for more pairs.
    Full,
    /// It is not a pair, for the given reason.
    Malformed(&'e dyn fmt::Display),
    /// Its sender is not listed.
    SourceRefused,
    /// Its sender is not known, and only listed senders are accepted.
    SourceUnknown,
    /// The registry cannot be reached.
    NotTaken(&'e RegistryError),
}

/// Whether a sign-in brought a proxy-granting ticket.
#[derive(Clone, Copy)]
pub(crate) enum GrantOutcome<'e> {
    Given,
    /// The CAS server names none: it could not reach the callback, or does not let this app be a proxy.
    NotGiven,
    /// The CAS server names one, and it has not come to the callback.
    NotDelivered,
    /// The CAS server has released one as an attribute, which counts for nothing, for the reason told.
    Unreadable(Unreadable),
    /// The session would not fit into a cookie with it.
    TooLarge,
    /// The registry cannot be reached.
    RegistryFailed(&'e RegistryError),
}

impl ProxyCallbackOutcome<'_> {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Twice => "twice",
            Self::Unexpected => "unexpected",
            Self::Full => "full",
            Self::Malformed(_) => "malformed",
            Self::SourceRefused => "source-refused",
            Self::SourceUnknown => "source-unknown",
            Self::NotTaken(_) => "not-taken",
        }
    }
}

impl GrantOutcome<'_> {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::NotGiven => "not-given",
            Self::NotDelivered => "not-delivered",
            Self::Unreadable(_) => "unreadable",
            Self::TooLarge => "too-large",
            Self::RegistryFailed(_) => "registry-failed",
        }
    }
}

/// Whether a password that the CAS server released as an attribute could be read, in one word.
pub(super) fn credential_result(result: Result<(), Unreadable>) -> &'static str {
    match result {
        Ok(()) => "given",
        Err(_) => "unreadable",
    }
}

/// The result of a request for a proxy ticket, in one word.
pub(super) fn proxy_ticket_result(result: Result<(), ProxyTicketErrorKind>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(ProxyTicketErrorKind::NoGrantingTicket) => "no-granting-ticket",
        Err(ProxyTicketErrorKind::InvalidTarget) => "invalid-target",
        Err(ProxyTicketErrorKind::RegistryUnavailable) => "registry-unavailable",
        Err(ProxyTicketErrorKind::Expired) => "expired",
        Err(ProxyTicketErrorKind::Unauthorized) => "unauthorized",
        Err(ProxyTicketErrorKind::Refused) => "refused",
        Err(ProxyTicketErrorKind::Unreachable) => "unreachable",
        Err(ProxyTicketErrorKind::TimedOut) => "timed-out",
        Err(ProxyTicketErrorKind::Unreadable) => "unreadable",
    }
}

impl fmt::Debug for ProxyCallbackOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for GrantOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
