//! A session as a registry is asked about it, and the name of the account that it belongs to, the same on every node.

use std::{fmt, ptr};

use sha2::{Digest as _, Sha256};

use crate::{
    clock::UnixSeconds,
    id::{first_half, id},
    session::{LookedUp, SessionData, SessionId},
};

id! {
    /// An account: a user name at a CAS server, as the first 128 bits of a SHA-256.
    ///
    /// Two users of one name at two CAS servers are two accounts.
    AccountId
}

impl AccountId {
    /// The account of `user`, as the session names them, at the CAS server at `cas_url`.
    #[must_use]
    pub fn of(cas_url: &str, user: &str) -> Self {
        // A URL has no zero byte, so no two pairs give the same text.
        let digest = Sha256::new().chain_update(cas_url).chain_update([0]);
        Self(first_half(digest.chain_update(user)))
    }
}

/// A session out of a verified cookie.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RegisteredSession<'s> {
    /// The name of the session, the same on every node.
    pub id: SessionId,
    /// The number that [`Registry::open`](super::Registry::open) gave it. A cookie of the first version has none, and comes
    /// as 0: older than every session that has one. Not to be taken for more than it is: it says which sessions of an
    /// account an end of all of them covers, and nothing about the numbers to come.
    pub number: u64,
    /// When it expires by itself.
    pub expires_at: UnixSeconds,
    /// The CAS server that vouched for the user.
    pub cas_url: &'s str,
    /// The user's name at this app.
    pub user: &'s str,
    /// The session's [family](super::SessionFamilies), if it has one. The session has ended if the family has.
    pub family: Option<SessionId>,
    origin: Option<Origin<'s>>,
}

/// What the fields of a [`RegisteredSession`] were taken from.
#[derive(Clone, Copy)]
struct Origin<'s> {
    session: &'s SessionData,
    cas_url: &'s str,
}

/// There is nothing to show that the fields do not.
impl fmt::Debug for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

impl<'s> RegisteredSession<'s> {
    /// A session with everything that a registry may ask about it.
    #[must_use]
    pub fn new(
        id: SessionId,
        number: u64,
        expires_at: UnixSeconds,
        cas_url: &'s str,
        user: &'s str,
    ) -> Self {
        Self {
            id,
            number,
            expires_at,
            cas_url,
            user,
            family: None,
            origin: None,
        }
    }

    /// A session of a user for whom the CAS server at `cas_url` vouched.
    pub(crate) fn of(session: &'s SessionData, cas_url: &'s str) -> Self {
        Self {
            id: session.id,
            number: session.number,
            expires_at: session.expires_at,
            cas_url,
            user: session.user(),
            family: session.family,
            origin: Some(Origin { session, cas_url }),
        }
    }

    /// What is known of it since it was last looked up. `None` if that is not kept, or if a field has been changed: then
    /// it is another session that is asked about.
    pub(super) fn looked_up(&self) -> Option<&'s LookedUp> {
        let Origin { session, cas_url } = self.origin?;
        let is_unchanged = self.id == session.id
            && self.number == session.number
            && self.family == session.family
            && ptr::eq(self.user, session.user())
            && ptr::eq(self.cas_url, cas_url);
        is_unchanged.then_some(&session.looked_up)
    }

    /// The same session, as one of this family.
    #[must_use]
    pub fn in_family(self, family: Option<SessionId>) -> Self {
        Self { family, ..self }
    }

    /// Whose session it is. This computes a hash, so call it only if some account was ended as a whole.
    #[must_use]
    pub fn account(&self) -> AccountId {
        AccountId::of(self.cas_url, self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::sample_session as session;

    /// Golden vector: nodes of every version share it. From
    /// `printf 'https://cas.example.org/cas\0alice' | sha256sum`.
    #[test]
    fn the_id_is_the_first_half_of_a_sha_256() {
        let id = AccountId::of("https://cas.example.org/cas", "alice");
        assert_eq!(
            format!("{id:?}"),
            "AccountId(65c4ce2b1592485aac12047a3048aba3)"
        );
    }

    #[test]
    fn users_of_one_name_at_two_cas_servers_are_two_accounts() {
        let id = AccountId::of("https://a", "alice");
        assert_ne!(id, AccountId::of("https://b", "alice"));
        assert_ne!(id, AccountId::of("https://a", "alic"));
        assert_ne!(id, AccountId::of("https://aa", "lice"));
    }

    /// What was looked up of one session says nothing of another one.
    #[test]
    fn what_is_known_of_a_session_is_not_of_one_with_another_field() {
        let url = "https://cas.example.org/cas".to_owned();
        let (one, other) = (session("alice", &[]), session("alice", &[]));
        let asked = RegisteredSession::of(&one, &url);
        let known = asked.looked_up().unwrap();
        assert!(ptr::eq(known, &raw const one.looked_up));
        assert!(!ptr::eq(known, &raw const other.looked_up));
        assert!(format!("{asked:?}").ends_with("origin: Some(Origin) }"));
        let family = Some(SessionId::from([9; 16]));
        assert_eq!(asked.in_family(family).family, family);
        let (number, copy) = (asked.number + 1, url.clone());
        for changed in [
            RegisteredSession {
                id: [9; 16].into(),
                ..asked
            },
            RegisteredSession { number, ..asked },
            asked.in_family(family),
            RegisteredSession {
                user: other.user(),
                ..asked
            },
            RegisteredSession {
                cas_url: &copy,
                ..asked
            },
        ] {
            assert!(changed.looked_up().is_none(), "{changed:?}");
        }
        let made = RegisteredSession::new(one.id, one.number, one.expires_at, &url, one.user());
        assert!(made.looked_up().is_none());
    }
}
