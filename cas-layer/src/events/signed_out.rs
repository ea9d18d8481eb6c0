//! The end of a session before its time.

use std::fmt;

use crate::{registry::RegistryError, session::SessionId, user::CasUser};

/// A session has ended before its time, or all sessions of a user have: the value for
/// [`on_sign_out`](crate::CasConfigBuilder::on_sign_out).
///
/// A session that expires or is unused for too long ends without an event: nothing happens at that moment.
#[derive(Debug)]
pub struct SignedOut<'e> {
    cause: SignOutCause,
    user_name: Option<&'e str>,
    session_id: Option<SessionId>,
    pub(super) cas_url: &'e str,
    /// Set if the registry does not guarantee it yet.
    pub(super) unsure: Option<&'e RegistryError>,
}

/// What ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignOutCause {
    /// The visitor went to the logout endpoint.
    SignOut,
    /// A user signed in again in the same browser, perhaps the same user.
    Replaced,
    /// Single logout: the CAS server said so directly.
    BackChannel,
    /// Single logout: the CAS server said so through a browser.
    FrontChannel,
    /// [`CasUser::end_all_sessions`] or [`CasConfig::end_all`](crate::CasConfig::end_all): all sessions of the
    /// user, however many there were.
    AllSessions,
}

impl SignOutCause {
    /// The cause's name in the log and in the metrics, a contract: `sign-out`, `replaced`, `back-channel`,
    /// `front-channel`, `all-sessions`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignOut => "sign-out",
            Self::Replaced => "replaced",
            Self::BackChannel => "back-channel",
            Self::FrontChannel => "front-channel",
            Self::AllSessions => "all-sessions",
        }
    }
}

/// As [`as_str`](SignOutCause::as_str).
impl fmt::Display for SignOutCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'e> SignedOut<'e> {
    /// A session whose cookie was shown.
    pub(crate) fn shown(user: &'e CasUser, cause: SignOutCause) -> Self {
        Self {
            cause,
            user_name: Some(user.name()),
            session_id: Some(user.session_id()),
            cas_url: "",
            unsure: None,
        }
    }

    /// A session that a message named.
    pub(crate) fn named(id: SessionId, cause: SignOutCause) -> Self {
        Self {
            cause,
            user_name: None,
            session_id: Some(id),
            cas_url: "",
            unsure: None,
        }
    }

    pub(crate) fn all_of(user_name: &'e str) -> Self {
        Self {
            cause: SignOutCause::AllSessions,
            user_name: Some(user_name),
            session_id: None,
            cas_url: "",
            unsure: None,
        }
    }

    /// What the registry says about it.
    pub(crate) fn recorded(mut self, recorded: Result<(), &'e RegistryError>) -> Self {
        self.unsure = recorded.err();
        self
    }

    /// What ended it.
    #[must_use]
    pub fn cause(&self) -> SignOutCause {
        self.cause
    }

    /// The user whose session it was. `None` with single logout, which names only a ticket. Also `None` [with tickets
    /// by `POST`](crate::SignInOptions::tickets_by_post) for a session that such a ticket replaced, or that a form of
    /// another site signed out: only the session cookie knows the user, and it is not there. If your app has to know,
    /// keep the [`session_id`](CasUser::session_id) of every user that signs in.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.user_name
    }

    /// The URL of the CAS server for the host where the session ended, as in [`CasUser::cas_url`].
    #[must_use]
    pub fn cas_url(&self) -> &str {
        self.cas_url
    }

    /// The session that ended. `None` for all sessions of a user.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.session_id
    }
}
