//! The registry of a single process.

mod kept;
mod known;
#[cfg(test)]
mod tests;

use std::{
    collections::hash_map::Entry,
    future, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::known::{Known, State};
use super::{
    AccountId, EndedSessions, GrantPairs, Item, LogoutSender, Opened, ProxyGrants,
    RegisteredSession, Registry, RegistryError, RegistryFuture, Sealed, SessionFamilies,
    SessionStorage, next_number,
    run_time::{Moment, Term},
};
use crate::{
    clock::{Clock, UnixSeconds},
    session::SessionId,
};

/// Remembers in this process's memory which sessions were opened and which have ended.
///
/// - When the process ends, everything it knows is gone. If the keys outlive the process, a copy of the cookie of a
///   signed-out session then works again until it expires. A single logout finds a session that was opened before
///   only if it has been used since.
/// - Every entry vanishes an hour after its session would have expired, at the earliest: [`EndedSessions`] says when an
///   end is forgotten. An open session takes at most 94 bytes, an ended one or an ended family 56.
/// - A clock that is wrong for a while revives nobody and hides no open session from a logout. An open session, too, is
///   forgotten only when the clock says that it expired an hour ago, and the process has run for its lifetime and an
///   hour since it was opened. So what was opened while the clock was ahead stays for as much longer, and what is open
///   when the clock is set back, too. It takes room of the [capacity](Self::with_capacity) for as long.
/// - A request without a verified session or ticket never adds an entry. At most [`capacity`](Self::with_capacity)
///   sessions are open at once. A sign-in beyond that gets a 503 and a log line, and nobody else is signed out for
///   it.
/// - What is kept for an open session takes its sealed length and about 100 bytes more: a proxy-granting ticket, or
///   attributes that are too large for a cookie. All of it together takes at most 64 MiB, or as much as
///   [`with_room_for`](Self::with_room_for) says. Beyond that, a user whose session does not fit into a cookie gets a
///   503. Proxy-granting tickets that wait to be collected take 900 KB at most, whatever comes from the network.
/// - After a restart, users whose attributes were kept here have to sign in again.
///
/// Clones share what they know. A check whether a session has ended takes one look-up behind a read lock. Nobody
/// blocks that lock for longer than it takes to change a few entries.
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
    pairs: GrantPairs,
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
            pairs: GrantPairs::default(),
        }))
    }

    /// The same registry, which keeps at most so many bytes for all sessions together.
    #[must_use]
    pub fn with_room_for(self, kept_bytes: usize) -> Self {
        self.known().kept.limit(kept_bytes);
        self
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
        family: Option<SessionId>,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Opened, RegistryError> {
        let moment = self.moment(now);
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
            Some(&State::Open {
                until,
                family: before,
            }) => {
                let until = Term::from(until).or_later(moment.of_open(expires_at));
                known
                    .sessions
                    .insert(id, State::open(until, family.or(before)));
            }
            Some(State::Begun { .. }) | None => {
                known.make_room(self.0.capacity, moment)?;
                let until = moment.of_open(expires_at);
                known.sessions.insert(id, State::open(until, family));
                known.open += 1;
            }
        }
        self.lasts(&mut known, expires_at.saturating_sub(now));
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

    fn end_if_opened_now(&self, ids: Vec<SessionId>, now: UnixSeconds) -> Vec<SessionId> {
        let mut known = self.known();
        let end = |&id: &SessionId| match known.sessions.get_mut(&id) {
            None => false,
            // It had ended before, and its ticket has begun again.
            Some(State::Begun { .. }) if self.0.ended.contain_id(id) => false,
            Some(State::Begun { ended, .. }) => !mem::replace(ended, true),
            Some(&mut State::Open { until, family }) => {
                known.forget(id);
                // The family first: nobody sees that one of its sessions has ended and another has not.
                if let Some(family) = family {
                    let expires_at = known.family_expires_at(now);
                    self.0.ended.end(family, expires_at, now);
                }
                self.0.ended.end(id, Term::from(until).expires_at, now);
                true
            }
        };
        ids.into_iter().filter(end).collect()
    }

    /// Notes a session of an earlier process, so that a single logout finds it.
    fn note(&self, session: &RegisteredSession<'_>) {
        // On the path of every request. If the lock is taken, the session is seen again with its next request.
        let Ok(mut known) = self.0.known.try_lock() else {
            return;
        };
        if known.open < self.0.capacity && !known.sessions.contains_key(&session.id) {
            // The number follows the clock in microseconds.
            let started_at = self.0.first_number / 1_000_000;
            self.lasts(&mut known, session.expires_at.saturating_sub(started_at));
            let until = self.moment(started_at).of_open_before(session.expires_at);
            let state = State::open(until, session.family);
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

    /// Learns of an open session that lasts for so many seconds.
    fn lasts(&self, known: &mut Known, seconds: UnixSeconds) {
        known.lasts(seconds);
        self.0.ended.saw_lifetime(seconds);
    }

    fn moment(&self, now: UnixSeconds) -> Moment {
        self.0.ended.run_time().at(now)
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
        ready(self.open_now(id, None, expires_at, now))
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

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        _: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        ready(Ok(self.end_if_opened_now(ids, now)))
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

    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        Some(&self.0.pairs)
    }

    fn families(&self) -> Option<&dyn SessionFamilies> {
        Some(self)
    }

    fn storage(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }
}

impl SessionFamilies for MemoryRegistry {
    fn open_in(
        &self,
        family: SessionId,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        ready(self.open_now(id, Some(family), expires_at, now))
    }
}

impl SessionStorage for MemoryRegistry {
    fn keep(
        &self,
        session: SessionId,
        item: Item,
        sealed: Sealed,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, bool> {
        let moment = self.moment(now);
        ready(self.known().keep(session, item, sealed, moment))
    }

    fn kept(
        &self,
        session: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        ready(Ok(self.known().kept(session, item, now)))
    }

    fn forget(&self, session: SessionId, item: Item) -> RegistryFuture<'_, ()> {
        self.known().kept.remove(session, item);
        ready(Ok(()))
    }
}

fn ready<'a, T: Send + 'a>(answer: Result<T, RegistryError>) -> RegistryFuture<'a, T> {
    Box::pin(future::ready(answer))
}
