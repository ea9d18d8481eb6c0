//! Where requests come from.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use http::Extensions;

type Address = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;

/// How to find the address of a request's sender, if the app says so.
#[derive(Clone, Default)]
pub(crate) struct Peers(Option<Arc<Address>>);

/// One sender, as far as limits go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peers {
    pub(crate) fn by(
        address: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(address)))
    }

    pub(crate) fn are_known(&self) -> bool {
        self.0.is_some()
    }

    /// `None` if the app does not say how to find an address, or if the request's extensions have none.
    pub(crate) fn address(&self, extensions: &Extensions) -> Option<IpAddr> {
        let address = self.0.as_ref()?(extensions)?;
        // A socket that takes both families shows an IPv4 peer as `::ffff:192.0.2.1`.
        Some(address.to_canonical())
    }

    /// The same, for limits.
    pub(crate) fn of(&self, extensions: &Extensions) -> Option<Peer> {
        self.address(extensions).map(Peer::at)
    }
}

impl Peer {
    /// An owner of one IPv6 address has all 2^64 of its network (RFC 4291, section 2.5.4).
    fn at(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peers").field(&self.are_known()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_ipv4_address_or_an_ipv6_network() {
        let peer = |address: &str| Peer::at(address.parse::<IpAddr>().unwrap().to_canonical());
        assert_eq!(peer("192.0.2.1"), peer("::ffff:192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1:2:3"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
    }
}
