//! Values as bytes.

use postcard::{ser_flavors::Size, serialize_with_flavor};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A value as bytes, in a buffer that is long enough from the start: a growing buffer leaves copies behind.
pub(crate) fn encoded(value: &impl Serialize) -> Option<Zeroizing<Vec<u8>>> {
    let length = serialize_with_flavor(value, Size::default()).ok()?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    postcard::to_slice(value, &mut bytes).ok()?;
    Some(bytes)
}

/// The value that `bytes` hold, if they hold nothing else.
pub(crate) fn whole<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}
