//! The bytes inside the seal of a session cookie.
//!
//! postcard with a version number in front. A version that this build
//! does not know belongs to a newer node and is left alone.

use std::{fmt, ops::Range, sync::OnceLock};

use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::{
    attributes::Attributes,
    clock::{UnixSeconds, to_unix},
    protocol::Authentication,
};

const VERSION: u8 = 1;

/// How far ahead of this node's clock a session may have been issued, in seconds: nodes differ.
const MAX_AHEAD: UnixSeconds = 5 * 60;

/// What a session cookie says.
pub(crate) struct SessionData {
    /// What the session was read from. Names and values are taken out of it when they are asked for.
    payload: Vec<u8>,
    user: Range<usize>,
    pub(crate) id: SessionId,
    pub(crate) number: u64,
    pub(crate) issued_at: UnixSeconds,
    pub(crate) expires_at: UnixSeconds,
    pub(crate) authentication_date: Option<UnixSeconds>,
    pub(crate) is_from_new_login: Option<bool>,
    pub(crate) long_term_authentication_request_token_used: Option<bool>,
    attributes: LazyAttributes,
}

/// The fields as they lie in the cookie. New fields need a new version.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    version: u8,
    user: &'a str,
    id: [u8; SessionId::LEN],
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
    authentication_date: Option<UnixSeconds>,
    is_from_new_login: Option<bool>,
    long_term_authentication_request_token_used: Option<bool>,
    /// Last, so that its place in the payload is known without looking.
    attributes: &'a [u8],
}

impl SessionData {
    /// The session that a successful validation opens.
    pub(crate) fn new(
        authentication: &Authentication,
        id: SessionId,
        issued_at: UnixSeconds,
        lifetime: UnixSeconds,
    ) -> Self {
        let user = authentication.user();
        Self {
            user: 0..user.len(),
            payload: user.into(),
            id,
            number: 0,
            issued_at,
            expires_at: issued_at.saturating_add(lifetime),
            authentication_date: authentication.authentication_date().map(to_unix),
            is_from_new_login: authentication.is_from_new_login(),
            long_term_authentication_request_token_used: authentication
                .long_term_authentication_request_token_used(),
            attributes: LazyAttributes::decoded(authentication.attributes().clone()),
        }
    }

    /// The payload, and `None` only if a value could not be written, which no session can bring
    /// about: postcard writes every string and number.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let attributes: Vec<(&str, &[String])> = self.attributes().iter().collect();
        postcard::to_allocvec(&Wire {
            version: VERSION,
            user: self.user(),
            id: *self.id.as_bytes(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            authentication_date: self.authentication_date,
            is_from_new_login: self.is_from_new_login,
            long_term_authentication_request_token_used: self
                .long_term_authentication_request_token_used,
            attributes: &postcard::to_allocvec(&attributes).ok()?,
        })
        .ok()
    }

    /// Reads a payload whose seal has been checked. `None` for a version of another release.
    pub(crate) fn decode(payload: Vec<u8>) -> Option<Self> {
        if payload.first() != Some(&VERSION) {
            return None;
        }
        let (wire, rest) = postcard::take_from_bytes::<Wire<'_>>(&payload).ok()?;
        if !rest.is_empty() {
            return None;
        }
        Some(Self {
            user: place_of(wire.user.as_bytes(), &payload)?,
            id: wire.id.into(),
            number: 0,
            issued_at: wire.issued_at,
            expires_at: wire.expires_at,
            authentication_date: wire.authentication_date,
            is_from_new_login: wire.is_from_new_login,
            long_term_authentication_request_token_used: wire
                .long_term_authentication_request_token_used,
            attributes: LazyAttributes {
                encoded: place_of(wire.attributes, &payload)?,
                decoded: OnceLock::new(),
            },
            payload,
        })
    }

    /// The seal says that we wrote the payload, and decoding that the name in it is text.
    pub(crate) fn user(&self) -> &str {
        let name = self.payload.get(self.user.clone());
        name.and_then(|name| str::from_utf8(name).ok())
            .unwrap_or_default()
    }

    pub(crate) fn attributes(&self) -> &Attributes {
        self.attributes.get(&self.payload)
    }

    /// Whether the session was issued further ahead than clocks may differ, so not by a node in
    /// its right time.
    pub(crate) fn is_from_the_future(&self, now: UnixSeconds) -> bool {
        self.issued_at > now.saturating_add(MAX_AHEAD)
    }

    pub(crate) fn is_expired(&self, now: UnixSeconds) -> bool {
        now >= self.expires_at
    }
}

/// The payload holds values that do not belong into a log.
impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionData")
            .field("user", &self.user())
            .field("id", &self.id)
            .field("attributes", self.attributes())
            .finish_non_exhaustive()
    }
}

/// Attributes that are taken apart when somebody asks for them: most requests do not.
struct LazyAttributes {
    encoded: Range<usize>,
    decoded: OnceLock<Attributes>,
}

impl LazyAttributes {
    fn decoded(attributes: Attributes) -> Self {
        Self {
            encoded: 0..0,
            decoded: OnceLock::from(attributes),
        }
    }

    fn get(&self, payload: &[u8]) -> &Attributes {
        self.decoded.get_or_init(|| {
            // The seal says that we wrote these bytes, so they decode. Should they not, the user
            // has no attributes, hence no rights that follow from them.
            let encoded = payload.get(self.encoded.clone()).unwrap_or_default();
            postcard::from_bytes::<Vec<(String, Vec<String>)>>(encoded)
                .unwrap_or_default()
                .into_iter()
                .collect()
        })
    }
}

/// Where in `payload` a slice of it lies.
fn place_of(slice: &[u8], payload: &[u8]) -> Option<Range<usize>> {
    let start = (slice.as_ptr() as usize).checked_sub(payload.as_ptr() as usize)?;
    let end = start.checked_add(slice.len())?;
    (end <= payload.len()).then_some(start..end)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn session(user: &str, attributes: &[(&str, &[&str])]) -> SessionData {
        SessionData {
            user: 0..user.len(),
            payload: user.into(),
            id: [7; 16].into(),
            number: 0,
            issued_at: 1_000,
            expires_at: 2_000,
            authentication_date: Some(900),
            is_from_new_login: Some(true),
            long_term_authentication_request_token_used: None,
            attributes: LazyAttributes::decoded(
                attributes
                    .iter()
                    .map(|(name, values)| {
                        (
                            (*name).to_owned(),
                            values.iter().map(|&v| v.to_owned()).collect(),
                        )
                    })
                    .collect(),
            ),
        }
    }

    #[test]
    fn a_session_comes_back_as_it_went_in() {
        let before = session(
            "Ålice",
            &[("memberOf", &["rabbits", "猫", ""]), ("none", &[])],
        );
        let after = SessionData::decode(before.encode().unwrap()).unwrap();
        assert_eq!(after.user(), "Ålice");
        assert_eq!(after.id, before.id);
        assert_eq!((after.issued_at, after.expires_at), (1_000, 2_000));
        assert_eq!(after.authentication_date, Some(900));
        assert_eq!(after.is_from_new_login, Some(true));
        assert_eq!(after.long_term_authentication_request_token_used, None);
        assert_eq!(after.attributes(), before.attributes());
        assert_eq!(after.attributes().all("memberOf"), ["rabbits", "猫", ""]);
    }

    /// Golden vector: cookies in browsers must open after an upgrade within a major version.
    #[test]
    fn the_format_does_not_drift() {
        let payload = session("al", &[("a", &["b"])]).encode().unwrap();
        let mut expected = vec![1, 2, b'a', b'l'];
        expected.extend([7; 16]);
        expected.extend([0xe8, 0x07, 0xd0, 0x0f]); // 1000 and 2000 as varints
        expected.extend([1, 0x84, 0x07, 1, 1, 0]); // Some(900), Some(true), None
        expected.extend([6, 1, 1, b'a', 1, 1, b'b']); // six bytes: one name, one value
        assert_eq!(payload, expected);
    }

    #[test]
    fn other_versions_cut_and_longer_payloads_are_no_session() {
        let payload = session("alice", &[("a", &["b"])]).encode().unwrap();
        for at in 0..payload.len() {
            assert!(
                SessionData::decode(payload[..at].to_vec()).is_none(),
                "cut at {at}"
            );
        }
        let mut longer = payload.clone();
        longer.push(0);
        assert!(SessionData::decode(longer).is_none());
        let mut newer = payload;
        newer[0] = 2;
        assert!(SessionData::decode(newer).is_none());
    }

    #[test]
    fn values_of_attributes_are_not_printed() {
        let data = session("alice", &[("mail", &["alice@wonderland.example"])]);
        assert!(!format!("{data:?}").contains("wonderland"));
    }

    #[test]
    fn a_session_ends_at_its_expiry_and_may_start_five_minutes_ahead() {
        let data = session("alice", &[]);
        assert!(!data.is_expired(1_999));
        assert!(data.is_expired(2_000));
        assert!(!data.is_from_the_future(700));
        assert!(data.is_from_the_future(699));
    }
}
