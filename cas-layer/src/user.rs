//! The signed-in user, as handlers see them.

use std::{fmt, sync::Arc, time::SystemTime};

use crate::{
    attributes::Attributes,
    clock::{UnixSeconds, from_unix},
    session::{SessionData, SessionId},
};

/// The signed-in user of a request: name, attributes, and how they signed in.
///
/// The layer puts it into the request's extensions; with the feature `axum` it is an extractor too,
/// as is `Option<CasUser>` for paths that are public. A clone costs as much as one of an
/// [`Arc`](std::sync::Arc).
///
/// ```
/// use cas_layer::CasUser;
///
/// fn greeting<B>(request: &http::Request<B>) -> String {
///     match request.extensions().get::<CasUser>() {
///         Some(user) if user.attributes().contains("memberOf", "staff") => {
///             format!("Hello colleague {}", user.name())
///         }
///         Some(user) => format!("Hello {}", user.name()),
///         None => "Hello visitor".to_owned(),
///     }
/// }
/// # assert_eq!(greeting(&http::Request::new(())), "Hello visitor");
/// ```
#[derive(Clone)]
pub struct CasUser(Arc<SessionData>);

impl CasUser {
    pub(crate) fn new(session: SessionData) -> Self {
        Self(Arc::new(session))
    }

    /// The user name as the CAS server gave it (CAS protocol 2.5.1, `cas:user`), unless the configuration
    /// [changes](crate::CasConfigBuilder::user_name) it: not empty, at most 1,024 bytes, without control
    /// characters.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.user()
    }

    /// What the CAS server said about the user (CAS protocol 2.5.5), as far as the configuration
    /// [keeps](crate::CasConfigBuilder::only_attributes) it; empty with CAS 1.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.0.attributes()
    }

    /// The name of the session, the same on every node. No secret: it opens nothing.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.0.id
    }

    /// When the sign-in here was finished, by this app's clock, in whole seconds.
    #[must_use]
    pub fn signed_in_at(&self) -> SystemTime {
        from_unix(self.0.issued_at)
    }

    /// When the session ends at the latest, in whole seconds. Unused it may end
    /// [earlier](crate::CasConfigBuilder::idle_timeout).
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        from_unix(self.0.expires_at)
    }

    pub(crate) fn session(&self) -> &SessionData {
        &self.0
    }

    pub(crate) fn expires_at_unix(&self) -> UnixSeconds {
        self.0.expires_at
    }

    /// When the user last gave their credentials to the CAS server, in whole seconds, if the
    /// server said so in a form that could be read (`authenticationDate`, CAS protocol 2.5.5).
    #[must_use]
    pub fn authentication_date(&self) -> Option<SystemTime> {
        self.0.authentication_date.map(from_unix)
    }

    /// Whether the user gave their credentials for this very sign-in, if the server said so
    /// (`isFromNewLogin`, CAS protocol 2.5.5).
    #[must_use]
    pub fn is_from_new_login(&self) -> Option<bool> {
        self.0.is_from_new_login
    }

    /// Whether the CAS server recognised the user by a long-term token ("remember me") instead of
    /// credentials, if it said so (CAS protocol 2.5.5).
    #[must_use]
    pub fn long_term_authentication_request_token_used(&self) -> Option<bool> {
        self.0.long_term_authentication_request_token_used
    }
}

/// Shows names, not values of attributes: those do not belong into a log.
impl fmt::Debug for CasUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasUser")
            .field("name", &self.name())
            .field("attributes", self.attributes())
            .field("session_id", &self.session_id())
            .finish_non_exhaustive()
    }
}
