//! The bytes inside the seal of a session cookie.
//!
//! postcard with a version number in front. Every version of this major release is read, and the newest is written. A
//! version that this build does not know belongs to a newer node and is left alone.

use std::{
    fmt,
    ops::{Deref, DerefMut, Range},
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    LookedUp, SessionId,
    attributes::{Held, kept},
    packing::MAX_UNPACKED,
    wire::{encoded, whole},
};
use crate::{attributes::Attributes, clock::UnixSeconds, protocol::ProxyGrantingTicket};

/// The version that is written for a session of the user's own browser.
const VERSION: u8 = 2;

/// The version of a session that came through proxies or can act as one. A build that does not know it sees no
/// session there, so it cannot take a proxy's session for the user's own.
const PROXY_VERSION: u8 = 3;

/// The version of a session, of either kind, whose attributes are packed.
const PACKED_VERSION: u8 = 4;

/// The version of a session, of either kind, whose attributes the registry keeps.
const KEPT_VERSION: u8 = 5;

/// The version of a session that has a family. The family's id follows, and then one of the other versions.
const FAMILY_VERSION: u8 = 6;

/// How far ahead of this node's clock a cookie may have been issued, in seconds: the clocks of nodes differ.
const MAX_AHEAD: UnixSeconds = 5 * 60;

/// The result of a validated ticket: which user signed in, how, and how long it lasts. No session is open for it, so
/// it has nothing that a registry could be asked about.
pub(crate) struct Identity {
    /// The payload that it was read from; empty if it was read from none. Attributes are taken out of it on demand.
    pub(super) payload: Zeroizing<Vec<u8>>,
    pub(super) user: Box<str>,
    /// The name of the ticket, and of the session that it opened, if it opened one.
    pub(crate) id: SessionId,
    /// The sessions that tabs of the browser open at once end with each other. See
    /// [`SessionFamilies`](crate::registry::SessionFamilies).
    pub(crate) family: Option<SessionId>,
    /// When the sign-in was finished.
    pub(crate) issued_at: UnixSeconds,
    pub(crate) expires_at: UnixSeconds,
    pub(crate) authentication_date: Option<UnixSeconds>,
    pub(crate) is_from_new_login: Option<bool>,
    pub(crate) long_term_authentication_request_token_used: Option<bool>,
    /// Whether it is a remember-me login, whose session lasts that long, used or not.
    pub(crate) remembered: bool,
    /// When the user last gave their credentials, as far as is known.
    pub(crate) credentials_at: Option<UnixSeconds>,
    /// The proxies that the ticket came through, most recent first.
    pub(crate) proxies: Vec<String>,
    /// What the app needs to get proxy tickets for the user.
    pub(crate) granting_ticket: Option<ProxyGrantingTicket>,
    pub(super) attributes: Held,
}

/// The content of a session cookie: the user, and what the registry and the layer need to know of the session.
pub(crate) struct SessionData {
    identity: Identity,
    /// The registry gave it when the session was opened. A cookie of version 1 has no number, so 0 stands for it: it
    /// is older than every session with a number, and ends with all others of its user, as it should.
    pub(crate) number: u64,
    /// When the cookie that the session was read from was issued.
    pub(crate) seen_at: UnixSeconds,
    pub(crate) looked_up: LookedUp,
}

/// The fields as they lie in the cookie, after the version. New fields need a new version.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    user: &'a str,
    id: [u8; SessionId::LEN],
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
    authentication_date: Option<UnixSeconds>,
    is_from_new_login: Option<bool>,
    long_term_authentication_request_token_used: Option<bool>,
    number: u64,
    seen_at: UnixSeconds,
    remembered: bool,
    credentials_at: Option<UnixSeconds>,
    /// Encoded by themselves, so that they can be taken apart later or taken over as they are.
    attributes: &'a [u8],
}

/// Version 3: version 2 and what is behind it.
#[derive(Serialize, Deserialize)]
struct ProxyWire<'a> {
    #[serde(borrow)]
    session: Wire<'a>,
    proxies: Vec<&'a str>,
    granting_ticket: Option<&'a str>,
}

/// Version 4: version 3, with packed attributes and the length that they unpack to.
#[derive(Serialize, Deserialize)]
struct PackedWire<'a> {
    #[serde(borrow)]
    session: ProxyWire<'a>,
    unpacked: usize,
}

/// Version 1. Its cookies were issued once, at sign-in.
#[derive(Deserialize)]
struct Wire1<'a> {
    user: &'a str,
    id: [u8; SessionId::LEN],
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
    authentication_date: Option<UnixSeconds>,
    is_from_new_login: Option<bool>,
    long_term_authentication_request_token_used: Option<bool>,
    attributes: &'a [u8],
}

impl<'a> From<Wire1<'a>> for Wire<'a> {
    fn from(old: Wire1<'a>) -> Self {
        Self {
            user: old.user,
            id: old.id,
            issued_at: old.issued_at,
            expires_at: old.expires_at,
            authentication_date: old.authentication_date,
            is_from_new_login: old.is_from_new_login,
            long_term_authentication_request_token_used: old
                .long_term_authentication_request_token_used,
            number: 0,
            seen_at: old.issued_at,
            remembered: false,
            credentials_at: None,
            attributes: old.attributes,
        }
    }
}

impl<'a> From<Wire<'a>> for ProxyWire<'a> {
    fn from(session: Wire<'a>) -> Self {
        Self {
            session,
            proxies: Vec::new(),
            granting_ticket: None,
        }
    }
}

impl Identity {
    /// The session that the registry opened for it, and gave this number.
    pub(crate) fn open(self, number: u64) -> SessionData {
        SessionData {
            number,
            seen_at: self.issued_at,
            looked_up: LookedUp::default(),
            identity: self,
        }
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn attributes(&self) -> &Attributes {
        self.attributes.get(&self.payload)
    }

    /// Whether the registry keeps the attributes, and they have not been read from there.
    pub(crate) fn lacks_attributes(&self) -> bool {
        matches!(&self.attributes, Held::InRegistry(read) if read.get().is_none())
    }

    /// Whether the registry keeps the attributes.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.attributes, Held::InRegistry(_))
    }

    /// The attributes as the registry is to keep them. `Err` with their length, if they are too long.
    pub(crate) fn attributes_to_keep(&self) -> Result<Zeroizing<Vec<u8>>, usize> {
        let encoded = self.attributes.encoded(&self.payload).ok_or(0_usize)?;
        let length = encoded.unpacked.unwrap_or(encoded.bytes.len());
        if length > MAX_UNPACKED {
            return Err(length);
        }
        kept::write(&encoded).ok_or(length)
    }

    /// From here on the registry keeps the attributes, and these are they.
    pub(crate) fn hold_apart(&mut self, attributes: Arc<Attributes>) {
        self.attributes = Held::InRegistry(OnceLock::from(attributes));
    }

    /// These are the attributes that the registry keeps.
    pub(crate) fn complete_with(&self, read: Arc<Attributes>) {
        if let Held::InRegistry(attributes) = &self.attributes {
            attributes.get_or_init(|| read);
        }
    }

    pub(crate) fn is_expired(&self, now: UnixSeconds) -> bool {
        now >= self.expires_at
    }
}

impl SessionData {
    /// How much memory the payload that it was read from and its attributes take in bytes, about.
    pub(super) fn bytes(&self) -> usize {
        self.payload.len() + self.attributes.bytes()
    }

    /// The same without its session.
    pub(crate) fn into_identity(self) -> Identity {
        self.identity
    }

    /// The payload of a cookie that is issued at `seen_at`. `None` only if a value could not be written, which no
    /// session can cause: postcard writes every string and number. `secret`: only we will be able to read it.
    /// Otherwise the proxy-granting ticket stays out of it.
    pub(crate) fn encode(&self, seen_at: UnixSeconds, secret: bool) -> Option<Zeroizing<Vec<u8>>> {
        let attributes = self.attributes.encoded(&self.payload)?;
        let wire = Wire {
            user: self.user(),
            id: *self.id.as_bytes(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            authentication_date: self.authentication_date,
            is_from_new_login: self.is_from_new_login,
            long_term_authentication_request_token_used: self
                .long_term_authentication_request_token_used,
            number: self.number,
            seen_at,
            remembered: self.remembered,
            credentials_at: self.credentials_at,
            attributes: &attributes.bytes,
        };
        let granting_ticket = self.granting_ticket.as_ref().filter(|_| secret);
        let is_plain = self.proxies.is_empty() && granting_ticket.is_none();
        if is_plain && attributes.unpacked.is_none() && !self.is_kept() {
            return self.in_family(VERSION, &wire);
        }
        let session = ProxyWire {
            session: wire,
            proxies: self.proxies.iter().map(String::as_str).collect(),
            granting_ticket: granting_ticket.map(ProxyGrantingTicket::expose_secret),
        };
        match attributes.unpacked {
            None if self.is_kept() => self.in_family(KEPT_VERSION, &session),
            None => self.in_family(PROXY_VERSION, &session),
            Some(unpacked) => self.in_family(PACKED_VERSION, &PackedWire { session, unpacked }),
        }
    }

    /// The payload of these fields, with the session's family in front if it has one.
    fn in_family(&self, version: u8, fields: &impl Serialize) -> Option<Zeroizing<Vec<u8>>> {
        match &self.family {
            Some(family) => encoded(&(FAMILY_VERSION, family.as_bytes(), version, fields)),
            None => encoded(&(version, fields)),
        }
    }

    /// Reads a payload whose seal has been checked. `None` for a version of another release.
    pub(crate) fn decode(payload: Zeroizing<Vec<u8>>) -> Option<Self> {
        let (family, (version, fields)) = match payload.split_first()? {
            (&FAMILY_VERSION, rest) => {
                let (family, rest) = rest.split_first_chunk::<{ SessionId::LEN }>()?;
                (Some(SessionId::from(*family)), rest.split_first()?)
            }
            alone => (None, alone),
        };
        let (wire, unpacked) = match *version {
            1 => (
                ProxyWire::from(Wire::from(whole::<Wire1<'_>>(fields)?)),
                None,
            ),
            VERSION => (ProxyWire::from(whole::<Wire<'_>>(fields)?), None),
            PROXY_VERSION | KEPT_VERSION => (whole(fields)?, None),
            PACKED_VERSION => {
                let wire: PackedWire<'_> = whole(fields)?;
                (wire.session, Some(wire.unpacked))
            }
            _ => return None,
        };
        let proxies = wire.proxies.into_iter().map(str::to_owned).collect();
        let granting_ticket = match wire.granting_ticket {
            Some(ticket) => Some(ProxyGrantingTicket::parse(ticket).ok()?),
            None => None,
        };
        let wire = wire.session;
        let (number, seen_at) = (wire.number, wire.seen_at);
        let identity = Identity {
            proxies,
            granting_ticket,
            user: wire.user.into(),
            id: wire.id.into(),
            family,
            issued_at: wire.issued_at,
            expires_at: wire.expires_at,
            authentication_date: wire.authentication_date,
            is_from_new_login: wire.is_from_new_login,
            long_term_authentication_request_token_used: wire
                .long_term_authentication_request_token_used,
            remembered: wire.remembered,
            credentials_at: wire.credentials_at,
            attributes: if *version == KEPT_VERSION {
                Held::InRegistry(OnceLock::new())
            } else {
                Held::in_cookie(place_of(wire.attributes, &payload)?, unpacked)
            },
            payload,
        };
        Some(Self {
            identity,
            number,
            seen_at,
            looked_up: LookedUp::default(),
        })
    }

    /// Whether session or cookie were issued further ahead than clocks may differ. Then the clock of that node was
    /// wrong.
    pub(crate) fn is_from_the_future(&self, now: UnixSeconds) -> bool {
        self.issued_at.max(self.seen_at) > now.saturating_add(MAX_AHEAD)
    }
}

impl Deref for SessionData {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl DerefMut for SessionData {
    fn deref_mut(&mut self) -> &mut Identity {
        &mut self.identity
    }
}

/// The payload holds values that do not belong in a log.
impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionData")
            .field("user", &self.user())
            .field("id", &self.id)
            .field("attributes", self.attributes())
            .finish_non_exhaustive()
    }
}

/// Where a slice of `payload` is in it.
fn place_of(slice: &[u8], payload: &[u8]) -> Option<Range<usize>> {
    let start = (slice.as_ptr() as usize).checked_sub(payload.as_ptr() as usize)?;
    let end = start.checked_add(slice.len())?;
    (end <= payload.len()).then_some(start..end)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn session(user: &str, attributes: &[(&str, &[&str])]) -> SessionData {
        identity(user, attributes).open(300)
    }

    pub(crate) fn identity(user: &str, attributes: &[(&str, &[&str])]) -> Identity {
        Identity {
            user: user.into(),
            payload: Zeroizing::default(),
            id: [7; 16].into(),
            family: None,
            issued_at: 1_000,
            expires_at: 2_000,
            authentication_date: Some(900),
            is_from_new_login: Some(true),
            long_term_authentication_request_token_used: None,
            remembered: false,
            credentials_at: Some(800),
            proxies: Vec::new(),
            granting_ticket: None,
            attributes: Held::given(
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
        let after = SessionData::decode(before.encode(1_000, true).unwrap()).unwrap();
        assert_eq!(after.user(), "Ålice");
        assert_eq!(after.id, before.id);
        assert_eq!((after.issued_at, after.expires_at), (1_000, 2_000));
        assert_eq!(after.authentication_date, Some(900));
        assert_eq!(after.is_from_new_login, Some(true));
        assert_eq!(after.long_term_authentication_request_token_used, None);
        assert_eq!((after.number, after.seen_at), (300, 1_000));
        assert!(!after.remembered);
        assert_eq!(after.attributes(), before.attributes());
        assert_eq!(after.attributes().all("memberOf"), ["rabbits", "猫", ""]);
    }

    #[test]
    fn a_session_that_is_written_anew_differs_in_the_time_of_its_cookie_alone() {
        let mut first = session("Ålice", &[("memberOf", &["rabbits", "猫"])]);
        first.remembered = true;
        let read = SessionData::decode(first.encode(1_000, true).unwrap()).unwrap();
        let again = read.encode(1_001, true).unwrap();
        assert!(!read.attributes.is_taken_apart());
        assert_eq!(again, first.encode(1_001, true).unwrap());
        assert_eq!(SessionData::decode(again).unwrap().seen_at, 1_001);
    }

    /// Golden vector: cookies in browsers must open after an upgrade within a major version (below 1.0: a minor one).
    #[test]
    fn the_format_does_not_drift() {
        let mut expected = vec![2, 2, b'a', b'l'];
        expected.extend([7; 16]);
        expected.extend([0xe8, 0x07, 0xd0, 0x0f]); // 1000 and 2000 as varints
        expected.extend([1, 0x84, 0x07, 1, 1, 0]); // Some(900), Some(true), None
        expected.extend([0xac, 0x02, 0xf2, 0x0a, 0]); // 300, 1394 and false
        expected.extend([1, 0xa0, 0x06]); // Some(800)
        expected.extend([6, 1, 1, b'a', 1, 1, b'b']); // six bytes: one name, one value
        let payload = session("al", &[("a", &["b"])]).encode(1_394, true).unwrap();
        assert_eq!(*payload, expected);
    }

    /// Golden vector of the first version, which is no longer written.
    fn version_1() -> Vec<u8> {
        let mut payload = vec![1, 2, b'a', b'l'];
        payload.extend([7; 16]);
        payload.extend([0xe8, 0x07, 0xd0, 0x0f]); // 1000 and 2000 as varints
        payload.extend([1, 0x84, 0x07, 1, 1, 0]); // Some(900), Some(true), None
        payload.extend([6, 1, 1, b'a', 1, 1, b'b']); // six bytes: one name, one value
        payload
    }

    #[test]
    fn version_1_is_read_and_becomes_version_2_when_it_is_written_anew() {
        let old = SessionData::decode(Zeroizing::new(version_1())).unwrap();
        assert_eq!(old.user(), "al");
        assert_eq!(old.id, [7; 16].into());
        assert_eq!((old.issued_at, old.expires_at), (1_000, 2_000));
        assert_eq!(old.authentication_date, Some(900));
        assert_eq!(old.is_from_new_login, Some(true));
        assert_eq!(old.long_term_authentication_request_token_used, None);
        assert_eq!((old.number, old.seen_at), (0, 1_000));
        assert!(!old.remembered);
        assert_eq!(old.attributes().all("a"), ["b"]);

        let mut new = session("al", &[("a", &["b"])]);
        new.number = 0;
        new.credentials_at = None;
        assert_eq!(old.encode(1_394, true), new.encode(1_394, true));
    }

    /// A session that came through two proxies and can act as one itself.
    fn proxied() -> SessionData {
        let mut session = session("al", &[("a", &["b"])]);
        session.proxies = vec!["https://b".to_owned(), "https://a".to_owned()];
        session.granting_ticket = Some(ProxyGrantingTicket::parse("PGT-1").unwrap());
        session
    }

    /// Golden vector of the version for proxies.
    #[test]
    fn the_format_of_a_proxied_session_does_not_drift() {
        let mut expected = session("al", &[("a", &["b"])]).encode(1_394, true).unwrap();
        expected[0] = 3;
        expected.push(2);
        for proxy in [b"https://b", b"https://a"] {
            expected.push(9);
            expected.extend(proxy);
        }
        expected.extend([1, 5]);
        expected.extend(b"PGT-1");
        assert_eq!(proxied().encode(1_394, true).unwrap(), expected);

        let read = SessionData::decode(expected.clone()).unwrap();
        assert_eq!((read.user(), read.seen_at), ("al", 1_394));
        assert_eq!(read.proxies, ["https://b", "https://a"]);
        let ticket = read.granting_ticket.as_ref().unwrap();
        assert_eq!(ticket.expose_secret(), "PGT-1");
        assert_eq!(read.encode(1_394, true).unwrap(), expected);
    }

    /// Golden vector of the version whose attributes the registry keeps.
    #[test]
    fn the_format_of_a_kept_session_does_not_drift() {
        let mut kept = session("al", &[("a", &["b"])]);
        kept.hold_apart(Arc::new(Attributes::new()));
        let mut expected = session("al", &[]).encode(1_394, true).unwrap();
        expected[0] = 5;
        // No attributes, which take a byte of their own where they are in the cookie, no proxy, no ticket.
        let end = expected.len() - 2;
        expected.truncate(end);
        expected.extend([0, 0, 0]);
        assert_eq!(kept.encode(1_394, true).unwrap(), expected);

        let read = SessionData::decode(expected.clone()).unwrap();
        assert!(read.is_kept() && read.lacks_attributes());
        assert!(read.attributes().is_empty());
        assert_eq!(read.encode(1_394, true).unwrap(), expected);
        read.complete_with(Arc::new(
            [("a".to_owned(), vec!["b".to_owned()])]
                .into_iter()
                .collect(),
        ));
        assert!(read.is_kept() && !read.lacks_attributes());
        assert_eq!(read.attributes().all("a"), ["b"]);
        assert_eq!(read.encode(1_394, true).unwrap(), expected);
    }

    /// Golden vector of the version for families, which goes around each of the others.
    #[test]
    fn the_format_of_a_session_with_a_family_does_not_drift() {
        let mut kept = session("al", &[]);
        kept.hold_apart(Arc::new(Attributes::new()));
        let long = "b".repeat(1_000);
        let packed = session("al", &[("a", &[&long])]);
        for (version, mut session) in [
            (2, session("al", &[("a", &["b"])])),
            (3, proxied()),
            (4, packed),
            (5, kept),
        ] {
            let alone = session.encode(1_394, true).unwrap();
            assert_eq!(alone[0], version);
            session.family = Some([9; 16].into());
            let expected = [&[6][..], &[9; 16], &alone].concat();
            assert_eq!(*session.encode(1_394, true).unwrap(), expected);

            let read = SessionData::decode(Zeroizing::new(expected.clone())).unwrap();
            assert_eq!((read.user(), read.id), ("al", [7; 16].into()));
            assert_eq!(read.family, Some([9; 16].into()));
            assert_eq!(*read.encode(1_394, true).unwrap(), expected);
            for at in 0..expected.len() {
                let cut = Zeroizing::new(expected[..at].to_vec());
                assert!(SessionData::decode(cut).is_none(), "cut at {at}");
            }
            let twice = Zeroizing::new([&[6][..], &[9; 16], &expected].concat());
            assert!(SessionData::decode(twice).is_none());
        }
    }

    /// Golden vector of what the registry gets, sealed.
    #[test]
    fn the_format_of_kept_attributes_does_not_drift() {
        let kept = session("al", &[("a", &["b"])])
            .attributes_to_keep()
            .unwrap();
        assert_eq!(*kept, [1, 0, 6, 1, 1, b'a', 1, 1, b'b']);
        assert_eq!(kept::parse(&kept).unwrap().all("a"), ["b"]);

        let long = "b".repeat(1_000);
        let packed = session("al", &[("a", &[&long])])
            .attributes_to_keep()
            .unwrap();
        assert_eq!(packed[..4], [1, 1, 0xee, 0x07], "1,006 bytes, packed");
        assert_eq!(kept::parse(&packed).unwrap().all("a"), [long]);

        for other in [
            &b""[..],
            &[2, 0, 6, 1, 1, b'a', 1, 1, b'b'],
            &kept[..8],
            b"x",
        ] {
            assert!(kept::parse(other).is_none(), "{other:?}");
        }
        // One name of a byte and one value take seven bytes beside the value.
        let longest = "b".repeat(MAX_UNPACKED - 7);
        let fits = session("al", &[("a", &[&longest])]).attributes_to_keep();
        assert_eq!(kept::parse(&fits.unwrap()).unwrap().all("a"), [longest]);
        let longer = "b".repeat(MAX_UNPACKED - 6);
        let too_long = session("al", &[("a", &[&longer])]).attributes_to_keep();
        assert_eq!(too_long, Err(MAX_UNPACKED + 1));
    }

    #[test]
    fn the_granting_ticket_stays_out_of_what_others_can_read() {
        let mut session = proxied();
        let open = session.encode(1_000, false).unwrap();
        assert!(memchr::memmem::find(&open, b"PGT-1").is_none());
        let read = SessionData::decode(open).unwrap();
        assert_eq!(read.proxies, session.proxies);
        assert!(read.granting_ticket.is_none());

        session.proxies.clear();
        let plain = session.encode(1_000, false).unwrap();
        assert_eq!(plain[0], 2, "a session like any other");
        let secret = session.encode(1_000, true).unwrap();
        assert!(
            SessionData::decode(secret)
                .unwrap()
                .granting_ticket
                .is_some()
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_of_an_encrypted_session_is_left_in_memory() {
        use crate::{
            secret::tests::Marker,
            session::{Encrypter, Key, Purpose},
        };
        let encrypter = Encrypter::new(&Key::generate(), &[], Purpose::EncryptedSession, &["x"]);
        let marker = Marker::new();
        let mut session = proxied();
        session.granting_ticket = ProxyGrantingTicket::parse(&marker.text()).ok();
        let cookie = encrypter.seal(&session.encode(1_000, true).unwrap());
        assert_eq!(marker.copies(), 1, "that of the session");
        drop(session);
        assert_eq!(marker.copies(), 0);

        let payload = encrypter.open(cookie.unwrap().as_bytes()).unwrap();
        let session = SessionData::decode(payload).unwrap();
        assert_eq!(session.attributes().all("a"), ["b"]);
        assert_eq!(marker.copies(), 2, "in the payload, and taken out of it");
        let again = session.encode(1_001, true);
        drop((again, session));
        assert_eq!(marker.copies(), 0);
    }

    #[test]
    fn other_versions_cut_and_longer_payloads_are_no_session() {
        let new = session("alice", &[("a", &["b"])])
            .encode(1_000, true)
            .unwrap();
        let proxied = proxied().encode(1_000, true).unwrap();
        for payload in [new, Zeroizing::new(version_1()), proxied] {
            for at in 0..payload.len() {
                let cut = Zeroizing::new(payload[..at].to_vec());
                assert!(SessionData::decode(cut).is_none(), "cut at {at}");
            }
            let longer = Zeroizing::new([&payload[..], &[0]].concat());
            assert!(SessionData::decode(longer).is_none());
            for other in [0, 4, 6, 255] {
                let mut newer = payload.clone();
                newer[0] = other;
                assert!(SessionData::decode(newer).is_none(), "{other}");
            }
        }
    }

    #[test]
    fn values_of_attributes_are_not_printed() {
        let data = session("alice", &[("mail", &["alice@wonderland.example"])]);
        let printed = format!("{data:?}");
        assert!(
            printed.contains("alice") && printed.contains("mail"),
            "{printed}"
        );
        assert!(!printed.contains("wonderland"), "{printed}");
        assert!(!format!("{:?}", proxied()).contains("PGT-1"));
    }

    #[test]
    fn a_session_ends_at_its_expiry_and_may_be_issued_five_minutes_ahead() {
        let mut data = session("alice", &[]);
        assert!(!data.is_expired(1_999));
        assert!(data.is_expired(2_000));
        assert!(!data.is_from_the_future(700));
        assert!(data.is_from_the_future(699));
        data.seen_at = 1_100;
        assert!(!data.is_from_the_future(800));
        assert!(data.is_from_the_future(799));
    }

    #[test]
    fn many_groups_come_back_packed_and_are_taken_over_as_they_are() {
        let groups: Vec<String> = (0..400)
            .map(|number| format!("cn=group-{number:04},ou=groups,dc=university,dc=example"))
            .collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let mut before = session("alice", &[("memberOf", &groups)]);
        for proxies in [vec![], vec!["https://proxy.example".to_owned()]] {
            before.proxies = proxies.clone();
            let payload = before.encode(1_000, true).unwrap();
            assert_eq!(payload.first(), Some(&PACKED_VERSION));
            assert!(payload.len() < 3_000, "{}", payload.len());
            let once = SessionData::decode(payload).unwrap();
            let twice = SessionData::decode(once.encode(1_100, true).unwrap()).unwrap();
            assert_eq!((twice.seen_at, &twice.proxies), (1_100, &proxies));
            assert_eq!(
                twice.attributes().all("memberOf"),
                before.attributes().all("memberOf")
            );
            // What the process keeps of a cookie is bounded by this.
            assert!(once.bytes() >= before.attributes().bytes());
            assert_eq!(once.attributes().all("memberOf").len(), 400);
        }
    }
}
