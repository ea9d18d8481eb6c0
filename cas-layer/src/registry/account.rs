//! The name of an account, the same on every node.

use std::fmt;

use sha2::{Digest, Sha256};

/// An account: a user name at a CAS server, as the first 128 bits of a SHA-256.
///
/// Two users of one name at two CAS servers are two accounts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId([u8; Self::LEN]);

impl AccountId {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// The account of `user`, as the session names them, at the CAS server at `cas_url`.
    #[must_use]
    pub fn of(cas_url: &str, user: &str) -> Self {
        let digest: [u8; 32] = Sha256::new()
            // A URL has no zero byte, so no two pairs give the same text.
            .chain_update(cas_url)
            .chain_update([0])
            .chain_update(user)
            .finalize()
            .into();
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

impl From<[u8; AccountId::LEN]> for AccountId {
    fn from(bytes: [u8; AccountId::LEN]) -> Self {
        Self(bytes)
    }
}

/// Lower-case hexadecimal.
impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
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
