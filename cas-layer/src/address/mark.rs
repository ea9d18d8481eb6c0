//! The mark in a service URL: when the login began, and that the app began it for this browser.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::{clock::UnixSeconds, session::LoginValue};

const HASH: usize = size_of::<LoginValue>();
const SALT: usize = 3;
/// Enough for 30,000 years.
const TIME: usize = 5;

/// The random part of a mark. Without it, tabs that begin to open the same page in one second would be one login.
pub(crate) type Salt = [u8; SALT];

/// The mark of one login. In a URL it is base64url of its parts, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// A keyed hash over the browser's secret and everything that the service URL says of the login.
    pub(super) hash: LoginValue,
    pub(super) salt: Salt,
    pub(super) begun_at: UnixSeconds,
}

impl Mark {
    /// `None` for what is no mark, as in a URL of an older release.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes: [u8; HASH + SALT + TIME] = bytes.try_into().ok()?;
        let (hash, rest) = bytes.split_first_chunk::<HASH>()?;
        let (salt, time) = rest.split_first_chunk::<SALT>()?;
        let begun_at = time.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Some(Self {
            hash: *hash,
            salt: *salt,
            begun_at,
        })
    }

    pub(super) fn text(&self) -> String {
        let time = self.begun_at.to_be_bytes();
        let time = time.last_chunk::<TIME>().unwrap_or(&[0; TIME]);
        BASE64_URL_SAFE_NO_PAD.encode([&self.hash[..], &self.salt, time].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_32_plain_characters_and_is_read_back() {
        for begun_at in [0, 1_700_000_000, (1 << 40) - 1] {
            let mark = Mark {
                hash: [255; 16],
                salt: [1, 2, 3],
                begun_at,
            };
            assert_eq!(mark.text().len(), 32);
            assert_eq!(Mark::parse(&mark.text()), Some(mark));
        }
    }

    #[test]
    fn nothing_else_is_a_mark() {
        for text in [
            "",
            "tag",
            &"A".repeat(22),
            &"A".repeat(31),
            &"A".repeat(33),
            &"=".repeat(32),
        ] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
    }
}
