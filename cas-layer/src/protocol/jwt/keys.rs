//! The keys by which tokens are checked.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jsonwebtoken::{Algorithm, DecodingKey};
use zeroize::Zeroizing;

use super::content::Encryption;
use crate::error::ConfigError;

/// A key that says whether the CAS server has signed a token, with the one algorithm that counts with it.
///
/// A secret is overwritten when it is dropped, and `Debug` prints none of it.
///
/// # Security
///
/// Whoever has the secret of [`hs256`](Self::hs256) or [`hs512`](Self::hs512) can sign in here as every user. A public
/// key of [`rs256`](Self::rs256) or [`rs512`](Self::rs512) is no secret.
pub struct JwtKey {
    algorithm: Algorithm,
    bytes: Zeroizing<Vec<u8>>,
}

impl JwtKey {
    /// A shared secret of at least 32 bytes, for HMAC with SHA-256 (RFC 7518, 3.2).
    pub fn hs256(secret: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::HS256, secret.into())
    }

    /// A shared secret of at least 64 bytes, for HMAC with SHA-512, which Apereo CAS signs with by default.
    ///
    /// Give it as it stands in the server's settings (`cas.authn.token.crypto.signing.key`): Apereo CAS takes the
    /// characters themselves for the key, though they look like base64.
    pub fn hs512(secret: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::HS512, secret.into())
    }

    /// An RSA public key in PEM form, of 2,048 to 8,192 bits, for RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3).
    pub fn rs256(public_key_pem: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::RS256, public_key_pem.into())
    }

    /// The same with SHA-512, which Apereo CAS signs with where it has an RSA key.
    pub fn rs512(public_key_pem: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::RS512, public_key_pem.into())
    }

    fn new(algorithm: Algorithm, bytes: Vec<u8>) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self { algorithm, bytes }
    }

    /// The key as it is used.
    ///
    /// # Errors
    ///
    /// It is a key of another kind, or too short.
    pub(super) fn check(&self) -> Result<(Algorithm, DecodingKey), ConfigError> {
        let wrong = |reason| ConfigError::InvalidJwtKey {
            what: "signing key",
            reason,
        };
        let is_pem = self.bytes.windows(10).any(|some| some == b"-----BEGIN");
        let least = match self.algorithm {
            Algorithm::HS256 => 32,
            Algorithm::HS512 => 64,
            _ => {
                if self.bytes.windows(11).any(|some| some == b"PRIVATE KEY") {
                    return Err(wrong(
                        "it is a private key, which only the CAS server should have",
                    ));
                }
                let key = DecodingKey::from_rsa_pem(&self.bytes)
                    .map_err(|_| wrong("it is no RSA public key in PEM form"))?;
                return Ok((self.algorithm, key));
            }
        };
        // Whoever knows a public key could sign with it.
        if is_pem {
            return Err(wrong(
                "a key in PEM form is no shared secret: use `rs256` or `rs512`",
            ));
        }
        if self.bytes.len() < least {
            return Err(wrong(
                "a secret needs as many bytes as its hash: 32, or 64 with SHA-512",
            ));
        }
        let first = self.bytes.first();
        if self.bytes.iter().all(|byte| Some(byte) == first) {
            return Err(wrong("it is one byte repeated, not random bytes"));
        }
        let key = DecodingKey::from_secret(&self.bytes).map_err(|_| wrong("it is empty"))?;
        Ok((self.algorithm, key))
    }
}

/// A shared key with which the CAS server encrypts tokens (`dir`, RFC 7518, 4.5), and the one algorithm that counts with it.
///
/// Each takes the key in base64url without padding, as it stands in the settings of Apereo CAS
/// (`cas.authn.token.crypto.encryption.key`). It is overwritten when it is dropped, and `Debug` prints none of it.
pub struct JwtContentKey {
    encryption: Encryption,
    text: Zeroizing<String>,
}

impl JwtContentKey {
    /// 32 bytes in base64url, for A128CBC-HS256 (RFC 7518, 5.2.3).
    pub fn a128cbc_hs256(base64url: impl Into<String>) -> Self {
        Self::new(Encryption::A128CbcHs256, base64url.into())
    }

    /// 64 bytes in base64url, for A256CBC-HS512 (RFC 7518, 5.2.5), which newer versions of Apereo CAS encrypt with by
    /// default.
    pub fn a256cbc_hs512(base64url: impl Into<String>) -> Self {
        Self::new(Encryption::A256CbcHs512, base64url.into())
    }

    /// 32 bytes in base64url, for A256GCM (RFC 7518, 5.3).
    pub fn a256gcm(base64url: impl Into<String>) -> Self {
        Self::new(Encryption::A256Gcm, base64url.into())
    }

    fn new(encryption: Encryption, text: String) -> Self {
        let text = Zeroizing::new(text);
        Self { encryption, text }
    }

    /// The key as it is used.
    ///
    /// # Errors
    ///
    /// It is not base64url, or not as long as the algorithm needs it.
    pub(super) fn check(&self) -> Result<(Encryption, Zeroizing<Vec<u8>>), ConfigError> {
        let wrong = |reason| ConfigError::InvalidJwtKey {
            what: "encryption key",
            reason,
        };
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(self.text.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| wrong("it is not base64url without padding"))?;
        if bytes.len() != self.encryption.key_bytes() {
            return Err(wrong(
                "it has another length than its algorithm needs: 64 bytes for A256CBC-HS512, 32 for the others",
            ));
        }
        Ok((self.encryption, bytes))
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for JwtContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtContentKey")
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}
