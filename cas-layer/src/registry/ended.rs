//! The sessions that have ended, as one node knows them.

#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "testing"))]
use std::time::Duration;
use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::Instant,
};

use tokio::sync::Notify;

use super::{
    AccountId, RegisteredSession,
    forgetful::{ById, make_room},
    latest::Latest,
    numbered::Numbered,
    run_time::{Moment, RunTime, ShortTerm, Term},
};
use crate::{clock::UnixSeconds, session::SessionId};

#[cfg(test)]
mod terms;

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
    accounts: Numbered<HashMap<AccountId, Mark>>,
}

#[derive(Default)]
struct Shard {
    sessions: Numbered<Sessions>,
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
            accounts: Numbered::default(),
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
            let mut sessions = shard.sessions.write();
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
            let mut accounts = self.accounts.write();
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
        for shard in &self.shards {
            shard.changed.notify_waiters();
        }
    }

    /// Whether a session has ended, by itself, with its family or with its account. Takes one look-up behind a read
    /// lock, a second one if it has a family, and a third one if some account was ended as a whole. The layer asks about
    /// the same session again and again: as long as nothing has changed where these look-ups were made, it takes none.
    #[must_use]
    pub fn contain(&self, session: &RegisteredSession<'_>) -> bool {
        let Some(looked_up) = session.looked_up() else {
            return self.look_up(session);
        };
        // First the number, then the look-up: a change in between has a higher number, and there is another look-up.
        let change = self.last_change(session);
        if looked_up.is_open_as_of(change) {
            return false;
        }
        let has_ended = self.look_up(session);
        if !has_ended {
            looked_up.note_open(change);
        }
        has_ended
    }

    /// The highest number of a change where this session is looked up.
    fn last_change(&self, session: &RegisteredSession<'_>) -> u64 {
        let of = |id| self.shard(id).sessions.change();
        let family = session.family.map_or(0, of);
        self.accounts.change().max(of(session.id)).max(family)
    }

    fn look_up(&self, session: &RegisteredSession<'_>) -> bool {
        self.contain_id(session.id)
            || session.family.is_some_and(|family| self.contain_id(family))
            || self.contain_account(session)
    }

    /// Takes the lock even if there was no change: a change of which the number cannot be seen yet is waited for.
    fn contain_account(&self, session: &RegisteredSession<'_>) -> bool {
        let accounts = self.accounts.read();
        // Most nodes never end a whole account, and never need an account's name.
        !accounts.is_empty()
            && accounts
                .get(&session.account())
                .is_some_and(|mark| session.number <= mark.up_to())
    }

    /// Whether the session or family with this id was ended by itself, not with its family or account.
    #[must_use]
    pub fn contain_id(&self, id: SessionId) -> bool {
        self.shard(id).sessions.read().until.contains_key(&id)
    }

    /// Whether the session or family with this id has ended, and this node may have learned of it since then.
    pub(crate) fn contain_since(&self, id: SessionId, since: Instant) -> bool {
        let sessions = self.shard(id).sessions.read();
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
        let sessions = shards.map(|shard| shard.sessions.read().until.len());
        sessions.sum::<usize>() + self.accounts.read().len()
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
            let mut sessions = shard.sessions.write();
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
        let mut sessions = self.shard(id).sessions.write();
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
        self.shard(id).sessions.write().confirm(id);
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
            let mut accounts = self.accounts.write();
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
        if let Some(mark) = self.accounts.write().get_mut(&account) {
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
            let sessions = shard.sessions.read();
            let sessions = sessions.until.iter();
            all.extend(sessions.map(|(&id, &until)| (id, until.into())));
        }
        all
    }

    /// All accounts with ended sessions, and up to which number they have ended.
    pub(super) fn marks(&self) -> Vec<(AccountId, u64, Term)> {
        let accounts = self.accounts.read();
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
