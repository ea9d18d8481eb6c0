//! Service tickets as JSON web tokens, as Apereo CAS issues them.

use std::fmt;
use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

use super::User;
use super::state::Login;

/// How long a token is good by its own word: as long as a session of Apereo CAS.
const LASTS: SignedDuration = SignedDuration::from_hours(8);

/// Makes the [`CasServer`](super::CasServer) issue JSON web tokens for service tickets, as Apereo CAS does for a service with
/// the property `jwtAsServiceTicket`. Given to [`CasServerBuilder::jwt_tickets`](super::CasServerBuilder::jwt_tickets).
///
/// A token has `iss`, `aud`, `sub`, `jti`, `iat`, `exp` eight hours later, and all that an answer with attributes has. It is
/// signed. With [`encrypt`](Self::encrypt) it is encrypted before that, or [after](Self::sign_first).
#[derive(Clone)]
pub struct JwtIssuer {
    algorithm: Algorithm,
    key: Vec<u8>,
    encryption: Option<(String, String)>,
    deflates: bool,
    signs_first: bool,
}

impl JwtIssuer {
    /// Signs with a shared secret: HMAC with SHA-512.
    pub fn hs512(secret: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::HS512, secret.into())
    }

    /// The same with SHA-256.
    pub fn hs256(secret: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::HS256, secret.into())
    }

    /// Signs with an RSA private key in PEM form, with SHA-256.
    pub fn rs256(private_key_pem: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::RS256, private_key_pem.into())
    }

    /// The same with SHA-512.
    pub fn rs512(private_key_pem: impl Into<Vec<u8>>) -> Self {
        Self::new(Algorithm::RS512, private_key_pem.into())
    }

    fn new(algorithm: Algorithm, key: Vec<u8>) -> Self {
        Self {
            algorithm,
            key,
            encryption: None,
            deflates: false,
            signs_first: false,
        }
    }

    /// Encrypts with a shared key in base64url, by `A128CBC-HS256`, `A256CBC-HS512` or `A256GCM`.
    #[must_use]
    pub fn encrypt(mut self, algorithm: &str, base64url: &str) -> Self {
        self.encryption = Some((algorithm.to_owned(), base64url.to_owned()));
        self
    }

    /// Deflates what it encrypts, as older versions of Apereo CAS do.
    #[must_use]
    pub fn deflate(mut self) -> Self {
        self.deflates = true;
        self
    }

    /// Signs first and encrypts then (`SIGN_AND_ENCRYPT`), and not the other way round.
    #[must_use]
    pub fn sign_first(mut self) -> Self {
        self.signs_first = true;
        self
    }

    /// A token with these claims, or whatever else the text is.
    ///
    /// # Errors
    ///
    /// A key is of another kind than its algorithm needs, or the algorithm is not known.
    pub fn token(&self, claims: &str) -> io::Result<String> {
        match (&self.encryption, self.signs_first) {
            (None, _) => self.sign(claims),
            (Some(key), false) => self.sign(&self.encrypted(claims, key)?),
            (Some(key), true) => self.encrypted(&self.sign(claims)?, key),
        }
    }

    /// The token that stands for a ticket.
    pub(super) fn stand_for(
        &self,
        ticket: &str,
        (issuer, service): (&str, &str),
        login: &Login,
        from_password: bool,
        user: Option<&User>,
    ) -> io::Result<String> {
        let now = Timestamp::now();
        let mut claims = Map::new();
        for (name, values) in user.map(User::attributes).unwrap_or_default() {
            let value = match &values[..] {
                [only] => json!(only),
                several => json!(several),
            };
            claims.insert(name.clone(), value);
        }
        let own = json!({
            "iss": issuer,
            "aud": service,
            "sub": login.user,
            "jti": ticket,
            "iat": now.as_second(),
            "exp": (now + LASTS).as_second(),
            "authenticationDate": login.at.to_string(),
            "isFromNewLogin": from_password,
            "longTermAuthenticationRequestTokenUsed": login.is_remembered,
        });
        if let Value::Object(own) = own {
            claims.extend(own);
        }
        self.token(&Value::Object(claims).to_string())
    }

    fn sign(&self, payload: &str) -> io::Result<String> {
        let algorithm = format!("{:?}", self.algorithm);
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": "the-key" }).to_string();
        let content = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
        let key = match self.algorithm {
            Algorithm::HS256 | Algorithm::HS512 => EncodingKey::from_secret(&self.key),
            _ => EncodingKey::from_rsa_pem(&self.key),
        };
        let signer = key.map_err(io::Error::other).and_then(|key| {
            (aws_lc::DEFAULT_PROVIDER.signer_factory)(&self.algorithm, &key)
                .map_err(io::Error::other)
        })?;
        let signature = signer
            .try_sign(content.as_bytes())
            .map_err(io::Error::other)?;
        Ok(format!("{content}.{}", BASE64.encode(signature)))
    }

    fn encrypted(&self, payload: &str, (algorithm, key): &(String, String)) -> io::Result<String> {
        let key = BASE64.decode(key).map_err(io::Error::other)?;
        let mut header = json!({ "alg": "dir", "enc": algorithm, "cty": "JWT", "typ": "JWT" });
        let mut payload = payload.as_bytes().to_vec();
        if self.deflates {
            header["zip"] = json!("DEF");
            payload = deflated(&payload)?;
        }
        let header = BASE64.encode(header.to_string());
        let sealed = match algorithm.as_str() {
            "A256GCM" => gcm(&key, header.as_bytes(), payload),
            "A128CBC-HS256" | "A256CBC-HS512" => cbc(&key, header.as_bytes(), payload),
            _ => None,
        };
        let [iv, text, tag] =
            sealed.ok_or_else(|| io::Error::other("no such algorithm, or no key for it"))?;
        Ok(format!("{header}..{iv}.{text}.{tag}"))
    }
}

fn deflated(payload: &[u8]) -> io::Result<Vec<u8>> {
    use std::io::Write as _;
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(payload)?;
    encoder.finish()
}

/// RFC 7518, 5.2.2.1.
fn cbc(key: &[u8], header: &[u8], payload: Vec<u8>) -> Option<[String; 3]> {
    let (signing, encrypting) = key.split_at_checked(key.len() / 2)?;
    let (cipher, mac) = match key.len() {
        32 => (&AES_128, hmac::HMAC_SHA256),
        64 => (&AES_256, hmac::HMAC_SHA512),
        _ => return None,
    };
    let cipher = UnboundCipherKey::new(cipher, encrypting).ok()?;
    let mut text = payload;
    let context = PaddedBlockEncryptingKey::cbc_pkcs7(cipher)
        .and_then(|key| key.encrypt(&mut text))
        .ok()?;
    let iv: &[u8] = (&context).try_into().ok()?;
    let bits = u64::try_from(header.len()).ok()? * 8;
    let mac = hmac::sign(
        &hmac::Key::new(mac, signing),
        &[header, iv, &text, &bits.to_be_bytes()].concat(),
    );
    let tag = mac.as_ref().get(..signing.len())?;
    Some([iv, &text, tag].map(|part| BASE64.encode(part)))
}

fn gcm(key: &[u8], header: &[u8], payload: Vec<u8>) -> Option<[String; 3]> {
    let mut iv = [0; NONCE_LEN];
    getrandom::fill(&mut iv).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut text = payload;
    let nonce = Nonce::assume_unique_for_key(iv);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(header), &mut text)
        .ok()?;
    Some([&iv[..], &text, tag.as_ref()].map(|part| BASE64.encode(part)))
}

impl fmt::Debug for JwtIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtIssuer")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
