//! Settings of the server before it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

#[cfg(feature = "jwt")]
use super::JwtIssuer;
use super::{FrontChannel, Quirk, User};

/// Chooses address, users and behaviour of a [`CasServer`](super::CasServer) before it starts.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct CasServerBuilder {
    pub(super) listen: SocketAddr,
    users: Vec<User>,
    pub(super) ticket_lifetime: Duration,
    pub(super) logout_timeout: Duration,
    pub(super) callback_timeout: Duration,
    pub(super) http_callbacks: bool,
    pub(super) target_services: Option<Vec<String>>,
    pub(super) ca: String,
    pub(super) any_certificate: bool,
    pub(super) front_channel: Option<FrontChannel>,
    pub(super) rest: bool,
    #[cfg(feature = "released-secrets")]
    pub(super) service_public_key: Option<String>,
    pub(super) quirks: Vec<Quirk>,
    #[cfg(feature = "jwt")]
    pub(super) jwt: Option<JwtIssuer>,
}

impl CasServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            users: Vec::new(),
            ticket_lifetime: Duration::from_secs(60),
            logout_timeout: Duration::from_secs(5),
            callback_timeout: Duration::from_secs(5),
            http_callbacks: false,
            target_services: None,
            ca: String::new(),
            any_certificate: false,
            front_channel: None,
            rest: false,
            #[cfg(feature = "released-secrets")]
            service_public_key: None,
            quirks: Vec::new(),
            #[cfg(feature = "jwt")]
            jwt: None,
        }
    }

    /// Where to listen. Port 0 takes a free one. The default is `127.0.0.1:0`.
    ///
    /// Only a loopback address is accepted; with any other [`start`](Self::start) fails.
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// Adds a user. The first one replaces the default user `casuser`; a user with a name given
    /// before takes the place of that one.
    pub fn user(mut self, user: User) -> Self {
        let mut known = self.users.iter_mut();
        match known.find(|known| known.name() == user.name()) {
            Some(known) => *known = user,
            None => self.users.push(user),
        }
        self
    }

    /// How long a service ticket or a proxy ticket can be validated. The default is 60 s.
    pub fn ticket_lifetime(mut self, lifetime: Duration) -> Self {
        self.ticket_lifetime = lifetime;
        self
    }

    /// How long a service may take to answer a logout request, from the connection on. With a
    /// [`FrontChannel`]: how long the page after a logout waits for the services before it goes on.
    /// The default is 5 s.
    pub fn logout_timeout(mut self, limit: Duration) -> Self {
        self.logout_timeout = limit;
        self
    }

    /// How long a proxy may take to answer all calls to its `pgtUrl` during one validation, from the
    /// connection on. The default is 5 s.
    pub fn callback_timeout(mut self, limit: Duration) -> Self {
        self.callback_timeout = limit;
        self
    }

    /// Calls a `pgtUrl` on http too. By default, the server calls only https (CAS protocol 2.5.4).
    pub fn allow_http_callbacks(mut self, allow: bool) -> Self {
        self.http_callbacks = allow;
        self
    }

    /// Issues proxy tickets only for these services, byte for byte. The default is to issue them for any service.
    pub fn target_services(
        mut self,
        services: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.target_services = Some(services.into_iter().map(Into::into).collect());
        self
    }

    /// Takes any certificate of a service on https, for any name. The default is to check.
    pub fn accept_any_certificate(mut self, accept: bool) -> Self {
        self.any_certificate = accept;
        self
    }

    /// Trusts the certificates of these authorities, in PEM form, when logout requests and proxy
    /// callbacks go to services on https. Can be called again to add more. The default is to trust none, not even those of
    /// the system.
    pub fn ca(mut self, pem: impl AsRef<str>) -> Self {
        self.ca.push_str(pem.as_ref());
        self.ca.push('\n');
        self
    }

    /// Makes the browser carry logout requests to the services. By default, the server sends them.
    pub fn front_channel(mut self, front_channel: FrontChannel) -> Self {
        self.front_channel = Some(front_channel);
        self
    }

    /// Offers the REST protocol, for programs with a password. By default, its paths are not there.
    pub fn rest(mut self, offer: bool) -> Self {
        self.rest = offer;
        self
    }

    /// Releases two secrets as attributes of every answer that has attributes, except with SAML 1.1: `credential`, the
    /// user's password, and, if a `pgtUrl` came and answers, `proxyGrantingTicket`. A `pgtUrl` then gets no ticket. Each is
    /// encrypted with this RSA key in PEM form (`BEGIN PUBLIC KEY`), with PKCS #1 v1.5 padding, and in base64, as Apereo CAS
    /// does it for a service with a `publicKey`. The server has one such key for all services. By default, it releases none.
    ///
    /// [`start`](Self::start) fails if this is no such key.
    #[cfg(feature = "released-secrets")]
    pub fn service_public_key_pem(mut self, pem: impl Into<String>) -> Self {
        self.service_public_key = Some(pem.into());
        self
    }

    /// Issues JSON web tokens in place of service tickets. Proxy tickets and artifacts stay what they are.
    ///
    /// A token is validated once here too, as a service ticket is. Not every version of Apereo CAS does that. A logout request
    /// names the service ticket behind it, which is its `jti`.
    ///
    /// # Panics
    ///
    /// A ticket cannot be issued with keys of another kind than their algorithms need.
    #[cfg(feature = "jwt")]
    pub fn jwt_tickets(mut self, issuer: JwtIssuer) -> Self {
        self.jwt = Some(issuer);
        self
    }

    /// Adds a quirk to start with.
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    pub(super) fn take_users(&mut self) -> Vec<User> {
        if self.users.is_empty() {
            vec![User::example()]
        } else {
            std::mem::take(&mut self.users)
        }
    }
}
