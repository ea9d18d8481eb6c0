//! The sessions that a registry in memory knows.

use super::kept::Kept;
use crate::{
    clock::UnixSeconds,
    registry::{
        Item, RegistryError, RegistryErrorKind, Sealed,
        forgetful::{ById, make_room},
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
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Being validated by this many callbacks, and whether a logout came in between.
    Begun { callbacks: u32, ended: bool },
    /// Open until then, in minutes since the epoch, rounded up.
    Open { until_minute: u32 },
}

impl State {
    pub(super) fn open(expires_at: UnixSeconds) -> Self {
        Self::Open {
            until_minute: u32::try_from(expires_at.div_ceil(60)).unwrap_or(u32::MAX),
        }
    }

    /// When an open session expires, at most a minute too late.
    pub(super) fn expires_at(until_minute: u32) -> UnixSeconds {
        UnixSeconds::from(until_minute) * 60
    }

    fn is_live(self, now: UnixSeconds) -> bool {
        match self {
            Self::Begun { .. } => true,
            Self::Open { until_minute } => Self::expires_at(until_minute) > now,
        }
    }
}

impl Known {
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
        now: UnixSeconds,
    ) -> Result<(), RegistryError> {
        if self.open >= capacity {
            self.forget_expired(now);
            if self.open >= capacity {
                return Err(RegistryError::new(
                    RegistryErrorKind::Full,
                    "the registry has no room for another open session",
                ));
            }
        }
        let before = self.sessions.len();
        make_room(&mut self.sessions, |state| state.is_live(now));
        if self.sessions.len() < before {
            self.sessions_have_gone();
        }
        Ok(())
    }

    /// Once a minute at most: a full registry must not go through a million entries for every request.
    fn forget_expired(&mut self, now: UnixSeconds) {
        if self.searched_at.abs_diff(now) >= 60 {
            self.searched_at = now;
            self.sessions.retain(|_, state| state.is_live(now));
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
        let state = self.sessions.get(&id);
        state.is_some_and(|state| matches!(state, State::Open { .. }) && state.is_live(now))
    }

    pub(super) fn keep(
        &mut self,
        id: SessionId,
        item: Item,
        sealed: Sealed,
        now: UnixSeconds,
    ) -> Result<bool, RegistryError> {
        if !self.is_open(id, now) {
            return Ok(false);
        }
        if !self.kept.has_room(id, item, &sealed) {
            // What belongs to expired sessions may go.
            self.forget_expired(now);
        }
        self.kept.insert(id, item, sealed).map(|()| true)
    }

    pub(super) fn kept(&self, id: SessionId, item: Item, now: UnixSeconds) -> Option<Sealed> {
        let kept = self.kept.get(id, item).filter(|_| self.is_open(id, now));
        kept.cloned()
    }
}
