//! The sessions that have ended, as one node knows them.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use super::{
    AccountId, RegisteredSession,
    forgetful::{ById, make_room},
};
use crate::{clock::UnixSeconds, session::SessionId};

/// How long an ended session is remembered beyond its expiry, in seconds. The clocks of nodes differ, and a clock
/// that is set back must not revive it. [`EndedSessions`] adds this by itself. A store has to keep its entries for as
/// long.
pub const GRACE: UnixSeconds = 3600;

/// Parts with a lock each, so that a request seldom waits for a logout, and a logout wakes few of the tasks that wait
/// for an end.
const SHARDS: usize = 64;

/// The sessions that have ended, in this process's memory: the part of every [`Registry`](super::Registry)
/// that is asked on every request.
///
/// Each entry is forgotten an hour after its session would have expired. An ended session takes at most 56
/// bytes.
pub struct EndedSessions {
    shards: [Shard; SHARDS],
    accounts: RwLock<HashMap<AccountId, Mark>>,
    /// Whether `accounts` has ever had an entry: most nodes never need an account's name.
    has_accounts: AtomicBool,
}

#[derive(Default)]
struct Shard {
    sessions: RwLock<Sessions>,
    changed: Notify,
}

#[derive(Default)]
struct Sessions {
    /// Until when each is remembered.
    until: ById<Minute>,
    /// Those that may be taken back, and how many callers have marked them as ended.
    #[cfg(feature = "redis")]
    provisional: ById<u32>,
}

impl Sessions {
    fn end(&mut self, id: SessionId, forget_at: Minute, now: UnixSeconds) {
        make_room(&mut self.until, |forget_at| forget_at.is_after(now));
        let known = self.until.entry(id).or_insert(forget_at);
        *known = forget_at.max(*known);
    }

    /// It can no longer be taken back.
    #[cfg(feature = "redis")]
    fn confirm(&mut self, id: SessionId) {
        if self.provisional.remove(&id).is_some() && self.provisional.is_empty() {
            self.provisional.shrink_to_fit();
        }
    }
}

/// All sessions of an account up to this number have ended.
#[derive(Clone, Copy, Debug)]
struct Mark {
    number: u64,
    forget_at: Minute,
}

/// Minutes since the epoch, which last beyond the year 10000 in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Minute(u32);

impl Minute {
    fn forgetting(expires_at: UnixSeconds) -> Self {
        let minutes = expires_at.saturating_add(GRACE).div_ceil(60);
        Self(u32::try_from(minutes).unwrap_or(u32::MAX))
    }

    fn is_after(self, now: UnixSeconds) -> bool {
        u64::from(self.0) > now / 60
    }

    /// When the session expires that is then forgotten, at most a minute too late.
    #[cfg(feature = "redis")]
    fn expires_at(self) -> UnixSeconds {
        (u64::from(self.0) * 60).saturating_sub(GRACE)
    }
}

impl Default for EndedSessions {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            accounts: RwLock::default(),
            has_accounts: AtomicBool::new(false),
        }
    }
}

impl EndedSessions {
    /// No session has ended.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a session has ended. `expires_at` is when it would have expired.
    pub fn end(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        let forget_at = Minute::forgetting(expires_at);
        let shard = self.shard(id);
        {
            let mut sessions = write(&shard.sessions);
            sessions.end(id, forget_at, now);
            #[cfg(feature = "redis")]
            sessions.confirm(id);
        }
        shard.changed.notify_waiters();
    }

    /// Notes that all sessions of an account up to `number` have ended. `expires_at` is when the last of them would
    /// have expired.
    pub fn end_all(
        &self,
        account: AccountId,
        number: u64,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) {
        let new = Mark {
            number,
            forget_at: Minute::forgetting(expires_at),
        };
        {
            let mut accounts = write(&self.accounts);
            make_room(&mut accounts, |mark| mark.forget_at.is_after(now));
            let known = accounts.entry(account).or_insert(new);
            known.number = new.number.max(known.number);
            known.forget_at = new.forget_at.max(known.forget_at);
        }
        self.has_accounts.store(true, Ordering::Release);
        for shard in &self.shards {
            shard.changed.notify_waiters();
        }
    }

    /// Whether a session has ended. Takes one look-up behind a read lock, and a second one if some account was ended
    /// as a whole.
    #[must_use]
    pub fn contain(&self, session: &RegisteredSession<'_>) -> bool {
        self.contain_id(session.id)
            || self.has_accounts.load(Ordering::Acquire)
                && read(&self.accounts)
                    .get(&session.account())
                    .is_some_and(|mark| session.number <= mark.number)
    }

    /// Whether the session with this id was ended by itself, not with its account.
    #[must_use]
    pub fn contain_id(&self, id: SessionId) -> bool {
        read(&self.shard(id).sessions).until.contains_key(&id)
    }

    /// Returns when the session has ended: at once, or when it ends later.
    pub async fn wait_for(&self, session: &RegisteredSession<'_>) {
        let changed = &self.shard(session.id).changed;
        loop {
            let mut next = std::pin::pin!(changed.notified());
            // From here on no change is missed, not even one that comes before the first poll.
            next.as_mut().enable();
            if self.contain(session) {
                return;
            }
            next.await;
        }
    }

    /// The number of entries, including those that may be forgotten.
    #[must_use]
    pub fn len(&self) -> usize {
        let shards = self.shards.iter();
        let sessions = shards.map(|shard| read(&shard.sessions).until.len());
        sessions.sum::<usize>() + read(&self.accounts).len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, id: SessionId) -> &Shard {
        let [.., last] = *id.as_bytes();
        &self.shards[usize::from(last) % SHARDS]
    }
}

/// For a registry that compares what it knows with what others know.
#[cfg(feature = "redis")]
impl EndedSessions {
    /// Marks a session as ended for now. Returns `false` if its end is certain already. Otherwise
    /// [`release`](Self::release) or [`confirm`](Self::confirm) has to follow, once.
    pub(crate) fn end_provisionally(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> bool {
        let shard = self.shard(id);
        let is_provisional = {
            let mut sessions = write(&shard.sessions);
            let is_sure =
                sessions.until.contains_key(&id) && !sessions.provisional.contains_key(&id);
            sessions.end(id, Minute::forgetting(expires_at), now);
            if !is_sure {
                let holders = sessions.provisional.entry(id).or_default();
                *holders = holders.saturating_add(1);
            }
            !is_sure
        };
        shard.changed.notify_waiters();
        is_provisional
    }

    /// Takes such a mark back, unless another caller has marked the session too or its end is certain by now.
    pub(crate) fn release(&self, id: SessionId) {
        let mut sessions = write(&self.shard(id).sessions);
        let Some(holders) = sessions.provisional.get_mut(&id) else {
            return;
        };
        if *holders > 1 {
            *holders -= 1;
            return;
        }
        sessions.confirm(id);
        sessions.until.remove(&id);
    }

    /// Confirms that the marked session has ended for good.
    pub(crate) fn confirm(&self, id: SessionId) {
        write(&self.shard(id).sessions).confirm(id);
    }

    /// All ended sessions, and when they expire, at most a minute too late.
    pub(crate) fn sessions(&self) -> Vec<(SessionId, UnixSeconds)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let sessions = read(&shard.sessions);
            let sessions = sessions.until.iter();
            all.extend(sessions.map(|(&id, until)| (id, until.expires_at())));
        }
        all
    }

    /// All accounts with ended sessions: up to which number they have ended, and when the last of them expires.
    pub(crate) fn accounts(&self) -> Vec<(AccountId, u64, UnixSeconds)> {
        let accounts = read(&self.accounts);
        let accounts = accounts.iter();
        accounts
            .map(|(&account, mark)| (account, mark.number, mark.forget_at.expires_at()))
            .collect()
    }
}

/// Shows how many there are, not which.
impl fmt::Debug for EndedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndedSessions")
            .field("len", &self.len())
            .finish()
    }
}

/// A panic elsewhere leaves the maps whole: every change is a single insert or remove.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{future::Future as _, task::Poll};

    use super::*;

    const NOW: UnixSeconds = 1_700_000_000;
    const LATER: UnixSeconds = NOW + 8 * 3600;

    fn session(n: u8, number: u64, user: &str) -> RegisteredSession<'_> {
        RegisteredSession::new([n; 16].into(), number, LATER, "https://cas", user)
    }

    #[test]
    fn a_session_is_in_once_it_was_ended() {
        let ended = EndedSessions::new();
        assert!(!ended.contain(&session(1, 5, "alice")));
        ended.end([1; 16].into(), LATER, NOW);
        assert!(ended.contain(&session(1, 5, "alice")));
        assert!(!ended.contain(&session(2, 6, "alice")));
    }

    #[test]
    fn all_of_an_accounts_sessions_up_to_a_number_are_in_and_nobody_elses() {
        let ended = EndedSessions::new();
        ended.end_all(AccountId::of("https://cas", "alice"), 5, LATER, NOW);
        for (number, expected) in [(0, true), (4, true), (5, true), (6, false)] {
            assert_eq!(ended.contain(&session(1, number, "alice")), expected);
        }
        assert!(!ended.contain(&session(1, 4, "bob")));
        let elsewhere = RegisteredSession {
            cas_url: "https://other",
            ..session(1, 4, "alice")
        };
        assert!(!ended.contain(&elsewhere));
        // An older mark does not take a newer one back.
        ended.end_all(AccountId::of("https://cas", "alice"), 3, NOW, NOW);
        assert!(ended.contain(&session(1, 5, "alice")));
    }

    #[test]
    fn an_entry_stays_for_an_hour_beyond_expiry_and_not_for_ever() {
        let ended = EndedSessions::new();
        let fill = |from: u64, now: UnixSeconds| {
            for n in from..from + 10_000 {
                let mut id = [0; 16];
                id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
                id[15] = u8::try_from(n % 256).unwrap();
                ended.end(id.into(), now + 60, now);
            }
        };
        ended.end([1; 16].into(), LATER, NOW);
        fill(0, LATER + GRACE - 60);
        assert!(ended.contain(&session(1, 0, "alice")));
        for hour in 2..50 {
            fill(hour * 10_000, LATER + hour * GRACE);
        }
        assert!(!ended.contain(&session(1, 0, "alice")));
        assert!(ended.len() <= 45_000, "{}", ended.len());
    }

    #[cfg(feature = "redis")]
    #[test]
    fn what_is_in_can_be_listed() {
        let ended = EndedSessions::new();
        assert!(ended.end_provisionally([1; 16].into(), LATER, NOW));
        ended.end([2; 16].into(), LATER + 1, NOW);
        let alice = AccountId::of("https://cas", "alice");
        ended.end_all(alice, 5, LATER, NOW);
        let mut sessions = ended.sessions();
        sessions.sort_unstable();
        let late = LATER.div_ceil(60) * 60;
        let later = (LATER + 1).div_ceil(60) * 60;
        assert_eq!(sessions, [([1; 16].into(), late), ([2; 16].into(), later)]);
        assert_eq!(ended.accounts(), [(alice, 5, late)]);
        ended.release([1; 16].into());
        assert!(!ended.contain_id([1; 16].into()));
        assert!(ended.contain_id([2; 16].into()));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn only_the_last_who_took_a_session_for_ended_takes_that_back() {
        let (ended, id) = (EndedSessions::new(), [1; 16].into());
        let take = || ended.end_provisionally(id, LATER, NOW);
        assert!(take() && take());
        ended.release(id);
        assert!(ended.contain_id(id));
        ended.release(id);
        assert!(!ended.contain_id(id));
        // Nobody does once it is sure, even if another call came first.
        for is_said_again in [true, false] {
            let (ended, id) = (EndedSessions::new(), [1; 16].into());
            let take = || ended.end_provisionally(id, LATER, NOW);
            assert!(take() && take());
            if is_said_again {
                ended.end(id, NOW, NOW);
            } else {
                ended.confirm(id);
            }
            assert!(!take());
            ended.release(id);
            ended.release(id);
            assert!(ended.contain_id(id));
            assert!(
                ended
                    .shards
                    .iter()
                    .all(|shard| read(&shard.sessions).provisional.is_empty())
            );
        }
    }

    #[test]
    fn who_waits_for_an_end_is_woken_by_that_end_alone() {
        let ended = EndedSessions::new();
        let (alice, bob) = (session(1, 1, "alice"), session(65, 2, "bob"));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut first = std::pin::pin!(ended.wait_for(&alice));
        let mut second = std::pin::pin!(ended.wait_for(&bob));
        assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        ended.end(alice.id, LATER, NOW);
        assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(()));
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        ended.end_all(bob.account(), 2, LATER, NOW);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(()));
    }
}
