//! What the registry keeps for open sessions.

use std::{fmt, sync::Arc};

use super::RegistryFuture;
#[cfg(doc)]
use super::{Registry, RegistryErrorKind};
use crate::{clock::UnixSeconds, session::SessionId};

/// Keeps sealed bytes for open sessions: what is too large for a cookie, or does not belong there.
///
/// A registry does not know what it keeps. The layer has sealed it with the app's key, for this one session. Without
/// that key, nobody can read what is in the registry's file or server, or give one session what belongs to another.
///
/// [`Registry::storage`] leads here. The registries of this crate have it.
///
/// # Contract
///
/// - Each session has one place for each [`Item`].
/// - What is kept for a session is gone for good when the session is ended, in the same step. It also goes with the
///   entry of the open session when that expires. Sessions that ended with their account or family may keep theirs
///   until then; nobody asks for it.
/// - All that is kept is bounded, by the registry or by what it stores things in. What is kept is never dropped to make
///   room.
/// - A future that is dropped has either done its work or done nothing.
/// - No future takes longer than about a second. If something cannot be reached by then, the future returns an error.
///
/// # Errors
/// [`RegistryErrorKind::Full`] if the registry has no room, and [`RegistryErrorKind::Unavailable`] if it cannot be
/// reached, or cannot say why it keeps nothing.
///
/// Times are in seconds since the Unix epoch, by the clock of the calling node.
pub trait SessionStorage: fmt::Debug + Send + Sync {
    /// Keeps an item for an open session, in place of the one before. Returns `false` if the session is not open, or
    /// no longer; then nothing is kept.
    fn keep(
        &self,
        session: SessionId,
        item: Item,
        sealed: Sealed,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, bool>;

    /// The item that is kept for a session, unless that has ended or expired.
    fn kept(
        &self,
        session: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>>;

    /// Forgets an item that is kept for a session. The session goes on without it.
    fn forget(&self, session: SessionId, item: Item) -> RegistryFuture<'_, ()>;
}

/// What is kept for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Item {
    /// The session's proxy-granting ticket.
    GrantingTicket,
    /// The user's attributes.
    Attributes,
}

impl Item {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::GrantingTicket, Self::Attributes];

    /// The item's name, for a registry that needs one: `granting-ticket`, `attributes`. It does not change.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GrantingTicket => "granting-ticket",
            Self::Attributes => "attributes",
        }
    }
}

/// Bytes that are sealed with the app's key, and mean nothing to a registry. Clones share them.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Arc<[u8]>);

impl Sealed {
    /// The most that there can be, in bytes: 1 MiB before it is sealed, and a third more.
    pub const MAX_BYTES: usize = 1_400 * 1024;

    /// Takes sealed bytes. `None` if there are more than [`MAX_BYTES`](Self::MAX_BYTES).
    #[must_use]
    pub fn new(sealed: Vec<u8>) -> Option<Self> {
        (sealed.len() <= Self::MAX_BYTES).then(|| Self(sealed.into()))
    }

    /// The bytes, for a registry that stores them and for the owner of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How many bytes there are, not which.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_taken_and_not_a_byte_more() {
        let longest = Sealed::new(vec![7; Sealed::MAX_BYTES]).unwrap();
        assert_eq!(longest.as_bytes().len(), Sealed::MAX_BYTES);
        assert_eq!(Sealed::new(vec![7; Sealed::MAX_BYTES + 1]), None);
    }

    #[test]
    fn what_is_sealed_is_not_shown() {
        let sealed = Sealed::new(b"PGT-1".to_vec()).unwrap();
        assert_eq!(format!("{sealed:?}"), "Sealed(5 bytes)");
    }

    /// Nodes of every version share what is stored under these names.
    #[test]
    fn each_item_has_the_name_that_it_is_stored_under() {
        let names: Vec<_> = Item::ALL.iter().map(|item| item.as_str()).collect();
        assert_eq!(names, ["granting-ticket", "attributes"]);
    }
}
