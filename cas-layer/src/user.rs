//! The signed-in user, as handlers see them.

#[cfg(test)]
mod tests;

use std::{
    any::Any,
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Response;

use crate::{
    attributes::Attributes,
    client::ProxyTicketError,
    clock::{UnixSeconds, from_unix},
    protocol::ProxyTicket,
    registry::RegistryError,
    session::{Identity, SessionData, SessionId},
};

/// The signed-in user of a request: name, attributes, and how they signed in.
///
/// The layer puts it into the request's extensions. With the feature `axum` it is also an extractor, and so is
/// `Option<CasUser>` for public paths. Cloning it is as cheap as cloning two [`Arc`](std::sync::Arc)s.
///
/// A user either has a session or, under a [`CasApiLayer`](crate::CasApiLayer), has brought a ticket that is good for
/// one request. The registry knows nothing of such a ticket. Each method that differs without a session says so.
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
pub struct CasUser {
    holds: Holds,
    home: Arc<dyn Home>,
    /// The layer that knows this user.
    place: Place,
}

/// The app that a user is signed in to. A [`CasUser`] acts through it, and itself knows of no app.
pub(crate) trait Home: Any + Send + Sync {
    fn cas_url(&self) -> &str;

    fn app_url(&self) -> String;

    /// Completes when the session ends. Without a session, completes when its time is over.
    fn ended<'a>(&'a self, user: &'a CasUser) -> Act<'a, ()>;

    fn sign_out<'a>(&'a self, user: &'a CasUser) -> Act<'a, Response<Bytes>>;

    fn end_all<'a>(&'a self, user_name: &'a str) -> Act<'a, Result<(), RegistryError>>;

    fn proxy_ticket<'a>(
        &'a self,
        user: &'a CasUser,
        target: &'a str,
    ) -> Act<'a, Result<ProxyTicket, ProxyTicketError>>;
}

/// The outcome of what a user does.
pub(crate) type Act<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a layer's tickets come back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The login endpoint. Its query says where the visitor goes from there.
    Endpoint,
    /// The page that was asked for.
    Page,
    /// Nowhere: programs bring a ticket with each request, and nobody is redirected for one.
    Request,
}

/// What lets a user in.
#[derive(Clone)]
pub(crate) enum Holds {
    /// A session, which the registry opened.
    Session(Arc<SessionData>),
    /// A ticket for one request.
    Ticket(Arc<Identity>),
}

impl CasUser {
    /// The user of a session.
    pub(crate) fn new<H: Home>(
        session: impl Into<Arc<SessionData>>,
        home: Arc<H>,
        place: Place,
    ) -> Self {
        Self {
            holds: Holds::Session(session.into()),
            home,
            place,
        }
    }

    /// A user without a session.
    pub(crate) fn of_ticket<H: Home>(identity: Identity, home: Arc<H>) -> Self {
        Self {
            holds: Holds::Ticket(Arc::new(identity)),
            home,
            place: Place::Request,
        }
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn home(&self) -> &Arc<dyn Home> {
        &self.home
    }

    pub(crate) fn holds(&self) -> &Holds {
        &self.holds
    }

    /// The session, if the user has one.
    pub(crate) fn session(&self) -> Option<&SessionData> {
        match &self.holds {
            Holds::Session(session) => Some(session),
            Holds::Ticket(_) => None,
        }
    }

    pub(crate) fn identity(&self) -> &Identity {
        match &self.holds {
            Holds::Session(session) => session,
            Holds::Ticket(identity) => identity,
        }
    }

    /// The user name as the CAS server gave it (CAS protocol 2.5.1, `cas:user`), unless the configuration
    /// [changes](crate::SessionOptions::user_name) it. It has at most 1,024 bytes, at least one visible character,
    /// and no invisible ones ([`NewSession::set_name`](crate::NewSession::set_name)).
    #[must_use]
    pub fn name(&self) -> &str {
        self.identity().user()
    }

    /// The URL of the CAS server that vouches for the user, normalised as [`CasClient::url`](crate::CasClient::url)
    /// is. If hosts of the app have [different CAS servers](crate::FurtherHost::cas_client), only this URL and the
    /// name together identify a user.
    #[must_use]
    pub fn cas_url(&self) -> &str {
        self.home.cas_url()
    }

    /// The public URL of the app at the host of the request, without a slash at the end.
    #[must_use]
    pub fn app_url(&self) -> String {
        self.home.app_url()
    }

    /// What the CAS server said about the user (CAS protocol 2.5.5), as far as the configuration
    /// [keeps](crate::SessionOptions::only_attributes) it. Empty with CAS 1.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.identity().attributes()
    }

    /// The name of the session, the same on every node. It is no secret: nobody can get into a session with it.
    /// Without a session, it is the name that a session of this ticket would have.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.identity().id
    }

    /// The name of what ends as a whole: the session's [family](crate::guide::single_logout#tabs-of-one-browser), or
    /// the session itself if it has none. It is no secret, and the same on every node.
    ///
    /// An app that keeps something of its own for a signed-in user [compares
    /// it](crate::guide::beside#what-to-compare). Tabs of a browser that sign in at the same moment have a session each,
    /// and this name in common. Another user, another browser, and a sign-in after a sign-out or a single logout have
    /// another name. A later sign-in of the same user in the same browser may have another one too, as for [fresh
    /// credentials](crate::Access::fresh).
    #[must_use]
    pub fn family_id(&self) -> SessionId {
        self.identity().family.unwrap_or_else(|| self.session_id())
    }

    /// When the sign-in here was finished, by this app's clock, in whole seconds. Without a session, it is when the
    /// ticket was validated.
    #[must_use]
    pub fn signed_in_at(&self) -> SystemTime {
        from_unix(self.identity().issued_at)
    }

    /// When the session ends at the latest, in whole seconds. An unused session may end
    /// [earlier](crate::SessionOptions::idle_timeout). Without a session, it is when a session opened with the ticket
    /// would end.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        from_unix(self.identity().expires_at)
    }

    /// Completes when the session ends: it was signed out here or by single logout, on this node or another, all
    /// sessions of its user were ended, or it expired. A handler of a long-lived connection waits for this beside its
    /// own work, and then closes the connection.
    ///
    /// Idle time does not matter here: an open connection is use. If the registry is cut off for so long that
    /// sessions are no longer accepted, this completes too.
    ///
    /// Without a session nothing can be ended. Then this completes when a session would have
    /// [expired](Self::expires_at), and no sooner.
    ///
    /// ```
    /// # use cas_layer::CasUser;
    /// # async fn next_message() -> Option<String> { None }
    /// async fn connection(user: CasUser) {
    ///     let mut ended = std::pin::pin!(user.ended());
    ///     loop {
    ///         tokio::select! {
    ///             () = &mut ended => break,
    ///             message = next_message() => match message {
    ///                 Some(message) => println!("{}: {message}", user.name()),
    ///                 None => break,
    ///             },
    ///         }
    ///     }
    /// }
    /// ```
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let user = self.clone();
        async move { user.home.ended(&user).await }
    }

    /// Signs the user out, for a handler of the app's own. It serves a form's button, or the sign-out of an app under
    /// a [`CasInPlaceLayer`](crate::CasInPlaceLayer), which has no `/logout`.
    ///
    /// The session ends here at once. The handler has to return the response: a 303 to the CAS server's logout that
    /// clears the session cookie and must not be stored. From there the visitor comes back to the [logout
    /// callback](crate::EndpointOptions::logout_callback). Under a `CasInPlaceLayer`, it is the [page after
    /// sign-out](crate::SignOutOptions::after_logout_path) or, without one, the [landing
    /// path](crate::SignInOptions::landing_path). With [`SignOutOptions::locally`](crate::SignOutOptions::locally)
    /// the response leads there at once.
    ///
    /// If the registry cannot be reached, the user is signed out here all the same; other nodes hear of it when it is
    /// back. Logins that are under way in other tabs of the browser begin again.
    ///
    /// Without a session nothing ends here and no cookie changes. The response leads to the same place.
    ///
    /// ```
    /// use axum::{Router, body::Body, response::Response, routing::post};
    /// use cas_layer::CasUser;
    ///
    /// async fn sign_out(user: CasUser) -> Response {
    ///     user.sign_out().await.map(Body::from)
    /// }
    /// let app: Router = Router::new().route("/sign-out", post(sign_out));
    /// ```
    ///
    /// # Security
    /// Accept it by `POST` only: a link anywhere can make a browser send a `GET`. The session cookie is
    /// `SameSite=Lax`, so browsers do not send it with a form of another site. With
    /// [`framed_by`](crate::SessionOptions::framed_by) they do, and then there is no `CasUser`.
    pub async fn sign_out(&self) -> Response<Bytes> {
        self.home.sign_out(self).await
    }

    /// Ends every session of this user at this app, on every node: "sign out of all devices". This includes the
    /// session of the request. Afterwards, send the browser to the logout endpoint, so that it signs out at the CAS
    /// server too. Without a session, it ends all sessions that the user has.
    ///
    /// # Errors
    /// The registry cannot guarantee that it remembers this. On this node the sessions have ended.
    pub async fn end_all_sessions(&self) -> Result<(), RegistryError> {
        self.home.end_all(self.name()).await
    }

    /// The proxies that the user came through, most recent first: each called the next in the user's name (CAS
    /// protocol 2.6.2). It is empty if the user's own browser signed in. It is always empty unless
    /// [`accept_proxies`](crate::CasClientBuilder::accept_proxies) admits a proxy. For rules there are
    /// [`Access::no_proxy`](crate::Access::no_proxy) and [`Access::through`](crate::Access::through).
    #[must_use]
    pub fn proxies(&self) -> &[String] {
        &self.identity().proxies
    }

    /// Gets a ticket with which the app can call another service once in this user's name, at the URL `target` (CAS
    /// protocol 2.7). Send it as that service expects it. A [`CasApiLayer`](crate::CasApiLayer) expects it in the
    /// request's field `Authorization: CAS …`, most others as the parameter `ticket` of the target. The app needs a
    /// [`ProxyOptions::callback_path`](crate::ProxyOptions::callback_path), or a CAS server that [needs
    /// none](crate::guide::proxies#without-a-callback). Without a session, the proxy-granting
    /// ticket that came with the user's ticket is kept in this value and its clones, and nowhere else.
    ///
    /// # Errors
    /// [`ProxyTicketErrorKind`](crate::ProxyTicketErrorKind) says why there is no ticket.
    /// [`NoGrantingTicket`](crate::ProxyTicketErrorKind::NoGrantingTicket): the sign-in brought no proxy-granting
    /// ticket. [`Expired`](crate::ProxyTicketErrorKind::Expired): the proxy-granting ticket is no longer good, and
    /// only a new sign-in brings another.
    pub async fn proxy_ticket(&self, target: &str) -> Result<ProxyTicket, ProxyTicketError> {
        self.home.proxy_ticket(self, target).await
    }

    /// When the user last gave their credentials to the CAS server, in whole seconds, if the
    /// server said so in a form that could be read (`authenticationDate`, CAS protocol 2.5.5).
    #[must_use]
    pub fn authentication_date(&self) -> Option<SystemTime> {
        self.identity().authentication_date.map(from_unix)
    }

    /// When the user last gave their credentials, by this app's clock or as the server said, in whole seconds. `None`
    /// if that is not known, as with CAS 1 without `renew`. It is what [`Access::fresh`](crate::Access::fresh) looks
    /// at.
    #[must_use]
    pub fn credentials_given_at(&self) -> Option<SystemTime> {
        self.identity().credentials_at.map(from_unix)
    }

    pub(crate) fn gave_credentials_within(&self, time: Duration, now: UnixSeconds) -> bool {
        let given_at = self.identity().credentials_at;
        given_at.is_some_and(|at| now < at.saturating_add(time.as_secs()))
    }

    /// Whether the user gave their credentials for this very sign-in, if the server said so
    /// (`isFromNewLogin`, CAS protocol 2.5.5).
    #[must_use]
    pub fn is_from_new_login(&self) -> Option<bool> {
        self.identity().is_from_new_login
    }

    /// Whether the CAS server recognised the user by a long-term token ("remember me") instead of
    /// credentials, if it said so (CAS protocol 2.5.5).
    #[must_use]
    pub fn long_term_authentication_request_token_used(&self) -> Option<bool> {
        self.identity().long_term_authentication_request_token_used
    }
}

/// Shows the names of attributes, not their values: values do not belong in a log.
impl fmt::Debug for CasUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasUser")
            .field("name", &self.name())
            .field("attributes", self.attributes())
            .field("session_id", &self.session_id())
            .finish_non_exhaustive()
    }
}
