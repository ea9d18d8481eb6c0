//! Proxy authentication: which proxies to accept, and where the CAS server calls back.

use crate::protocol::{ProxyChain, ServiceUrl};

/// The settings about proxies, checked.
#[derive(Debug)]
pub(super) struct Proxies {
    /// The chains that users may come through; none by default.
    pub(super) accepted: Vec<ProxyChain>,
    /// Where the server brings proxy-granting tickets. `None` if it is to give none.
    pub(super) callback: Option<ServiceUrl>,
}

impl Proxies {
    /// Whether a user may come through these proxies. Without proxies, every user may.
    pub(super) fn accept(&self, proxies: &[String]) -> bool {
        proxies.is_empty() || self.accepted.iter().any(|chain| chain.admits(proxies))
    }
}
