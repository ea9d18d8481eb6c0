//! The sessions that have ended, as one node knows them.

#[cfg(any(test, feature = "testing"))]
use std::time::Duration;
use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Instant,
};

use tokio::sync::Notify;

use super::{
    AccountId, RegisteredSession,
    forgetful::{ById, make_room},
    latest::Latest,
    run_time::{Moment, RunTime, ShortTerm, Term},
};
use crate::{clock::UnixSeconds, session::SessionId};

/// Parts with a lock each, so that a request seldom waits for a logout, and a logout wakes few of the tasks that wait
/// for an end.
const SHARDS: usize = 64;

/// The sessions that have ended, in this process's memory: the part of every [`Registry`](super::Registry)
/// that is asked on every request.
///
/// # How long
///
/// The clock of a node may be wrong for a while, and be corrected. So an entry is forgotten only when two clocks say
/// so, each with an hour's [grace](super::GRACE):
///
/// - by the clock of the callers, the session would have expired;
/// - the process has run for as long as the longest session lasts since it learned of the end, whatever a clock said
///   meanwhile. The longest session is the longest that [`saw_lifetime`](Self::saw_lifetime) was told of, and 8 hours
///   at least. What was left of this session when its end was learned of counts if it is more.
///
/// What this means:
///
/// - An entry is kept for at most an hour and a quarter beyond the longest lifetime after its end was learned of; if
///   the clock that opened the session was ahead, for as much longer. A clock that was behind by up to 366 days when
///   the end was learned of adds what it was behind. Learning of an end again adds nothing.
/// - A clock that is ahead, even by years, forgets nothing while it is ahead for less than the longest session and an
///   hour. If it is ahead for longer, no session is forgotten that was opened before. Of those that were opened and
///   ended under the wrong clock, both clocks may have forgotten some. Once the clock is set back, copies of their
///   cookies are refused as from the future at first. When the right time gets to where the wrong clock was, they
///   would work for the rest of their lifetime.
///
/// An ended session takes at most 56 bytes.
pub struct EndedSessions {
    shards: [Shard; SHARDS],
    run_time: RunTime,
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
    until: ById<ShortTerm>,
    latest: Latest,
    /// Those that may be taken back, and how many callers have marked them as ended.
    #[cfg(feature = "redis")]
    provisional: ById<u32>,
}

impl Sessions {
    fn end(&mut self, id: SessionId, term: Term, moment: Moment) {
        make_room(&mut self.until, |&term| !moment.is_past_ended(term.into()));
        match self.until.entry(id) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                *known = Term::from(*known).or_later(term).into();
            }
            Entry::Vacant(new) => {
                new.insert(term.into());
                self.latest.note(id);
            }
        }
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
    term: Term,
    /// Up to which number they count as ended until the store has said up to which they have, and how many callers wait for
    /// it to say so.
    #[cfg(feature = "redis")]
    supposed: (u64, u32),
}

impl Mark {
    fn new(number: u64, term: Term) -> Self {
        Self {
            number,
            term,
            #[cfg(feature = "redis")]
            supposed: (0, 0),
        }
    }

    /// Sessions up to here count as ended.
    fn up_to(&self) -> u64 {
        #[cfg(feature = "redis")]
        return self.number.max(self.supposed.0);
        #[cfg(not(feature = "redis"))]
        self.number
    }

    /// For one more caller.
    #[cfg(feature = "redis")]
    fn suppose(&mut self, number: u64, term: Term) {
        if number > self.up_to() {
            self.term.run = self.term.run.max(term.run);
        }
        self.term = self.term.or_later(term);
        let (highest, callers) = self.supposed;
        self.supposed = (highest.max(number), callers.saturating_add(1));
    }

    fn and(&mut self, number: u64, term: Term) {
        if number > self.number {
            // It covers sessions that were opened since.
            self.number = number;
            self.term.run = self.term.run.max(term.run);
        }
        self.term = self.term.or_later(term);
    }
}

impl Default for EndedSessions {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            run_time: RunTime::new(),
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

    /// Notes that sessions last for so many seconds, for as long as this is there: an end is remembered for as long
    /// as the longest. A registry calls it when it opens a session, with what that is to last, and when it learns how
    /// long sessions last on other nodes. If nobody calls it, 8 hours are assumed. It never takes more than
    /// [`LONGEST`](super::LONGEST).
    pub fn saw_lifetime(&self, seconds: UnixSeconds) {
        self.run_time.saw_lifetime(seconds);
    }

    /// What is left of a session that is known to have ended, in seconds, for a store that lacks it. What seems to have
    /// expired may not have: the clock of this machine may be ahead.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn left(&self, expires_at: UnixSeconds, now: UnixSeconds) -> UnixSeconds {
        let longest = self.run_time.at(now).longest;
        match expires_at.saturating_sub(now) {
            0 => longest,
            left => left.min(longest),
        }
    }

    /// The clock by which entries are forgotten.
    pub(super) fn run_time(&self) -> &RunTime {
        &self.run_time
    }

    /// As if the process had run for so much longer.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn run_for(&self, time: Duration) {
        self.run_time.advance(time);
    }

    /// Notes that a session has ended. `expires_at` is when it would have expired.
    pub fn end(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        let moment = self.run_time.at(now);
        self.end_until(id, moment.of_ended(expires_at), moment);
    }

    /// Notes that a session has ended, of which it was learned before.
    pub(super) fn end_until(&self, id: SessionId, term: Term, moment: Moment) {
        let shard = self.shard(id);
        {
            let mut sessions = write(&shard.sessions);
            sessions.end(id, term, moment);
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
        let moment = self.run_time.at(now);
        self.end_all_until(account, number, moment.of_ended(expires_at), moment);
    }

    /// Notes the end of an account's sessions, of which it was learned before.
    pub(super) fn end_all_until(
        &self,
        account: AccountId,
        number: u64,
        term: Term,
        moment: Moment,
    ) {
        {
            let mut accounts = write(&self.accounts);
            make_room(&mut accounts, |mark| !moment.is_past_ended(mark.term));
            match accounts.entry(account) {
                Entry::Occupied(mut known) => known.get_mut().and(number, term),
                Entry::Vacant(new) => {
                    new.insert(Mark::new(number, term));
                }
            }
        }
        self.accounts_changed();
    }

    fn accounts_changed(&self) {
        self.has_accounts.store(true, Ordering::Release);
        for shard in &self.shards {
            shard.changed.notify_waiters();
        }
    }

    /// Whether a session has ended, by itself, with its family or with its account. Takes one look-up behind a read
    /// lock, a second one if it has a family, and a third one if some account was ended as a whole.
    #[must_use]
    pub fn contain(&self, session: &RegisteredSession<'_>) -> bool {
        self.contain_id(session.id)
            || session.family.is_some_and(|family| self.contain_id(family))
            || self.has_accounts.load(Ordering::Acquire)
                && read(&self.accounts)
                    .get(&session.account())
                    .is_some_and(|mark| session.number <= mark.up_to())
    }

    /// Whether the session or family with this id was ended by itself, not with its family or account.
    #[must_use]
    pub fn contain_id(&self, id: SessionId) -> bool {
        read(&self.shard(id).sessions).until.contains_key(&id)
    }

    /// Whether the session or family with this id has ended, and this node may have learned of it since then.
    pub(crate) fn contain_since(&self, id: SessionId, since: Instant) -> bool {
        let sessions = read(&self.shard(id).sessions);
        sessions.until.contains_key(&id) && sessions.latest.may_contain(id, since)
    }

    /// Returns when the session has ended: at once, or when it ends later.
    pub async fn wait_for(&self, session: &RegisteredSession<'_>) {
        let changed = |id| &self.shard(id).changed;
        let (own, family) = (session.id, session.family.unwrap_or(session.id));
        loop {
            let mut next = pin!(changed(own).notified());
            let mut next_of_family = pin!(changed(family).notified());
            // From here on no change is missed, not even one that comes before the first poll.
            next.as_mut().enable();
            next_of_family.as_mut().enable();
            if self.contain(session) {
                return;
            }
            poll_fn(|context| {
                let is_own = next.as_mut().poll(context).is_ready();
                if is_own || next_of_family.as_mut().poll(context).is_ready() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
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
            let moment = self.run_time.at(now);
            sessions.end(id, moment.of_ended(expires_at), moment);
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

    /// Takes all sessions of an account up to `number` for ended. The store numbers sessions, and this node may be wrong about
    /// its numbers: [`end_all_as_told`](Self::end_all_as_told) follows once the store has answered. Until then this counts.
    pub(crate) fn end_all_for_now(
        &self,
        account: AccountId,
        number: u64,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) {
        let moment = self.run_time.at(now);
        let term = moment.of_ended(expires_at);
        {
            let mut accounts = write(&self.accounts);
            make_room(&mut accounts, |mark| !moment.is_past_ended(mark.term));
            let known = accounts.entry(account);
            known.or_insert(Mark::new(0, term)).suppose(number, term);
        }
        self.accounts_changed();
    }

    /// Notes up to which number the store has ended an account's sessions, for one of those callers.
    pub(crate) fn end_all_as_told(
        &self,
        account: AccountId,
        number: u64,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) {
        self.end_all(account, number, expires_at, now);
        if let Some(mark) = write(&self.accounts).get_mut(&account) {
            mark.supposed = match mark.supposed {
                (highest, callers @ 2..) => (highest, callers - 1),
                _ => (0, 0),
            };
        }
    }
}

/// For a registry that gives back to its store what that has lost.
#[cfg(any(feature = "postgres", feature = "redis"))]
impl EndedSessions {
    /// All ended sessions, and when they expire, at most a minute too late.
    pub(crate) fn sessions(&self) -> Vec<(SessionId, UnixSeconds)> {
        let terms = self.terms().into_iter();
        terms.map(|(id, term)| (id, term.expires_at)).collect()
    }

    /// All accounts with ended sessions: up to which number they have ended, and when the last of them expires.
    pub(crate) fn accounts(&self) -> Vec<(AccountId, u64, UnixSeconds)> {
        let marks = self.marks().into_iter();
        marks
            .map(|(account, number, term)| (account, number, term.expires_at))
            .collect()
    }
}

/// For a registry that compares what it knows with what is stored.
#[cfg(any(feature = "file", feature = "postgres", feature = "redis"))]
impl EndedSessions {
    /// All ended sessions.
    pub(super) fn terms(&self) -> Vec<(SessionId, Term)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let sessions = read(&shard.sessions);
            let sessions = sessions.until.iter();
            all.extend(sessions.map(|(&id, &until)| (id, until.into())));
        }
        all
    }

    /// All accounts with ended sessions, and up to which number they have ended.
    pub(super) fn marks(&self) -> Vec<(AccountId, u64, Term)> {
        let accounts = read(&self.accounts);
        let accounts = accounts.iter();
        accounts
            .map(|(&account, mark)| (account, mark.up_to(), mark.term))
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
    use super::*;
    use crate::registry::GRACE;

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
    fn a_family_ends_with_all_of_its_sessions_and_nobody_elses() {
        let ended = EndedSessions::new();
        let of = |n, family: u8| session(n, 1, "alice").in_family(Some([family; 16].into()));
        ended.end([1; 16].into(), LATER, NOW);
        assert!(ended.contain(&of(1, 9)));
        assert!(!ended.contain(&of(2, 9)), "one session is not the family");
        ended.end([9; 16].into(), LATER, NOW);
        assert!(ended.contain(&of(2, 9)) && ended.contain(&of(3, 9)));
        assert!(!ended.contain(&of(2, 8)) && !ended.contain(&session(2, 1, "alice")));
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
        ended.run_for(Duration::from_secs(LATER - NOW + GRACE - 60));
        fill(0, LATER + GRACE - 60);
        assert!(ended.contain(&session(1, 0, "alice")));
        for hour in 2..50 {
            ended.run_for(Duration::from_secs(GRACE));
            fill(hour * 10_000, LATER + hour * GRACE);
        }
        assert!(!ended.contain(&session(1, 0, "alice")));
        // Those of the last nine hours, and as many again at most.
        assert!(ended.len() <= 200_000, "{}", ended.len());
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
        assert_eq!(ended.accounts(), [(alice, 5, LATER)]);
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
        let mut first = pin!(ended.wait_for(&alice));
        let mut second = pin!(ended.wait_for(&bob));
        assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        ended.end(alice.id, LATER, NOW);
        assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(()));
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        ended.end_all(bob.account(), 2, LATER, NOW);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(()));
        let family = [3; 16];
        let carol = session(2, 3, "carol").in_family(Some(family.into()));
        let mut third = pin!(ended.wait_for(&carol));
        assert_eq!(third.as_mut().poll(&mut context), Poll::Pending);
        ended.end(family.into(), LATER, NOW);
        assert_eq!(third.as_mut().poll(&mut context), Poll::Ready(()));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn what_a_node_supposes_of_an_account_counts_until_the_store_has_said_it() {
        let ended = EndedSessions::new();
        let (before, after) = (session(1, 10, "alice"), session(2, 20, "alice"));
        let alice = before.account();
        ended.end_all_for_now(alice, 25, LATER, NOW);
        ended.end_all_for_now(alice, 30, LATER, NOW);
        assert!(ended.contain(&before) && ended.contain(&after));
        ended.end_all_as_told(alice, 14, LATER, NOW);
        // Somebody else waits for the answer.
        assert!(ended.contain(&before) && ended.contain(&after));
        ended.end_all_as_told(alice, 15, LATER, NOW);
        assert!(ended.contain(&before) && !ended.contain(&after));
        ended.end_all_for_now(alice, 40, LATER, NOW);
        assert!(ended.contain(&after));
        // The store never answers, and is told again of all that is known here.
        assert_eq!(ended.accounts()[0].1, 40);
    }
}
