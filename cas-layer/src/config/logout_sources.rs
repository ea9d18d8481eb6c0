//! From where logout requests are accepted.

use std::{fmt, net::IpAddr, sync::Arc};

use http::Extensions;
use ipnet::IpNet;

use crate::error::ConfigError;

type Address = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;

/// The networks that the CAS server's own requests come from, and how the address of a request is known.
#[derive(Clone)]
pub(crate) struct LogoutSources {
    networks: Vec<IpNet>,
    address: Arc<Address>,
}

/// What the list says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Listed,
    Unlisted,
    /// Nothing put an address into the request's extensions.
    Unknown,
}

impl LogoutSources {
    pub(crate) fn new(networks: &[String], address: Arc<Address>) -> Result<Self, ConfigError> {
        if networks.is_empty() {
            return Err(ConfigError::InvalidNetwork {
                network: String::new(),
                reason: "the list is empty, so nobody could send a logout request",
            });
        }
        let parse = |network: &String| {
            network
                .parse::<IpNet>()
                .or_else(|_| network.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| ConfigError::InvalidNetwork {
                    network: network.clone(),
                    reason: "is neither an address nor a network like `192.0.2.0/24`",
                })
        };
        Ok(Self {
            networks: networks.iter().map(parse).collect::<Result<_, _>>()?,
            address,
        })
    }

    pub(crate) fn look_up(&self, extensions: &Extensions) -> Source {
        let Some(address) = (self.address)(extensions) else {
            return Source::Unknown;
        };
        // A socket that takes both families shows an IPv4 peer as `::ffff:192.0.2.1`.
        let address = address.to_canonical();
        if self
            .networks
            .iter()
            .any(|network| network.contains(&address))
        {
            Source::Listed
        } else {
            Source::Unlisted
        }
    }
}

impl fmt::Debug for LogoutSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.networks.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(networks: &[&str]) -> Result<LogoutSources, ConfigError> {
        let networks: Vec<String> = networks.iter().map(|&n| n.to_owned()).collect();
        LogoutSources::new(
            &networks,
            Arc::new(|e: &Extensions| e.get::<IpAddr>().copied()),
        )
    }

    #[test]
    fn a_source_is_listed_by_network_or_by_address() {
        let sources = sources(&["192.0.2.0/24", "2001:db8::7"]).unwrap();
        for (address, expected) in [
            ("192.0.2.1", Source::Listed),
            ("192.0.2.255", Source::Listed),
            ("::ffff:192.0.2.1", Source::Listed),
            ("2001:db8::7", Source::Listed),
            ("192.0.3.1", Source::Unlisted),
            ("2001:db8::8", Source::Unlisted),
            ("::192.0.2.1", Source::Unlisted),
        ] {
            let mut extensions = Extensions::new();
            extensions.insert(address.parse::<IpAddr>().unwrap());
            assert_eq!(sources.look_up(&extensions), expected, "{address}");
        }
        assert_eq!(sources.look_up(&Extensions::new()), Source::Unknown);
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_refused() {
        for networks in [
            &[][..],
            &["localhost"],
            &["192.0.2.0/33"],
            &[""],
            &["192.0.2.1", "x"],
        ] {
            assert!(sources(networks).is_err(), "{networks:?}");
        }
    }
}
