//! Takes a token out of its wraps: a signature, and an encryption if there is a key for one.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use flate2::{Decompress, FlushDecompress, Status};
use jsonwebtoken::{Algorithm, DecodingKey, crypto::aws_lc};
use zeroize::Zeroizing;

use super::{
    Fault, JwtContentKey, JwtKey,
    content::{Encrypted, Encryption},
    header::Header,
};
use crate::error::ConfigError;

/// The most bytes that a token may inflate to.
const MAX_INFLATED: usize = 64 * 1024;

/// The keys, checked.
pub(crate) struct TokenKeys {
    algorithm: Algorithm,
    /// Overwritten when it is dropped.
    key: DecodingKey,
    content: Option<(Encryption, Zeroizing<Vec<u8>>)>,
}

impl TokenKeys {
    pub(crate) fn new(key: &JwtKey, content: Option<&JwtContentKey>) -> Result<Self, ConfigError> {
        let (algorithm, key) = key.check()?;
        Ok(Self {
            algorithm,
            key,
            content: content.map(JwtContentKey::check).transpose()?,
        })
    }

    /// Whether a ticket has the shape of a token: three or five parts in base64url, of which the first is a JSON object.
    /// Whether it counts is another matter.
    pub(crate) fn is_token(ticket: &str) -> bool {
        let is_base64 = ticket
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let first = ticket.split('.').next().unwrap_or_default();
        let begins = BASE64_URL_SAFE_NO_PAD.decode(first.get(..4).unwrap_or_default());
        is_base64
            && matches!(ticket.split('.').count(), 3 | 5)
            && begins.is_ok_and(|bytes| bytes.first() == Some(&b'{'))
    }

    /// The claims of a token, if each of the keys says that it is of the CAS server. With a key for encryption, a token
    /// has to be both signed and encrypted, in either order.
    pub(crate) fn open(&self, token: &str) -> Result<Zeroizing<String>, Fault> {
        let parts = token.split('.').count();
        let claims = match (&self.content, parts) {
            (None, 3) => self.verify(token)?,
            (None, _) => return Err(Fault("it is encrypted, and there is no key for that")),
            (Some(content), 3) => {
                let inner = text(self.verify(token)?)?;
                if inner.split('.').count() != 5 {
                    return Err(Fault("it is not encrypted"));
                }
                decrypt(content, &inner)?
            }
            (Some(content), _) => {
                let inner = text(decrypt(content, token)?)?;
                if inner.split('.').count() != 3 {
                    return Err(Fault("it has no signature inside"));
                }
                self.verify(&inner)?
            }
        };
        text(claims)
    }

    /// What is signed, if the signature is right (RFC 7515, 5.2).
    fn verify(&self, token: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let no_token = Fault("it does not have the parts of a signed token");
        let (signed, signature) = token.rsplit_once('.').ok_or(no_token)?;
        let (header, payload) = signed.split_once('.').ok_or(no_token)?;
        let header = Header::read(header)?;
        let name = match self.algorithm {
            Algorithm::HS256 => "HS256",
            Algorithm::HS512 => "HS512",
            Algorithm::RS256 => "RS256",
            Algorithm::RS512 => "RS512",
            _ => return Err(Fault("its algorithm is not known")),
        };
        if !header.says("alg", name)? {
            return Err(Fault("it is not signed with the algorithm of the key"));
        }
        let signature = decode(signature)?;
        // Not by the provider of the process: another part of the program may have chosen none, or one of its own.
        let verifier = (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key)
            .map_err(|_| Fault("the key cannot be used"))?;
        verifier
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| Fault("its signature is not of the key"))?;
        decode(payload).map(Zeroizing::new)
    }
}

/// What is encrypted (RFC 7516, 5.2), with a shared key for the content itself.
fn decrypt(
    (encryption, key): &(Encryption, Zeroizing<Vec<u8>>),
    token: &str,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let parts: Vec<&str> = token.split('.').collect();
    let &[first, wrapped, iv, encrypted, tag] = &parts[..] else {
        return Err(Fault("it does not have the parts of an encrypted token"));
    };
    let header = Header::read(first)?;
    if !header.says("alg", "dir")?
        || !wrapped.is_empty()
        || !header.says("enc", encryption.name())?
    {
        return Err(Fault("it is not encrypted with the algorithm of the key"));
    }
    let is_deflated = match header.text("zip")?.as_deref() {
        None => false,
        Some("DEF") => true,
        Some(_) => return Err(Fault("it is compressed in a way that is not known")),
    };
    let (iv, encrypted, tag) = (decode(iv)?, decode(encrypted)?, decode(tag)?);
    let encrypted = Encrypted {
        header: first.as_bytes(),
        iv: &iv,
        text: &encrypted,
        tag: &tag,
    };
    let content = encryption
        .open(key, &encrypted)
        .ok_or(Fault("the key for encryption does not open it"))?;
    if is_deflated {
        inflate(&content)
    } else {
        Ok(content)
    }
}

/// Older versions of Apereo CAS deflate what they encrypt (RFC 7516, 4.1.3). One buffer of fixed size: a bomb ends when
/// it is full.
fn inflate(deflated: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut inflated = Zeroizing::new(Vec::with_capacity(MAX_INFLATED));
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(deflated, &mut inflated, FlushDecompress::Finish);
    let is_whole = matches!(status, Ok(Status::StreamEnd))
        && usize::try_from(stream.total_in()) == Ok(deflated.len());
    is_whole
        .then_some(inflated)
        .ok_or(Fault("it is not deflated, or inflates to more than 64 KiB"))
}

fn decode(part: &str) -> Result<Vec<u8>, Fault> {
    BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Fault("a part of it is not base64"))
}

fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, Fault> {
    String::from_utf8(std::mem::take(&mut *bytes))
        .map(Zeroizing::new)
        .map_err(|_| Fault("what is in it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::DeflateEncoder};

    use super::inflate;

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_deflated_is_inflated_up_to_64_kib() {
        for length in [0, 1, 64 * 1024] {
            let text = vec![b'x'; length];
            assert_eq!(*inflate(&deflate(&text)).unwrap(), text, "{length}");
        }
        assert!(inflate(&deflate(&vec![b'x'; 64 * 1024 + 1])).is_err());
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_not_deflated() {
        let deflated = deflate(b"the queen of hearts, she made some tarts");
        inflate(&deflated).unwrap();
        assert!(inflate(&deflated[..deflated.len() - 1]).is_err());
        assert!(inflate(&[&deflated[..], b"x"].concat()).is_err());
        assert!(inflate(b"").is_err());
    }
}
