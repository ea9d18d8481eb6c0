//! A PGT that nobody can read here.

use std::fmt;

/// A proxy-granting ticket, sealed with the app's key: bytes that mean nothing to a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedGrant(Box<[u8]>);

impl SealedGrant {
    /// The longest that one may be, in bytes: four times the longest ticket.
    pub const MAX_BYTES: usize = 1024;

    /// Takes sealed bytes; `None` where there are more than [`MAX_BYTES`](Self::MAX_BYTES).
    #[must_use]
    pub fn new(sealed: Vec<u8>) -> Option<Self> {
        (sealed.len() <= Self::MAX_BYTES).then(|| Self(sealed.into_boxed_slice()))
    }

    /// The bytes, for a registry that stores them and for whoever has the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How many bytes there are, not which.
impl fmt::Debug for SealedGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedGrant({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kilobyte_is_taken_and_not_a_byte_more() {
        let longest = SealedGrant::new(vec![7; 1024]).unwrap();
        assert_eq!(longest.as_bytes(), [7; 1024]);
        assert_eq!(SealedGrant::new(vec![7; 1025]), None);
    }

    #[test]
    fn what_is_sealed_is_not_shown() {
        let grant = SealedGrant::new(b"PGT-1".to_vec()).unwrap();
        assert_eq!(format!("{grant:?}"), "SealedGrant(5 bytes)");
    }
}
