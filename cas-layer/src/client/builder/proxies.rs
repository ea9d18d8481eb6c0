//! Proxy authentication: whom to accept, and whether to ask.

use std::fmt;

use super::CasClientBuilder;
use crate::ConfigError;
use crate::client::proxies::Proxies;
use crate::protocol::{Protocol, ProxyChain, proxy_callback_url};
use crate::strict_url::printable;

/// What is configured about proxies.
#[derive(Default)]
pub(super) struct ProxyOptions {
    accepted: Vec<ProxyChain>,
    callback_url: Option<String>,
}

impl fmt::Debug for ProxyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyOptions")
            .field("accepted", &self.accepted)
            .field("callback_url", &self.callback_url.as_deref().map(printable))
            .finish()
    }
}

impl ProxyOptions {
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

impl CasClientBuilder {
    /// Accepts users who come through one of these chains of proxies, besides those whom their own browser brings
    /// (CAS protocol 2.6). May be called again: the chains of all calls are accepted. By default none is.
    ///
    /// Tickets are then validated where the server takes proxy tickets as well: `/proxyValidate` or
    /// `/p3/proxyValidate` in place of `/serviceValidate` or `/p3/serviceValidate`. Who came through which proxies
    /// says [`Authentication::proxies`](crate::Authentication::proxies).
    ///
    /// [`validate_renewed`](crate::CasClient::validate_renewed) accepts no proxies in any case.
    ///
    /// [`build`](Self::build) refuses chains that are a mistake, see [`ProxyChain`], and any chain with CAS 1 and
    /// SAML 1.1, which have no proxies.
    ///
    /// # Security
    ///
    /// Each of these proxies can act here as every user who signs in at it.
    pub fn accept_proxies(mut self, chains: impl IntoIterator<Item = ProxyChain>) -> Self {
        self.proxies.accepted.extend(chains);
        self
    }

    /// Asks for a proxy-granting ticket with every validation, to be brought to this URL of the app (CAS protocol
    /// 2.5.4). By default none is asked for.
    ///
    /// While a validation is under way, the CAS server requests the URL: see [`ProxyCallback`]. The answer to the
    /// validation then has the
    /// [IOU](crate::Authentication::proxy_granting_ticket_iou) that came along with the ticket. Some servers refuse
    /// the sign-in when the callback fails, or when this app may not be a proxy; others leave the IOU out.
    ///
    /// It is https, but for loopback or with [`allow_insecure_http`](Self::allow_insecure_http); most servers take
    /// nothing else. Services know this app by it, byte for byte. It may have a query, without `ticket`, `pgtId` and
    /// `pgtIou`. [`build`](Self::build) refuses other URLs, and any with CAS 1 and SAML 1.1, which have no proxies.
    ///
    /// [`ProxyCallback`]: crate::ProxyCallback
    pub fn proxy_callback_url(mut self, url: impl Into<String>) -> Self {
        self.proxies.callback_url = Some(url.into());
        self
    }

    /// The path where the server validates tickets that may have come through a proxy, below its URL. Used in place
    /// of [`validate_path`](Self::validate_path) when [proxies are accepted](Self::accept_proxies). The default is the
    /// one of the protocol's version: `/proxyValidate` or `/p3/proxyValidate`.
    pub fn proxy_validate_path(mut self, path: impl Into<String>) -> Self {
        self.paths.proxy_validate = Some(path.into());
        self
    }

    /// The path where the server gives out proxy tickets, below its URL. The default value is `/proxy`.
    pub fn proxy_path(mut self, path: impl Into<String>) -> Self {
        self.paths.proxy = path.into();
        self
    }
}
