//! Keys. Every seal of ours gets a subkey of its own from them.

use std::fmt;

use base64::{
    decoded_len_estimate,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _},
};
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// A key that seals cookies: at least 64 random bytes (512 bits).
///
/// Each use of a key has its own subkey (HKDF-SHA-256, RFC 5869), so one key serves the session cookie, the login
/// binding and every other seal. The first key of a configuration seals, and all of them open:
/// [`CasConfigBuilder::key`](crate::CasConfigBuilder::key) says how to change keys without signing anyone out.
///
/// The bytes are wiped from memory when the last clone goes, and never shown.
///
/// ```
/// use cas_layer::Key;
///
/// // For a service: the same on every node, from a secret store.
/// // `openssl rand -base64 64 | tr -d '\n'` makes one.
/// # let stored = "q83v".repeat(22);
/// let key = Key::from_base64(&stored)?;
/// // For a test or a demo: sessions end when the process does.
/// let key = Key::generate();
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
    generated: bool,
}

impl Key {
    /// The fewest bytes that a key may have.
    pub const MIN_LEN: usize = 64;

    /// A new random key. Sessions sealed with it end when the process does.
    ///
    /// # Panics
    /// If the operating system has no random bytes.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new(vec![0; Self::MIN_LEN]);
        #[allow(
            clippy::expect_used,
            reason = "called by the program at start, never by input; without randomness there is nothing to go on with"
        )]
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        Self {
            bytes,
            generated: true,
        }
    }

    /// Reads a key from base64: standard or URL alphabet, with or without padding; white space
    /// around it is ignored.
    ///
    /// # Errors
    /// [`ConfigError::KeyNotBase64`]. `build()` checks the length.
    pub fn from_base64(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        let bytes = [
            &BASE64_STANDARD,
            &BASE64_STANDARD_NO_PAD,
            &BASE64_URL_SAFE_NO_PAD,
        ]
        .iter()
        .find_map(|engine| {
            let mut bytes = Zeroizing::new(vec![0; decoded_len_estimate(text.len())]);
            let length = engine.decode_slice(text, &mut bytes).ok()?;
            bytes.truncate(length);
            Some(bytes)
        })
        .ok_or(ConfigError::KeyNotBase64)?;
        Ok(Self {
            bytes,
            generated: false,
        })
    }

    /// `position` counts from 1 and is for the message only.
    pub(crate) fn check(&self, position: usize) -> Result<(), ConfigError> {
        let bytes = self.bytes.len();
        if bytes < Self::MIN_LEN {
            return Err(ConfigError::KeyTooShort { position, bytes });
        }
        if self
            .bytes
            .iter()
            .all(|byte| Some(byte) == self.bytes.first())
        {
            return Err(ConfigError::KeyNotRandom { position });
        }
        Ok(())
    }

    /// The input keying material, for HKDF alone.
    pub(crate) fn expose_secret(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the key was made by [`Key::generate`], so that no cookie outlives the process.
    pub(crate) fn is_generated(&self) -> bool {
        self.generated
    }
}

impl From<Vec<u8>> for Key {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Zeroizing::new(bytes),
            generated: false,
        }
    }
}

impl From<&[u8]> for Key {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Key {
    fn from(bytes: [u8; N]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let key = Key::from(*b"a secret of sixty-four bytes, which nobody may ever see in a log");
        assert_eq!(format!("{key:?}"), "Key(…)");
    }

    #[test]
    fn short_and_constant_keys_are_refused() {
        assert!(matches!(
            Key::from([7; 63]).check(2),
            Err(ConfigError::KeyTooShort {
                position: 2,
                bytes: 63
            })
        ));
        assert!(matches!(
            Key::from([7; 64]).check(1),
            Err(ConfigError::KeyNotRandom { position: 1 })
        ));
        assert!(Key::generate().check(1).is_ok());
    }

    #[test]
    fn base64_is_read_in_both_alphabets_with_or_without_padding() {
        let expected: Vec<u8> = vec![0xfb, 0xff, 0xbf, 0xfe];
        for text in ["+/+//g==", "+/+//g", "-_-__g", "  +/+//g==\n"] {
            assert_eq!(
                Key::from_base64(text).unwrap().expose_secret(),
                expected,
                "{text}"
            );
        }
        for text in ["not base64!", "+_+//g"] {
            assert!(
                matches!(Key::from_base64(text), Err(ConfigError::KeyNotBase64)),
                "{text}"
            );
        }
    }

    #[test]
    fn two_generated_keys_differ() {
        assert_ne!(
            Key::generate().expose_secret(),
            Key::generate().expose_secret()
        );
    }
}
