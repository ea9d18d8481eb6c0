//! What the builder knows about acting for the user at other services (CAS protocol 2.5.4, 2.7).

use std::sync::Arc;

use super::{CasConfigBuilder, hosts::Host};
use crate::{
    app::{Endpoints, Granting, Sources},
    error::ConfigError,
    paths::AppUrl,
    session::{Encrypter, Key, Purpose},
};

#[derive(Default)]
pub(super) struct ProxyOptions {
    pub(super) callback_path: Option<String>,
    callback_url: Option<String>,
    pub(super) sources: Option<Vec<String>>,
    pub(super) in_registry: bool,
}

impl ProxyOptions {
    /// Whether all this goes together. `encrypted`: nobody but the app can read its session cookie.
    /// `registry_can`: it brings proxy-granting tickets to their sign-ins.
    pub(super) fn check(&self, encrypted: bool, registry_can: bool) -> Result<(), ConfigError> {
        let is_used = self.callback_path.is_some();
        let is_set = self.callback_url.is_some() || self.sources.is_some() || self.in_registry;
        let reason = if is_set && !is_used {
            "give its path by `.proxy_callback(…)`"
        } else if is_used && !registry_can {
            "the registry cannot bring proxy-granting tickets to their sign-ins"
        } else if is_used && !encrypted && !self.in_registry {
            "a proxy-granting ticket does not belong into a cookie that its browser can read: call \
             `.encrypt_cookie(true)` or `.keep_granting_tickets_in_registry(true)`"
        } else {
            return Ok(());
        };
        Err(ConfigError::ProxyCallback { reason })
    }

    /// The URL that the CAS server is told, `None` where the app asks for no proxy-granting tickets.
    pub(super) fn callback_url(&self, app: &AppUrl) -> Option<String> {
        let path = self.callback_path.as_deref()?;
        let chosen = self.callback_url.clone();
        Some(chosen.unwrap_or_else(|| app.join(path)))
    }

    /// Makes the callback an endpoint, if there is one.
    pub(super) fn name(&self, endpoints: &mut Endpoints) {
        endpoints.proxy_callback.clone_from(&self.callback_path);
    }

    /// Whether the hosts of the app, each with its client, can be called back.
    pub(super) fn check_hosts(&self, first: &Host, further: &[Host]) -> Result<(), ConfigError> {
        let mut hosts = std::iter::once(first).chain(further);
        let reason = if self.callback_path.is_none() {
            if !hosts.any(|(_, client)| client.asks_for_grants()) {
                return Ok(());
            }
            "a client asks for proxy-granting tickets that nobody would take: call `.proxy_callback(…)`"
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

    /// The tickets of all hosts are sealed alike: the CAS server calls one host, whichever signs the user in.
    pub(super) fn granting(
        &self,
        (first, others): (&Key, &[Key]),
        app: &AppUrl,
    ) -> Result<Option<Arc<Granting>>, ConfigError> {
        if self.callback_path.is_none() {
            return Ok(None);
        }
        let sources = self.sources.as_deref().map(Sources::new).transpose()?;
        let context = [app.as_string()];
        let context = context.each_ref().map(String::as_str);
        let encrypter = Encrypter::new(first, others, Purpose::GrantingTicket, &context);
        let granting = Granting::new(encrypter, sources, self.in_registry);
        Ok(Some(Arc::new(granting)))
    }
}

impl CasConfigBuilder {
    /// Lets the app act for its users at other services of the CAS server, by
    /// [`CasUser::proxy_ticket`](crate::CasUser::proxy_ticket): with every sign-in it asks for a proxy-granting
    /// ticket, which the CAS server brings to this path, relative to the app URL (`pgtUrl`, CAS protocol 2.5.4).
    /// The default is not to.
    ///
    /// The CAS server has to reach the path from where it is, over https with a certificate that it trusts, and
    /// has to allow this app to be a proxy. Other services know the app by the URL of this path. A sign-in
    /// that brings no proxy-granting ticket is as good as any other but for that; some servers refuse it.
    ///
    /// Of several hosts the first is called, unless [`proxy_callback_url`](Self::proxy_callback_url) names another. A client that
    /// was given to [`host_at`](Self::host_at) asks for proxy-granting tickets if it has a
    /// [callback URL](crate::CasClientBuilder::proxy_callback_url) of its own, which leads to this path. A
    /// [`CasInPlaceLayer`](crate::CasInPlaceLayer) has to cover the path.
    ///
    /// The ticket is kept in the session cookie, so that any node can use it and none has to remember it. The
    /// cookie has to be [encrypted](Self::encrypt_cookie) for that; or the tickets are kept in the
    /// [registry](Self::keep_granting_tickets_in_registry).
    ///
    /// ```
    /// use cas_layer::{CasConfig, CasUser, Key, ProxyTicketError};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://portal.example.org")
    ///     .key(Key::generate())
    ///     .encrypt_cookie(true)
    ///     .proxy_callback("/cas/proxy")
    ///     .build()?;
    ///
    /// /// For a request to `https://api.example.org/records`.
    /// async fn authorization(user: CasUser) -> Result<String, ProxyTicketError> {
    ///     let ticket = user.proxy_ticket("https://api.example.org/records").await?;
    ///     Ok(format!("CAS {}", ticket.expose_secret()))
    /// }
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn proxy_callback(mut self, path: impl Into<String>) -> Self {
        self.proxies.callback_path = Some(path.into());
        self
    }

    /// The URL under which the CAS server reaches the [proxy callback](Self::proxy_callback), where that is another
    /// one than a browser's: in a split network, say. It is https except on loopback, or with
    /// [`allow_insecure_http`](Self::allow_insecure_http). The default is the path below the app URL.
    pub fn proxy_callback_url(mut self, url: impl Into<String>) -> Self {
        self.proxies.callback_url = Some(url.into());
        self
    }

    /// Accepts requests for the [proxy callback](Self::proxy_callback) from these addresses and networks only, as
    /// [`logout_sources`](Self::logout_sources) does for logout requests; it needs
    /// [`peer_address`](Self::peer_address) too. The default is to accept them from
    /// anywhere: what is brought there while no sign-in is under way is forgotten, the rest is bounded, and
    /// without its IOU it does nothing.
    ///
    /// # Security
    /// Somebody who brings as many pairs as there is room for while people sign in can keep proxy-granting tickets
    /// from them, though nobody's sign-in. A list prevents that.
    pub fn proxy_callback_sources(
        mut self,
        networks: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.proxies.sources = Some(networks.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps proxy-granting tickets in the [registry](Self::registry), sealed, rather than in the session cookie,
    /// which then need not be encrypted. The default is the cookie.
    ///
    /// With a registry in memory they are gone when the process ends.
    pub fn keep_granting_tickets_in_registry(mut self, keep: bool) -> Self {
        self.proxies.in_registry = keep;
        self
    }
}
