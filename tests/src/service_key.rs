//! The key pair of a service, for secrets that the CAS server encrypts for it.

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeySize, Pkcs1PublicEncryptingKey, PrivateDecryptingKey},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};

/// What PKCS #8 has before a PKCS #1 key of this size, in bytes.
const PKCS8_HEAD: usize = 26;

/// An RSA key pair of 2,048 bits.
#[derive(Debug)]
pub struct ServiceKey {
    /// As PKCS #8 in PEM form.
    pub private_pem: String,
    /// The same as PKCS #1.
    pub private_pkcs1_pem: String,
    /// In PEM form.
    pub public_pem: String,
    encrypting: Pkcs1PublicEncryptingKey,
}

impl ServiceKey {
    /// A new one.
    ///
    /// # Panics
    ///
    /// Without random bytes.
    #[must_use]
    pub fn generate() -> Self {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public = private.public_key();
        let private_der: Pkcs8V1Der<'_> = private.as_der().unwrap();
        let public_der: PublicKeyX509Der<'_> = public.as_der().unwrap();
        Self {
            private_pem: pem("PRIVATE KEY", private_der.as_ref()),
            private_pkcs1_pem: pem("RSA PRIVATE KEY", &private_der.as_ref()[PKCS8_HEAD..]),
            public_pem: pem("PUBLIC KEY", public_der.as_ref()),
            encrypting: Pkcs1PublicEncryptingKey::new(public).unwrap(),
        }
    }

    /// A secret as a CAS server releases it.
    ///
    /// # Panics
    ///
    /// If it has more than 245 bytes.
    #[must_use]
    pub fn encrypt(&self, secret: &[u8]) -> String {
        BASE64_STANDARD.encode(self.encrypt_bytes(secret))
    }

    /// The same without base64.
    ///
    /// # Panics
    ///
    /// As [`encrypt`](Self::encrypt).
    #[must_use]
    pub fn encrypt_bytes(&self, secret: &[u8]) -> Vec<u8> {
        let mut ciphertext = vec![0; self.encrypting.ciphertext_size()];
        let length = self
            .encrypting
            .encrypt(secret, &mut ciphertext)
            .unwrap()
            .len();
        ciphertext.truncate(length);
        ciphertext
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}
