//! Sealing: base64url(payload ‖ HMAC-SHA-256), bound to purpose and context.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    Key,
    subkey::{Purpose, subkey},
};

const TAG_LEN: usize = 32;

/// Seals and opens values for one purpose in one context.
///
/// The MAC states have taken in their subkeys already, so a request pays for its payload only.
pub(crate) struct Sealer {
    first: Hmac<Sha256>,
    others: Vec<Hmac<Sha256>>,
}

impl Sealer {
    /// `context` is what the seal covers besides the payload: cookie name, app URL, CAS URL.
    pub(crate) fn new(first: &Key, others: &[Key], purpose: Purpose, context: &[&str]) -> Self {
        let state = |key| mac_state(key, purpose, context);
        Self {
            first: state(first),
            others: others.iter().map(state).collect(),
        }
    }

    /// Seals with the first key.
    pub(crate) fn seal(&self, payload: &[u8]) -> String {
        let mut sealed = Zeroizing::new(Vec::with_capacity(payload.len() + TAG_LEN));
        sealed.extend_from_slice(payload);
        sealed.extend_from_slice(
            &self
                .first
                .clone()
                .chain_update(payload)
                .finalize()
                .into_bytes(),
        );
        BASE64_URL_SAFE_NO_PAD.encode(&*sealed)
    }

    /// The payload, if any of the keys sealed it. The comparison takes constant time.
    pub(crate) fn open(&self, text: impl AsRef<[u8]>) -> Option<Zeroizing<Vec<u8>>> {
        // On the path of every request, where vector instructions save a quarter of the whole.
        let sealed = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text.as_ref());
        let mut sealed = Zeroizing::new(sealed.ok()?);
        let (payload, tag) = sealed.split_last_chunk::<TAG_LEN>()?;
        let is_ours = |state: &Hmac<Sha256>| {
            state
                .clone()
                .chain_update(payload)
                .verify_slice(tag)
                .is_ok()
        };
        let len = payload.len();
        if !self.states().any(is_ours) {
            return None;
        }
        sealed.truncate(len);
        Some(sealed)
    }

    /// A 128-bit keyed hash over `parts`, as 22 characters of base64url, made with the first key.
    pub(crate) fn tag(&self, parts: &[&[u8]]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.hash(parts))
    }

    /// The same as bytes.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> [u8; 16] {
        let full = absorb(self.first.clone(), parts).finalize().into_bytes();
        *full.first_chunk().unwrap_or(&[0; 16])
    }

    /// Whether any of the keys gives `tag` for `parts`. The comparison takes constant time.
    pub(crate) fn verify_tag(&self, parts: &[&[u8]], tag: &str) -> bool {
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok();
        let hash = tag.and_then(|tag| tag.try_into().ok());
        hash.is_some_and(|hash| self.verify_hash(parts, &hash))
    }

    /// The same for bytes.
    pub(crate) fn verify_hash(&self, parts: &[&[u8]], hash: &[u8; 16]) -> bool {
        self.states().any(|state| {
            absorb(state.clone(), parts)
                .verify_truncated_left(hash)
                .is_ok()
        })
    }

    fn states(&self) -> impl Iterator<Item = &Hmac<Sha256>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// Hides the keys.
impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

fn mac_state(key: &Key, purpose: Purpose, context: &[&str]) -> Hmac<Sha256> {
    let subkey = subkey(key, purpose, context);
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::<Sha256>::new_from_slice(subkey.as_ref()).expect("any length is a key")
}

/// Each part is preceded by its length, so that two different lists never look the same.
fn absorb(mut state: Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    for part in parts {
        state.update(&(part.len() as u64).to_be_bytes());
        state.update(part);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::from((byte..byte + 64).collect::<Vec<u8>>())
    }

    fn sealer(keys: &[Key]) -> Sealer {
        let (first, others) = keys.split_first().unwrap();
        Sealer::new(
            first,
            others,
            Purpose::Session,
            &["name", "https://app", "https://cas"],
        )
    }

    #[test]
    fn what_was_sealed_opens() {
        let sealer = sealer(&[key(0)]);
        assert_eq!(*sealer.open(sealer.seal(b"payload")).unwrap(), b"payload");
        assert_eq!(*sealer.open(sealer.seal(b"")).unwrap(), b"");
    }

    /// Golden vector: computed apart from this code, with Python's `hmac` module.
    #[test]
    fn the_format_does_not_drift() {
        assert_eq!(
            sealer(&[key(0)]).seal(b"payload"),
            "cGF5bG9hZEQttdE0q5EJJdRvA2jesxBP3YXp1BmUZ2_OvnYJf8ZI"
        );
    }

    #[test]
    fn a_seal_of_another_key_purpose_or_context_does_not_open() {
        let sealed = sealer(&[key(0)]).seal(b"payload");
        assert!(sealer(&[key(1)]).open(&sealed).is_none());
        for (purpose, context) in [
            (
                Purpose::LoginBinding,
                ["name", "https://app", "https://cas"],
            ),
            (Purpose::Session, ["other", "https://app", "https://cas"]),
            (Purpose::Session, ["name", "https://other", "https://cas"]),
            (Purpose::Session, ["name", "https://app", "https://other"]),
            (Purpose::Session, ["namehttps://app", "", "https://cas"]),
        ] {
            let other = Sealer::new(&key(0), &[], purpose, &context);
            assert!(other.open(&sealed).is_none(), "{purpose:?} {context:?}");
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let rotated = sealer(&[key(1), key(0)]);
        assert!(rotated.open(sealer(&[key(0)]).seal(b"old")).is_some());
        assert!(sealer(&[key(1)]).open(rotated.seal(b"new")).is_some());
        assert!(sealer(&[key(0)]).open(rotated.seal(b"new")).is_none());
    }

    #[test]
    fn every_changed_missing_or_added_byte_closes_the_seal() {
        let ours = sealer(&[key(0)]);
        let sealed = ours.seal(b"payload");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(
                ours.open(std::str::from_utf8(&altered).unwrap()).is_none(),
                "byte {at}"
            );
            assert!(ours.open(&sealed[..at]).is_none(), "cut at {at}");
        }
        for text in [
            format!("{sealed}A"),
            format!("A{sealed}"),
            format!("{sealed}="),
            "é".into(),
        ] {
            assert!(ours.open(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_tag_holds_for_its_parts_alone() {
        let sealer = sealer(&[key(1), key(0)]);
        let tag = sealer.tag(&[b"ab", b"c"]);
        assert_eq!(tag.len(), 22);
        assert!(sealer.verify_tag(&[b"ab", b"c"], &tag));
        assert!(!sealer.verify_tag(&[b"a", b"bc"], &tag));
        assert!(!sealer.verify_tag(&[b"ab", b"c"], &tag[..21]));
        assert!(!sealer.verify_tag(&[b"ab", b"c"], ""));
    }

    #[test]
    fn nothing_of_a_key_is_printed() {
        assert_eq!(format!("{:?}", sealer(&[key(0)])), "Sealer(…)");
    }
}
