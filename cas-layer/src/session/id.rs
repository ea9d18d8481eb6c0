//! The name of a session, the same on every node.

use std::fmt;

use sha2::{Digest, Sha256};

use super::LoginValue;
use crate::protocol::{ProxyGrantingTicket, ServiceTicket};

/// The name of a session: the first 128 bits of the SHA-256 of its service ticket.
///
/// A single-logout message names the ticket, so every node can work out which session it ends
/// without having kept the ticket. The hash takes no key, so that a key rotation loses no logout;
/// the randomness of the ticket hides it, and a session id alone opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; Self::LEN]);

impl SessionId {
    /// Length in bytes.
    pub const LEN: usize = 16;

    pub(crate) fn of(ticket: &ServiceTicket) -> Self {
        Self::of_text(ticket.expose_secret())
    }

    /// The name by which single logout ends a proxy-granting ticket.
    pub(crate) fn of_granting(ticket: &ProxyGrantingTicket) -> Self {
        Self::of_text(ticket.expose_secret())
    }

    /// The name under which a confirmation can be given once. No ticket has it: tickets have no spaces.
    pub(crate) fn of_confirmation(value: &LoginValue) -> Self {
        Self::of_digest(
            Sha256::new()
                .chain_update("a confirmation ")
                .chain_update(value),
        )
    }

    fn of_text(ticket: &str) -> Self {
        Self::of_digest(Sha256::new().chain_update(ticket))
    }

    fn of_digest(digest: Sha256) -> Self {
        let digest: [u8; 32] = digest.finalize().into();
        let mut id = [0; Self::LEN];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        Self(id)
    }

    /// The id as bytes, for a registry that stores it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl From<[u8; SessionId::LEN]> for SessionId {
    fn from(bytes: [u8; SessionId::LEN]) -> Self {
        Self(bytes)
    }
}

/// Lower-case hexadecimal. The id is no secret: it opens nothing.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vector: every version and every node must give the same id for the same ticket, or a
    /// single logout misses the session. From `printf ST-1856339-aA5Yuvrxzpv8Tau1cYQ7 | sha256sum`.
    #[test]
    fn the_id_is_the_first_half_of_the_tickets_sha_256() {
        assert_eq!(
            SessionId::of_text("ST-1856339-aA5Yuvrxzpv8Tau1cYQ7").to_string(),
            "4e42287504d8750622b4fad3f65f2d96"
        );
    }
}
