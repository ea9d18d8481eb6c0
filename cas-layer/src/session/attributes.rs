//! Where the attributes of a session are.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use zeroize::Zeroizing;

use super::{
    packing::{pack, unpack},
    wire::encoded,
};
use crate::attributes::Attributes;

/// How many bytes of memory come of each encoded one: values of some letters have a `String` each.
const DECODED: usize = 4;

/// The attributes of a session.
pub(super) enum Held {
    /// Those of a session that comes from no cookie. Encoded once, because packing takes time.
    Given(Attributes, OnceLock<Option<Encoded>>),
    /// In the payload of its cookie. They are decoded on demand: most requests do not need them.
    InCookie {
        place: Range<usize>,
        /// How many bytes they unpack to, if they are packed.
        unpacked: Option<usize>,
        decoded: OnceLock<Attributes>,
    },
    /// The registry keeps them. Empty until they have been read from there.
    InRegistry(OnceLock<Arc<Attributes>>),
}

/// Attributes as they are in a cookie or in the registry.
#[derive(Clone)]
pub(super) struct Encoded {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) unpacked: Option<usize>,
}

impl Held {
    pub(super) fn given(attributes: Attributes) -> Self {
        Self::Given(attributes, OnceLock::new())
    }

    pub(super) fn in_cookie(place: Range<usize>, unpacked: Option<usize>) -> Self {
        Self::InCookie {
            place,
            unpacked,
            decoded: OnceLock::new(),
        }
    }

    /// As they are in a cookie. Those of one are taken over without being looked at.
    pub(super) fn encoded(&self, payload: &[u8]) -> Option<Encoded> {
        match self {
            Self::Given(attributes, encoded_once) => {
                encoded_once.get_or_init(|| encode(attributes)).clone()
            }
            Self::InCookie {
                place, unpacked, ..
            } => {
                let taken_over = payload.get(place.clone())?;
                Some(Encoded {
                    bytes: Zeroizing::new(taken_over.to_vec()),
                    unpacked: *unpacked,
                })
            }
            Self::InRegistry(_) => Some(Encoded {
                bytes: Zeroizing::default(),
                unpacked: None,
            }),
        }
    }

    pub(super) fn get(&self, payload: &[u8]) -> &Attributes {
        static NOT_READ: Attributes = Attributes::new();
        match self {
            Self::Given(attributes, _) => attributes,
            // The seal says that we wrote these bytes, so they decode. If they do not, the user has no attributes,
            // and no rights from them.
            Self::InCookie {
                place,
                unpacked,
                decoded,
            } => decoded.get_or_init(|| {
                let bytes = payload.get(place.clone()).unwrap_or_default();
                read(bytes, *unpacked).unwrap_or_default()
            }),
            Self::InRegistry(read) => read.get().map_or(&NOT_READ, Arc::as_ref),
        }
    }

    /// How much memory they take in bytes once they are decoded, about. It decodes nothing.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Given(attributes, _) => attributes.bytes(),
            Self::InCookie {
                place, unpacked, ..
            } => DECODED * unpacked.unwrap_or(place.len()),
            Self::InRegistry(read) => read.get().map_or(0, |attributes| attributes.bytes()),
        }
    }

    #[cfg(test)]
    pub(super) fn is_taken_apart(&self) -> bool {
        match self {
            Self::Given(..) => true,
            Self::InCookie { decoded, .. } => decoded.get().is_some(),
            Self::InRegistry(_) => false,
        }
    }
}

fn encode(attributes: &Attributes) -> Option<Encoded> {
    let attributes: Vec<(&str, &[String])> = attributes.iter().collect();
    let bytes = encoded(&attributes)?;
    Some(match pack(&bytes) {
        None => Encoded {
            bytes,
            unpacked: None,
        },
        Some(packed) => Encoded {
            unpacked: Some(bytes.len()),
            bytes: Zeroizing::new(packed),
        },
    })
}

fn read(bytes: &[u8], unpacked: Option<usize>) -> Option<Attributes> {
    let read: Vec<(String, Vec<String>)> = match unpacked {
        None => postcard::from_bytes(bytes).ok()?,
        Some(length) => {
            let bytes = Zeroizing::new(unpack(bytes, length)?);
            postcard::from_bytes(&bytes).ok()?
        }
    };
    Some(read.into_iter().collect())
}

/// Attributes as the registry keeps them: a version, the length that they unpack to if they are packed, and they
/// themselves.
pub(super) mod kept {
    use zeroize::Zeroizing;

    use super::{
        super::wire::{encoded, whole},
        Encoded, read,
    };
    use crate::attributes::Attributes;

    const VERSION: u8 = 1;

    type Wire<'a> = (Option<usize>, &'a [u8]);

    pub(in super::super) fn write(encoded_once: &Encoded) -> Option<Zeroizing<Vec<u8>>> {
        let wire: Wire<'_> = (encoded_once.unpacked, &encoded_once.bytes);
        encoded(&(VERSION, wire))
    }

    /// `None` for another version, or what is no attributes.
    pub(crate) fn parse(kept: &[u8]) -> Option<Attributes> {
        let (&version, fields) = kept.split_first()?;
        if version != VERSION {
            return None;
        }
        let (unpacked, bytes) = whole::<Wire<'_>>(fields)?;
        read(bytes, unpacked)
    }
}
