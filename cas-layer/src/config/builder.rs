//! The builder of a configuration.

mod auth_request;
mod build;
mod cookies;
mod endpoints;
mod hooks;
mod hosts;
mod keys;
mod pages;
mod proxy;
mod rules;
mod session;
mod settings;
mod sign_in;
mod sign_out;
mod sources;

use std::{fmt, net::IpAddr, sync::Arc};

pub use auth_request::AuthRequestOptions;
pub use endpoints::EndpointOptions;
pub use hosts::FurtherHost;
use http::Extensions;
pub use pages::PageOptions;
pub use proxy::ProxyOptions;
pub use session::SessionOptions;
pub use sign_in::SignInOptions;
pub use sign_out::SignOutOptions;

use self::settings::Settings;
use crate::{
    admission::Peers,
    client::{CasClient, CasClientBuilder},
    registry::Registry,
    session::Key,
    strict_url::printable,
};

/// Builds a [`CasConfig`](crate::CasConfig). Nothing is checked before [`build`](Self::build).
///
/// | what you look for | where it is |
/// | --- | --- |
/// | keys | [`key`](Self::key) |
/// | who may see which path | [`rule`](Self::rule), [`public`](Self::public), [`public_prefix`](Self::public_prefix) |
/// | lifetimes, attributes, user names, the session cookie, `Cache-Control`, frames of other sites | [`session`](Self::session): [`SessionOptions`] |
/// | credentials every time, the service URL, tickets by `POST`, the page after sign-in, how often a gateway rule asks, limits | [`sign_in`](Self::sign_in): [`SignInOptions`] |
/// | sign-out at this app alone, the page after it, who may send logout requests | [`sign_out`](Self::sign_out): [`SignOutOptions`] |
/// | `/login`, `/logout`, `/logout_callback`, and a path that a reverse proxy takes off | [`endpoints`](Self::endpoints): [`EndpointOptions`] |
/// | an endpoint for `auth_request` of nginx | [`auth_request`](Self::auth_request): [`AuthRequestOptions`] |
/// | proxy tickets: calling other services in the user's name | [`proxy`](Self::proxy): [`ProxyOptions`] |
/// | the CAS server: protocol, time limits, certificates, accepted proxies | [`client`](Self::client): [`CasClientBuilder`] |
/// | where ended sessions are remembered | [`registry`](Self::registry) |
/// | more public names, more CAS servers | [`host`](Self::host) |
/// | the address of a request's sender | [`peer_address`](Self::peer_address) |
/// | the layer's own pages: languages, looks, a renderer of your own | [`pages`](Self::pages): [`PageOptions`] |
/// | functions that are called on events | [`on_sign_in`](Self::on_sign_in), [`on_sign_out`](Self::on_sign_out), [`on_refused`](Self::on_refused) |
/// | plain http | [`allow_insecure_http`](Self::allow_insecure_http) |
#[must_use]
pub struct CasConfigBuilder {
    client: CasClientBuilder,
    app_url: String,
    further_hosts: Vec<FurtherHost>,
    settings: Settings,
}

/// Where the app and the CAS server are. A closure has nothing to show, and the rest is checked later.
impl fmt::Debug for CasConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasConfigBuilder")
            .field("client", &self.client)
            .field("app_url", &printable(&self.app_url))
            .field("further_hosts", &self.further_hosts)
            .field("keys", &self.settings.keys)
            .field("endpoints", &self.settings.endpoints)
            .finish_non_exhaustive()
    }
}

impl CasConfigBuilder {
    pub(super) fn new(cas_url: String, app_url: String) -> Self {
        Self {
            client: CasClient::builder(cas_url),
            app_url,
            further_hosts: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Adds a key. The first key seals new cookies, and all keys open existing ones. At least one key is needed.
    ///
    /// To change keys without signing anyone out: add the new key second on every node. Then make it the first on
    /// every node. Drop the old key after the longest session lifetime.
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.settings.keys.push(key.into());
        self
    }

    /// Changes how long a session lasts, which attributes and which user name it carries, and what its cookie is
    /// like: see [`SessionOptions`].
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| session.lifetime(Duration::from_secs(3600)).encrypted(true))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn session(mut self, change: impl FnOnce(SessionOptions) -> SessionOptions) -> Self {
        self.settings.session = change(self.settings.session);
        self
    }

    /// Changes how visitors sign in, where they go afterwards, and how many can sign in at once: see
    /// [`SignInOptions`].
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .sign_in(|sign_in| sign_in.landing_path("/profile").renew(true))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn sign_in(mut self, change: impl FnOnce(SignInOptions) -> SignInOptions) -> Self {
        self.settings.sign_in = change(self.settings.sign_in);
        self
    }

    /// Changes how visitors sign out, where they go afterwards, and from where the CAS server may sign them out: see
    /// [`SignOutOptions`].
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .sign_out(|sign_out| sign_out.after_logout_path("/bye").by_post_only(true))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn sign_out(mut self, change: impl FnOnce(SignOutOptions) -> SignOutOptions) -> Self {
        self.settings.sign_out = change(self.settings.sign_out);
        self
    }

    /// Changes the paths that the layer answers itself, and says how they arrive: see [`EndpointOptions`].
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .endpoints(|endpoints| endpoints.login("/sign-in").logout("/sign-out"))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn endpoints(mut self, change: impl FnOnce(EndpointOptions) -> EndpointOptions) -> Self {
        self.settings.endpoints = change(self.settings.endpoints);
        self
    }

    /// Adds an endpoint where nginx asks whether a request to a backend may pass, and whose it is (`auth_request`): see
    /// [`AuthRequestOptions`]. It is for backends that are not in Rust. By default, there is none.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .auth_request(|auth| auth.path("/auth"))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn auth_request(
        mut self,
        change: impl FnOnce(AuthRequestOptions) -> AuthRequestOptions,
    ) -> Self {
        self.settings.auth_request = change(self.settings.auth_request);
        self
    }

    /// Lets the app act for its users at other services, as a proxy in the sense of the CAS protocol: see
    /// [`ProxyOptions`]. It has nothing to do with reverse proxies.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| session.encrypted(true))
    ///     .proxy(|proxy| proxy.callback_path("/cas/proxy"))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn proxy(mut self, change: impl FnOnce(ProxyOptions) -> ProxyOptions) -> Self {
        self.settings.proxy = change(self.settings.proxy);
        self
    }

    /// Changes how the layer talks to the CAS server: protocol, time limits, certificates, proxies.
    ///
    /// ```
    /// # use cas_layer::{CasConfig, Key, Protocol};
    /// # use std::time::Duration;
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .client(|client| client.protocol(Protocol::Cas2).timeout(Duration::from_secs(5)))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn client(mut self, change: impl FnOnce(CasClientBuilder) -> CasClientBuilder) -> Self {
        self.client = change(self.client);
        self
    }

    /// Serves a further public host, given by the app's public base URL there, as in
    /// [`CasConfig::builder`](crate::CasConfig::builder). Visitors sign in at the same CAS server, unless a
    /// [`FurtherHost`] has a client for another one.
    ///
    /// As soon as there is more than one host, a request has to name its host, in its target or in its `Host` field.
    /// A reverse proxy has to pass this on as the browser sent it. The layer does not look at `X-Forwarded-Host` and
    /// `Forwarded`. A host that is not listed gets 421, also for public paths and health checks. A request that names
    /// no host, or two, gets 400. Hosts are told apart by name and port: `www.` before a name or a dot behind it
    /// makes another host.
    ///
    /// Every host has sessions of its own: the cookie of one host does not work on another. Rules, endpoints, keys,
    /// registry and all other settings are the same for all hosts.
    ///
    /// ```
    /// use cas_layer::{CasClient, CasConfig, FurtherHost, Key, Protocol};
    ///
    /// let partners = CasClient::builder("https://sso.partner.example/cas")
    ///     .protocol(Protocol::Cas2)
    ///     .build()?;
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .host("https://app.example.com")
    ///     .host(FurtherHost::new("https://partners.example.org").cas_client(partners))
    ///     .key(Key::generate())
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn host(mut self, host: impl Into<FurtherHost>) -> Self {
        self.further_hosts.push(host.into());
        self
    }

    /// Tells the layer how to find the address of a request's sender in the request's extensions. With axum, use
    /// [`peer_address`](crate::peer_address) if nothing stands in front of the app. Behind a reverse proxy, read what
    /// your own middleware put there after it checked that the request came from the proxy. By default, no address is
    /// known.
    ///
    /// Lists of sources need this. With it, limits apply per sender: an IPv4 address, or the /64 network of an IPv6
    /// address. So one sender cannot keep others from signing in, however many logins it begins, nor from a single
    /// logout.
    ///
    /// # Security
    /// Never use the proxy's own address: all visitors would be one sender. Never use a header that the visitor can
    /// write.
    pub fn peer_address(
        mut self,
        address: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.settings.peers = Peers::by(address);
        self
    }

    /// The registry of opened and ended sessions. By default, each configuration has its own
    /// [`MemoryRegistry`](crate::MemoryRegistry).
    ///
    /// Apps that share a registry must have the same longest session lifetime.
    pub fn registry(mut self, registry: impl Registry) -> Self {
        self.settings.registry = Arc::new(registry);
        self
    }

    /// Changes what the layer's own pages for browsers are like: name, logo, colour, languages, or a renderer of your
    /// own. See [`PageOptions`], and the guide's page on [pages](crate::guide::pages).
    pub fn pages(mut self, change: impl FnOnce(PageOptions) -> PageOptions) -> Self {
        self.settings.pages = change(self.settings.pages);
        self
    }

    /// Allows plain http for an app or a CAS server that is not on loopback. By default, that is refused. The client
    /// of a [`FurtherHost`] has a setting of its own.
    ///
    /// # Security
    /// Anyone who can read the network can then take over every session and use every ticket.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.settings.allow_insecure_http = allow;
        self
    }

    /// Uses a clock that a test moves by hand.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: crate::testing::ManualClock) -> Self {
        self.settings.clock = crate::clock::Clock::Manual(clock);
        self
    }
}
