//! Subkeys: every use of a key has one of its own (HKDF-SHA-256, RFC 5869).

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Key;

/// What a subkey is for. A value sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Session,
    EncryptedSession,
    LoginBinding,
    ServiceUrl,
    /// What the registry has: proxy-granting tickets at first, hence its bytes.
    Kept,
    KnownUser,
    Confirmation,
    Rebroadcast,
}

impl Purpose {
    /// The beginning of HKDF's `info`: format version and purpose. Changing one orphans every such seal.
    fn info(self) -> &'static [u8] {
        match self {
            Self::Session => b"cas-layer/1 session",
            Self::EncryptedSession => b"cas-layer/1 encrypted session",
            Self::LoginBinding => b"cas-layer/1 login binding",
            Self::ServiceUrl => b"cas-layer/1 service URL",
            Self::Kept => b"cas-layer/1 granting ticket",
            Self::KnownUser => b"cas-layer/1 known user",
            Self::Confirmation => b"cas-layer/1 confirmation",
            Self::Rebroadcast => b"cas-layer/1 rebroadcast",
        }
    }
}

/// The subkey of `key` for one purpose in one context: cookie name, app URL, CAS URL. As the context is
/// part of it, a request does not pay for it.
pub(super) fn subkey(key: &Key, purpose: Purpose, context: &[&str]) -> Zeroizing<[u8; 32]> {
    let mut info = purpose.info().to_vec();
    for part in context {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part.as_bytes());
    }
    let mut subkey = Zeroizing::new([0; 32]);
    #[allow(
        clippy::expect_used,
        reason = "32 bytes is within HKDF's limit of 255 × 32"
    )]
    Hkdf::<Sha256>::new(None, key.expose_secret())
        .expand(&info, subkey.as_mut())
        .expect("32 bytes can be expanded");
    subkey
}
