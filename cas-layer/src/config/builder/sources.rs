//! Lists of addresses and networks that requests may come from.

use crate::{
    admission::{Peers, Sources},
    error::ConfigError,
};

/// A list is useless if the layer does not know where a request comes from.
pub(super) fn check(
    networks: Option<&[String]>,
    peers: &Peers,
) -> Result<Option<Sources>, ConfigError> {
    if networks.is_some() && !peers.are_known() {
        return Err(ConfigError::PeerAddressMissing);
    }
    networks.map(Sources::new).transpose()
}
