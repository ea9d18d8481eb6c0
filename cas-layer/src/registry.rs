//! Which sessions were opened and which have ended, and what does not fit into their cookies.
//!
//! An app needs one of the registries in this crate, [`MemoryRegistry`] by default. This module is for code that
//! calls a registry itself, or brings its own.

mod account;
mod begun;
mod ended;
mod error;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod fair;
mod families;
#[cfg(feature = "file")]
pub(crate) mod file;
mod forgetful;
mod grants;
mod latest;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod limits;
pub(crate) mod memory;
mod numbered;
mod opened;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod recent;
#[cfg(feature = "redis")]
pub(crate) mod redis;
mod run_time;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod seen;
mod sender;
mod storage;
#[cfg(any(feature = "file", feature = "postgres", feature = "redis"))]
mod turns;

use std::{fmt, time::Duration};

pub use account::{AccountId, RegisteredSession};
pub(crate) use begun::Begun;
pub use ended::EndedSessions;
pub use error::{RegistryError, RegistryErrorKind, RegistryFuture};
pub use families::SessionFamilies;
pub use grants::{Delivered, Expected, GrantPairs, IouId, ProxyGrants};
pub use opened::Opened;
pub use run_time::{GRACE, LONGEST};
pub use sender::{LogoutSender, LogoutShare, SourceId};
pub use storage::{Item, Sealed, SessionStorage};

#[cfg(doc)]
use crate::MemoryRegistry;
pub use crate::clock::UnixSeconds;
use crate::session::SessionId;

/// Remembers which sessions were opened and which have ended, until they would have expired anyway.
///
/// The cookie is the session. What is too large for it goes to a registry's [`storage`](Self::storage). The layer asks
/// [`is_ended`](Self::is_ended) on every request, and everything else when a user signs in or out:
///
/// 1. [`begin`](Self::begin), before a ticket is validated. From here on, a logout for it is heard.
/// 2. [`open`](Self::open), when the CAS server vouched for the user, and before the user is told; or
///    [`abandon`](Self::abandon), when it did not.
/// 3. [`end`](Self::end), for a session whose cookie was shown; [`end_if_opened`](Self::end_if_opened), for a session
///    that a single-logout message names; [`end_all`](Self::end_all), for all sessions of a user.
///
/// Tabs of a browser that sign in at the same time open sessions that end together: a [family](SessionFamilies). A session
/// counts as ended if its family has ended.
///
/// [`MemoryRegistry`] serves one process. `FileRegistry` (feature `file`) keeps what it knows through a
/// crash. `RedisRegistry` (feature `redis`) and `PostgresRegistry` (feature `postgres`) serve many nodes.
///
/// # Contract
///
/// - An answer of `Ok` holds: no node that asks later accepts the session, as far as the registry is durable. Other
///   nodes follow within the registry's own delay.
/// - A session that was not ended is never reported as ended.
/// - Each call is one step. Of two calls at the same time, one comes first, on one node and between nodes.
///   Only [`is_ended`](Self::is_ended) may see that the sessions of one message end one after another. Those of a family end at once.
///   If nodes share a store, `is_ended` may see an end before or after the other calls do, but not after a call of the same
///   node was answered that made the end or found it. And an [`abandon`](Self::abandon) may be done some time later.
/// - `end_if_opened` comes from the network. An id that was neither begun nor opened leaves no trace. It takes no
///   room from sign-ins, sign-outs, or messages of another [`LogoutSender`].
/// - A future that is dropped has either done its work or done nothing.
/// - No future takes longer than about a second. If something cannot be reached by then, the future returns an error.
/// - What is remembered is bounded by what is live: a ticket under validation until its `lasts` is over, an open
///   session until it expires, an end until [`GRACE`] after that. All of it may be remembered longer, and an end for as
///   long as the longest session lasts and an hour: see [`EndedSessions`].
/// - A clock that is wrong for a while is no reason to forget: once it is right again, what had ended has ended still,
///   and a logout finds each session that is open. So nothing is left out when a registry starts, and what `now` says is
///   not enough to delete an entry.
///
/// Times are in seconds since the Unix epoch, by the clock of the calling node. They may go back.
///
/// # A registry of your own
///
/// A registry has two parts. The store knows which sessions have begun, are open and have ended; its calls may wait.
/// Each node also has an [`EndedSessions`], which every request asks without waiting. So
///
/// - `end` and `end_all` note the end first in their node's `EndedSessions`, and then in the store. If the store is
///   away, the session has still ended for this node, and the call fails. The registry then has to tell the store
///   again, until the store has heard or the session would have expired.
/// - `end_if_opened` asks the store first, since only the store knows whether the session was opened. It notes the
///   end on the node before it answers `Ok`.
/// - Ends of other nodes are brought to each node's `EndedSessions`, by a feed of the store or by polling it.
///   [`is_current`](Self::is_current) returns `false` once that has not worked for too long.
/// - A registry that starts reads all ends from the store before it is used.
/// - The store deletes by a clock of its own, or by two as `EndedSessions` does. It counts from when it learned of an
///   entry, since what a node's clock says may be wrong.
/// - `EndedSessions` is told how long sessions last: [`EndedSessions::saw_lifetime`].
///
/// [`next_number`] gives numbers, [`GRACE`] and [`LONGEST`] say how long to remember, and [`GrantPairs`] is all of
/// [`ProxyGrants`] for a registry of one process. `testing::registry_contract` (feature `testing`) tests whether a
/// registry keeps this contract. The example `own_registry` is one that does.
///
/// A restart may lose what had begun: those sign-ins are not completed. If
/// [`outlives_process`](Self::outlives_process) is `false`, it may also lose open sessions, so that a single logout
/// does not find them, and ended ones.
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Notes that the ticket with this id is about to be validated, for at most `lasts`.
    ///
    /// The same ticket may begin several times at once; each is opened or abandoned by itself. An ended one may begin
    /// too: [`open`](Self::open) then refuses it.
    ///
    /// # Errors
    /// The registry cannot be reached. The ticket is then not validated, and nobody is signed in.
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()>;

    /// Takes one `begin` back. Does not wait. An id that was opened meanwhile stays open. Once every `begin` of an id
    /// that was not opened has been taken back, a logout that came for it meanwhile may be forgotten too.
    ///
    /// The layer calls it for each `begin` without an [`open`](Self::open) that returned `Ok`, even if `begin` itself
    /// failed or was dropped. So there may be nothing to take back. It may be called outside of a runtime, when
    /// futures are dropped. If the store is away, `lasts` ends it.
    ///
    /// It is best done in order with this node's later calls: a reload begins the same ticket again, and its sign-in
    /// fails if that `begin` is taken back instead. [`open`](Self::open) of an id that has not begun, or no longer,
    /// may return an error.
    fn abandon(&self, id: SessionId);

    /// Opens a session that had begun, unless it was ended since; both in one step. A session that is open already
    /// stays open until the later of the two times. With a bare service URL the layer first opens a session for some
    /// minutes, so that a logout is heard while the user is asked to confirm their name.
    ///
    /// Each time, the session gets a number that is higher than all before, on all nodes: see [`next_number`]. A
    /// session that was ended has ended for good: each `open` of it is answered with [`Opened::Ended`], even after it
    /// has begun again.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Full`], or the registry cannot be reached. Nobody is signed in then, and no other session
    /// ends to make room. It is not certain whether the session is open in the store; [`abandon`](Self::abandon)
    /// follows.
    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened>;

    /// Ends a session whose seal was verified, or a family. This is always recorded, whether the session is known or
    /// not. A second call changes nothing. A session that is being validated ends too.
    /// One that has expired by `now` ends like any other: the clocks of nodes differ, and may be set right later.
    ///
    /// # Errors
    /// The session has ended for this node. Other nodes learn of it only when the registry can be reached again.
    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()>;

    /// Ends those of these sessions that were begun or opened, and returns them in the order of `ids`. It returns
    /// only sessions that had not ended before: if several callers end one at the same time, only one of them gets
    /// it. A session that had only begun will not open. If this registry has [`families`](Self::families), the families
    /// of the ended sessions end in the same step.
    ///
    /// `ids` has at most 64 ids: two for each ticket of a message. `sender` says whose room the call takes if it has to wait. A registry in
    /// which nothing waits need not look at it.
    ///
    /// # Errors
    /// It is not certain that the end will be remembered. The sender is told so, and may send the message again.
    /// [`RegistryErrorKind::Full`] if too many wait.
    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>>;

    /// Ends every session of an account that has been opened until now. `expires_at` is when the last of them would
    /// have expired.
    ///
    /// A registry does not know whose sessions it has. It takes a number as [`open`](Self::open) does, and notes by
    /// [`EndedSessions::end_all`] that all sessions of the account up to this number have ended. This covers sessions
    /// of an earlier run too, and none that is opened later. If an account is ended again, the higher number and the
    /// later time apply.
    ///
    /// # Errors
    /// The sessions have ended for this node. Other nodes learn of it only when the registry can be reached again.
    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()>;

    /// The sessions that have ended, as far as this node knows. It is in local memory, and always the same one: the
    /// layer waits here for ends too.
    fn ended(&self) -> &EndedSessions;

    /// Whether a session has ended. Called on every request: no I/O, and no lock that is held for long.
    ///
    /// Must not report fewer ends than [`ended`](Self::ended). A registry that has lost sessions can note here that
    /// this one is alive.
    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        self.ended().contain(session)
    }

    /// Whether the answers of [`is_ended`](Self::is_ended) are recent enough to rely on. While they are not, the
    /// layer answers a request with a session with 503 if its path requires a user, and signs nobody in or out. For readiness probes too.
    /// Called on every request.
    fn is_current(&self) -> bool {
        true
    }

    /// Whether the registry still knows the ended sessions after this process ends. If it does not, the layer warns
    /// of keys that outlive the process.
    fn outlives_process(&self) -> bool {
        true
    }

    /// Where proxy-granting tickets are matched with their sign-ins. `None`, the default, if this registry does not
    /// handle them.
    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        None
    }

    /// Where sessions are opened that end together. `None`, the default, if this registry knows no families. Then a
    /// single-logout message ends only the session that it names.
    fn families(&self) -> Option<&dyn SessionFamilies> {
        None
    }

    /// Where something is kept for open sessions. `None`, the default, if this registry keeps nothing. Then a session
    /// that does not fit into a cookie cannot be opened.
    fn storage(&self) -> Option<&dyn SessionStorage> {
        None
    }
}

/// Numbers follow the clock up to here, in microseconds since the epoch: the year 2255. A clock that is wrong by more
/// still leaves numbers for all sessions to come.
const CLOCK_ENDS: u64 = 1 << 53;

/// The number of a session opened now, or of an account's end. `last` is the previous number in the whole registry,
/// or 0 if there was none.
///
/// The number grows with every call. It follows the clock in microseconds, so it also grows through a restart, if the
/// clock does not go back. So a registry that forgets may start with a `last` of 0, and its numbers are still above
/// those of an earlier run. A registry that remembers keeps the last number in one place for all nodes, and reads and
/// replaces it in one step.
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
