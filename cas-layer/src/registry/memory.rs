//! The registry of a single process.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use crate::{clock::UnixSeconds, session::SessionId};

/// How long an ended session is remembered beyond its expiry, in seconds, so that a clock that is
/// set back does not revive it.
const GRACE: UnixSeconds = 3600;

/// Entries that one call may clear away, so that no caller waits for a million.
const SWEEP: usize = 256;

/// Remembers in this process's memory which sessions were opened and which have ended.
///
/// - What it knows is gone when the process ends: a copy of the cookie of a session that was
///   signed out is then good again until it expires, if the keys outlive the process.
/// - Every entry vanishes when its session would have expired.
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
    /// Taken before `ended` where both are needed.
    known: Mutex<Known>,
    ended: RwLock<Ended>,
}

/// Sessions that are being opened or are open.
#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<SessionId, State>,
    open: usize,
    expiries: Expiries,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Being validated, by so many callbacks at once; whether a logout came in between.
    Begun { callbacks: usize, ended: bool },
    /// Open until then.
    Open { expires_at: UnixSeconds },
}

#[derive(Debug, Default)]
struct Ended {
    sessions: HashMap<SessionId, UnixSeconds>,
    expiries: Expiries,
}

/// What opening a session came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// The session is open.
    Live,
    /// A logout for it came first: nobody is signed in.
    Ended,
    /// The registry is full: nobody is signed in.
    Full,
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
            known: Mutex::default(),
            ended: RwLock::default(),
        }))
    }

    /// Notes that a session is about to be opened, so that a logout which overtakes the validation
    /// finds it. Dropping the answer forgets it, unless it was opened.
    pub(crate) fn begin(&self, id: SessionId) -> Begun {
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
        Begun {
            registry: self.clone(),
            id,
        }
    }

    /// Ends a session whose seal was verified. Always recorded.
    pub(crate) fn end(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        let mut known = self.known();
        known.forget_open(id);
        self.record_end(id, expires_at, now);
        known.sweep(now);
    }

    /// Ends a session that a message from the network names. An id that is neither being opened nor
    /// open changes nothing. Answers whether it did.
    // Single logout calls this; until it is there, the tests hold it to its contract.
    #[cfg_attr(not(test), expect(dead_code))]
    pub(crate) fn end_if_opened(&self, id: SessionId, now: UnixSeconds) -> bool {
        let mut known = self.known();
        let found = match known.sessions.get_mut(&id) {
            None => false,
            Some(State::Begun { ended, .. }) => {
                *ended = true;
                true
            }
            Some(&mut State::Open { expires_at }) => {
                known.forget_open(id);
                self.record_end(id, expires_at, now);
                true
            }
        };
        known.sweep(now);
        found
    }

    /// Whether the session was ended.
    pub(crate) fn is_ended(&self, id: SessionId) -> bool {
        let ended = self.0.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.sessions.contains_key(&id)
    }

    fn open(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) -> Opened {
        let mut known = self.known();
        known.sweep(now);
        if self.is_ended(id) {
            return Opened::Ended;
        }
        match known.sessions.get(&id) {
            Some(State::Begun { ended: true, .. }) => {
                known.sessions.remove(&id);
                self.record_end(id, expires_at, now);
                Opened::Ended
            }
            Some(State::Open { .. }) => Opened::Live,
            Some(State::Begun { .. }) | None => {
                if known.open >= self.0.capacity {
                    return Opened::Full;
                }
                known.sessions.insert(id, State::Open { expires_at });
                known.open += 1;
                known.expiries.push(id, expires_at);
                Opened::Live
            }
        }
    }

    fn abandon(&self, id: SessionId) {
        let mut known = self.known();
        if let Some(State::Begun { callbacks, .. }) = known.sessions.get_mut(&id) {
            *callbacks -= 1;
            if *callbacks == 0 {
                known.sessions.remove(&id);
            }
        }
    }

    fn record_end(&self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        let forget_at = expires_at.saturating_add(GRACE);
        let mut ended = self.0.ended.write().unwrap_or_else(PoisonError::into_inner);
        let Ended { sessions, expiries } = &mut *ended;
        if sessions.insert(id, forget_at).is_none() {
            expiries.push(id, forget_at);
        }
        for id in expiries.due(now) {
            if sessions.get(&id).is_some_and(|&at| at <= now) {
                sessions.remove(&id);
            }
        }
    }

    /// A panic elsewhere leaves the maps whole: every change is a single insert or remove.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget_open(&mut self, id: SessionId) {
        if let Some(State::Open { .. }) = self.sessions.get(&id) {
            self.sessions.remove(&id);
            self.open -= 1;
        }
    }

    fn sweep(&mut self, now: UnixSeconds) {
        for id in self.expiries.due(now) {
            let state = self.sessions.get(&id);
            if matches!(state, Some(State::Open { expires_at }) if *expires_at <= now) {
                self.forget_open(id);
            }
        }
    }
}

/// A session that is being opened.
#[derive(Debug)]
pub(crate) struct Begun {
    registry: MemoryRegistry,
    id: SessionId,
}

impl Begun {
    /// Opens the session, unless a logout for it came since it began.
    pub(crate) fn opened(self, expires_at: UnixSeconds, now: UnixSeconds) -> Opened {
        self.registry.open(self.id, expires_at, now)
    }
}

/// The validation failed, or its request went away.
impl Drop for Begun {
    fn drop(&mut self) {
        self.registry.abandon(self.id);
    }
}

/// Ids by the minute in which they expire.
#[derive(Debug, Default)]
struct Expiries(BTreeMap<UnixSeconds, Vec<SessionId>>);

impl Expiries {
    /// A bucket is due once every second in it has passed.
    fn push(&mut self, id: SessionId, expires_at: UnixSeconds) {
        self.0.entry(expires_at / 60 + 1).or_default().push(id);
    }

    /// Takes out at most [`SWEEP`] ids that have expired.
    fn due(&mut self, now: UnixSeconds) -> Vec<SessionId> {
        let mut due = Vec::new();
        while let Some(mut bucket) = self.0.first_entry()
            && *bucket.key() <= now / 60
        {
            let ids = bucket.get_mut();
            let take = ids.len().min(SWEEP - due.len());
            due.extend(ids.drain(ids.len() - take..));
            if !ids.is_empty() {
                break;
            }
            bucket.remove();
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_000_000;
    const LATER: UnixSeconds = NOW + 8 * 3600;

    fn id(n: u32) -> SessionId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        bytes.into()
    }

    /// How many sessions the registry remembers anything about.
    fn size(registry: &MemoryRegistry) -> (usize, usize) {
        let ended = registry.0.ended.read().unwrap();
        let waiting = ended.expiries.0.values().map(Vec::len).sum::<usize>();
        assert_eq!(ended.sessions.len(), waiting);
        (registry.known().sessions.len(), ended.sessions.len())
    }

    #[test]
    fn a_session_is_live_from_its_opening_to_its_end() {
        let registry = MemoryRegistry::default();
        assert_eq!(registry.begin(id(1)).opened(LATER, NOW), Opened::Live);
        assert!(!registry.is_ended(id(1)));
        registry.end(id(1), LATER, NOW);
        assert!(registry.is_ended(id(1)));
        assert!(registry.clone().is_ended(id(1)), "clones share");
        assert!(!registry.is_ended(id(2)));
    }

    #[test]
    fn an_ended_session_does_not_open_again() {
        let registry = MemoryRegistry::default();
        registry.end(id(1), LATER, NOW);
        assert_eq!(registry.begin(id(1)).opened(LATER, NOW), Opened::Ended);
        assert!(registry.is_ended(id(1)));
    }

    #[test]
    fn a_logout_that_overtakes_the_validation_wins() {
        let registry = MemoryRegistry::default();
        let begun = registry.begin(id(1));
        assert!(registry.end_if_opened(id(1), NOW));
        assert_eq!(begun.opened(LATER, NOW), Opened::Ended);
        assert!(registry.is_ended(id(1)));
    }

    #[test]
    fn a_message_about_an_unknown_session_leaves_no_trace() {
        let registry = MemoryRegistry::default();
        for n in 0..1_000 {
            assert!(!registry.end_if_opened(id(n), NOW));
        }
        assert_eq!(size(&registry), (0, 0));
        assert_eq!(registry.begin(id(1)).opened(LATER, NOW), Opened::Live);
        assert!(registry.end_if_opened(id(1), NOW));
        assert!(registry.is_ended(id(1)));
    }

    #[test]
    fn a_refused_ticket_leaves_no_trace() {
        let registry = MemoryRegistry::default();
        drop(registry.begin(id(1)));
        assert_eq!(size(&registry), (0, 0));
    }

    #[test]
    fn one_of_two_callbacks_with_one_ticket_may_fail_without_undoing_the_other() {
        let registry = MemoryRegistry::default();
        let (first, second) = (registry.begin(id(1)), registry.begin(id(1)));
        drop(first);
        assert!(registry.end_if_opened(id(1), NOW), "still being validated");
        assert_eq!(second.opened(LATER, NOW), Opened::Ended);

        let (first, second) = (registry.begin(id(2)), registry.begin(id(2)));
        assert_eq!(first.opened(LATER, NOW), Opened::Live);
        drop(second);
        assert!(registry.end_if_opened(id(2), NOW), "still open");
    }

    #[test]
    fn entries_vanish_when_their_session_would_have_expired() {
        let registry = MemoryRegistry::default();
        for n in 0..1_000 {
            registry.begin(id(n)).opened(LATER, NOW);
        }
        for n in 0..500 {
            registry.end(id(n), LATER, NOW);
        }
        assert_eq!(size(&registry), (500, 500));
        // Each call clears a bounded number away, so it takes a few.
        let past = LATER + GRACE + 120;
        for n in 0..10 {
            registry.end(id(10_000 + n), past + LATER, past);
        }
        assert_eq!(size(&registry), (0, 10));
    }

    #[test]
    fn an_ended_session_is_remembered_beyond_its_expiry() {
        let registry = MemoryRegistry::default();
        registry.end(id(1), LATER, NOW);
        registry.end(id(2), LATER, LATER + GRACE - 1);
        assert!(registry.is_ended(id(1)));
    }

    #[test]
    fn a_full_registry_refuses_and_ends_nobody() {
        let registry = MemoryRegistry::with_capacity(2);
        assert_eq!(registry.begin(id(1)).opened(LATER, NOW), Opened::Live);
        assert_eq!(registry.begin(id(2)).opened(LATER, NOW), Opened::Live);
        assert_eq!(registry.begin(id(3)).opened(LATER, NOW), Opened::Full);
        assert!(!registry.is_ended(id(1)));
        registry.end(id(1), LATER, NOW);
        assert_eq!(registry.begin(id(3)).opened(LATER, NOW), Opened::Live);
    }
}
