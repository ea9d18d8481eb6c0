//! Secrets as attributes, encrypted for the services.

use std::{fmt, io};

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use rustls::pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};

/// The public key of the services.
pub(super) struct Release(Pkcs1PublicEncryptingKey);

impl Release {
    pub(super) fn new(pem: &str) -> io::Result<Self> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok();
        der.and_then(|der| PublicEncryptingKey::from_der(&der).ok())
            .and_then(|key| Pkcs1PublicEncryptingKey::new(key).ok())
            .map(Self)
            .ok_or_else(|| {
                let problem = "the key of the services is no RSA public key in PEM form";
                io::Error::new(io::ErrorKind::InvalidInput, problem)
            })
    }

    /// The attribute with a secret. What is too long for the key is not released.
    pub(super) fn attribute(
        &self,
        name: &str,
        secret: Option<&str>,
    ) -> Option<(String, Vec<String>)> {
        let mut ciphertext = vec![0; self.0.ciphertext_size()];
        let ciphertext = self.0.encrypt(secret?.as_bytes(), &mut ciphertext).ok()?;
        Some((name.to_owned(), vec![BASE64_STANDARD.encode(ciphertext)]))
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Release(…)")
    }
}
