//! The signed-in user, as handlers see them.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Response;

use crate::{
    attributes::Attributes,
    client::{ProxyTicketError, ProxyTicketErrorKind},
    clock::{UnixSeconds, from_unix},
    config::Shared,
    events::Event,
    protocol::{ProxyTicket, ServiceUrl},
    registry::RegistryError,
    service::{
        self, Place,
        granting::{self, Granted},
    },
    session::{Identity, SessionData, SessionId},
};

/// How long a session that waits for its end may go without a look at the clock and the registry.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The signed-in user of a request: name, attributes, and how they signed in.
///
/// The layer puts it into the request's extensions; with the feature `axum` it is an extractor too,
/// as is `Option<CasUser>` for paths that are public. A clone costs as much as one of an
/// [`Arc`](std::sync::Arc).
///
/// A user has a session, or has brought a ticket that is good for one request, under a
/// [`CasApiLayer`](crate::CasApiLayer). The registry knows nothing of the second kind; where a method does something
/// else for them, it says what.
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
pub struct CasUser(Arc<SignedIn>);

struct SignedIn {
    holds: Holds,
    shared: Arc<Shared>,
    /// Of the layer that knows this user.
    place: Place,
}

/// What a user is let in for.
enum Holds {
    /// A session, which the registry opened.
    Session(SessionData),
    /// A ticket for one request.
    Ticket(Identity),
}

impl CasUser {
    /// The user of a session.
    pub(crate) fn new(session: SessionData, shared: Arc<Shared>, place: Place) -> Self {
        Self::holding(Holds::Session(session), shared, place)
    }

    /// A user who has no session.
    pub(crate) fn of_ticket(identity: Identity, shared: Arc<Shared>) -> Self {
        Self::holding(Holds::Ticket(identity), shared, Place::Request)
    }

    fn holding(holds: Holds, shared: Arc<Shared>, place: Place) -> Self {
        Self(Arc::new(SignedIn {
            holds,
            shared,
            place,
        }))
    }

    pub(crate) fn place(&self) -> Place {
        self.0.place
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// The session, if the user has one.
    pub(crate) fn session(&self) -> Option<&SessionData> {
        match &self.0.holds {
            Holds::Session(session) => Some(session),
            Holds::Ticket(_) => None,
        }
    }

    fn identity(&self) -> &Identity {
        match &self.0.holds {
            Holds::Session(session) => session,
            Holds::Ticket(identity) => identity,
        }
    }

    /// The user name as the CAS server gave it (CAS protocol 2.5.1, `cas:user`), unless the configuration
    /// [changes](crate::CasConfigBuilder::user_name) it: at most 1,024 bytes, with something to see
    /// in it, and without characters that nobody sees ([`NewSession::set_name`](crate::NewSession::set_name)).
    #[must_use]
    pub fn name(&self) -> &str {
        self.identity().user()
    }

    /// The URL of the CAS server that vouches for the user, normalised as
    /// [`CasClient::url`](crate::CasClient::url) is. Where hosts of the app have
    /// [different ones](crate::CasConfigBuilder::host_at), it takes this and the name to know a user.
    #[must_use]
    pub fn cas_url(&self) -> &str {
        self.shared().client.url()
    }

    /// The public URL of the app at the host of the request, without a slash at the end.
    #[must_use]
    pub fn app_url(&self) -> String {
        self.shared().app.as_string()
    }

    /// What the CAS server said about the user (CAS protocol 2.5.5), as far as the configuration
    /// [keeps](crate::CasConfigBuilder::only_attributes) it; empty with CAS 1.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.identity().attributes()
    }

    /// The name of the session, the same on every node. No secret: it opens nothing. Without a session, the name that
    /// the one of the ticket would have.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.identity().id
    }

    /// When the sign-in here was finished, by this app's clock, in whole seconds. Without a session, when the ticket was
    /// validated.
    #[must_use]
    pub fn signed_in_at(&self) -> SystemTime {
        from_unix(self.identity().issued_at)
    }

    /// When the session ends at the latest, in whole seconds. Unused it may end
    /// [earlier](crate::CasConfigBuilder::idle_timeout). Without a session, when one that the ticket had opened would
    /// end.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        from_unix(self.identity().expires_at)
    }

    /// Completes when the session ends: signed out here or by single logout, on this node or another, ended
    /// with all others of its user, or expired. A handler of a long-lived connection waits for it beside its
    /// own work and then closes the connection.
    ///
    /// Idle time does not count: the connection is use. Where the registry is cut off for so long that
    /// sessions are no longer accepted, this completes too.
    ///
    /// Without a session there is none that could be ended: then this completes when one would have
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
        async move {
            let Shared {
                registry, clock, ..
            } = &*user.0.shared;
            let left = || user.identity().expires_at.saturating_sub(clock.now());
            let Some(session) = user.session() else {
                while left() > 0 {
                    tokio::time::sleep(LOOK_EVERY.min(Duration::from_secs(left()))).await;
                }
                return;
            };
            let session = user.shared().registered(session);
            let mut ended = std::pin::pin!(registry.ended().wait_for(&session));
            while registry.is_current() {
                let left = left();
                if left == 0 {
                    return;
                }
                let look_again = LOOK_EVERY.min(Duration::from_secs(left));
                if tokio::time::timeout(look_again, ended.as_mut())
                    .await
                    .is_ok()
                {
                    return;
                }
            }
        }
    }

    /// Signs the user out, for a handler of the app's own: a form's button, or the sign-out of an app under a
    /// [`CasInPlaceLayer`](crate::CasInPlaceLayer), which has no `/logout`.
    ///
    /// The session ends here at once. What comes back is the answer for the handler to give: 303 to the CAS
    /// server's logout, with the session cookie cleared, and not to be stored. From there the visitor comes back
    /// to the [logout callback](crate::CasConfigBuilder::logout_callback_path), or under a `CasInPlaceLayer` to
    /// the [page after sign-out](crate::CasConfigBuilder::after_logout_path), or else to the
    /// [landing path](crate::CasConfigBuilder::landing_path). With
    /// [`sign_out_locally`](crate::CasConfigBuilder::sign_out_locally) they are sent there at once.
    ///
    /// A registry that cannot be reached keeps nobody signed in here; other nodes hear of it when it is back.
    /// Logins that are under way in other tabs of the browser begin afresh.
    ///
    /// Without a session nothing ends here and no cookie changes; the answer leads to the same place.
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
    /// Take it by `POST`: a link anywhere can make a browser `GET`. The session cookie is `SameSite=Lax`, so a
    /// form of another site posts without it.
    pub async fn sign_out(&self) -> Response<Bytes> {
        service::sign_out(self).await
    }

    /// Ends every session of this user at this app, on every node: "sign out of all devices". The session of
    /// the request is one of them; send the browser to the logout endpoint afterwards, so that it signs out
    /// at the CAS server too. Without a session, it is the same for all those that the user has.
    ///
    /// # Errors
    /// The registry could not make sure of it. On this node the sessions have ended.
    pub async fn end_all_sessions(&self) -> Result<(), RegistryError> {
        self.0.shared.end_all(self.name()).await
    }

    /// The proxies that the user came through, most recent first: each called the next in the user's name (CAS
    /// protocol 2.6.2). Empty for a user whose own browser signed in, and always so unless
    /// [`accept_proxies`](crate::CasClientBuilder::accept_proxies) admits any. For rules there are
    /// [`Access::no_proxy`](crate::Access::no_proxy) and [`Access::through`](crate::Access::through).
    #[must_use]
    pub fn proxies(&self) -> &[String] {
        &self.identity().proxies
    }

    /// A ticket with which to call another service in this user's name, at the URL `target` and once (CAS protocol
    /// 2.7). Send it along as that service expects it: in the field `Authorization: CAS …` of the request for a
    /// [`CasApiLayer`](crate::CasApiLayer), as the parameter `ticket` of the target for most others. The app has to have a
    /// [`proxy_callback`](crate::CasConfigBuilder::proxy_callback). Without a session, the proxy-granting ticket that came
    /// with the user's ticket is kept in this value and its clones, and nowhere else.
    ///
    /// # Errors
    /// [`ProxyTicketErrorKind`](crate::ProxyTicketErrorKind) says why there is none:
    /// [`NoGrantingTicket`](crate::ProxyTicketErrorKind::NoGrantingTicket) where the sign-in brought no
    /// proxy-granting ticket, and [`Expired`](crate::ProxyTicketErrorKind::Expired) where that is no good any more:
    /// after a new sign-in there is another one.
    pub async fn proxy_ticket(&self, target: &str) -> Result<ProxyTicket, ProxyTicketError> {
        let shared = &self.0.shared;
        let ticket = self.ask_for_proxy_ticket(target).await;
        let result = ticket.as_ref().map(drop).map_err(ProxyTicketError::kind);
        shared.tell(Event::ProxyTicket(result));
        ticket
    }

    async fn ask_for_proxy_ticket(&self, target: &str) -> Result<ProxyTicket, ProxyTicketError> {
        let shared = &self.0.shared;
        let target = ServiceUrl::parse(target).map_err(ProxyTicketError::invalid_target)?;
        let granted = match &self.0.holds {
            Holds::Session(session) => granting::of_session(shared, session).await,
            Holds::Ticket(identity) => Ok(granting::of_ticket(shared, identity)),
        };
        let granting_ticket = match granted {
            Ok(Granted::Ticket(ticket)) => ticket,
            Ok(Granted::None) => return Err(ProxyTicketError::no_granting_ticket()),
            Ok(Granted::Ended) => return Err(ProxyTicketError::ended()),
            Err(error) => return Err(ProxyTicketError::registry_unavailable(&error)),
        };
        let ticket = shared.client.proxy_ticket(&granting_ticket, &target).await;
        if let Err(error) = &ticket
            && error.kind() == ProxyTicketErrorKind::Expired
            && let Some(session) = self.session()
        {
            granting::forget(shared, session).await;
        }
        ticket
    }

    /// When the user last gave their credentials to the CAS server, in whole seconds, if the
    /// server said so in a form that could be read (`authenticationDate`, CAS protocol 2.5.5).
    #[must_use]
    pub fn authentication_date(&self) -> Option<SystemTime> {
        self.identity().authentication_date.map(from_unix)
    }

    /// When the user last gave their credentials, by this app's clock or as the server said, in whole seconds;
    /// `None` where nothing is known of it, as with CAS 1 without `renew`. For [`Access::fresh`](crate::Access::fresh).
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
