//! A sign-in that its user has yet to confirm, and how a browser remembers its last user.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Encrypter, LoginValue, Sealer, SessionData, SessionId, wire::encoded};
use crate::clock::UnixSeconds;

/// How long a user has to confirm, in seconds.
pub(crate) const WAIT: UnixSeconds = 10 * 60;

/// The version of [`Wire`].
const VERSION: u8 = 1;

/// Seals waiting sign-ins, and recognises users. Both are sealed for one app and CAS server.
#[derive(Debug)]
pub(crate) struct Confirmations {
    pub(crate) names: Sealer,
    pub(crate) encrypter: Encrypter,
}

/// A sign-in for which the CAS server has vouched. It travels with the form that asks for its confirmation, so it is
/// always encrypted, with a proxy-granting ticket in it if there is one.
pub(crate) struct Unconfirmed {
    /// The browser's login cookie has this value too.
    pub(crate) value: LoginValue,
    /// The path to return to; `None` stands for the landing path.
    pub(crate) next: Option<String>,
    pub(crate) session: SessionData,
}

impl Unconfirmed {
    /// The registry's entries besides the session while this waits: one that it can be confirmed, once, and one for
    /// the proxy-granting ticket, which a logout may name alone.
    pub(crate) fn names(&self) -> Vec<SessionId> {
        let granted = self.session.granting_ticket.as_ref();
        let granted = granted.map(SessionId::of_granting);
        granted
            .into_iter()
            .chain([SessionId::of_confirmation(&self.value)])
            .collect()
    }
}

impl fmt::Debug for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unconfirmed")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// The fields as they lie in the seal, behind the version.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    value: LoginValue,
    next: Option<&'a str>,
    /// As in a cookie.
    session: &'a [u8],
}

impl Confirmations {
    /// A keyed hash of a user name. It tells the browser's login cookie whether a name is the same, but tells nobody
    /// the name.
    pub(crate) fn tag_of(&self, user: &str) -> String {
        self.names.tag(&[user.as_bytes()])
    }

    /// Whether `tag` is that of this user.
    pub(crate) fn is_tag_of(&self, user: &str, tag: &str) -> bool {
        self.names.verify_tag(&[user.as_bytes()], tag)
    }

    /// `None` when the operating system gives no random bytes.
    pub(crate) fn seal(&self, unconfirmed: &Unconfirmed, now: UnixSeconds) -> Option<String> {
        let Unconfirmed {
            value,
            next,
            session,
        } = unconfirmed;
        let wire = Wire {
            value: *value,
            next: next.as_deref(),
            session: &session.encode(now, true)?,
        };
        let payload = encoded(&(VERSION, wire))?;
        self.encrypter.seal(&payload)
    }

    /// `None` for a value that no key of ours has sealed, or that another release sealed.
    pub(crate) fn open(&self, sealed: &str) -> Option<Unconfirmed> {
        let payload = self.encrypter.open(sealed.as_bytes())?;
        let (&version, fields) = payload.split_first()?;
        if version != VERSION {
            return None;
        }
        let wire: Wire<'_> = postcard::from_bytes(fields).ok()?;
        Some(Unconfirmed {
            value: wire.value,
            next: wire.next.map(str::to_owned),
            session: SessionData::decode(Zeroizing::new(wire.session.to_vec()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::ProxyGrantingTicket,
        session::{Key, Purpose, sample_session},
    };

    fn confirmations(app_url: &str) -> Confirmations {
        let key = Key::from((0..64).collect::<Vec<u8>>());
        Confirmations {
            names: Sealer::new(&key, &[], Purpose::KnownUser, &[app_url]),
            encrypter: Encrypter::new(&key, &[], Purpose::Confirmation, &[app_url]),
        }
    }

    fn unconfirmed() -> Unconfirmed {
        let mut session = sample_session("alice", &[("mail", &["alice@wonderland.example"])]);
        session.granting_ticket = ProxyGrantingTicket::parse("PGT-1").ok();
        Unconfirmed {
            value: [7; 16],
            next: Some("/profile?a=b".to_owned()),
            session,
        }
    }

    #[test]
    fn a_sign_in_that_waits_comes_back_whole_and_is_for_nobody_to_read() {
        let ours = confirmations("https://app");
        let sealed = ours.seal(&unconfirmed(), 1_500).unwrap();
        let opened = ours.open(&sealed).unwrap();
        assert_eq!(opened.value, [7; 16]);
        assert_eq!(opened.next.as_deref(), Some("/profile?a=b"));
        assert_eq!(opened.session.user(), "alice");
        assert_eq!(opened.session.issued_at, 1_000);
        assert!(opened.session.granting_ticket.is_some());
        assert_ne!(sealed, ours.seal(&unconfirmed(), 1_500).unwrap());
        assert!(confirmations("https://other").open(&sealed).is_none());
        assert!(ours.open(&sealed.replace("e1.", "")).is_none());
        assert!(ours.open("").is_none());
    }

    #[test]
    fn a_sealed_sign_in_of_another_version_is_none() {
        let ours = confirmations("https://app");
        let payload = ours
            .encrypter
            .open(ours.seal(&unconfirmed(), 1_500).unwrap().as_bytes())
            .unwrap();
        for other in [0, 2, 255] {
            let mut newer = payload.clone();
            newer[0] = other;
            let sealed = ours.encrypter.seal(&newer).unwrap();
            assert!(ours.open(&sealed).is_none(), "{other}");
        }
    }

    #[test]
    fn a_user_is_known_again_at_this_app_alone() {
        let ours = confirmations("https://app");
        let tag = ours.tag_of("alice");
        assert!(ours.is_tag_of("alice", &tag));
        for other in ["Alice", "alic", "alice ", ""] {
            assert!(!ours.is_tag_of(other, &tag), "{other}");
        }
        assert!(!ours.is_tag_of("alice", ""));
        assert!(!confirmations("https://other").is_tag_of("alice", &tag));
    }

    #[test]
    fn what_opens_a_session_is_not_printed() {
        let printed = format!("{:?}", unconfirmed());
        assert!(printed.contains("alice"), "{printed}");
        for secret in ["7, 7", "PGT-1", "wonderland"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
