//! The registry of a single process.

use std::{
    collections::hash_map::Entry,
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    AccountId, EndedSessions, Opened, RegisteredSession, Registry, RegistryError,
    RegistryErrorKind, RegistryFuture,
    forgetful::{ById, make_room},
    next_number,
};
use crate::{
    clock::{Clock, UnixSeconds},
    session::SessionId,
};

/// Remembers in this process's memory which sessions were opened and which have ended.
///
/// - What it knows is gone when the process ends, if the keys outlive the process: a copy of the cookie of
///   a session that was signed out is then good again until it expires, and a single logout finds a session
///   that was opened before only if it has been used since.
/// - Every entry vanishes when its session would have expired, or an hour later. An open session takes at
///   most 66 bytes, an ended one 56.
/// - A request that carries no verified session or ticket never adds an entry. At most
///   [`capacity`](Self::with_capacity) sessions are open at once; a sign-in beyond that is refused
///   with a 503 and a log line, and nobody else is signed out for it.
///
/// Clones share what they know. Asking whether a session has ended takes one look-up behind a read
/// lock that nobody holds for longer than it takes to change a few entries.
#[derive(Clone, Debug)]
pub struct MemoryRegistry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capacity: usize,
    /// Sessions with a lower number were opened by an earlier process.
    first_number: u64,
    /// Taken before a lock of `ended` where both are needed.
    known: Mutex<Known>,
    ended: EndedSessions,
}

/// Sessions that are being opened or are open.
#[derive(Debug, Default)]
struct Known {
    sessions: ById<State>,
    /// How many of them are open or were when last looked at.
    open: usize,
    /// When a full registry was last searched for sessions that have expired.
    searched_at: UnixSeconds,
    last_number: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Being validated, by so many callbacks at once; whether a logout came in between.
    Begun { callbacks: u32, ended: bool },
    /// Open until then, in minutes since the epoch, rounded up.
    Open { until_minute: u32 },
}

impl State {
    fn open(expires_at: UnixSeconds) -> Self {
        Self::Open {
            until_minute: u32::try_from(expires_at.div_ceil(60)).unwrap_or(u32::MAX),
        }
    }

    /// When an open session expires, at most a minute too late.
    fn expires_at(until_minute: u32) -> UnixSeconds {
        UnixSeconds::from(until_minute) * 60
    }

    fn is_live(self, now: UnixSeconds) -> bool {
        match self {
            Self::Begun { .. } => true,
            Self::Open { until_minute } => Self::expires_at(until_minute) > now,
        }
    }
}

impl Default for MemoryRegistry {
    /// Room for 1,000,000 open sessions.
    fn default() -> Self {
        Self::with_capacity(1_000_000)
    }
}

impl MemoryRegistry {
    /// A registry for at most `capacity` open sessions.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            capacity,
            first_number: next_number(0, Clock::System.now()),
            known: Mutex::default(),
            ended: EndedSessions::new(),
        }))
    }

    fn begin_now(&self, id: SessionId) {
        match self.known().sessions.entry(id) {
            Entry::Occupied(mut entry) => {
                if let State::Begun { callbacks, .. } = entry.get_mut() {
                    *callbacks += 1;
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(State::Begun {
                    callbacks: 1,
                    ended: false,
                });
            }
        }
    }

    fn open_now(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Opened, RegistryError> {
        let mut known = self.known();
        if self.0.ended.contain_id(id) {
            known.forget(id);
            return Ok(Opened::Ended);
        }
        match known.sessions.get(&id) {
            Some(State::Begun { ended: true, .. }) => {
                known.forget(id);
                self.0.ended.end(id, expires_at, now);
                return Ok(Opened::Ended);
            }
            Some(State::Open { .. }) => {}
            Some(State::Begun { .. }) | None => {
                known.make_room(self.0.capacity, now)?;
                known.sessions.insert(id, State::open(expires_at));
                known.open += 1;
            }
        }
        known.last_number = next_number(known.last_number, now);
        Ok(Opened::Live {
            number: known.last_number,
        })
    }

    fn end_now(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        let mut known = self.known();
        known.forget(id);
        self.0.ended.end(id, expires_at, now);
    }

    fn end_if_opened_now(&self, ids: &[SessionId], now: UnixSeconds) -> usize {
        let mut known = self.known();
        let found = ids.iter().filter(|&&id| match known.sessions.get_mut(&id) {
            None => false,
            Some(State::Begun { ended, .. }) => {
                *ended = true;
                true
            }
            Some(&mut State::Open { until_minute }) => {
                known.forget(id);
                self.0.ended.end(id, State::expires_at(until_minute), now);
                true
            }
        });
        found.count()
    }

    /// Notes a session of an earlier process, so that a single logout finds it.
    fn note(&self, session: &RegisteredSession<'_>) {
        // On the path of every request: who finds it taken is seen again with the next one.
        let Ok(mut known) = self.0.known.try_lock() else {
            return;
        };
        if known.open < self.0.capacity && !known.sessions.contains_key(&session.id) {
            let state = State::open(session.expires_at);
            known.sessions.insert(session.id, state);
            known.open += 1;
        }
    }

    fn end_all_now(&self, account: AccountId, expires_at: UnixSeconds, now: UnixSeconds) {
        // Behind the lock, so that a session is opened either before or after.
        let mut known = self.known();
        // A new number: sessions of an earlier run of this process have theirs from the clock alone.
        known.last_number = next_number(known.last_number, now);
        let number = known.last_number;
        self.0.ended.end_all(account, number, expires_at, now);
    }

    /// A panic elsewhere leaves the map whole: every change is a single insert or remove.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry for MemoryRegistry {
    fn begin(&self, id: SessionId, _: Duration) -> RegistryFuture<'_, ()> {
        self.begin_now(id);
        ready(Ok(()))
    }

    fn abandon(&self, id: SessionId) {
        let mut known = self.known();
        if let Some(State::Begun { callbacks, .. }) = known.sessions.get_mut(&id) {
            *callbacks -= 1;
            if *callbacks == 0 {
                known.forget(id);
            }
        }
    }

    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        ready(self.open_now(id, expires_at, now))
    }

    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        self.end_now(id, expires_at, now);
        ready(Ok(()))
    }

    fn end_if_opened(&self, ids: Vec<SessionId>, now: UnixSeconds) -> RegistryFuture<'_, usize> {
        ready(Ok(self.end_if_opened_now(&ids, now)))
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        self.end_all_now(account, expires_at, now);
        ready(Ok(()))
    }

    fn ended(&self) -> &EndedSessions {
        &self.0.ended
    }

    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        let is_ended = self.0.ended.contain(session);
        if session.number < self.0.first_number && !is_ended {
            self.note(session);
        }
        is_ended
    }

    fn outlives_process(&self) -> bool {
        false
    }
}

impl Known {
    fn forget(&mut self, id: SessionId) {
        if let Some(State::Open { .. }) = self.sessions.remove(&id) {
            self.open -= 1;
        }
    }

    /// Room for one more open session, in the map and within `capacity`.
    fn make_room(&mut self, capacity: usize, now: UnixSeconds) -> Result<(), RegistryError> {
        if self.open >= capacity {
            // Once a minute at most: a full registry does not go through a million entries for everyone
            // who knocks.
            if self.searched_at.abs_diff(now) >= 60 {
                self.searched_at = now;
                self.sessions.retain(|_, state| state.is_live(now));
                self.count();
            }
            if self.open >= capacity {
                return Err(RegistryError::new(
                    RegistryErrorKind::Full,
                    "as many sessions are open as the registry has room for",
                ));
            }
        }
        let before = self.sessions.len();
        make_room(&mut self.sessions, |state| state.is_live(now));
        if self.sessions.len() < before {
            self.count();
        }
        Ok(())
    }

    fn count(&mut self) {
        let states = self.sessions.values();
        self.open = states
            .filter(|state| matches!(state, State::Open { .. }))
            .count();
    }
}

fn ready<'a, T: Send + 'a>(answer: Result<T, RegistryError>) -> RegistryFuture<'a, T> {
    Box::pin(future::ready(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::GRACE;

    const NOW: UnixSeconds = 1_000_000;
    const LATER: UnixSeconds = NOW + 8 * 3600;

    fn id(n: u32) -> SessionId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        bytes.into()
    }

    fn open(
        registry: &MemoryRegistry,
        n: u32,
        now: UnixSeconds,
    ) -> Result<Opened, RegistryErrorKind> {
        registry.begin_now(id(n));
        let opened = registry.open_now(id(n), now + 8 * 3600, now);
        opened.map_err(|error| error.kind())
    }

    /// How many sessions the registry remembers anything about.
    fn size(registry: &MemoryRegistry) -> (usize, usize) {
        (registry.known().sessions.len(), registry.0.ended.len())
    }

    #[test]
    fn a_message_about_an_unknown_session_leaves_no_trace() {
        let registry = MemoryRegistry::default();
        for n in 0..1_000 {
            assert_eq!(registry.end_if_opened_now(&[id(n)], NOW), 0);
        }
        assert_eq!(size(&registry), (0, 0));
    }

    #[test]
    fn a_refused_ticket_leaves_no_trace() {
        let registry = MemoryRegistry::default();
        registry.begin_now(id(1));
        registry.abandon(id(1));
        assert_eq!(size(&registry), (0, 0));
        registry.begin_now(id(2));
        assert_eq!(registry.end_if_opened_now(&[id(2)], NOW), 1);
        registry.abandon(id(2));
        assert_eq!(size(&registry), (0, 0));
    }

    #[test]
    fn memory_is_bounded_by_what_is_live() {
        let registry = MemoryRegistry::default();
        for n in 0..100_000 {
            // 100 sign-ins and 50 sign-outs an hour, for weeks.
            let now = NOW + u64::from(n) * 36;
            open(&registry, n, now).unwrap();
            if n % 2 == 0 {
                registry.end_now(id(n), now + 8 * 3600, now);
            }
        }
        let (known, ended) = size(&registry);
        assert!(known < 4_000, "{known}");
        // An id that differs in its first bytes alone meets one shard.
        assert!(ended < 4_000, "{ended}");
    }

    #[test]
    fn a_full_registry_refuses_and_ends_nobody() {
        let registry = MemoryRegistry::with_capacity(2);
        open(&registry, 1, NOW).unwrap();
        open(&registry, 2, NOW).unwrap();
        assert_eq!(open(&registry, 3, NOW), Err(RegistryErrorKind::Full));
        let first = RegisteredSession::new(id(1), 0, LATER, "https://cas", "alice");
        assert!(!registry.is_ended(&first));
        registry.end_now(id(1), LATER, NOW);
        open(&registry, 3, NOW).unwrap();
        assert_eq!(open(&registry, 4, NOW), Err(RegistryErrorKind::Full));
    }

    #[test]
    fn a_full_registry_has_room_again_when_sessions_expire() {
        let registry = MemoryRegistry::with_capacity(3);
        for n in 0..3 {
            open(&registry, n, NOW).unwrap();
        }
        assert_eq!(open(&registry, 4, NOW), Err(RegistryErrorKind::Full));
        let next_day = LATER + 2 * GRACE;
        open(&registry, 4, next_day).unwrap();
        assert_eq!(size(&registry), (1, 0));
    }

    #[test]
    fn numbers_grow_through_a_clock_that_goes_back() {
        let registry = MemoryRegistry::default();
        let mut last = 0;
        for (n, now) in [NOW, NOW, NOW + 5, NOW - 100, NOW + 6]
            .into_iter()
            .enumerate()
        {
            let Opened::Live { number } = open(&registry, u32::try_from(n).unwrap(), now).unwrap()
            else {
                panic!("not open");
            };
            assert!(number > last, "{number} {last}");
            last = number;
        }
    }
}
