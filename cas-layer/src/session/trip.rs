//! What a login is for, kept in the browser's login cookie where the service URL does not say it.

use serde::{Deserialize, Serialize};

/// What a login is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trip {
    pub(crate) kind: TripKind,
    /// The path to return to; `None` stands for the landing path.
    pub(crate) next: Option<String>,
}

/// The kind of a login. In the cookie it is a byte, which was no more than `is_renewed` in older releases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub(crate) struct TripKind {
    pub(crate) is_renewed: bool,
    pub(crate) is_ungranted: bool,
    /// At most 63 are kept, far more than there are.
    pub(crate) refusals: u8,
}

const RENEWED: u8 = 1;
const UNGRANTED: u8 = 2;
/// How many bits stand before the count.
const FLAGS: u32 = 2;

impl From<u8> for TripKind {
    fn from(byte: u8) -> Self {
        Self {
            is_renewed: byte & RENEWED != 0,
            is_ungranted: byte & UNGRANTED != 0,
            refusals: byte >> FLAGS,
        }
    }
}

impl From<TripKind> for u8 {
    fn from(kind: TripKind) -> Self {
        let refusals = kind.refusals.min(Self::MAX >> FLAGS) << FLAGS;
        let renewed = if kind.is_renewed { RENEWED } else { 0 };
        let ungranted = if kind.is_ungranted { UNGRANTED } else { 0 };
        renewed | ungranted | refusals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(is_renewed: bool, is_ungranted: bool, refusals: u8) -> TripKind {
        TripKind {
            is_renewed,
            is_ungranted,
            refusals,
        }
    }

    #[test]
    fn a_kind_is_read_back_as_it_was_written() {
        for is_renewed in [false, true] {
            for is_ungranted in [false, true] {
                for refusals in [0, 1, 2, 63] {
                    let kind = kind(is_renewed, is_ungranted, refusals);
                    assert_eq!(TripKind::from(u8::from(kind)), kind);
                }
            }
        }
        let many = kind(true, false, u8::MAX);
        assert_eq!(TripKind::from(u8::from(many)), kind(true, false, 63));
    }

    /// As an older release wrote it.
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Old {
        is_renewed: bool,
        next: Option<String>,
    }

    #[test]
    fn a_trip_of_an_older_release_is_read_and_an_older_release_reads_a_plain_one() {
        for is_renewed in [false, true] {
            let next = Some("/a?b".to_owned());
            let old = Old {
                is_renewed,
                next: next.clone(),
            };
            let new = Trip {
                kind: kind(is_renewed, false, 0),
                next,
            };
            let bytes = postcard::to_allocvec(&old).unwrap();
            assert_eq!(postcard::from_bytes::<Trip>(&bytes).unwrap(), new);
            let bytes = postcard::to_allocvec(&new).unwrap();
            assert_eq!(postcard::from_bytes::<Old>(&bytes).unwrap(), old);
        }
    }
}
