//! The sessions that a registry in memory knows.

use super::kept::Kept;
use crate::{
    clock::UnixSeconds,
    registry::{
        Item, LONGEST, RegistryError, RegistryErrorKind, Sealed,
        forgetful::{ById, make_room},
        run_time::{Moment, ShortTerm, Term},
    },
    session::SessionId,
};

/// Sessions that are being opened or are open.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) sessions: ById<State>,
    /// How many of them are open or were when last looked at.
    pub(super) open: usize,
    /// What is kept for some of the open ones.
    pub(super) kept: Kept,
    /// When a full registry was last searched for sessions that have expired.
    searched_at: UnixSeconds,
    pub(super) last_number: u64,
    /// The longest that a session was to last when it was opened, in seconds.
    longest: UnixSeconds,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Being validated by this many callbacks, and whether a logout came in between.
    Begun { callbacks: u32, ended: bool },
    /// Open until then, and the session's family.
    Open {
        until: ShortTerm,
        family: Option<SessionId>,
    },
}

impl State {
    pub(super) fn open(term: Term, family: Option<SessionId>) -> Self {
        Self::Open {
            until: term.into(),
            family,
        }
    }

    /// Whether it is to be remembered. A session that expired a moment ago is: a clock that is set back makes it good
    /// again, and then a logout has to find it.
    fn stays(self, moment: Moment) -> bool {
        match self {
            Self::Begun { .. } => true,
            Self::Open { until, .. } => !moment.is_past_open(until.into()),
        }
    }
}

impl Known {
    /// Learns of an open session that lasts for so many seconds.
    pub(super) fn lasts(&mut self, seconds: UnixSeconds) {
        self.longest = seconds.min(LONGEST).max(self.longest);
    }

    /// When the last open session of a family that ends now would have expired.
    pub(super) fn family_expires_at(&self, now: UnixSeconds) -> UnixSeconds {
        now.saturating_add(self.longest)
    }

    pub(super) fn forget(&mut self, id: SessionId) {
        if let Some(State::Open { .. }) = self.sessions.remove(&id) {
            self.open -= 1;
            self.kept.remove_all(id);
        }
    }

    /// Room for one more open session, in the map and within `capacity`.
    pub(super) fn make_room(
        &mut self,
        capacity: usize,
        moment: Moment,
    ) -> Result<(), RegistryError> {
        if self.open >= capacity {
            self.forget_expired(moment);
            if self.open >= capacity {
                return Err(RegistryError::new(
                    RegistryErrorKind::Full,
                    "the registry has no room for another open session",
                ));
            }
        }
        let before = self.sessions.len();
        make_room(&mut self.sessions, |state| state.stays(moment));
        if self.sessions.len() < before {
            self.sessions_have_gone();
        }
        Ok(())
    }

    /// Once a minute at most: a full registry must not go through a million entries for every request.
    fn forget_expired(&mut self, moment: Moment) {
        if self.searched_at.abs_diff(moment.now) >= 60 {
            self.searched_at = moment.now;
            self.sessions.retain(|_, state| state.stays(moment));
            self.sessions_have_gone();
        }
    }

    fn sessions_have_gone(&mut self) {
        let states = self.sessions.values();
        self.open = states
            .filter(|state| matches!(state, State::Open { .. }))
            .count();
        let sessions = &self.sessions;
        self.kept.retain(|id| sessions.contains_key(&id));
    }

    /// Whether a session is open and has not expired.
    fn is_open(&self, id: SessionId, now: UnixSeconds) -> bool {
        match self.sessions.get(&id) {
            Some(&State::Open { until, .. }) => Term::from(until).expires_at > now,
            Some(State::Begun { .. }) | None => false,
        }
    }

    pub(super) fn keep(
        &mut self,
        id: SessionId,
        item: Item,
        sealed: Sealed,
        moment: Moment,
    ) -> Result<bool, RegistryError> {
        if !self.is_open(id, moment.now) {
            return Ok(false);
        }
        if !self.kept.has_room(id, item, &sealed) {
            // What belongs to expired sessions may go.
            self.forget_expired(moment);
        }
        self.kept.insert(id, item, sealed).map(|()| true)
    }

    pub(super) fn kept(&self, id: SessionId, item: Item, now: UnixSeconds) -> Option<Sealed> {
        let kept = self.kept.get(id, item).filter(|_| self.is_open(id, now));
        kept.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the documentation's figure of 94 bytes takes it to be.
    #[test]
    fn an_open_session_takes_40_bytes_in_the_map() {
        assert_eq!(size_of::<(SessionId, State)>(), 40);
    }
}
