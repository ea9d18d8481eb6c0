//! A signed-in user whom no layer has signed in.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    app::Host,
    attributes::Attributes,
    clock::{Clock, UnixSeconds, to_unix},
    config::CasConfig,
    protocol::check_user_name,
    session::{Identity, Key, SessionId},
    user::{CasUser, Place},
};

/// How long a session lasts if the test does not say it.
const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// Makes a [`CasUser`] by hand, for tests of handlers without a layer and without a CAS server.
///
/// Put the user into the extensions of a request, or over a router with axum's `Extension`. The extractors `CasUser` and
/// `Option<CasUser>` find it there, and so do [`Require`](crate::Require) and
/// [`IdentityHeadersLayer`](crate::IdentityHeadersLayer). For a visitor who has not signed in, and for services of any
/// kind, there is [`StandIn`](super::StandIn).
///
/// ```
/// use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
/// use cas_layer::{CasUser, testing::CasUserBuilder};
/// use tower::ServiceExt;
///
/// async fn staff(user: CasUser) -> Result<String, StatusCode> {
///     let is_staff = user.attributes().contains("memberOf", "staff");
///     is_staff.then(|| format!("Hello {}", user.name())).ok_or(StatusCode::FORBIDDEN)
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let app = Router::new().route("/staff", get(staff));
/// for (group, status) in [("staff", StatusCode::OK), ("guests", StatusCode::FORBIDDEN)] {
///     let alice = CasUserBuilder::new("alice").attribute("memberOf", [group]).build();
///     let request = Request::get("/staff").extension(alice).body(Body::empty())?;
///     assert_eq!(app.clone().oneshot(request).await?.status(), status);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What the user can do
///
/// The user is signed in to an app of their own, which is no other user's. It has the default settings and a
/// [`MemoryRegistry`](crate::MemoryRegistry), and answers no requests. In it, a user acts as always:
///
/// | method | what happens |
/// | --- | --- |
/// | [`sign_out`](CasUser::sign_out) | ends the session, and gives the response of a real sign-out: a 303 to the logout of [`cas_url`](Self::cas_url) that clears the session cookie |
/// | [`ended`](CasUser::ended) | completes after `sign_out` or `end_all_sessions` of this value or a clone, or when the session [expires](Self::expires_at) |
/// | [`end_all_sessions`](CasUser::end_all_sessions) | ends the session, and always succeeds |
/// | [`proxy_ticket`](CasUser::proxy_ticket) | fails with [`NoGrantingTicket`](crate::ProxyTicketErrorKind::NoGrantingTicket): nothing is sent anywhere. An app that gets tickets is tested with a [`CasServer`](super::CasServer) |
///
/// A session that has ended is not looked for in requests: there is no layer that would refuse the user.
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CasUserBuilder {
    name: String,
    attributes: Attributes,
    cas_url: String,
    app_url: String,
    proxies: Vec<String>,
    has_session: bool,
    signed_in_at: SystemTime,
    expires_at: Option<SystemTime>,
    authentication_date: Said,
    credentials_given_at: Said,
    is_from_new_login: Option<bool>,
    long_term_token_used: Option<bool>,
}

/// A time of which the CAS server may have spoken.
#[derive(Clone, Copy, Debug)]
enum Said {
    /// The time of the sign-in.
    SignIn,
    Time(SystemTime),
    Nothing,
}

impl CasUserBuilder {
    /// A user of this name, without attributes, who has just typed the password.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            attributes: Attributes::new(),
            cas_url: "https://cas.example.org/cas".to_owned(),
            app_url: "https://app.example.org".to_owned(),
            proxies: Vec::new(),
            has_session: true,
            signed_in_at: Clock::System.time(),
            expires_at: None,
            authentication_date: Said::SignIn,
            credentials_given_at: Said::SignIn,
            is_from_new_login: Some(true),
            long_term_token_used: Some(false),
        }
    }

    /// Adds an attribute with its values: [`CasUser::attributes`]. A name given before gets the further values.
    pub fn attribute(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let name = name.into();
        for value in values {
            self.attributes.push(name.clone(), value);
        }
        self
    }

    /// The CAS server that vouches for the user: [`CasUser::cas_url`]. Nothing is sent to it. The default value is
    /// `https://cas.example.org/cas`.
    pub fn cas_url(mut self, url: impl Into<String>) -> Self {
        self.cas_url = url.into();
        self
    }

    /// The app that the user is signed in to: [`CasUser::app_url`]. The default value is `https://app.example.org`.
    pub fn app_url(mut self, url: impl Into<String>) -> Self {
        self.app_url = url.into();
        self
    }

    /// The proxies that the user came through, most recent first: [`CasUser::proxies`]. There are none by default.
    pub fn proxies(mut self, proxies: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.proxies = proxies.into_iter().map(Into::into).collect();
        self
    }

    /// A user who has brought a ticket for one request, as under a [`CasApiLayer`](crate::CasApiLayer). By default, the
    /// user has a session.
    pub fn without_session(mut self) -> Self {
        self.has_session = false;
        self
    }

    /// When the user signed in: [`CasUser::signed_in_at`]. The default value is the time of [`new`](Self::new). Unless
    /// other methods say something else, the password was given then too.
    pub fn signed_in_at(mut self, time: SystemTime) -> Self {
        self.signed_in_at = time;
        self
    }

    /// When the session ends: [`CasUser::expires_at`]. The default is 8 hours after the sign-in.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// When the user last gave their credentials: [`CasUser::credentials_given_at`], at which
    /// [`Access::fresh`](crate::Access::fresh) looks. The default value is the time of the sign-in. `None`: it is not
    /// known.
    pub fn credentials_given_at(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.credentials_given_at = Said::by(time.into());
        self
    }

    /// When that was, as the server said: [`CasUser::authentication_date`]. The default value is the time of the sign-in.
    pub fn authentication_date(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.authentication_date = Said::by(time.into());
        self
    }

    /// [`CasUser::is_from_new_login`]. The default value is `true`.
    pub fn from_new_login(mut self, is: impl Into<Option<bool>>) -> Self {
        self.is_from_new_login = is.into();
        self
    }

    /// [`CasUser::long_term_authentication_request_token_used`]. The default value is `false`.
    pub fn long_term_token_used(mut self, is: impl Into<Option<bool>>) -> Self {
        self.long_term_token_used = is.into();
        self
    }

    /// The user, with a [session id](CasUser::session_id) of their own.
    ///
    /// # Panics
    ///
    /// If no session could have this [name](crate::NewSession::set_name), a URL is not one that
    /// [`CasConfig::builder`] takes, or the operating system gives no randomness.
    #[must_use]
    pub fn build(self) -> CasUser {
        if let Err(problem) = check_user_name(&self.name) {
            panic!("no CAS server vouches for {:?}: {problem}", self.name);
        }
        let mut id = [0; SessionId::LEN];
        if let Err(error) = getrandom::fill(&mut id) {
            panic!("{error}");
        }
        let expires_at = self.expires_at.unwrap_or(self.signed_in_at + LIFETIME);
        let (issued_at, expires_at) = (to_unix(self.signed_in_at), to_unix(expires_at));
        let mut identity = Identity::made_up(
            &self.name,
            self.attributes,
            id.into(),
            issued_at,
            expires_at,
        );
        identity.proxies = self.proxies;
        identity.authentication_date = self.authentication_date.seconds(self.signed_in_at);
        identity.credentials_at = self.credentials_given_at.seconds(self.signed_in_at);
        identity.is_from_new_login = self.is_from_new_login;
        identity.long_term_authentication_request_token_used = self.long_term_token_used;
        let host = app(&self.cas_url, &self.app_url);
        if self.has_session {
            CasUser::new(identity.open(1), host, Place::Endpoint)
        } else {
            CasUser::of_ticket(identity, host)
        }
    }
}

impl Said {
    fn by(time: Option<SystemTime>) -> Self {
        time.map_or(Self::Nothing, Self::Time)
    }

    fn seconds(self, signed_in_at: SystemTime) -> Option<UnixSeconds> {
        match self {
            Self::SignIn => Some(to_unix(signed_in_at)),
            Self::Time(time) => Some(to_unix(time)),
            Self::Nothing => None,
        }
    }
}

/// An app for one user alone. Its registry hears of no other.
pub(super) fn app(cas_url: &str, app_url: &str) -> Arc<Host> {
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .allow_insecure_http(true)
        .build();
    match config {
        Ok(config) => Arc::clone(config.first_host()),
        Err(error) => panic!("{error}"),
    }
}

/// Shows the names of attributes, not their values, as [`CasUser`] does.
impl fmt::Debug for CasUserBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasUserBuilder")
            .field("name", &self.name)
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}
