//! Encryption: `e1.` and base64url(nonce ‖ ciphertext ‖ tag) by XChaCha20-Poly1305, bound to purpose and context like
//! every seal. The dot is not in base64url, so no signed value looks like this.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce, aead::Aead as _};
use zeroize::Zeroizing;

use super::{
    Key,
    subkey::{Purpose, subkey},
};

/// The form and its version. Changing it orphans every encrypted cookie.
const PREFIX: &str = "e1.";

/// Random nonces of this length do not repeat, however many cookies a key seals.
const NONCE_LEN: usize = 24;

/// Encrypts and decrypts values for one purpose in one context.
pub(crate) struct Encrypter {
    first: XChaCha20Poly1305,
    others: Vec<XChaCha20Poly1305>,
}

impl Encrypter {
    /// `context` is what the seal covers besides the payload: cookie name, app URL, CAS URL.
    pub(crate) fn new(first: &Key, others: &[Key], purpose: Purpose, context: &[&str]) -> Self {
        let cipher = |key| XChaCha20Poly1305::new((&*subkey(key, purpose, context)).into());
        Self {
            first: cipher(first),
            others: others.iter().map(cipher).collect(),
        }
    }

    /// Encrypts with the first key. `None` when the operating system gives no random bytes.
    pub(crate) fn seal(&self, payload: &[u8]) -> Option<String> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        self.seal_with(nonce, payload)
    }

    fn seal_with(&self, nonce: [u8; NONCE_LEN], payload: &[u8]) -> Option<String> {
        // It fails for a payload of 256 GiB alone. The payload is encrypted in the one copy that is made of it.
        let ciphertext = self.first.encrypt(&XNonce::from(nonce), payload).ok()?;
        let sealed = [nonce.as_slice(), &ciphertext].concat();
        Some(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// The payload, if any of the keys encrypted it. `None` at once for a value in another form.
    pub(crate) fn open(&self, value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let text = value.strip_prefix(PREFIX.as_bytes())?;
        let sealed = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).ok()?;
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let nonce = XNonce::from(*nonce);
        std::iter::once(&self.first)
            .chain(&self.others)
            .find_map(|cipher| cipher.decrypt(&nonce, ciphertext).ok())
            .map(Zeroizing::new)
    }
}

/// Hides the keys.
impl fmt::Debug for Encrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypter(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: [&str; 3] = ["name", "https://app", "https://cas"];

    fn key(byte: u8) -> Key {
        Key::from((byte..byte + 64).collect::<Vec<u8>>())
    }

    fn encrypter(keys: &[Key]) -> Encrypter {
        let (first, others) = keys.split_first().unwrap();
        Encrypter::new(first, others, Purpose::EncryptedSession, &CONTEXT)
    }

    #[test]
    fn what_was_encrypted_opens() {
        let ours = encrypter(&[key(0)]);
        for payload in [&b"payload"[..], b""] {
            let value = ours.seal(payload).unwrap();
            assert_eq!(*ours.open(value.as_bytes()).unwrap(), payload);
        }
    }

    /// Golden vector: computed apart from this code, with Python's `hmac` and libsodium.
    #[test]
    fn the_format_does_not_drift() {
        let ours = encrypter(&[key(0)]);
        let nonce: [u8; NONCE_LEN] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let value = "e1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXuk6VhTm6TEecnMpQ_lWdbu8wxADYifg";
        assert_eq!(ours.seal_with(nonce, b"payload").unwrap(), value);
        assert_eq!(*ours.open(value.as_bytes()).unwrap(), b"payload");
    }

    #[test]
    fn the_same_payload_never_looks_the_same() {
        let ours = encrypter(&[key(0)]);
        assert_ne!(
            ours.seal(b"payload").unwrap(),
            ours.seal(b"payload").unwrap()
        );
    }

    #[test]
    fn a_value_of_another_key_purpose_or_context_does_not_open() {
        let value = encrypter(&[key(0)]).seal(b"payload").unwrap();
        assert!(encrypter(&[key(1)]).open(value.as_bytes()).is_none());
        for (purpose, context) in [
            (Purpose::Session, CONTEXT),
            (
                Purpose::EncryptedSession,
                ["other", "https://app", "https://cas"],
            ),
            (
                Purpose::EncryptedSession,
                ["name", "https://other", "https://cas"],
            ),
            (
                Purpose::EncryptedSession,
                ["name", "https://app", "https://other"],
            ),
        ] {
            let other = Encrypter::new(&key(0), &[], purpose, &context);
            assert!(
                other.open(value.as_bytes()).is_none(),
                "{purpose:?} {context:?}"
            );
        }
    }

    #[test]
    fn the_first_key_encrypts_and_all_open() {
        let rotated = encrypter(&[key(1), key(0)]);
        let (old, new) = (encrypter(&[key(0)]), encrypter(&[key(1)]));
        assert!(rotated.open(old.seal(b"x").unwrap().as_bytes()).is_some());
        let value = rotated.seal(b"x").unwrap();
        assert!(new.open(value.as_bytes()).is_some());
        assert!(old.open(value.as_bytes()).is_none());
    }

    #[test]
    fn every_changed_missing_or_added_byte_closes_it() {
        let ours = encrypter(&[key(0)]);
        let value = ours.seal(b"payload").unwrap();
        for at in 0..value.len() {
            let mut altered = value.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(ours.open(&altered).is_none(), "byte {at}");
            assert!(ours.open(&value.as_bytes()[..at]).is_none(), "cut at {at}");
        }
        for text in [format!("{value}A"), format!("{value}="), "e1.é".into()] {
            assert!(ours.open(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn nothing_of_a_key_is_printed() {
        assert_eq!(format!("{:?}", encrypter(&[key(0)])), "Encrypter(…)");
    }
}
