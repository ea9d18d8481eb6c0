//! Which sessions were opened and which have ended. The session itself is in the cookie.
//!
//! An app needs one of the registries that are there, [`MemoryRegistry`] by default. This module is for
//! code that talks to a registry itself or brings one of its own.

mod account;
mod begun;
mod ended;
mod error;
#[cfg(feature = "file")]
pub(crate) mod file;
mod forgetful;
mod grants;
pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;
mod sender;
#[cfg(any(feature = "file", feature = "redis"))]
mod turns;

use std::{fmt, pin::Pin, time::Duration};

pub use account::AccountId;
pub(crate) use begun::Begun;
pub use ended::EndedSessions;
pub use error::{RegistryError, RegistryErrorKind};
pub use grants::{Delivered, Expected, IouId, ProxyGrants, SealedGrant};
pub use sender::{LogoutSender, SourceId};

#[cfg(doc)]
use crate::MemoryRegistry;
use crate::{clock::UnixSeconds, session::SessionId};

/// What a [`Registry`] answers, some time later.
pub type RegistryFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, RegistryError>> + Send + 'a>>;

/// How long a session that has ended is remembered beyond its expiry, in seconds: the clocks of
/// nodes differ, and a clock that is set back must not revive it.
pub(crate) const GRACE: UnixSeconds = 3600;

/// The longest that a session can be configured to last, in seconds. What lasts longer by its own account is a
/// mistake, and is not remembered for longer.
#[cfg(any(feature = "file", feature = "redis"))]
pub(crate) const LONGEST: UnixSeconds = 366 * 24 * 3600;

/// Remembers which sessions were opened and which have ended, until they would have expired anyway.
///
/// The cookie is the session, so this is all that has to be kept. The layer asks
/// [`is_ended`](Self::is_ended) on every request and everything else when somebody signs in or out:
///
/// 1. [`begin`](Self::begin), before a ticket is validated: from here on a logout for it is heard.
/// 2. [`open`](Self::open), when the CAS server vouched for the user, and before the user is told; or
///    [`abandon`](Self::abandon), when it did not.
/// 3. [`end`](Self::end), for a session whose cookie was shown; [`end_if_opened`](Self::end_if_opened), for
///    one that a single-logout message names; [`end_all`](Self::end_all), for all sessions of a user.
///
/// [`MemoryRegistry`] serves one process. `FileRegistry` (feature `file`) keeps what it knows through a
/// crash. `RedisRegistry` (feature `redis`) serves many nodes.
///
/// # Contract
///
/// - What was answered `Ok` holds: no node that asks later accepts the session, as far as the registry is
///   durable. Other nodes follow within the registry's own delay.
/// - Nothing that was not ended is ever said to be.
/// - `end_if_opened` comes from the network. An id that was neither begun nor opened leaves no trace, and takes no room
///   from sign-ins, sign-outs, or messages of another [`LogoutSender`].
/// - A future that is dropped has either done its work or done nothing.
/// - No future takes longer than about a second: what cannot be reached is an error by then.
///
/// Times are in seconds since the Unix epoch, by the clock of the node that calls.
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Notes that the ticket with this id is about to be validated, for at most `lasts`.
    ///
    /// The same ticket may begin several times at once; each is opened or abandoned by itself.
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()>;

    /// Takes one `begin` back. Does not wait; an id that was opened meanwhile stays open.
    fn abandon(&self, id: SessionId);

    /// Opens a session that had begun, unless it was ended since; both in one step. One that is open already stays so until
    /// the later of the two times: with a bare service URL the layer opens a session for some minutes at first, so that a
    /// logout is heard while its user is asked who they are.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Full`], or that the registry cannot be reached. Nobody is signed in then.
    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened>;

    /// Ends a session whose seal was verified. Always recorded, known or not.
    ///
    /// # Errors
    /// The session has ended for this node, and for others only when the registry can be reached again.
    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()>;

    /// Ends those of these sessions that were begun or opened, and says which those were: each that had not ended before,
    /// so of all who end it at once one is told.
    ///
    /// `sender` says whose room it takes where it has to wait; a registry in which nothing waits need not look at it.
    ///
    /// # Errors
    /// It is not certain that the end will be remembered. The sender is told so.
    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>>;

    /// Ends every session of an account that has been opened until now. `expires_at` is when the last of
    /// them would have expired.
    ///
    /// # Errors
    /// The sessions have ended for this node, and for others only when the registry can be reached again.
    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()>;

    /// The sessions that have ended, as far as this node knows. In local memory.
    fn ended(&self) -> &EndedSessions;

    /// Whether a session has ended. Called on every request: no I/O, and no lock that is held for long.
    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        self.ended().contain(session)
    }

    /// Whether what [`is_ended`](Self::is_ended) says is recent enough to rely on. While it is not, the layer
    /// answers requests that bring a session with 503 and signs nobody in or out. For readiness probes too.
    fn is_current(&self) -> bool {
        true
    }

    /// Whether what has ended is still known after this process ends.
    fn outlives_process(&self) -> bool {
        true
    }

    /// Where proxy-granting tickets are matched with their sign-ins, and kept. `None`, the default, where this registry has
    /// nothing to do with them.
    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        None
    }
}

/// What opening a session came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The session is open.
    Live {
        /// A number that only grows from session to session, for [`Registry::end_all`]. It is kept in the
        /// cookie.
        number: u64,
    },
    /// A logout came first: nobody is signed in.
    Ended,
}

/// A session out of a verified cookie.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RegisteredSession<'s> {
    /// The name of the session, the same on every node.
    pub id: SessionId,
    /// The number that [`Registry::open`] gave it. A cookie of the first version has none, and comes as 0: older than
    /// every session that has one. Not to be taken for more than it is: it says which sessions of an account an end of all
    /// of them covers, and nothing about the numbers to come.
    pub number: u64,
    /// When it expires by itself.
    pub expires_at: UnixSeconds,
    /// The CAS server that vouched for the user.
    pub cas_url: &'s str,
    /// The user's name at this app.
    pub user: &'s str,
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
        }
    }

    /// Whose session it is. Takes a hash, so it is asked only where some account was ended whole.
    #[must_use]
    pub fn account(&self) -> AccountId {
        AccountId::of(self.cas_url, self.user)
    }
}

/// Up to where numbers follow the clock, in microseconds since the epoch: the year 2255. A clock that is wrong by more
/// leaves numbers for all sessions to come.
const CLOCK_ENDS: u64 = 1 << 53;

/// The number of a session opened now: it grows with every session, and through a restart too, where the
/// clock does not go back.
fn next_number(last: u64, now: UnixSeconds) -> u64 {
    let clock = now.saturating_mul(1_000_000).min(CLOCK_ENDS);
    last.saturating_add(1).max(clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_clock_and_no_clock_uses_them_up() {
        assert_eq!(next_number(0, 1_700_000_000), 1_700_000_000_000_000);
        assert_eq!(
            next_number(1_800_000_000_000_000, 1_700_000_000),
            1_800_000_000_000_001
        );
        let last = next_number(0, UnixSeconds::MAX);
        assert!(next_number(last, 1_700_000_000) > last);
        assert!(next_number(last, UnixSeconds::MAX) > last);
    }
}
