//! Why a validation failed.

use std::{borrow::Cow, error::Error, fmt};

use data_encoding::HEXUPPER;
use sha2::{Digest as _, Sha256};

use super::{
    fetch::{FetchError, FetchErrorKind, Reach},
    nodes::Failure,
};
#[cfg(feature = "jwt")]
use crate::protocol::Fault;
use crate::protocol::{Refusal, ResponseError, ServiceTicket, Unmet};

/// Why a ticket was not validated.
///
/// Its text is fit for a log: it has no ticket and no service URL. Of the server's words, it has only those that
/// cannot be one of these. It is meant for operators, not for a page.
pub struct ValidationError {
    kind: ValidationErrorKind,
    code: Option<String>,
    message: Cow<'static, str>,
    proxies: Vec<String>,
    is_temporary: bool,
    cause: &'static str,
    reach: Reach,
    /// Which node it is about.
    node: usize,
    source: Option<reqwest::Error>,
}

/// The kinds of [`ValidationError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValidationErrorKind {
    /// The CAS server answered that the ticket is not valid: unknown, used, expired, or for another service; with
    /// whatever status from 400 to 599 too. Or the ticket came through proxies that are [not accepted](crate::CasClientBuilder::accept_proxies), or
    /// is a JSON web token that does not count (feature `jwt`).
    Refused,
    /// An assertion (SAML 1.1) that is not valid here and now: it is outside of its time window, meant for another
    /// service, or an answer to another request. The error says which. With a time window, compare the clocks of this
    /// machine and of the CAS server.
    ConditionsUnmet,
    /// No connection, or one that broke before the answer was complete. Also a certificate that is not trusted, which is
    /// not [temporary](ValidationError::is_temporary).
    Unreachable,
    /// No connection within its time limit, or no complete answer within the limit of the whole call.
    TimedOut,
    /// An answer that no CAS server gives: a status of error without a refusal of up to 64 KiB, a redirect, HTML, a SOAP
    /// fault, over 1 MiB, not well-formed, or contradictory.
    Unreadable,
}

impl ValidationError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ValidationErrorKind {
        self.kind
    }

    /// The server's code, such as `INVALID_TICKET` (CAS protocol 2.5.3), at most 64 bytes of ASCII. Only with
    /// [`ValidationErrorKind::Refused`], and only if the server gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The proxies that the ticket came through, most recent first, if it was refused because of them. They are not
    /// part of the error's text, which is the CAS server's.
    #[must_use]
    pub fn proxies(&self) -> &[String] {
        &self.proxies
    }

    /// Whether another sign-in may succeed in a few minutes though nobody repairs anything: there was no connection,
    /// no answer in time, or status 429 or one from 500 on without a refusal. A certificate that is not trusted, and an
    /// answer that is not one of a CAS server, stay what they are until somebody changes something here or there.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// A name for an answer that nobody understands or a certificate that is not trusted, for a visitor to tell and an operator to look for in the log. It
    /// is the same for the same cause, so that it is in the log although repeated lines are left out.
    pub(crate) fn reference(&self) -> Option<String> {
        // An assertion that does not count has a line for each case, and no reference.
        let is_lasting = matches!(
            self.kind,
            ValidationErrorKind::Unreadable | ValidationErrorKind::Unreachable
        );
        (is_lasting && !self.is_temporary).then(|| {
            let digest = Sha256::digest(self.message.as_bytes());
            let digits = HEXUPPER.encode(digest.get(..4).unwrap_or_default());
            let (start, end) = digits.split_at(digits.len() / 2);
            format!("{start}-{end}")
        })
    }

    /// What is wrong in general, out of a closed list.
    pub(crate) fn cause(&self) -> &'static str {
        self.cause
    }

    fn new(kind: ValidationErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            proxies: Vec::new(),
            is_temporary: false,
            cause: "",
            reach: Reach::Answered,
            node: 0,
            source: None,
        }
    }

    /// Which node of the CAS server it is about.
    pub(super) fn node(&self) -> usize {
        self.node
    }

    pub(super) fn at(self, node: usize) -> Self {
        Self { node, ..self }
    }

    /// Nothing was sent.
    pub(crate) fn no_randomness() -> Self {
        Self {
            is_temporary: true,
            ..Self::new(
                ValidationErrorKind::Unreachable,
                "the operating system has no random bytes, so the CAS server was not asked",
            )
        }
    }

    /// The app has to list the proxies that it trusts. Any other is refused.
    pub(super) fn proxied(proxies: &[String]) -> Self {
        Self {
            proxies: proxies.to_vec(),
            ..Self::new(
                ValidationErrorKind::Refused,
                "the ticket came through a chain of proxies that is not accepted",
            )
        }
    }

    /// The server ignored the demand for credentials, at the login page and at validation.
    pub(super) fn not_renewed() -> Self {
        Self::new(
            ValidationErrorKind::Refused,
            "the user did not give their credentials for this ticket, as was asked",
        )
    }

    /// A token that does not count. Nothing was sent.
    #[cfg(feature = "jwt")]
    pub(super) fn token(fault: Fault) -> Self {
        Self::new(
            ValidationErrorKind::Refused,
            format!("the ticket is a JSON web token that does not count: {fault}"),
        )
    }

    /// Another node has used the ticket up.
    #[cfg(feature = "jwt")]
    pub(crate) fn used_before() -> Self {
        Self::token(Fault("it was used before"))
    }

    pub(super) fn from_response(error: ResponseError, ticket: &ServiceTicket) -> Self {
        match error {
            ResponseError::Refused(refusal) => Self::refused(&refusal, ticket.expose_secret()),
            ResponseError::Unmet(unmet) => Self::unmet(unmet),
            ResponseError::Unreadable(reason) => FetchError::unreadable(reason).into(),
        }
    }

    fn unmet(unmet: Unmet) -> Self {
        Self::new(
            ValidationErrorKind::ConditionsUnmet,
            format!("the CAS server's assertion does not count: {unmet}"),
        )
    }

    fn refused(refusal: &Refusal, ticket: &str) -> Self {
        Self {
            code: refusal.code(ticket).map(str::to_owned),
            ..Self::new(
                ValidationErrorKind::Refused,
                in_words("the CAS server refused the ticket", refusal, ticket),
            )
        }
    }
}

/// What happened, with those of the server's words that may be repeated. `ticket` is the one just sent.
pub(super) fn in_words(what: &str, refusal: &Refusal, ticket: &str) -> String {
    let mut message = what.to_owned();
    for part in [
        refusal.code(ticket).unwrap_or_default(),
        &refusal.text(ticket),
    ] {
        if !part.is_empty() {
            message.push_str(": ");
            message.push_str(part);
        }
    }
    message
}

impl From<FetchError> for ValidationError {
    fn from(error: FetchError) -> Self {
        let kind = match error.kind {
            FetchErrorKind::Unreachable => ValidationErrorKind::Unreachable,
            FetchErrorKind::TimedOut => ValidationErrorKind::TimedOut,
            FetchErrorKind::Unreadable => ValidationErrorKind::Unreadable,
        };
        Self {
            is_temporary: error.is_temporary,
            cause: error.cause,
            reach: error.reach,
            source: error.source,
            ..Self::new(kind, error.message)
        }
    }
}

impl Failure for ValidationError {
    fn reach(&self) -> Reach {
        self.reach
    }

    fn is_time_out(&self) -> bool {
        self.kind == ValidationErrorKind::TimedOut
    }

    fn is_temporary(&self) -> bool {
        self.is_temporary
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidationError")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("proxies", &self.proxies.len())
            .field("is_temporary", &self.is_temporary)
            .field("cause", &self.cause)
            .field("reach", &self.reach)
            .field("node", &self.node)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for ValidationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
