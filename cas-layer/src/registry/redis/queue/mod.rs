//! Sign-outs on their way to Redis.

#[cfg(test)]
mod tests;
mod waiting;

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, oneshot};

use self::waiting::Waiting;
use super::scripts::{AccountEnd, Answer, Lasting};
use crate::{
    clock::UnixSeconds,
    registry::{EndedSessions, RegistryError, RegistryErrorKind},
    session::SessionId,
};

/// A call that is answered within this time asked at once.
const PROMPT: Duration = Duration::from_secs(1);

/// What is to be ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// A session whose cookie was shown.
    Session(Lasting),
    /// Sessions that a message from the network named.
    IfOpened {
        ids: Vec<SessionId>,
        now: UnixSeconds,
    },
    /// All sessions of an account.
    Account(AccountEnd),
}

/// Which sessions a message from the network ended.
type Done = Result<Vec<SessionId>, RegistryError>;

/// The same, some time later.
pub(super) type Ended = oneshot::Receiver<Done>;

/// Every sign-out goes through here, so none is lost when its request goes away or Redis does. Bounded. The one
/// who empties it asks for a few from the front, and takes them out only when Redis has them for good.
#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    capacity: usize,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Waiting>,
    /// How many sessions and accounts wait.
    size: usize,
    /// How many of them were named by messages from the network.
    from_strangers: usize,
    /// Whether Redis is away.
    is_away: bool,
    turned_away: u64,
}

/// An ending that Redis is to be told of.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) ending: Arc<Ending>,
    since: Instant,
}

impl Job {
    /// An account's end, as it has to be told now.
    pub(super) fn account(&self, end: &AccountEnd) -> AccountEnd {
        AccountEnd {
            is_prompt: self.since.elapsed() < PROMPT,
            ..*end
        }
    }
}

impl Ending {
    fn size(&self) -> usize {
        match self {
            Self::IfOpened { ids, .. } => ids.len().max(1),
            Self::Session(_) | Self::Account(_) => 1,
        }
    }

    fn size_for_strangers(&self) -> usize {
        match self {
            Self::IfOpened { .. } => self.size(),
            Self::Session(_) | Self::Account(_) => 0,
        }
    }
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::default(),
            capacity,
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Takes an ending in. `ended` and `longest` are for sessions that are taken for ended while Redis is away.
    pub(super) fn push(
        &self,
        ending: Ending,
        ended: &EndedSessions,
        longest: UnixSeconds,
    ) -> Result<Ended, RegistryError> {
        let mut inner = self.inner();
        let size = inner.size.saturating_add(ending.size());
        let from_strangers = inner
            .from_strangers
            .saturating_add(ending.size_for_strangers());
        // Whoever shows a cookie finds room, however many messages come from the network.
        let is_theirs_full = ending.size_for_strangers() > 0 && from_strangers > self.capacity / 2;
        if size > self.capacity || is_theirs_full {
            if inner.turned_away == 0 {
                tracing::error!(
                    capacity = self.capacity,
                    "as many sign-outs wait for Redis as there is room for: more are turned away"
                );
            }
            inner.turned_away += 1;
            return Err(RegistryError::new(
                RegistryErrorKind::Full,
                "as many sign-outs wait for Redis as there is room for",
            ));
        }
        inner.size = size;
        inner.from_strangers = from_strangers;
        let (mut waiting, receiver) = Waiting::new(ending);
        if inner.is_away {
            waiting.take_for_ended(ended, longest);
        }
        inner.waiting.push_back(waiting);
        drop(inner);
        self.filled.notify_one();
        Ok(receiver)
    }

    /// Redis is away: what waits is taken for ended here.
    pub(super) fn redis_went(&self, ended: &EndedSessions, longest: UnixSeconds) {
        let mut inner = self.inner();
        inner.is_away = true;
        for waiting in &mut inner.waiting {
            waiting.redis_went(ended, longest);
        }
    }

    pub(super) fn redis_came(&self) {
        self.inner().is_away = false;
    }

    /// How many sessions and accounts wait.
    pub(super) fn len(&self) -> usize {
        self.inner().size
    }

    /// The sessions that wait.
    pub(super) fn sessions(&self) -> HashSet<SessionId> {
        let inner = self.inner();
        let endings = inner.waiting.iter().map(|waiting| waiting.ending.as_ref());
        endings
            .flat_map(|ending| match ending {
                Ending::Session(session) => std::slice::from_ref(&session.id),
                Ending::IfOpened { ids, .. } => ids,
                Ending::Account(_) => &[],
            })
            .copied()
            .collect()
    }

    /// Returns when more than so many endings wait.
    pub(super) async fn holds_more_than(&self, count: usize) {
        until(&self.filled, || self.inner().waiting.len() > count).await;
    }

    /// Returns when none waits.
    pub(super) async fn is_empty(&self) {
        until(&self.emptied, || self.inner().waiting.is_empty()).await;
    }

    /// The next endings after the first `skip`: about `limit` sessions, and at least one ending if there is one.
    pub(super) fn next(&self, skip: usize, limit: usize) -> Vec<Job> {
        let mut room = limit;
        let mut inner = self.inner();
        let next = inner.waiting.iter_mut().skip(skip).take_while(|waiting| {
            let is_taken = room > 0;
            room = room.saturating_sub(waiting.ending.size());
            is_taken
        });
        next.map(Waiting::ask).collect()
    }

    /// Notes what Redis answered for the sessions of ending number `at`. Answers with those that were wrongly
    /// taken for ended.
    pub(super) fn answered(&self, at: usize, answers: &[Answer]) -> Vec<SessionId> {
        let mut inner = self.inner();
        let waiting = inner.waiting.get_mut(at);
        waiting.map_or_else(Vec::new, |waiting| waiting.answered(answers))
    }

    /// Takes those of `count` endings from number `first` on out of which nothing came, and says how many are left.
    pub(super) fn forget_unknown(&self, first: usize, count: usize) -> usize {
        let mut inner = self.inner();
        let end = first.saturating_add(count).min(inner.waiting.len());
        let (mut left, mut unknown) = (Vec::new(), Vec::new());
        for (at, waiting) in inner.waiting.drain(..end).enumerate() {
            if at >= first && waiting.is_nothing() {
                unknown.push(waiting);
            } else {
                left.push(waiting);
            }
        }
        let count = left.len().saturating_sub(first);
        for waiting in left.into_iter().rev() {
            inner.waiting.push_front(waiting);
        }
        self.conclude(inner, unknown);
        count
    }

    /// Takes the first `count` out: Redis has them for good.
    pub(super) fn finish(&self, count: usize) {
        let mut inner = self.inner();
        let count = count.min(inner.waiting.len());
        let finished = inner.waiting.drain(..count).collect();
        self.conclude(inner, finished);
    }

    fn conclude(&self, mut inner: MutexGuard<'_, Inner>, finished: Vec<Waiting>) {
        let size: usize = finished.iter().map(|waiting| waiting.ending.size()).sum();
        inner.size = inner.size.saturating_sub(size);
        let from_strangers = finished
            .iter()
            .map(|waiting| waiting.ending.size_for_strangers());
        inner.from_strangers = inner.from_strangers.saturating_sub(from_strangers.sum());
        let turned_away = if size == 0 {
            0
        } else {
            std::mem::take(&mut inner.turned_away)
        };
        drop(inner);
        if turned_away > 0 {
            tracing::warn!(
                turned_away,
                "there is room again for sign-outs that wait for Redis"
            );
        }
        for waiting in finished {
            waiting.conclude();
        }
        self.emptied.notify_waiters();
    }

    /// Tells those who wait for the first `count` that Redis does not have them for good, and keeps them.
    pub(super) fn delay(&self, count: usize, error: impl Fn() -> RegistryError) {
        let mut inner = self.inner();
        for waiting in inner.waiting.iter_mut().take(count) {
            waiting.delay(&error);
        }
    }

    /// A panic elsewhere leaves the queue whole: every change is complete before the next call.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn until(changed: &Notify, mut holds: impl FnMut() -> bool) {
    loop {
        let mut next = std::pin::pin!(changed.notified());
        // From here on no change is missed.
        next.as_mut().enable();
        if holds() {
            return;
        }
        next.await;
    }
}
