//! Sign-outs on their way to Redis.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, oneshot};

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

/// How many sessions an ending ended, some time later.
pub(super) type Ended = oneshot::Receiver<Result<usize, RegistryError>>;

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
    /// Whether Redis is away.
    is_away: bool,
    turned_away: u64,
}

#[derive(Debug)]
struct Waiting {
    ending: Arc<Ending>,
    since: Instant,
    done: Option<oneshot::Sender<Result<usize, RegistryError>>>,
    /// What Redis made of it; the last word when it is there for good.
    outcome: Outcome,
    /// Sessions taken for ended here until Redis says whether they were opened.
    provisional: Vec<SessionId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    ended: usize,
    has_no_room: bool,
    /// Whether Redis knows none of the sessions, so there is nothing to be remembered.
    is_nothing: bool,
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
        if size > self.capacity {
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
        let (done, receiver) = oneshot::channel();
        let mut waiting = Waiting {
            ending: Arc::new(ending),
            since: Instant::now(),
            done: Some(done),
            outcome: Outcome::default(),
            provisional: Vec::new(),
        };
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
            if waiting.provisional.is_empty() {
                waiting.take_for_ended(ended, longest);
            }
        }
    }

    /// Redis is there. Says whether endings were turned away meanwhile.
    pub(super) fn redis_came(&self) -> bool {
        let mut inner = self.inner();
        inner.is_away = false;
        inner.turned_away > 0
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
        let inner = self.inner();
        let next = inner.waiting.iter().skip(skip).take_while(|waiting| {
            let is_taken = room > 0;
            room = room.saturating_sub(waiting.ending.size());
            is_taken
        });
        next.map(|waiting| Job {
            ending: Arc::clone(&waiting.ending),
            since: waiting.since,
        })
        .collect()
    }

    /// Notes what Redis answered for the sessions of ending number `at`. Answers with those that were wrongly
    /// taken for ended.
    pub(super) fn answered(&self, at: usize, answers: &[Answer]) -> Vec<SessionId> {
        let mut inner = self.inner();
        let Some(waiting) = inner.waiting.get_mut(at) else {
            return Vec::new();
        };
        waiting.outcome = Outcome {
            ended: answers
                .iter()
                .filter(|answer| matches!(answer, Answer::Ended { .. } | Answer::HadEnded))
                .count(),
            has_no_room: answers.contains(&Answer::NoRoom),
            is_nothing: answers.iter().all(|answer| *answer == Answer::Unknown),
        };
        let Ending::IfOpened { ids, .. } = waiting.ending.as_ref() else {
            return Vec::new();
        };
        let unknown = |id: &SessionId| {
            let mut answered = ids.iter().zip(answers);
            answered.any(|(known, answer)| known == id && *answer == Answer::Unknown)
        };
        let provisional = std::mem::take(&mut waiting.provisional);
        provisional.into_iter().filter(unknown).collect()
    }

    /// Takes those of `count` endings from number `first` on out of which nothing came, and says how many are left.
    pub(super) fn forget_unknown(&self, first: usize, count: usize) -> usize {
        let mut inner = self.inner();
        let end = first.saturating_add(count).min(inner.waiting.len());
        let (mut left, mut unknown) = (Vec::new(), Vec::new());
        for (at, waiting) in inner.waiting.drain(..end).enumerate() {
            if at >= first && waiting.outcome.is_nothing {
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
            if let Some(done) = waiting.done {
                // Who asked may have gone away.
                let _ = done.send(waiting.outcome.result());
            }
        }
        self.emptied.notify_waiters();
    }

    /// Tells those who wait for the first `count` that Redis does not have them for good, and keeps them.
    pub(super) fn delay(&self, count: usize, error: impl Fn() -> RegistryError) {
        let mut inner = self.inner();
        for waiting in inner.waiting.iter_mut().take(count) {
            if let Some(done) = waiting.done.take() {
                let _ = done.send(Err(error()));
            }
        }
    }

    /// A panic elsewhere leaves the queue whole: every change is complete before the next call.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take_for_ended(&mut self, ended: &EndedSessions, longest: UnixSeconds) {
        if let Ending::IfOpened { ids, now } = self.ending.as_ref() {
            let expires_at = now.saturating_add(longest);
            let new = ids
                .iter()
                .copied()
                .filter(|&id| ended.end_new(id, expires_at, *now));
            self.provisional.extend(new);
        }
    }
}

impl Outcome {
    fn result(self) -> Result<usize, RegistryError> {
        if self.has_no_room {
            Err(RegistryError::new(
                RegistryErrorKind::Full,
                "Redis lost data, and as many sign-outs of unknown sessions are kept as there is room for",
            ))
        } else {
            Ok(self.ended)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_700_000_000;
    const LONGEST: UnixSeconds = 3_600;

    fn id(n: u8) -> SessionId {
        [n; 16].into()
    }

    fn named(ids: &[u8]) -> Ending {
        Ending::IfOpened {
            ids: ids.iter().map(|&n| id(n)).collect(),
            now: NOW,
        }
    }

    fn shown(n: u8) -> Ending {
        Ending::Session(Lasting {
            id: id(n),
            expires_at: NOW + LONGEST,
            seconds: LONGEST,
        })
    }

    fn push(
        queue: &Queue,
        ending: Ending,
        ended: &EndedSessions,
    ) -> Result<Ended, RegistryErrorKind> {
        queue
            .push(ending, ended, LONGEST)
            .map_err(|error| error.kind())
    }

    #[test]
    fn sessions_are_counted_not_messages() {
        let (queue, ended) = (Queue::new(3), EndedSessions::new());
        push(&queue, named(&[1, 2]), &ended).unwrap();
        assert_eq!(
            push(&queue, named(&[3, 4]), &ended).unwrap_err(),
            RegistryErrorKind::Full
        );
        push(&queue, shown(3), &ended).unwrap();
        // Even one that names nobody.
        assert!(push(&queue, named(&[]), &ended).is_err());
        assert_eq!(queue.len(), 3);
        queue.finish(1);
        assert_eq!(queue.len(), 1);
        push(&queue, named(&[]), &ended).unwrap();
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn a_batch_ends_at_its_limit_and_has_one_ending_at_least() {
        let (queue, ended) = (Queue::new(100), EndedSessions::new());
        for ending in [named(&[1, 2, 3]), shown(4), shown(5), shown(6)] {
            push(&queue, ending, &ended).unwrap();
        }
        assert_eq!(queue.next(0, 1).len(), 1);
        assert_eq!(queue.next(0, 4).len(), 2);
        assert_eq!(queue.next(1, 100).len(), 3);
        assert!(queue.next(4, 100).is_empty());
    }

    #[test]
    fn messages_count_here_only_while_redis_is_away_and_what_was_unknown_is_named_again() {
        let (queue, ended) = (Queue::new(100), EndedSessions::new());
        ended.end(id(3), NOW, NOW);
        push(&queue, named(&[1, 2, 3]), &ended).unwrap();
        assert!(!ended.contain_id(id(1)));
        queue.redis_went(&ended, LONGEST);
        push(&queue, named(&[4]), &ended).unwrap();
        assert!([1, 2, 3, 4].into_iter().all(|n| ended.contain_id(id(n))));
        queue.redis_came();
        push(&queue, named(&[5]), &ended).unwrap();
        assert!(!ended.contain_id(id(5)));

        let answers = [Answer::HadEnded, Answer::Unknown, Answer::Unknown];
        // The third had ended before.
        assert_eq!(queue.answered(0, &answers), [id(2)]);
        assert_eq!(queue.answered(1, &[Answer::NoRoom]), []);
        assert_eq!(queue.answered(9, &[Answer::Unknown]), []);
    }

    #[test]
    fn who_waits_is_told_what_came_of_it() {
        let (queue, ended) = (Queue::new(100), EndedSessions::new());
        let endings = [
            named(&[1, 2]),
            named(&[3]),
            shown(4),
            named(&[5]),
            named(&[6]),
        ];
        let mut waiting = endings.map(|ending| push(&queue, ending, &ended).unwrap());
        queue.answered(0, &[Answer::HadEnded, Answer::Unknown]);
        queue.answered(1, &[Answer::Unknown]);
        queue.answered(3, &[Answer::NoRoom]);
        // Nothing is to be remembered of the second, so nothing is waited for.
        assert_eq!(queue.forget_unknown(0, 4), 3);
        assert_eq!(waiting[1].try_recv().unwrap().unwrap(), 0);
        assert!(waiting[0].try_recv().is_err());
        queue.delay(1, super::super::link::away);
        let kind = |told: Result<usize, RegistryError>| told.map_err(|error| error.kind());
        assert_eq!(
            kind(waiting[0].try_recv().unwrap()),
            Err(RegistryErrorKind::Unavailable)
        );
        queue.finish(3);
        assert_eq!(waiting[2].try_recv().unwrap().unwrap(), 0);
        assert_eq!(
            kind(waiting[3].try_recv().unwrap()),
            Err(RegistryErrorKind::Full)
        );
        assert_eq!(queue.len(), 1);
        assert!(waiting[4].try_recv().is_err());
    }
}
