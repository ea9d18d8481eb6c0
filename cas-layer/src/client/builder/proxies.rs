//! Proxy authentication: which proxies to accept, and whether to ask for proxy-granting tickets.

use std::fmt;

use crate::{
    client::proxies::Proxies,
    error::ConfigError,
    protocol::{Protocol, ProxyChain, proxy_callback_url},
    strict_url::printable,
};

/// The settings about proxies.
#[derive(Default)]
pub(super) struct UncheckedProxies {
    pub(super) accepted: Vec<ProxyChain>,
    pub(super) callback_url: Option<String>,
}

impl fmt::Debug for UncheckedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UncheckedProxies")
            .field("accepted", &self.accepted)
            .field("callback_url", &self.callback_url.as_deref().map(printable))
            .finish()
    }
}

impl UncheckedProxies {
    pub(super) fn check(
        self,
        protocol: Protocol,
        allow_insecure_http: bool,
    ) -> Result<Proxies, ConfigError> {
        let is_used = !self.accepted.is_empty() || self.callback_url.is_some();
        if is_used && matches!(protocol, Protocol::Cas1 | Protocol::Saml1) {
            return Err(ConfigError::ProxiesWithoutProtocol { protocol });
        }
        self.accepted.iter().try_for_each(ProxyChain::check)?;
        let callback = self
            .callback_url
            .map(|url| proxy_callback_url(&url, allow_insecure_http))
            .transpose()?;
        Ok(Proxies {
            accepted: self.accepted,
            callback,
        })
    }
}
