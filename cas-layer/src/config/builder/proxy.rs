//! Acting for the user at other services (CAS protocol 2.5.4, 2.7).

use std::fmt;

use super::{hosts::AppAndCas, sources};
use crate::{
    admission::Peers, app::Granting, client::CasClient, error::ConfigError, paths::AppUrl,
    registry::Registry, strict_url::printable,
};

/// What [`CasConfigBuilder::proxy`](crate::CasConfigBuilder::proxy) changes: how the app acts for its users at other
/// services, as a proxy in the sense of the CAS protocol. To choose which proxies the app itself accepts, use
/// [`accept_proxies`](crate::CasClientBuilder::accept_proxies) of the client.
#[derive(Default)]
#[must_use]
pub struct ProxyOptions {
    pub(super) callback_path: Option<String>,
    callback_url: Option<String>,
    sources: Option<Vec<String>>,
    in_registry: bool,
    by_attribute: bool,
}

/// A URL may have a password in it.
impl fmt::Debug for ProxyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyOptions")
            .field("callback_path", &self.callback_path)
            .field("callback_url", &self.callback_url.as_deref().map(printable))
            .field("sources", &self.sources)
            .field("in_registry", &self.in_registry)
            .field("by_attribute", &self.by_attribute)
            .finish()
    }
}

impl ProxyOptions {
    /// Lets the app act for its users at other services of the CAS server, by
    /// [`CasUser::proxy_ticket`](crate::CasUser::proxy_ticket). With every sign-in, the layer asks for a
    /// proxy-granting ticket. The CAS server brings it to this path, relative to the app URL (`pgtUrl`, CAS protocol
    /// 2.5.4). By default, the layer asks for none.
    ///
    /// The CAS server must be able to reach the path over https, must trust its certificate, and must allow this app
    /// to be a proxy. Other services know the app by the URL of this path. If no proxy-granting ticket arrives,
    /// sign-in still succeeds, and `proxy_ticket` then returns an error. If the server refuses the ticket over that, it is
    /// validated once more without the callback; if it has been used up, the login begins anew without it.
    ///
    /// With several hosts, the CAS server calls the first, unless [`callback_url`](Self::callback_url) names another.
    /// A client given to [`FurtherHost::cas_client`](crate::FurtherHost::cas_client) asks for proxy-granting tickets
    /// only if it has a [callback URL](crate::CasClientBuilder::proxy_callback_url) of its own, which leads to this
    /// path. A [`CasInPlaceLayer`](crate::CasInPlaceLayer) has to cover the path.
    ///
    /// The ticket is kept in the session cookie, so any node can use it and no node has to remember it. This needs an
    /// [encrypted](crate::SessionOptions::encrypted) cookie. Otherwise, keep the tickets in the
    /// [registry](Self::granting_tickets_in_registry).
    ///
    /// ```
    /// use cas_layer::{CasConfig, CasUser, Key, ProxyTicketError};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://portal.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| session.encrypted(true))
    ///     .proxy(|proxy| proxy.callback_path("/cas/proxy"))
    ///     .build()?;
    ///
    /// /// For a request to `https://api.example.org/records`.
    /// async fn authorization(user: CasUser) -> Result<String, ProxyTicketError> {
    ///     let ticket = user.proxy_ticket("https://api.example.org/records").await?;
    ///     Ok(format!("CAS {}", ticket.expose_secret()))
    /// }
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn callback_path(mut self, path: impl Into<String>) -> Self {
        self.callback_path = Some(path.into());
        self
    }

    /// The URL under which the CAS server reaches the [proxy callback](Self::callback_path), if browsers use another
    /// one, as in a split network. It is https except on loopback, or with
    /// [`allow_insecure_http`](crate::CasConfigBuilder::allow_insecure_http). The default is the path below the app
    /// URL.
    pub fn callback_url(mut self, url: impl Into<String>) -> Self {
        self.callback_url = Some(url.into());
        self
    }

    /// Accepts requests for the [proxy callback](Self::callback_path) only from these addresses and networks, as
    /// [`logout_sources`](crate::SignOutOptions::logout_sources) does for logout requests. It needs
    /// [`peer_address`](crate::CasConfigBuilder::peer_address) too. The default is to accept them from anywhere. A
    /// pair that comes while no sign-in is under way is forgotten, the number of the others is bounded, and without
    /// its IOU a pair does nothing.
    ///
    /// # Security
    /// While people sign in, an attacker can fill all the room with false pairs. Those people then get no
    /// proxy-granting ticket. A list prevents that.
    pub fn callback_sources(
        mut self,
        networks: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.sources = Some(networks.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps proxy-granting tickets in the [registry](crate::CasConfigBuilder::registry), sealed. The session cookie
    /// then need not be encrypted. By default, they are kept in the session cookie.
    ///
    /// A registry in memory loses them when the process ends.
    pub fn granting_tickets_in_registry(mut self, keep: bool) -> Self {
        self.in_registry = keep;
        self
    }

    /// Lets the app act for its users without a callback: the CAS server releases the proxy-granting ticket as an attribute,
    /// encrypted for the app, and the layer keeps it as if it had come to the [callback](Self::callback_path).
    ///
    /// It needs the app's [private key](crate::CasClientBuilder::service_private_key_pem), and a
    /// [`proxy_callback_url`](crate::CasClientBuilder::proxy_callback_url) of the client: without a `pgtUrl`, a CAS server
    /// issues no proxy-granting ticket. Apereo CAS looks whether somebody answers there, and sends no ticket. Other
    /// services know the app by that URL. The cookie has to be [encrypted](crate::SessionOptions::encrypted), or the
    /// tickets in the [registry](Self::granting_tickets_in_registry).
    ///
    /// Where there is a key and a [callback path](Self::callback_path), tickets that come as attributes are taken without this
    /// too. If one comes in both ways, the attribute counts: it is in the answer to this very ticket.
    #[cfg(feature = "released-secrets")]
    pub fn granting_tickets_by_attribute(mut self, take: bool) -> Self {
        self.by_attribute = take;
        self
    }

    /// Whether these settings fit together. `encrypted`: only the app can read its session cookie.
    pub(super) fn check(
        &self,
        encrypted: bool,
        registry: &dyn Registry,
    ) -> Result<(), ConfigError> {
        let is_called = self.callback_path.is_some();
        let is_used = is_called || self.by_attribute;
        let is_set = self.callback_url.is_some() || self.sources.is_some();
        let reason = if (is_set && !is_called) || (self.in_registry && !is_used) {
            "give its path by `.proxy(|proxy| proxy.callback_path(…))`"
        } else if is_called && registry.proxy_grants().is_none() {
            "the registry cannot bring proxy-granting tickets to their sign-ins"
        } else if self.in_registry && registry.storage().is_none() {
            "the registry keeps nothing for sessions"
        } else if is_used && !encrypted && !self.in_registry {
            "a proxy-granting ticket does not belong into a cookie that its browser can read: call \
             `.session(|session| session.encrypted(true))` or \
             `.proxy(|proxy| proxy.granting_tickets_in_registry(true))`"
        } else {
            return Ok(());
        };
        Err(ConfigError::ProxyCallback { reason })
    }

    /// The URL that the CAS server is told. `None` if the app asks for no proxy-granting tickets.
    pub(super) fn callback_url_at(&self, app: &AppUrl) -> Option<String> {
        let path = self.callback_path.as_deref()?;
        let chosen = self.callback_url.clone();
        Some(chosen.unwrap_or_else(|| app.join(path)))
    }

    /// Whether the hosts of the app, each with its client, can be called back.
    pub(super) fn check_hosts(
        &self,
        first: &AppAndCas,
        further: &[AppAndCas],
    ) -> Result<(), ConfigError> {
        let mut hosts = std::iter::once(first).chain(further);
        let reason = if self.by_attribute
            && !hosts
                .clone()
                .any(|(_, client)| client.asks_for_grants() && client.decrypts())
        {
            "tickets that come as attributes need the app's private key and a `pgtUrl`: call \
             `.client(|client| client.service_private_key_pem(…).proxy_callback_url(…))`"
        } else if self.callback_path.is_none() {
            let takes = |client: &CasClient| self.by_attribute && client.decrypts();
            if !hosts.any(|(_, client)| client.asks_for_grants() && !takes(client)) {
                return Ok(());
            }
            "a client asks for proxy-granting tickets that nobody would take: call \
             `.proxy(|proxy| proxy.callback_path(…))`"
        } else if let Some(url) = self.callback_url.as_deref().filter(|_| !further.is_empty()) {
            let called = AppUrl::parse(url, true).ok();
            let is_listed =
                |called: &AppUrl| hosts.any(|(app, _)| app.authority().meets(called.authority()));
            if called.as_ref().is_some_and(is_listed) {
                return Ok(());
            }
            "with several hosts its URL has to be at one of them: others are refused"
        } else {
            return Ok(());
        };
        Err(ConfigError::ProxyCallback { reason })
    }

    pub(super) fn granting(&self, peers: &Peers) -> Result<Option<Granting>, ConfigError> {
        let by_callback = self.callback_path.is_some();
        if !by_callback && !self.by_attribute {
            return Ok(None);
        }
        let sources = sources::check(self.sources.as_deref(), peers)?;
        Ok(Some(Granting::new(sources, by_callback, self.in_registry)))
    }
}
