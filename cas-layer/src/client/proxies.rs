//! Proxy authentication: whom to accept, and where to be called back.

use crate::protocol::{ProxyChain, ServiceUrl};

/// What is configured about proxies, checked.
#[derive(Debug)]
pub(super) struct Proxies {
    /// The chains that users may come through; none by default.
    pub(super) accepted: Vec<ProxyChain>,
    /// Where the server brings proxy-granting tickets, if it is to give any.
    pub(super) callback: Option<ServiceUrl>,
}

impl Proxies {
    /// Whether a user may come through these proxies. Who came through none always may.
    pub(super) fn accept(&self, proxies: &[String]) -> bool {
        proxies.is_empty() || self.accepted.iter().any(|chain| chain.admits(proxies))
    }
}
