//! The name of a pair, the same on every node.

use sha2::{Digest as _, Sha256};

use crate::id::{first_half, id};

id! {
    /// The name of a pair of IOU and PGT: the first 128 bits of the SHA-256 of the IOU.
    ///
    /// The IOU itself is kept nowhere. Its randomness hides it, and the hash alone leads to nothing but a sealed PGT.
    IouId
}

impl IouId {
    /// The name of the pair with this IOU.
    #[must_use]
    pub fn of(iou: &str) -> Self {
        Self(first_half(Sha256::new().chain_update(iou)))
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
