//! What the registry keeps of sessions.

use std::fmt;

use crate::registry::RegistryError;

/// What became of the attributes of a session that are not in its cookie.
#[derive(Clone, Copy)]
pub(crate) enum StorageOutcome<'e> {
    /// The registry keeps them, in so many bytes.
    Kept { bytes: usize },
    /// The registry does not keep them, and they are in a large cookie.
    NotKept(&'e RegistryError),
    /// They were read, on this node for the first time.
    Read,
    /// The registry answers, and does not have them.
    Gone,
    /// What the registry has was not sealed by a key of this app for this session.
    Unreadable,
    /// The registry cannot be reached.
    RegistryFailed(&'e RegistryError),
}

impl StorageOutcome<'_> {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Kept { .. } => "kept",
            Self::NotKept(_) => "not-kept",
            Self::Read => "read",
            Self::Gone => "gone",
            Self::Unreadable => "unreadable",
            Self::RegistryFailed(_) => "registry-failed",
        }
    }
}

impl fmt::Debug for StorageOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
