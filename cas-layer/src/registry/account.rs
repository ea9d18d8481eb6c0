//! The name of an account, the same on every node.

use sha2::{Digest as _, Sha256};

use crate::id::{first_half, id};

id! {
    /// An account: a user name at a CAS server, as the first 128 bits of a SHA-256.
    ///
    /// Two users of one name at two CAS servers are two accounts.
    AccountId
}

impl AccountId {
    /// The account of `user`, as the session names them, at the CAS server at `cas_url`.
    #[must_use]
    pub fn of(cas_url: &str, user: &str) -> Self {
        // A URL has no zero byte, so no two pairs give the same text.
        let digest = Sha256::new().chain_update(cas_url).chain_update([0]);
        Self(first_half(digest.chain_update(user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vector: nodes of every version share it. From
    /// `printf 'https://cas.example.org/cas\0alice' | sha256sum`.
    #[test]
    fn the_id_is_the_first_half_of_a_sha_256() {
        let id = AccountId::of("https://cas.example.org/cas", "alice");
        assert_eq!(
            format!("{id:?}"),
            "AccountId(65c4ce2b1592485aac12047a3048aba3)"
        );
    }

    #[test]
    fn users_of_one_name_at_two_cas_servers_are_two_accounts() {
        let id = AccountId::of("https://a", "alice");
        assert_ne!(id, AccountId::of("https://b", "alice"));
        assert_ne!(id, AccountId::of("https://a", "alic"));
        assert_ne!(id, AccountId::of("https://aa", "lice"));
    }
}
