//! The name of a pair, the same on every node.

use std::fmt;

use sha2::{Digest, Sha256};

/// The name of a pair of IOU and PGT: the first 128 bits of the SHA-256 of the IOU.
///
/// The IOU itself is kept nowhere. Its randomness hides it, and the hash alone leads to nothing but a sealed PGT.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IouId([u8; Self::LEN]);

impl IouId {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// The name of the pair with this IOU.
    #[must_use]
    pub fn of(iou: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(iou.as_bytes()).into();
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

impl From<[u8; IouId::LEN]> for IouId {
    fn from(bytes: [u8; IouId::LEN]) -> Self {
        Self(bytes)
    }
}

/// Lower-case hexadecimal.
impl fmt::Debug for IouId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IouId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vector: nodes of every version share it. From
    /// `printf PGTIOU-84678-8a9d2sfa23casd | sha256sum`.
    #[test]
    fn the_id_is_the_first_half_of_the_ious_sha_256() {
        let id = IouId::of("PGTIOU-84678-8a9d2sfa23casd");
        assert_eq!(format!("{id:?}"), "IouId(475f97be14ec39f4bc8e15f59495d68e)");
    }
}
