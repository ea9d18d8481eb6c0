//! The addresses from which requests of a CAS server are accepted.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use crate::error::ConfigError;

/// The networks that the CAS server's own requests come from.
#[derive(Clone)]
pub(crate) struct Sources(Vec<IpNet>);

/// What the list says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Listed,
    Unlisted,
    /// Nothing put an address into the request's extensions.
    Unknown,
}

impl Sources {
    pub(crate) fn new(networks: &[String]) -> Result<Self, ConfigError> {
        if networks.is_empty() {
            return Err(ConfigError::InvalidNetwork {
                network: String::new(),
                reason: "the list is empty, so every request would be refused",
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
        Ok(Self(networks.iter().map(parse).collect::<Result<_, _>>()?))
    }

    /// What the list says of a request from `address`.
    pub(crate) fn look_up(&self, address: Option<IpAddr>) -> Source {
        let Some(address) = address else {
            return Source::Unknown;
        };
        if self.0.iter().any(|network| network.contains(&address)) {
            Source::Listed
        } else {
            Source::Unlisted
        }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(networks: &[&str]) -> Result<Sources, ConfigError> {
        let networks: Vec<String> = networks.iter().map(|&n| n.to_owned()).collect();
        Sources::new(&networks)
    }

    #[test]
    fn a_source_is_listed_by_network_or_by_address() {
        let sources = sources(&["192.0.2.0/24", "2001:db8::7"]).unwrap();
        for (address, expected) in [
            ("192.0.2.1", Source::Listed),
            ("192.0.2.255", Source::Listed),
            ("2001:db8::7", Source::Listed),
            ("192.0.3.1", Source::Unlisted),
            ("2001:db8::8", Source::Unlisted),
            ("::192.0.2.1", Source::Unlisted),
        ] {
            let parsed = address.parse::<IpAddr>().unwrap();
            assert_eq!(sources.look_up(Some(parsed)), expected, "{address}");
        }
        assert_eq!(sources.look_up(None), Source::Unknown);
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
