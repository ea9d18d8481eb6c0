//! What a file registry holds in memory.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock::UnixSeconds,
    registry::{
        AccountId, EndedSessions, LONGEST,
        forgetful::ById,
        next_number,
        run_time::{Moment, Term},
    },
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
    /// As in [`Overall`].
    longest: UnixSeconds,
}

/// What holds for all sessions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overall {
    /// The last number that was given.
    pub(super) number: u64,
    /// The longest that a session was to last when it was opened, in seconds.
    pub(super) longest: UnixSeconds,
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
    pub(super) sessions: ById<Term>,
    pub(super) accounts: HashMap<AccountId, Mark>,
}

/// The ends that are in the file.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) sessions: HashSet<SessionId>,
    pub(super) accounts: HashMap<AccountId, u64>,
}

/// All sessions of an account up to this number have ended. The last of them would have expired then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) number: u64,
    pub(super) term: Term,
}

impl Mark {
    /// The one that is known, and another one.
    pub(super) fn and(self, other: Self) -> Self {
        let mut term = self.term.or_later(other.term);
        if other.number > self.number {
            // It covers sessions that were opened since.
            term.run = other.term.run.max(term.run);
        }
        Self {
            number: self.number.max(other.number),
            term,
        }
    }
}

impl Unsaved {
    fn end(&mut self, id: SessionId, term: Term) {
        let known = self.sessions.entry(id).or_insert(term);
        *known = known.or_later(term);
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
    /// this is news to them. Those with a ticket whose session has ended will learn it when they open one.
    pub(super) fn end_begun(&self, id: SessionId) -> bool {
        let mut state = self.state();
        if self.ended.contain_id(id) {
            return false;
        }
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
            let moment = self.moment(now);
            let term = moment.of_ended(expires_at);
            self.ended.end_until(id, term, moment);
            state.unsaved.end(id, term);
            return None;
        }
        state.lasts(expires_at.saturating_sub(now));
        self.ended.saw_lifetime(state.longest);
        Some(state.next_number(now))
    }

    /// When the last open session of a family that ends now would have expired.
    pub(super) fn family_expires_at(&self, now: UnixSeconds) -> UnixSeconds {
        now.saturating_add(self.state().longest)
    }

    pub(super) fn end(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        let moment = self.moment(now);
        let term = moment.of_ended(expires_at);
        // First: whoever sees that it has ended writes this too.
        let mut state = self.state();
        state.unsaved.end(id, term);
        self.ended.end_until(id, term, moment);
    }

    pub(super) fn end_all(&self, account: AccountId, expires_at: UnixSeconds, now: UnixSeconds) {
        // Behind the lock, so that a session is opened either before or after.
        let mut state = self.state();
        let number = state.next_number(now);
        let moment = self.moment(now);
        let term = moment.of_ended(expires_at);
        self.ended.end_all_until(account, number, term, moment);
        state.unsaved.end_all(account, Mark { number, term });
    }

    /// The present, if the wall clock shows this time.
    pub(super) fn moment(&self, now: UnixSeconds) -> Moment {
        self.ended.run_time().at(now)
    }

    /// Earlier processes ran with the file for so many seconds.
    pub(super) fn has_run(&self, seconds: u64) {
        // What this process has learned already goes by its own count, and would seem older.
        if self.ended.is_empty() {
            self.ended.run_time().go_on_from(seconds);
        }
    }

    /// Numbers go on from here.
    pub(super) fn number_at_least(&self, number: u64) {
        let mut state = self.state();
        state.last_number = number.max(state.last_number);
    }

    /// Sessions may last for so many seconds.
    pub(super) fn lasts(&self, seconds: UnixSeconds) {
        let mut state = self.state();
        state.lasts(seconds);
        self.ended.saw_lifetime(state.longest);
    }

    pub(super) fn has_unsaved(&self) -> bool {
        !self.state().unsaved.is_empty()
    }

    /// Everything to be saved.
    pub(super) fn take_unsaved(&self) -> (Unsaved, Overall) {
        let mut state = self.state();
        let overall = Overall {
            number: state.last_number,
            longest: state.longest,
        };
        (mem::take(&mut state.unsaved), overall)
    }

    /// Could not be saved: saves it again the next time.
    pub(super) fn put_back(&self, unsaved: Unsaved) {
        let mut state = self.state();
        for (id, term) in unsaved.sessions {
            state.unsaved.end(id, term);
        }
        for (account, mark) in unsaved.accounts {
            state.unsaved.end_all(account, mark);
        }
    }

    /// Saves again what this process knows and the file does not, after it was opened again: it may have been damaged, or
    /// be an older copy.
    pub(super) fn save_again(&self, saved: &Saved, moment: Moment) {
        let sessions = self.ended.terms().into_iter();
        let sessions: Vec<_> = sessions
            .filter(|(id, term)| !saved.sessions.contains(id) && !moment.is_past_ended(*term))
            .collect();
        let accounts = self.ended.marks().into_iter();
        let accounts: Vec<_> = accounts
            .filter(|(account, number, term)| {
                saved.accounts.get(account) < Some(number) && !moment.is_past_ended(*term)
            })
            .collect();
        let mut state = self.state();
        for (id, term) in sessions {
            state.unsaved.end(id, term);
        }
        for (account, number, term) in accounts {
            state.unsaved.end_all(account, Mark { number, term });
        }
    }

    /// A panic elsewhere leaves the maps whole: every change is a single insert or remove.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lasts(&mut self, seconds: UnixSeconds) {
        self.longest = seconds.min(LONGEST).max(self.longest);
    }

    fn next_number(&mut self, now: UnixSeconds) -> u64 {
        self.last_number = next_number(self.last_number, now);
        self.last_number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_700_000_000;
    const HOUR: UnixSeconds = 3600;

    fn id(n: u8) -> SessionId {
        [n; 16].into()
    }

    fn account() -> AccountId {
        AccountId::of("https://cas", "alice")
    }

    #[test]
    fn an_end_of_an_account_is_remembered_for_longer_only_if_it_covers_later_sessions() {
        let at = |number, run| Mark {
            number,
            term: Term {
                expires_at: NOW,
                run,
            },
        };
        for (number, run) in [(4, 100), (5, 100), (6, 200)] {
            let both = at(5, 100).and(at(number, 200));
            assert_eq!((both.number, both.term.run), (number.max(5), run));
        }
    }

    #[test]
    fn what_could_not_be_saved_is_saved_with_what_has_ended_since() {
        let known = Known::default();
        assert!(!known.has_unsaved());
        known.end(id(1), NOW + HOUR, NOW);
        known.end_all(account(), NOW + HOUR, NOW);
        let (unsaved, _) = known.take_unsaved();
        assert!(!known.has_unsaved());
        known.end(id(2), NOW + HOUR, NOW);
        known.put_back(unsaved);
        let (unsaved, _) = known.take_unsaved();
        let mut sessions: Vec<_> = unsaved.sessions.into_keys().collect();
        sessions.sort_unstable();
        assert_eq!(sessions, [id(1), id(2)]);
        assert!(unsaved.accounts.contains_key(&account()));
    }

    #[test]
    fn what_the_file_has_is_not_saved_again_and_what_it_lacks_is() {
        let known = Known::default();
        known.end(id(1), NOW + HOUR, NOW);
        known.end_all(account(), NOW + HOUR, NOW);
        let (_, overall) = known.take_unsaved();
        let number = overall.number;
        for (sessions, number, lacks) in [
            (vec![id(1)], number, false),
            (vec![id(1)], number + 1, false),
            (vec![id(1)], number - 1, true),
            (vec![], number, true),
        ] {
            let saved = Saved {
                sessions: sessions.into_iter().collect(),
                accounts: [(account(), number)].into(),
            };
            known.save_again(&saved, known.moment(NOW));
            assert_eq!(known.has_unsaved(), lacks, "{saved:?}");
            let _ = known.take_unsaved();
        }
    }

    #[test]
    fn a_file_says_how_long_sessions_last_and_processes_have_run() {
        let known = Known::default();
        known.lasts(24 * HOUR);
        known.lasts(HOUR);
        assert_eq!(known.family_expires_at(NOW), NOW + 24 * HOUR);
        assert_eq!(known.moment(NOW).longest, 24 * HOUR);
        known.has_run(5_000_000);
        assert!(known.moment(NOW).run >= 5_000_000);
        // What this process has learned would seem older by the count of another file.
        known.end(id(1), NOW + HOUR, NOW);
        known.has_run(50_000_000);
        assert!(known.moment(NOW).run < 50_000_000);
    }
}
