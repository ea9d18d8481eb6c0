//! A refusal: the layer turned somebody away.

use std::{error::Error, fmt};

use super::circle::CircleCause;
use crate::{
    client::{
        CasClient, RestError, RestErrorKind, ValidationError, ValidationErrorKind, sources_of,
    },
    registry::{RegistryError, RegistryErrorKind},
    session::{Rejected, SessionId, TooLarge},
    user::CasUser,
};

/// The layer turned somebody away: the value for [`on_refused`](crate::CasConfigBuilder::on_refused).
#[derive(Debug)]
pub struct Refused<'e> {
    reason: RefusedReason,
    user_name: Option<&'e str>,
    session_id: Option<SessionId>,
    pub(super) cas_url: &'e str,
    /// What the log says besides the reason.
    pub(super) error: Option<&'e (dyn Error + 'static)>,
    pub(super) validation: Option<FailedValidation<'e>>,
}

/// What the log says of a validation that failed.
pub(super) struct FailedValidation<'e> {
    client: &'e CasClient,
    error: &'e ValidationError,
}

/// Without the client, whose settings are nobody's business here.
impl fmt::Debug for FailedValidation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailedValidation")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl FailedValidation<'_> {
    /// The host and port that were asked, without the path.
    pub(super) fn server(&self) -> &str {
        self.client.asked(self.error).authority()
    }

    /// The root certificates that were tried, where there was no connection.
    pub(super) fn roots(&self) -> Option<String> {
        let is_tried = self.error.kind() == ValidationErrorKind::Unreachable
            && self.client.asked(self.error).is_https();
        is_tried.then(|| self.client.roots())
    }

    pub(super) fn reference(&self) -> Option<String> {
        self.error.reference()
    }

    /// What else makes a line another one than the last. One of a closed list.
    pub(super) fn cause(&self) -> &'static str {
        self.error.cause()
    }

    /// Everything that led to the error, the nearest first.
    pub(super) fn sources(&self) -> Option<String> {
        sources_of(self.error)
    }
}

/// Why somebody was turned away. Unless it says otherwise, a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedReason {
    /// The ticket cannot have come from a CAS server, and was not sent to one. With
    /// [`tickets_by_post`](crate::SignInOptions::tickets_by_post) also: the form posted to the login path has no
    /// ticket, or could not be read.
    InvalidTicket,
    /// The CAS server has the browser post the ticket, which the app did not ask for, and the login cookie does not come
    /// with a form of another site. Either call [`tickets_by_post`](crate::SignInOptions::tickets_by_post), or have the
    /// CAS server answer this service with a redirect (in Apereo CAS, the service's response type).
    TicketByPost,
    /// The browser that brought the ticket did not begin the login. The ticket was not looked at, and the login
    /// begins again. It was an old link, or an attempt to sign a visitor in under a foreign name. Or the ticket names
    /// another user than the one who has signed in since the login began; that user's session stays.
    NotBegunHere,
    /// The same for the second time: the browser sends no cookie of the app back.
    CookiesNeeded,
    /// A browser was sent to sign in again and again, and came back each time without getting a page. Something is
    /// set up in a wrong way: the log names the likely cause. The browser got a page instead of the third round.
    InCircles,
    /// Too many tickets were being validated at once, or too many of one login. With
    /// [`tickets_by_post`](crate::SignInOptions::tickets_by_post) also: too many forms were on their way.
    Busy,
    /// The registry could not be reached, or failed.
    RegistryUnavailable,
    /// The registry has no room for another session.
    RegistryFull,
    /// The CAS server refused the ticket. It was used already, as after going back in the browser, or has expired, or
    /// is forged, or the server has deleted it because another tab got one. The login may begin again by itself: it is
    /// told of once.
    TicketRefused,
    /// At an API [with passwords](crate::CasApiLayer::with_passwords): the CAS server does not accept the password, or does
    /// not let the user use this service.
    WrongPassword,
    /// The same: there were too many wrong passwords of this user or from this address, or the CAS server says so.
    TooManyAttempts,
    /// The CAS server's SAML 1.1 answer is for another time or another place: check the clocks.
    ConditionsUnmet,
    /// There was no connection to the CAS server, or it broke.
    CasUnreachable,
    /// The CAS server took too long.
    CasTimedOut,
    /// The CAS server was not asked, as it had not answered several times in a row, see
    /// [the guide](crate::guide::cas_trouble).
    CasAway,
    /// The CAS server's answer could not be read.
    CasUnreadable,
    /// The app's [`SessionOptions::map`](crate::SessionOptions::map) or
    /// [`SessionOptions::admit`](crate::SessionOptions::admit) did not admit the user.
    Vetoed,
    /// The same hooks made an invalid user name.
    BadUserName,
    /// The app's `SessionOptions::admit` failed, so it is not known whether the app admits the user.
    AdmissionFailed,
    /// The app's `SessionOptions::admit` took longer than
    /// [`admit_timeout`](crate::SessionOptions::admit_timeout).
    AdmissionTimedOut,
    /// The app's `SessionOptions::admit` panicked.
    AdmissionPanicked,
    /// A single logout came before the sign-in was finished.
    SignedOutMeanwhile,
    /// With [`bare_service_url`](crate::SignInOptions::bare_service_url): the user was asked to confirm their name,
    /// and said no, or answered too late or twice. Or it is a program, which cannot be asked.
    NotConfirmed,
    /// The session is too large for where it [has its place](crate::SessionPlace).
    SessionTooLarge,
    /// The operating system gave no random bytes.
    InternalError,
    /// Not a sign-in: a signed-in user has no permission for a path, and got a 403.
    NotAllowed,
    /// Not a sign-in: another site tried to sign a visitor out, see
    /// [`SignOutOptions::by_post_only`](crate::SignOutOptions::by_post_only) and
    /// [`tickets_by_post`](crate::SignInOptions::tickets_by_post).
    ForeignSignOut,
    /// Not a sign-in: another site tried to confirm one for a visitor, see
    /// [`bare_service_url`](crate::SignInOptions::bare_service_url).
    ForeignConfirmation,
}

impl RefusedReason {
    /// The reason's name in the log and in the metrics, a contract: the variant in kebab case, such as
    /// `ticket-refused`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidTicket => "invalid-ticket",
            Self::TicketByPost => "ticket-by-post",
            Self::NotBegunHere => "not-begun-here",
            Self::CookiesNeeded => "cookies-needed",
            Self::InCircles => "in-circles",
            Self::Busy => "busy",
            Self::RegistryUnavailable => "registry-unavailable",
            Self::RegistryFull => "registry-full",
            Self::TicketRefused => "ticket-refused",
            Self::WrongPassword => "wrong-password",
            Self::TooManyAttempts => "too-many-attempts",
            Self::ConditionsUnmet => "conditions-unmet",
            Self::CasUnreachable => "cas-unreachable",
            Self::CasTimedOut => "cas-timed-out",
            Self::CasAway => "cas-away",
            Self::CasUnreadable => "cas-unreadable",
            Self::Vetoed => "vetoed",
            Self::BadUserName => "bad-user-name",
            Self::AdmissionFailed => "admission-failed",
            Self::AdmissionTimedOut => "admission-timed-out",
            Self::AdmissionPanicked => "admission-panicked",
            Self::SignedOutMeanwhile => "signed-out-meanwhile",
            Self::NotConfirmed => "not-confirmed",
            Self::SessionTooLarge => "session-too-large",
            Self::InternalError => "internal-error",
            Self::NotAllowed => "not-allowed",
            Self::ForeignSignOut => "foreign-sign-out",
            Self::ForeignConfirmation => "foreign-confirmation",
        }
    }

    /// Whether a sign-in failed.
    #[must_use]
    pub fn is_of_sign_in(self) -> bool {
        !matches!(
            self,
            Self::NotAllowed | Self::ForeignSignOut | Self::ForeignConfirmation
        )
    }
}

/// As [`as_str`](RefusedReason::as_str).
impl fmt::Display for RefusedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ValidationErrorKind> for RefusedReason {
    fn from(kind: ValidationErrorKind) -> Self {
        match kind {
            ValidationErrorKind::Refused => Self::TicketRefused,
            ValidationErrorKind::ConditionsUnmet => Self::ConditionsUnmet,
            ValidationErrorKind::Unreachable => Self::CasUnreachable,
            ValidationErrorKind::TimedOut => Self::CasTimedOut,
            ValidationErrorKind::Unreadable => Self::CasUnreadable,
        }
    }
}

impl From<&RestError> for RefusedReason {
    fn from(error: &RestError) -> Self {
        match error.kind() {
            // Old servers answer so to a wrong password.
            RestErrorKind::InvalidRequest
            | RestErrorKind::WrongPassword
            | RestErrorKind::Forbidden
            | RestErrorKind::Expired => Self::WrongPassword,
            RestErrorKind::Throttled => Self::TooManyAttempts,
            RestErrorKind::Unreachable => Self::CasUnreachable,
            RestErrorKind::TimedOut => Self::CasTimedOut,
            RestErrorKind::NotSent
            | RestErrorKind::NotOffered
            | RestErrorKind::Unavailable
            | RestErrorKind::Unreadable => Self::CasUnreadable,
        }
    }
}

impl From<&ValidationError> for RefusedReason {
    fn from(error: &ValidationError) -> Self {
        error.kind().into()
    }
}

impl From<&CircleCause> for RefusedReason {
    fn from(_: &CircleCause) -> Self {
        Self::InCircles
    }
}

impl From<&RegistryError> for RefusedReason {
    fn from(error: &RegistryError) -> Self {
        match error.kind() {
            RegistryErrorKind::Full => Self::RegistryFull,
            _ => Self::RegistryUnavailable,
        }
    }
}

impl From<&TooLarge> for RefusedReason {
    fn from(_: &TooLarge) -> Self {
        Self::SessionTooLarge
    }
}

impl From<&Rejected> for RefusedReason {
    fn from(rejected: &Rejected) -> Self {
        match rejected {
            Rejected::Vetoed(_) => Self::Vetoed,
            Rejected::BadName(_) => Self::BadUserName,
            Rejected::Failed(_) => Self::AdmissionFailed,
            Rejected::TimedOut(_) => Self::AdmissionTimedOut,
            Rejected::Panicked => Self::AdmissionPanicked,
        }
    }
}

impl<'e> Refused<'e> {
    pub(crate) fn new(reason: impl Into<RefusedReason>) -> Self {
        Self {
            reason: reason.into(),
            user_name: None,
            session_id: None,
            cas_url: "",
            error: None,
            validation: None,
        }
    }

    /// For a ticket for which the CAS server did not vouch.
    pub(crate) fn by_validation(client: &'e CasClient, error: &'e ValidationError) -> Self {
        Self {
            validation: Some(FailedValidation { client, error }),
            ..Self::by(error)
        }
    }

    /// For a reason that an error gives.
    pub(crate) fn by<E: Error + 'static>(error: &'e E) -> Self
    where
        &'e E: Into<RefusedReason>,
    {
        Self {
            error: Some(error),
            ..Self::new(error)
        }
    }

    /// The user for whom the CAS server vouched, and the session that there might have been.
    pub(crate) fn signing_in(mut self, user_name: &'e str, id: SessionId) -> Self {
        self.user_name = Some(user_name);
        self.session_id = Some(id);
        self
    }

    /// The user who is signed in.
    pub(crate) fn signed_in(self, user: Option<&'e CasUser>) -> Self {
        match user {
            Some(user) => self.signing_in(user.name(), user.session_id()),
            None => self,
        }
    }

    /// Why it happened.
    #[must_use]
    pub fn reason(&self) -> RefusedReason {
        self.reason
    }

    /// The user's name, if the CAS server vouched for them. It is the name that they have in their session, or would
    /// have had. If no session would have been opened, it is the name that the CAS server gave.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.user_name
    }

    /// The URL of the CAS server at which users of this host sign in, as in
    /// [`CasUser::cas_url`].
    #[must_use]
    pub fn cas_url(&self) -> &str {
        self.cas_url
    }

    /// The reference number on the page, if the CAS server's answer was not understood, or
    /// its certificate is not trusted.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        self.validation.as_ref()?.reference()
    }

    /// The session of a signed-in user, or the session that was not opened, if the user is known.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.session_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing_of_the_settings() {
        let builder = CasClient::builder("https://cas.example.org/cas")
            .internal_url("https://hidden.example:8443/cas")
            .validation_parameter("named", "hidden");
        let printed = format!("{builder:?}");
        assert!(printed.contains("named") && !printed.contains("hidden"));
        let client = builder.build().unwrap();
        let printed = format!("{client:?}");
        assert!(printed.contains("named") && !printed.contains("hidden"));
        let error = ValidationError::no_randomness();
        let printed = format!("{:?}", Refused::by_validation(&client, &error));
        assert!(printed.contains("CasUnreachable"), "{printed}");
        assert!(!printed.contains("hidden"), "{printed}");
    }
}
