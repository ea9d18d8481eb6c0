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

use std::{fmt, time::Duration};

pub use account::{AccountId, RegisteredSession};
pub(crate) use begun::Begun;
pub use ended::{EndedSessions, GRACE};
pub use error::{RegistryError, RegistryErrorKind, RegistryFuture};
pub use grants::{Delivered, Expected, GrantPairs, IouId, ProxyGrants, SealedGrant};
pub use sender::{LogoutSender, LogoutShare, SourceId};

#[cfg(doc)]
use crate::MemoryRegistry;
pub use crate::clock::UnixSeconds;
use crate::session::SessionId;

/// The longest that a session can be configured to last, in seconds. What lasts longer by its own account is a
/// mistake, and need not be remembered for longer.
pub const LONGEST: UnixSeconds = 366 * 24 * 3600;

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
/// - Each call is one step: of two that come at once, one is first, on one node and between nodes.
/// - `end_if_opened` comes from the network. An id that was neither begun nor opened leaves no trace, and takes no room
///   from sign-ins, sign-outs, or messages of another [`LogoutSender`].
/// - A future that is dropped has either done its work or done nothing.
/// - No future takes longer than about a second: what cannot be reached is an error by then.
/// - What is remembered is bounded by what is live: a ticket under validation until its `lasts` is over, an open session until it
///   expires, an end until [`GRACE`] after that.
///
/// Times are in seconds since the Unix epoch, by the clock of the node that calls. They may go back.
///
/// # A registry of your own
///
/// A registry has two parts. The store says which sessions have begun, are open and have ended; its calls may wait. On each
/// node there is an [`EndedSessions`] besides, which every request asks without waiting. So
///
/// - `end` and `end_all` note the end in their node's `EndedSessions` first, and then in the store: where the store is
///   away the session has ended for this node all the same, and the call fails. What the store was not told has to be told
///   to it again, until it has heard or the session would have expired.
/// - `end_if_opened` asks the store first, since nobody else knows whether the session was opened, and notes it on the node
///   before it answers `Ok`.
/// - ends of other nodes are brought to each node's `EndedSessions`, by a feed of the store or by asking it again and again.
///   [`is_current`](Self::is_current) says when that has not worked for too long.
/// - a registry that starts reads all ends from the store, before it is used.
///
/// [`next_number`] gives numbers, [`GRACE`] and [`LONGEST`] say how long to remember, and [`GrantPairs`] does half of
/// [`ProxyGrants`] for a registry of one process. `testing::registry_contract` (feature `testing`) tries whether a
/// registry keeps this contract, and the example `own_registry` is one that does.
///
/// A restart may lose what had begun: those sign-ins are not completed. Where [`outlives_process`](Self::outlives_process) is
/// `false` it may lose open sessions too, so that a single logout does not find them, and what has ended.
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Notes that the ticket with this id is about to be validated, for at most `lasts`.
    ///
    /// The same ticket may begin several times at once; each is opened or abandoned by itself. One that has ended may begin:
    /// [`open`](Self::open) refuses it.
    ///
    /// # Errors
    /// The registry cannot be reached. Nothing is validated then, and nobody is signed in.
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()>;

    /// Takes one `begin` back. Does not wait; an id that was opened meanwhile stays open. When nothing is left of an id that was
    /// not opened, a logout for it that came meanwhile may be forgotten too.
    ///
    /// Called for each `begin` that no [`open`](Self::open) answered with `Ok`, also where `begin` itself failed or was dropped, so
    /// there may be nothing to take back. It may be called outside of a runtime, when futures are dropped. Where the store is away,
    /// `lasts` ends it.
    ///
    /// Best in order with what this node asks later: a reload begins the same ticket again, and its sign-in fails if that is what is
    /// taken back. [`open`](Self::open) of what has not begun, or not any more, may be an error.
    fn abandon(&self, id: SessionId);

    /// Opens a session that had begun, unless it was ended since; both in one step. One that is open already stays so until
    /// the later of the two times: with a bare service URL the layer opens a session for some minutes at first, so that a
    /// logout is heard while its user is asked who they are.
    ///
    /// Each time it gets a number that is higher than all before, on all nodes: see [`next_number`]. One that was ended has
    /// ended for good: each `open` of it is answered with [`Opened::Ended`], also after it was begun again.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Full`], or that the registry cannot be reached. Nobody is signed in then, and nobody else is signed
    /// out for it. Whether the session is open in the store is not certain then; [`abandon`](Self::abandon) follows.
    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened>;

    /// Ends a session whose seal was verified. Always recorded, known or not, and as often as it is asked: the second time
    /// changes nothing. A session that is being validated ends too.
    ///
    /// # Errors
    /// The session has ended for this node, and for others only when the registry can be reached again.
    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()>;

    /// Ends those of these sessions that were begun or opened, and says which those were, in the order of `ids`: each that had
    /// not ended before, so of all who end it at once one is told. One that was begun alone will not open.
    ///
    /// `ids` has at most a few dozen ids. `sender` says whose room it takes where it has to wait; a registry in which nothing
    /// waits need not look at it.
    ///
    /// # Errors
    /// It is not certain that the end will be remembered. The sender is told so, and may send the message again.
    /// [`RegistryErrorKind::Full`] where too many wait.
    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>>;

    /// Ends every session of an account that has been opened until now. `expires_at` is when the last of
    /// them would have expired.
    ///
    /// A registry does not know whose sessions it has. It takes a number as [`open`](Self::open) does, and notes by
    /// [`EndedSessions::end_all`] that all sessions of the account up to it have ended: those of an earlier run too, and none that
    /// is opened later. An account may be ended again; the higher number and the later time count.
    ///
    /// # Errors
    /// The sessions have ended for this node, and for others only when the registry can be reached again.
    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()>;

    /// The sessions that have ended, as far as this node knows. In local memory, and always the same one: the layer waits
    /// here for ends too.
    fn ended(&self) -> &EndedSessions;

    /// Whether a session has ended. Called on every request: no I/O, and no lock that is held for long.
    ///
    /// Says no less than [`ended`](Self::ended) does. A registry that has lost sessions can note here that this one is alive.
    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        self.ended().contain(session)
    }

    /// Whether what [`is_ended`](Self::is_ended) says is recent enough to rely on. While it is not, the layer
    /// answers requests that bring a session with 503 and signs nobody in or out. For readiness probes too. Called on
    /// every request.
    fn is_current(&self) -> bool {
        true
    }

    /// Whether what has ended is still known after this process ends. Where it is not, the layer warns of keys that
    /// outlive the process.
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

/// Up to where numbers follow the clock, in microseconds since the epoch: the year 2255. A clock that is wrong by more
/// leaves numbers for all sessions to come.
const CLOCK_ENDS: u64 = 1 << 53;

/// The number of a session opened now, or of an account's end, where `last` is the one before in the whole registry; 0 for none.
///
/// It grows with every call, and through a restart too, where the clock does not go back: numbers follow the clock in
/// microseconds. So they may start at 0 in a registry that forgets, and yet are above those of an earlier run. One that remembers
/// keeps the last number, in one place for all nodes, and reads and replaces it in one step.
#[must_use]
pub fn next_number(last: u64, now: UnixSeconds) -> u64 {
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
