//! Who asks.

use super::Peer;
use crate::session::LoginValue;

/// Requests that wait in one line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    /// Requests from one address.
    Peer(Peer),
    /// Requests of one login: another place takes another login.
    Login(LoginValue),
    Anybody,
}

impl Party {
    pub(super) fn peer(self) -> Option<Peer> {
        match self {
            Self::Peer(peer) => Some(peer),
            Self::Login(_) | Self::Anybody => None,
        }
    }
}
