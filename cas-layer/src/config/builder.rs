//! The builder of a configuration.

mod endpoints;
mod hooks;
mod hosts;
mod proxies;
mod rules;
mod session;

use std::{fmt, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{Extensions, Response};

use self::{
    hosts::{Cookies, FurtherHost, Host},
    proxies::ProxyOptions,
    rules::RuleOptions,
    session::SessionOptions,
};
use super::CasConfig;
use crate::{
    MemoryRegistry,
    admission::{Forms, Peers, Validations},
    app::{Endpoints, Hosts, Shared, SignOut, Sources},
    client::{CasClient, CasClientBuilder},
    clock::Clock,
    error::ConfigError,
    events::Hooks,
    pages::{Page, Pages},
    paths::AppUrl,
    registry::Registry,
    session::Key,
    strict_url::printable,
};

/// Builds a [`CasConfig`]. Nothing is checked before [`build`](Self::build).
#[must_use]
pub struct CasConfigBuilder {
    client: CasClientBuilder,
    app_url: String,
    further_hosts: Vec<FurtherHost>,
    keys: Vec<Key>,
    allow_insecure_http: bool,
    prefix_stripped: bool,
    endpoints: Endpoints,
    peers: Peers,
    logout_networks: Option<Vec<String>>,
    proxies: ProxyOptions,
    landing_path: String,
    after_logout: Option<String>,
    sign_out: SignOut,
    rules: RuleOptions,
    cookie_name: Option<String>,
    session: SessionOptions,
    max_concurrent_validations: usize,
    private_by_default: bool,
    registry: Arc<dyn Registry>,
    pages: Pages,
    clock: Clock,
    hooks: Hooks,
}

/// Where the app and the CAS server are; a closure has nothing to show, and the rest is checked later.
impl fmt::Debug for CasConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasConfigBuilder")
            .field("client", &self.client)
            .field("app_url", &printable(&self.app_url))
            .field("further_hosts", &self.further_hosts)
            .field("keys", &self.keys)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

impl CasConfigBuilder {
    pub(super) fn new(cas_url: String, app_url: String) -> Self {
        Self {
            client: CasClient::builder(cas_url),
            app_url,
            further_hosts: Vec::new(),
            keys: Vec::new(),
            allow_insecure_http: false,
            prefix_stripped: false,
            endpoints: Endpoints {
                login: "/login".to_owned(),
                logout: "/logout".to_owned(),
                logout_callback: "/logout_callback".to_owned(),
                logout_request: None,
                proxy_callback: None,
            },
            peers: Peers::default(),
            logout_networks: None,
            proxies: ProxyOptions::default(),
            landing_path: "/".to_owned(),
            after_logout: None,
            sign_out: SignOut::default(),
            rules: RuleOptions::default(),
            cookie_name: None,
            session: SessionOptions::default(),
            max_concurrent_validations: 64,
            private_by_default: true,
            registry: Arc::new(MemoryRegistry::default()),
            pages: Pages::default(),
            clock: Clock::default(),
            hooks: Hooks::default(),
        }
    }

    /// Adds a key. The first seals, all open. At least one is needed.
    ///
    /// To change keys without signing anyone out: first add the new key second on every node, then
    /// make it the first on every node, and drop the old one a session lifetime later, the longest there
    /// is.
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Changes how the CAS server is talked to: protocol, time limits, certificates, proxies.
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

    /// Allows plain http for an app or a CAS server that is not on loopback. The default is not to.
    ///
    /// # Security
    /// Whoever can read the network can then take over every session and use every ticket.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self.client = self.client.allow_insecure_http(allow);
        self
    }

    /// Says that a reverse proxy takes the path of the app URL off before a request gets here. The
    /// default is that requests arrive with the path under which the browser sent them; what axum's
    /// `nest` takes off is put back by the feature `axum`.
    pub fn prefix_stripped_by_proxy(mut self, stripped: bool) -> Self {
        self.prefix_stripped = stripped;
        self
    }

    /// The path of the login endpoint, relative to the app URL. The default value is `/login`.
    pub fn login_path(mut self, path: impl Into<String>) -> Self {
        self.endpoints.login = path.into();
        self
    }

    /// The path of the logout endpoint, relative to the app URL. The default value is `/logout`.
    pub fn logout_path(mut self, path: impl Into<String>) -> Self {
        self.endpoints.logout = path.into();
        self
    }

    /// The path to which the CAS server sends a visitor after sign-out, relative to the app URL. The
    /// default value is `/logout_callback`.
    pub fn logout_callback_path(mut self, path: impl Into<String>) -> Self {
        self.endpoints.logout_callback = path.into();
        self
    }

    /// A further path for single-logout requests, relative to the app URL, for a CAS server that is told to
    /// send them there. They are taken at the login path in any case. The default is none.
    pub fn logout_request_path(mut self, path: impl Into<String>) -> Self {
        self.endpoints.logout_request = Some(path.into());
        self
    }

    /// Accepts single-logout requests that the CAS server posts (back channel) from these addresses and
    /// networks only. The default is to accept them from anywhere: a request ends nothing unless it names a
    /// ticket, and tickets are secrets.
    ///
    /// It needs [`peer_address`](Self::peer_address). A request without an address is refused with 403 and an error in the
    /// log. Requests through the browser (front channel) come from the visitor's address and are not limited.
    ///
    /// ```
    /// # #[cfg(feature = "axum")]
    /// # fn main() -> Result<(), cas_layer::ConfigError> {
    /// use cas_layer::{CasConfig, Key, peer_address};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .peer_address(peer_address)
    ///     .logout_sources(["192.0.2.10", "2001:db8:7::/64"])
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "axum"))]
    /// # fn main() {}
    /// ```
    pub fn logout_sources(mut self, networks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.logout_networks = Some(networks.into_iter().map(Into::into).collect());
        self
    }

    /// How the address of a request's sender is found in the request's extensions. With axum that is
    /// [`peer_address`](crate::peer_address), if nothing stands in front of the app; behind a reverse proxy, whatever
    /// middleware of yours put there after it has checked that the request came from the proxy. The default is that
    /// nobody's address is known.
    ///
    /// Lists of sources need it, and with it limits count per sender: an IPv4 address, or the /64 network of an
    /// IPv6 address: so one sender keeps no other from signing in, however many logins they begin, nor from a single
    /// logout.
    ///
    /// # Security
    /// Never the proxy's own address: all visitors would be one sender. Never a header that the visitor can write.
    pub fn peer_address(
        mut self,
        address: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.peers = Peers::by(address);
        self
    }

    /// Where a visitor goes who signs in without having asked for a page, relative to the app URL.
    /// The default value is `/`.
    ///
    /// It must not itself redirect to the login endpoint: a signed-in visitor is sent from there to
    /// here.
    pub fn landing_path(mut self, path: impl Into<String>) -> Self {
        self.landing_path = path.into();
        self
    }

    /// Where a visitor goes after sign-out, relative to the app URL. The default is a small page
    /// with a link to sign in again.
    pub fn after_logout_path(mut self, path: impl Into<String>) -> Self {
        self.after_logout = Some(path.into());
        self
    }

    /// Lets `/logout` end the session at this app alone: the session at the CAS server goes on, and so do
    /// those at other apps. The default is to sign out at the CAS server too.
    ///
    /// The next page that requires a user signs the visitor in again without a form, so
    /// [`after_logout_path`](Self::after_logout_path) and [`landing_path`](Self::landing_path) should not be one.
    pub fn sign_out_locally(mut self, locally: bool) -> Self {
        self.sign_out.is_local = locally;
        self
    }

    /// Takes a sign-out by `POST` only, and only from a page of this app, so that no other site can sign a
    /// visitor out by a link or a form. The default is to take `GET` and `POST` from anywhere, as other CAS
    /// clients do.
    ///
    /// A browser says where a `POST` comes from by `Sec-Fetch-Site` or `Origin`; from another site it gets 403,
    /// and `GET` gets 405.
    pub fn sign_out_by_post_only(mut self, post_only: bool) -> Self {
        self.sign_out.is_post_only = post_only;
        self
    }

    /// The base of the cookie names. The default value is `cas-` and a short hash of the app URL and
    /// the CAS server URL, so that two apps on one host do not meet. The layer adds `-session` or
    /// `-login`, and the prefix `__Host-` on https.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = Some(name.into());
        self
    }

    /// How many tickets are validated at once, at each CAS server: so many that browsers bring back from their logins, and
    /// so many that programs bring to a [`CasApiLayer`](crate::CasApiLayer), so that neither keeps the other waiting. The
    /// default value is 64.
    ///
    /// 16 times as many of each kind may wait, and no longer than the CAS server may take to answer
    /// ([`timeout`](crate::CasClientBuilder::timeout)). Beyond that, and at once where too many wait, there is a 503 with
    /// `Retry-After`.
    ///
    /// Those who wait take turns: each sender where [`peer_address`](Self::peer_address) is set, else each login. Where all
    /// places are taken, the sender with the most of them gives one up for another. Of one login one ticket is validated at
    /// a time, and at most six requests are under way. One that brings the same ticket meanwhile, as by a reload or a
    /// double click, gets the same answer.
    pub fn max_concurrent_validations(mut self, limit: usize) -> Self {
        self.max_concurrent_validations = limit;
        self
    }

    /// Leaves `Cache-Control` alone. The default is that a response of a path that requires a user
    /// gets `private, no-store` when the app says nothing.
    ///
    /// # Security
    /// The app must then itself keep pages of one user out of shared caches and out of the history
    /// of a browser that has signed out. A session is kept in use only by responses on which the app says
    /// `private` or `no-store`, see [`idle_timeout`](Self::idle_timeout).
    pub fn leave_cache_control(mut self, leave: bool) -> Self {
        self.private_by_default = !leave;
        self
    }

    /// The registry of opened and ended sessions. The default is a [`MemoryRegistry`] of its own.
    ///
    /// Apps that share a registry have to have the same longest session lifetime.
    pub fn registry(mut self, registry: impl Registry) -> Self {
        self.registry = Arc::new(registry);
        self
    }

    /// Renders the layer's own pages for browsers. `None` leaves a page to the layer. Status,
    /// `Cache-Control` and `Referrer-Policy` are the layer's in any case.
    ///
    /// # Security
    /// [`Page::link`], [`Page::code`], [`Page::veto`], and name and form target of a
    /// [`Page::confirmation`] have to be escaped. A page with a confirmation is of no use without its form.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key, PageKind};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .pages(|page| {
    ///         (page.kind() == PageKind::LoggedOut)
    ///             .then(|| http::Response::new("<h1>À bientôt !</h1>".into()))
    ///     })
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn pages(
        mut self,
        render: impl Fn(&Page) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        self.pages = Pages::rendered_by(render);
        self
    }

    /// Takes the time from a test's hand.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: crate::testing::ManualClock) -> Self {
        self.clock = Clock::Manual(clock);
        self
    }

    /// Checks everything and builds the configuration.
    ///
    /// # Errors
    /// A [`ConfigError`] for the first mistake found. It says in words what to change.
    pub fn build(mut self) -> Result<CasConfig, ConfigError> {
        let app = AppUrl::parse(&self.app_url, self.allow_insecure_http)?;
        let registry_can = self.registry.proxy_grants().is_some();
        self.proxies.check(self.session.encrypted, registry_can)?;
        let logout_sources = self.sources()?;
        let client = match self.proxies.callback_url(&app) {
            Some(url) => self.client.proxy_callback_url(url),
            None => self.client,
        };
        let first: Host = (app, client.build()?.by(self.clock.clone()));
        let further = hosts::further(
            self.further_hosts,
            &first,
            self.allow_insecure_http,
            &self.clock,
        )?;
        hosts::check(&first, &further, self.cookie_name.as_deref())?;
        self.proxies.check_hosts(&first, &further)?;
        let keys = self.keys.split_first().ok_or(ConfigError::KeyMissing)?;
        check_keys(&self.keys)?;
        self.proxies.name(&mut self.endpoints);
        endpoints::check(&self.endpoints)?;
        let (rules, gateway_interval) = self.rules.check()?;
        let landing = endpoints::return_path("landing path", &self.landing_path, &self.endpoints)?;
        let after_logout = self
            .after_logout
            .as_deref()
            .map(|path| endpoints::return_path("path after sign-out", path, &self.endpoints))
            .transpose()?;
        let lifetimes = self.session.lifetimes()?;
        if self.max_concurrent_validations == 0 {
            return Err(ConfigError::InvalidLimit {
                what: "concurrent validations",
                value: self.max_concurrent_validations,
                reason: "at least one is needed",
            });
        }
        let granting = self.proxies.granting(keys, &first.0)?;
        let (endpoints, rules) = (Arc::new(self.endpoints), Arc::new(rules));
        let content = Arc::new(self.session.content()?);
        let hooks = Arc::new(self.hooks);
        let forms = Forms::new();
        let shared = |host: Host, validations: Arc<Validations>| {
            let name = self.cookie_name.as_deref();
            let cookies = Cookies::new(&host, keys, name, &self.session, &self.rules)?;
            let (app, client) = host;
            Ok(Shared {
                session_cookie: cookies.session,
                binding_cookie: cookies.binding,
                confirmations: cookies.confirmations,
                own_cookies: Arc::default(),
                service_tag: cookies.service_tag,
                logged_out_url: endpoints::logged_out_url(&app, &endpoints)?,
                client,
                app,
                prefix_stripped: self.prefix_stripped,
                endpoints: Arc::clone(&endpoints),
                landing: landing.clone(),
                after_logout: after_logout.clone(),
                sign_out: self.sign_out,
                rules: Arc::clone(&rules),
                gateway_interval,
                sign_in: self.rules.sign_in,
                peers: self.peers.clone(),
                logout_sources: logout_sources.clone(),
                granting: granting.clone(),
                registry: Arc::clone(&self.registry),
                lifetimes,
                content: Arc::clone(&content),
                validations,
                forms: forms.clone(),
                private_by_default: self.private_by_default,
                pages: self.pages.clone(),
                clock: self.clock.clone(),
                hooks: Arc::clone(&hooks),
            })
        };
        let slots = || Arc::new(Validations::new(self.max_concurrent_validations));
        let first = shared(first, slots())?;
        let mut others: Vec<Shared> = Vec::new();
        for host in further {
            let mut earlier = std::iter::once(&first).chain(&others);
            let same_server = earlier.find(|earlier| earlier.client.url() == host.1.url());
            let slots = same_server.map_or_else(slots, |same| Arc::clone(&same.validations));
            others.push(shared(host, slots)?);
        }
        if !self.registry.outlives_process() && !self.keys.iter().any(Key::is_generated) {
            tracing::warn!(
                "the registry is in memory and the keys outlive this process: after a restart, a \
                 copy of the cookie of a session that was signed out is good again until it expires, \
                 and a single logout finds a session of before only once it was used again"
            );
        }
        #[cfg(feature = "metrics")]
        crate::events::describe_metrics();
        Ok(CasConfig(Hosts::new(first, others)))
    }

    /// From where logout requests may come. A list of any kind is of no use if nobody knows where a request comes from.
    fn sources(&self) -> Result<Option<Sources>, ConfigError> {
        let has_list = self.logout_networks.is_some() || self.proxies.sources.is_some();
        if has_list && !self.peers.are_known() {
            return Err(ConfigError::PeerAddressMissing);
        }
        self.logout_networks
            .as_deref()
            .map(Sources::new)
            .transpose()
    }
}

fn check_keys(keys: &[Key]) -> Result<(), ConfigError> {
    let mut numbered = keys.iter().zip(1..);
    numbered.try_for_each(|(key, position)| key.check(position))
}
