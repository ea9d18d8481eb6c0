//! Sign-outs on their way to PostgreSQL.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use crate::{
    clock::UnixSeconds,
    registry::{AccountId, RegistryError, RegistryErrorKind, recent::RecentLogout, turns::Turn},
    session::SessionId,
};

/// Says what became of an ending: which of the named sessions have ended now.
pub(super) type Ended = oneshot::Receiver<Result<Vec<SessionId>, RegistryError>>;

type Answer = oneshot::Sender<Result<Vec<SessionId>, RegistryError>>;

/// A session or family that has ended, with what is left of its life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lasting {
    pub(super) id: SessionId,
    pub(super) expires_at: UnixSeconds,
    /// How long until it expires, by the clock of the node that sealed it, so that a clock that goes wrong does not
    /// matter.
    pub(super) seconds: UnixSeconds,
}

/// One end of an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountEnd {
    pub(super) account: AccountId,
    pub(super) number: u64,
    pub(super) expires_at: UnixSeconds,
    pub(super) seconds: UnixSeconds,
    /// Whether the call is so recent that every session opened so far is meant.
    pub(super) is_prompt: bool,
}

/// Sessions that a message from the network names, some of which are known.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) logout: RecentLogout,
    /// Kept until it is answered, so that no more of these wait than have a turn. `None` if PostgreSQL is told
    /// [again](super::again).
    pub(super) turn: Option<Turn>,
}

#[derive(Debug)]
pub(super) enum Ending {
    Session(Lasting),
    Account(AccountEnd),
    Named(Named),
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) ending: Ending,
    answer: Option<Answer>,
}

impl Job {
    pub(super) fn answer(&mut self, result: Result<Vec<SessionId>, RegistryError>) {
        if let Some(answer) = self.answer.take() {
            // Nobody may wait any more.
            let _ = answer.send(result);
        }
    }

    /// Whether it is of somebody who showed a cookie, so that it is to be told in any case.
    fn is_own(&self) -> bool {
        !matches!(self.ending, Ending::Named(_))
    }
}

/// Every end goes through here, so none of those that hold at this node is lost if its request goes away or PostgreSQL does.
/// The queue is bounded: what users end by their cookies by its capacity, and what messages name by their turns.
#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    capacity: usize,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: VecDeque<Job>,
    /// How many of users who showed a cookie there are, also those of which PostgreSQL is being told.
    own: usize,
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

    /// `Err` if there is no room.
    pub(super) fn push(&self, ending: Ending) -> Result<Ended, RegistryError> {
        let (answer, ended) = oneshot::channel();
        let job = Job {
            ending,
            answer: Some(answer),
        };
        let mut inner = self.inner();
        if job.is_own() {
            if inner.own >= self.capacity {
                return Err(RegistryError::new(
                    RegistryErrorKind::Full,
                    "too many sign-outs wait for PostgreSQL",
                ));
            }
            inner.own += 1;
        }
        inner.jobs.push_back(job);
        drop(inner);
        self.filled.notify_one();
        Ok(ended)
    }

    /// The next jobs, about `limit` sessions, once there are some. They count as waiting until
    /// [`finish`](Self::finish) or [`put_back`](Self::put_back).
    pub(super) async fn take(&self, limit: usize) -> Vec<Job> {
        loop {
            let jobs = self.take_now(limit);
            if !jobs.is_empty() {
                return jobs;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self, limit: usize) -> Vec<Job> {
        let (mut room, mut jobs) = (limit, Vec::new());
        let mut inner = self.inner();
        while room > 0
            && let Some(job) = inner.jobs.pop_front()
        {
            let size = match &job.ending {
                Ending::Named(named) => named.logout.ids.len(),
                _ => 1,
            };
            room = room.saturating_sub(size);
            jobs.push(job);
        }
        jobs
    }

    /// PostgreSQL has recorded these.
    pub(super) fn finish(&self, jobs: &[Job]) {
        let mut inner = self.inner();
        let own = jobs.iter().filter(|job| job.is_own()).count();
        inner.own = inner.own.saturating_sub(own);
        if inner.jobs.is_empty() {
            // After a long wait there was a lot.
            inner.jobs = VecDeque::new();
        }
        drop(inner);
        self.emptied.notify_waiters();
    }

    /// PostgreSQL has not recorded these. Who waits is told so. What users have ended is told later. Returns what was told
    /// again and is to be told once more.
    pub(super) fn put_back(
        &self,
        jobs: Vec<Job>,
        error: impl Fn() -> RegistryError,
    ) -> Vec<RecentLogout> {
        let mut left = Vec::new();
        let mut inner = self.inner();
        for mut job in jobs.into_iter().rev() {
            job.answer(Err(error()));
            if let Ending::Account(end) = &mut job.ending {
                end.is_prompt = false;
            }
            match job.ending {
                // Whoever waits remembers it.
                Ending::Named(Named { logout, turn }) if turn.is_none() => left.push(logout),
                Ending::Named(_) => {}
                Ending::Session(_) | Ending::Account(_) => inner.jobs.push_front(job),
            }
        }
        left
    }

    /// How many sign-outs wait.
    pub(super) fn len(&self) -> usize {
        self.inner().own
    }

    /// Returns when none waits.
    pub(super) async fn is_empty(&self) {
        loop {
            let mut next = std::pin::pin!(self.emptied.notified());
            // From here on no change is missed.
            next.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            next.await;
        }
    }

    /// A panic elsewhere leaves the queue whole.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What PostgreSQL is told at once: each session once, as one statement changes no row twice.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) sessions: Vec<Lasting>,
    pub(super) names: Vec<SessionId>,
    pub(super) accounts: Vec<AccountEnd>,
    /// The latest time by the nodes' clock.
    pub(super) now: UnixSeconds,
}

impl Batch {
    pub(super) fn of(jobs: &[Job]) -> Self {
        let mut batch = Self::default();
        let mut sessions: HashMap<SessionId, Lasting> = HashMap::new();
        for job in jobs {
            match &job.ending {
                Ending::Session(session) => {
                    let known = sessions.entry(session.id).or_insert(*session);
                    known.expires_at = known.expires_at.max(session.expires_at);
                    known.seconds = known.seconds.max(session.seconds);
                }
                Ending::Account(end) => batch.accounts.push(*end),
                Ending::Named(named) => {
                    batch.names.extend(&named.logout.ids);
                    batch.now = batch.now.max(named.logout.now);
                }
            }
        }
        batch.sessions = sessions.into_values().collect();
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{LogoutSender, turns::Turns};

    fn session(n: u8) -> Ending {
        Ending::Session(Lasting {
            id: [n; 16].into(),
            expires_at: u64::from(n),
            seconds: 60,
        })
    }

    fn away() -> RegistryError {
        RegistryError::new(RegistryErrorKind::Unavailable, "away")
    }

    #[test]
    fn what_was_not_recorded_keeps_its_room_and_comes_first_the_next_time() {
        let queue = Queue::new(3);
        let mut first = queue.push(session(1)).unwrap();
        for n in [2, 3] {
            queue.push(session(n)).unwrap();
        }
        let jobs = queue.take_now(2);
        assert_eq!((jobs.len(), queue.len()), (2, 3));
        let refused = queue.push(session(4)).unwrap_err();
        assert_eq!(refused.kind(), RegistryErrorKind::Full);
        queue.put_back(jobs, away);
        assert!(first.try_recv().unwrap().is_err());
        assert!(queue.push(session(4)).is_err());
        let jobs = queue.take_now(3);
        let batch = Batch::of(&jobs);
        assert_eq!(batch.sessions.len(), 3);
        queue.finish(&jobs);
        assert_eq!(queue.len(), 0);
        assert!(queue.push(session(4)).is_ok());
    }

    fn named(count: usize, turn: Option<Turn>) -> Ending {
        let logout = RecentLogout {
            ids: vec![[9; 16].into(); count],
            sender: LogoutSender::app(),
            now: 0,
        };
        Ending::Named(Named { logout, turn })
    }

    #[tokio::test]
    async fn what_a_message_named_takes_no_room_and_is_left_to_whoever_waits() {
        let queue = Queue::new(1);
        let turns = Turns::new();
        let turn = turns.take(LogoutSender::app()).await.unwrap();
        queue.push(named(2, None)).unwrap();
        queue.push(named(3, Some(turn))).unwrap();
        queue.push(session(1)).unwrap();
        assert_eq!(queue.len(), 1);
        // Each counts for the sessions that it names.
        let mut jobs = queue.take_now(3);
        assert_eq!(jobs.len(), 2);
        jobs.extend(queue.take_now(1));
        let left = queue.put_back(jobs, away);
        let left: Vec<_> = left.iter().map(|logout| logout.ids.len()).collect();
        assert_eq!(left, [2]);
        assert_eq!(queue.take_now(10).len(), 1);
    }

    #[test]
    fn a_session_that_ends_twice_is_told_once_and_for_the_longer_time() {
        let queue = Queue::new(10);
        for expires_at in [5, 9, 7] {
            let ending = Lasting {
                id: [1; 16].into(),
                expires_at,
                seconds: expires_at,
            };
            queue.push(Ending::Session(ending)).unwrap();
        }
        let batch = Batch::of(&queue.take_now(10));
        let [session] = batch.sessions.as_slice() else {
            panic!("{batch:?}");
        };
        assert_eq!((session.expires_at, session.seconds), (9, 9));
    }
}
