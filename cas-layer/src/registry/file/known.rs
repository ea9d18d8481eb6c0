//! What a file registry holds in memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock::UnixSeconds,
    registry::{AccountId, EndedSessions, forgetful::ById, next_number},
    session::SessionId,
};

/// Shared by the callers and the thread that writes.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) ended: EndedSessions,
    /// Taken before a lock of `ended` where both are needed.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: ById<Begun>,
    unsaved: Unsaved,
    last_number: u64,
}

/// A ticket that this many callbacks are validating, and whether a logout came in between.
#[derive(Clone, Copy, Debug)]
struct Begun {
    callbacks: u32,
    ended: bool,
}

/// Ends that hold for this process and are not in the file yet.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    /// When each session would have expired.
    pub(super) sessions: ById<UnixSeconds>,
    pub(super) accounts: HashMap<AccountId, Mark>,
}

/// All sessions of an account up to this number have ended. The last of them would have expired then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) number: u64,
    pub(super) expires_at: UnixSeconds,
}

impl Mark {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            number: self.number.max(other.number),
            expires_at: self.expires_at.max(other.expires_at),
        }
    }
}

impl Unsaved {
    fn end(&mut self, id: SessionId, expires_at: UnixSeconds) {
        let known = self.sessions.entry(id).or_insert(expires_at);
        *known = expires_at.max(*known);
    }

    fn end_all(&mut self, account: AccountId, mark: Mark) {
        let known = self.accounts.entry(account).or_insert(mark);
        *known = known.and(mark);
    }

    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.accounts.is_empty()
    }
}

impl Known {
    pub(super) fn begin(&self, id: SessionId) {
        let mut state = self.state();
        let begun = state.begun.entry(id).or_insert(Begun {
            callbacks: 0,
            ended: false,
        });
        begun.callbacks += 1;
    }

    /// Takes one `begin` back, when its session is open or will not be.
    pub(super) fn finish(&self, id: SessionId) {
        if let Entry::Occupied(mut begun) = self.state().begun.entry(id) {
            begun.get_mut().callbacks -= 1;
            if begun.get().callbacks == 0 {
                begun.remove();
            }
        }
    }

    /// Whether callbacks are on their way with this ticket.
    pub(super) fn has_begun(&self, id: SessionId) -> bool {
        self.state().begun.contains_key(&id)
    }

    /// Tells the callbacks with this ticket, if there are any, that a logout came. Returns whether there are any and
    /// this is news to them.
    pub(super) fn end_begun(&self, id: SessionId) -> bool {
        let mut state = self.state();
        let begun = state.begun.get_mut(&id);
        begun.is_some_and(|begun| !mem::replace(&mut begun.ended, true))
    }

    /// The number of a session that opens now. `None` if it has ended.
    pub(super) fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Option<u64> {
        let mut state = self.state();
        if self.ended.contain_id(id) {
            return None;
        }
        if state.begun.get(&id).is_some_and(|begun| begun.ended) {
            // Later callbacks with this ticket have to know.
            self.ended.end(id, expires_at, now);
            state.unsaved.end(id, expires_at);
            return None;
        }
        Some(state.next_number(now))
    }

    pub(super) fn end(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        self.ended.end(id, expires_at, now);
        self.state().unsaved.end(id, expires_at);
    }

    pub(super) fn end_all(&self, account: AccountId, expires_at: UnixSeconds, now: UnixSeconds) {
        // Behind the lock, so that a session is opened either before or after.
        let mut state = self.state();
        let number = state.next_number(now);
        self.ended.end_all(account, number, expires_at, now);
        state.unsaved.end_all(account, Mark { number, expires_at });
    }

    /// Numbers go on from here.
    pub(super) fn number_at_least(&self, number: u64) {
        let mut state = self.state();
        state.last_number = number.max(state.last_number);
    }

    pub(super) fn has_unsaved(&self) -> bool {
        !self.state().unsaved.is_empty()
    }

    /// Everything to be saved, and the last number that was given.
    pub(super) fn take_unsaved(&self) -> (Unsaved, u64) {
        let mut state = self.state();
        (mem::take(&mut state.unsaved), state.last_number)
    }

    /// Could not be saved: saves it again the next time.
    pub(super) fn put_back(&self, unsaved: Unsaved) {
        let mut state = self.state();
        for (id, expires_at) in unsaved.sessions {
            state.unsaved.end(id, expires_at);
        }
        for (account, mark) in unsaved.accounts {
            state.unsaved.end_all(account, mark);
        }
    }

    /// A panic elsewhere leaves the maps whole: every change is a single insert or remove.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_number(&mut self, now: UnixSeconds) -> u64 {
        self.last_number = next_number(self.last_number, now);
        self.last_number
    }
}
