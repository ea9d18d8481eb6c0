//! The name of a session, the same on every node, and what a login is known by until there is one.

use sha2::{Digest as _, Sha256};

use crate::{
    id::{first_half, id},
    protocol::{ProxyGrantingTicket, ServiceTicket},
};

/// The random value of one login.
pub(crate) type LoginValue = [u8; 16];

id! {
    /// The name of a session: the first 128 bits of the SHA-256 of its service ticket.
    ///
    /// A single-logout message names the ticket, so every node can compute which session it ends without having kept
    /// the ticket. The hash takes no key, so that a key rotation loses no logout. The randomness of the ticket hides
    /// it. A session id alone opens nothing, so it is no secret.
    SessionId
}

impl SessionId {
    pub(crate) fn of(ticket: &ServiceTicket) -> Self {
        Self::of_text(ticket.expose_secret())
    }

    /// The name by which single logout ends a proxy-granting ticket.
    pub(crate) fn of_granting(ticket: &ProxyGrantingTicket) -> Self {
        Self::of_text(ticket.expose_secret())
    }

    /// The name under which a confirmation can be given once. No ticket has this name: tickets have no spaces.
    pub(crate) fn of_confirmation(value: &LoginValue) -> Self {
        let digest = Sha256::new().chain_update("a confirmation ");
        Self(first_half(digest.chain_update(value)))
    }

    /// The name under which a message finds the family of a session that another one of the family has replaced. No
    /// ticket has this name.
    pub(crate) fn of_replaced(id: Self) -> Self {
        let digest = Sha256::new().chain_update("a replaced session ");
        Self(first_half(digest.chain_update(id.0)))
    }

    /// The name under which a ticket that is validated without the CAS server can be used once. No ticket has this name.
    #[cfg(feature = "jwt")]
    pub(crate) fn of_used(ticket: &ServiceTicket) -> Self {
        let digest = Sha256::new().chain_update("a used ticket ");
        Self(first_half(digest.chain_update(ticket.expose_secret())))
    }

    fn of_text(ticket: &str) -> Self {
        Self(first_half(Sha256::new().chain_update(ticket)))
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
