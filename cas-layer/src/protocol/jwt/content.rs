//! Decrypts the content of a token under a shared key (RFC 7518, 5.2 and 5.3).

use aws_lc_rs::{
    aead::{self, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    iv::FixedLength,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// How the content is encrypted: `enc` in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    A128CbcHs256,
    A256CbcHs512,
    A256Gcm,
}

/// What is in a token beside its header, decoded.
pub(super) struct Encrypted<'a> {
    /// The header as it stands in the token.
    pub(super) header: &'a [u8],
    pub(super) iv: &'a [u8],
    pub(super) text: &'a [u8],
    pub(super) tag: &'a [u8],
}

impl Encryption {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// How long its key is, in bytes.
    pub(super) fn key_bytes(self) -> usize {
        match self {
            Self::A128CbcHs256 | Self::A256Gcm => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// The content, or nothing if the key did not make it. Nothing tells why: an answer that does is an oracle.
    pub(super) fn open(self, key: &[u8], encrypted: &Encrypted<'_>) -> Option<Zeroizing<Vec<u8>>> {
        if key.len() != self.key_bytes() {
            return None;
        }
        match self {
            Self::A128CbcHs256 => open_cbc::<Hmac<Sha256>>(&cipher::AES_128, key, encrypted),
            Self::A256CbcHs512 => open_cbc::<Hmac<Sha512>>(&cipher::AES_256, key, encrypted),
            Self::A256Gcm => open_gcm(key, encrypted),
        }
    }
}

/// The first half of the key signs, the second one encrypts. Nothing is decrypted before the tag was compared, in
/// constant time.
fn open_cbc<M: Mac + KeyInit>(
    algorithm: &'static cipher::Algorithm,
    key: &[u8],
    encrypted: &Encrypted<'_>,
) -> Option<Zeroizing<Vec<u8>>> {
    let half = key.len() / 2;
    let (signing, encrypting) = key.split_at_checked(half)?;
    if encrypted.tag.len() != half {
        return None;
    }
    let header_bits = u64::try_from(encrypted.header.len()).ok()?.checked_mul(8)?;
    let mut mac = <M as KeyInit>::new_from_slice(signing).ok()?;
    for part in [
        encrypted.header,
        encrypted.iv,
        encrypted.text,
        &header_bits.to_be_bytes(),
    ] {
        mac.update(part);
    }
    mac.verify_truncated_left(encrypted.tag).ok()?;

    let iv: [u8; 16] = encrypted.iv.try_into().ok()?;
    let key = UnboundCipherKey::new(algorithm, encrypting).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut buffer = Zeroizing::new(encrypted.text.to_vec());
    let length = key
        .decrypt(&mut buffer, DecryptionContext::Iv128(FixedLength::from(iv)))
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}

fn open_gcm(key: &[u8], encrypted: &Encrypted<'_>) -> Option<Zeroizing<Vec<u8>>> {
    if encrypted.tag.len() != aead::AES_256_GCM.tag_len() {
        return None;
    }
    let nonce = Nonce::try_assume_unique_for_key(encrypted.iv).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(&aead::AES_256_GCM, key).ok()?);
    let mut buffer = Zeroizing::new([encrypted.text, encrypted.tag].concat());
    let length = key
        .open_in_place(nonce, Aad::from(encrypted.header), &mut buffer)
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}
