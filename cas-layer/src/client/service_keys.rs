//! Decrypts what the CAS server has encrypted for this app: RSA with PKCS #1 v1.5 padding, then base64, as Apereo CAS does
//! it (`RegisteredServicePublicKeyCipherExecutor`).
//!
//! This padding is known for attacks by those who send many ciphertexts and see which ones decrypt. Nobody can do that
//! here: a ciphertext comes in the CAS server's answer to a validation alone, over TLS, in exchange for a ticket.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::{
    error::ConfigError,
    protocol::{
        Authentication, CREDENTIAL, GRANTING_TICKET, IOU, Protocol, Released, Unreadable,
        released_credential, released_granting_ticket,
    },
};

/// Larger ones take long: each sign-in waits for them.
const BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;

/// What the largest key encrypts, in base64.
const MAX_VALUE: usize = 684;

/// The private keys of this app, to be tried in this order.
#[derive(Default)]
pub(super) struct ServiceKeys(Vec<Pkcs1PrivateDecryptingKey>);

impl ServiceKeys {
    /// Each text has one key in PEM form.
    pub(super) fn read(
        pems: &[Zeroizing<Vec<u8>>],
        protocol: Protocol,
    ) -> Result<Self, ConfigError> {
        let keys = pems.iter().zip(1..).map(|(pem, position)| {
            let key = if protocol == Protocol::Cas1 {
                Err("CAS 1 has no attributes, so there is nothing to decrypt")
            } else {
                read(pem)
            };
            key.map_err(|reason| ConfigError::InvalidServiceKey { position, reason })
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the secrets out of the attributes of an answer. What cannot be decrypted is gone too. Without a key, nothing is
    /// changed.
    pub(super) fn release(&self, authentication: &mut Authentication) {
        if self.is_empty() {
            return;
        }
        let granting_ticket = authentication
            .take_attribute(GRANTING_TICKET)
            .map(|values| self.open(&values, released_granting_ticket));
        let credential = authentication
            .take_attribute(CREDENTIAL)
            .map(|values| self.open(&values, released_credential));
        authentication.take_attribute(IOU);
        authentication.set_released(Released {
            granting_ticket,
            credential,
        });
    }

    /// The secret in the one value of an attribute. A key that makes no secret of it is not its key.
    fn open<T>(
        &self,
        values: &[String],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Unreadable> {
        let [value] = values else {
            return Err(Unreadable("it does not have exactly one value"));
        };
        let ciphertext = Some(value)
            .filter(|value| value.len() <= MAX_VALUE)
            .and_then(|value| BASE64_STANDARD.decode(value).ok())
            .ok_or(Unreadable(
                "it is not encrypted, or not in base64, or too long",
            ))?;
        let fitting = self
            .0
            .iter()
            .filter(|key| key.key_size_bytes() == ciphertext.len());
        let mut opened = fitting.filter_map(|key| {
            let mut plaintext = Zeroizing::new(vec![0; key.min_output_size()]);
            let plaintext = key.decrypt(&ciphertext, &mut plaintext).ok()?;
            parse(str::from_utf8(plaintext).ok()?)
        });
        opened.next().ok_or(Unreadable(
            "no key of the app makes of it what it should be",
        ))
    }
}

fn read(pem: &[u8]) -> Result<Pkcs1PrivateDecryptingKey, &'static str> {
    let mut keys = PrivateKeyDer::pem_slice_iter(pem);
    let found = match (keys.next(), keys.next()) {
        (Some(Ok(found)), None) => found,
        (None, _) => {
            return Err(
                "there is no private key in PEM form in it (`BEGIN PRIVATE KEY`), or it is encrypted",
            );
        }
        (Some(Err(_)), _) => return Err("it is not valid PEM"),
        (Some(Ok(_)), Some(_)) => {
            return Err("it has more than one private key: give each by itself");
        }
    };
    let found = Zeroizing::new(found);
    let wrong = "it is no RSA key of 2,048 to 4,096 bits";
    let key = match &*found {
        PrivateKeyDer::Pkcs8(der) => PrivateDecryptingKey::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()).and_then(|pair| {
            let der: Pkcs8V1Der<'static> = pair.as_der()?;
            PrivateDecryptingKey::from_pkcs8(der.as_ref())
        }),
        _ => return Err(wrong),
    };
    let key = key.ok().filter(|key| BITS.contains(&key.key_size_bits()));
    key.and_then(|key| Pkcs1PrivateDecryptingKey::new(key).ok())
        .ok_or(wrong)
}

/// How many there are.
impl fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceKeys").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use aws_lc_rs::rsa::{KeySize, Pkcs1PublicEncryptingKey};

    use super::*;
    use crate::{protocol::parse_service_response, secret::tests::Marker};

    /// An answer that releases a secret.
    fn answer(key: &PrivateDecryptingKey, secret: &Zeroizing<String>) -> Authentication {
        let key = Pkcs1PublicEncryptingKey::new(key.public_key()).unwrap();
        let mut ciphertext = vec![0; key.ciphertext_size()];
        key.encrypt(secret.as_bytes(), &mut ciphertext).unwrap();
        let value = BASE64_STANDARD.encode(ciphertext);
        let answer = format!(
            "<serviceResponse xmlns=\"http://www.yale.edu/tp/cas\"><authenticationSuccess><user>al</user>\
             <attributes><credential>{value}</credential></attributes>\
             </authenticationSuccess></serviceResponse>"
        );
        let parsed = parse_service_response(answer.as_bytes());
        parsed.ok().expect("an authentication")
    }

    #[test]
    fn what_was_decrypted_is_nowhere_once_the_answer_is_dropped() {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let marker = Marker::new();
        let mut answer = answer(&key, &marker.text());
        assert_eq!(marker.copies(), 0);
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let key = PrivateDecryptingKey::from_pkcs8(der.as_ref()).unwrap();
        let other = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let keys = [other, key].map(|key| Pkcs1PrivateDecryptingKey::new(key).unwrap());
        ServiceKeys(keys.into()).release(&mut answer);
        assert_eq!(
            marker.copies(),
            1,
            "the password, or the search finds nothing"
        );
        drop(answer);
        assert_eq!(marker.copies(), 0);
    }
}
