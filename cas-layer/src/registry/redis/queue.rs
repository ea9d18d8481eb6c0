//! Sign-outs on their way to Redis.

#[cfg(test)]
mod tests;
mod waiting;

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

pub(super) use self::waiting::{Ended, Ending, Job, no_room_for_unknown};
use self::waiting::{Waiting, full};
use super::scripts::Answer;
use crate::{
    clock::UnixSeconds,
    protocol::LogoutRequest,
    registry::{EndedSessions, RegistryError, fair::Fair, sender::LogoutShare},
    seldom::{Seldom, seldom},
    session::SessionId,
};

/// Every sign-out goes through here, so none is lost if its request goes away or Redis does. The queue is bounded. The
/// task that empties it asks for a few from the front, and takes them out only when Redis has recorded them.
///
/// Users who show a cookie have half of the room. The other half is for messages from the network: half of that for
/// listed senders, and a quarter each for the back channel and the front channel. Entries get in line by turns: one
/// of each of these, and within them one of each source.
#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    capacity: usize,
    /// For users who show a cookie.
    own_room: usize,
    filled: Notify,
    emptied: Notify,
    turned_away: Seldom,
}

#[derive(Debug)]
struct Inner {
    /// In the order in which Redis is told. It may have been told of the first ones already.
    line: VecDeque<Waiting>,
    /// Of those who showed a cookie, the ones that are not in line yet.
    own: VecDeque<Waiting>,
    /// How many of them there are, in line or not.
    own_size: usize,
    /// Of messages from the network, the ones that are not in line yet, by share.
    named: [Fair<Waiting>; LogoutShare::COUNT],
    /// Whose turn it is to get in line.
    turn: usize,
    /// Whether Redis is away.
    is_away: bool,
}

impl Inner {
    fn len(&self) -> usize {
        let named = self.named.iter().map(Fair::size);
        self.own_size + named.sum::<usize>()
    }

    /// Gets the next one in line. Says whether there was one.
    fn line_up(&mut self) -> bool {
        for _ in 0..=LogoutShare::COUNT {
            let turn = self.turn;
            self.turn = (turn + 1) % (LogoutShare::COUNT + 1);
            let next = match self.named.get_mut(turn) {
                Some(named) => named.take(),
                None => self.own.pop_front(),
            };
            if let Some(next) = next {
                self.line.push_back(next);
                return true;
            }
        }
        false
    }

    fn all(&self) -> impl Iterator<Item = &Waiting> {
        let named = self.named.iter().flat_map(Fair::iter);
        self.line.iter().chain(&self.own).chain(named)
    }
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        let for_named = capacity / 2;
        // A message needs its room at once.
        let room = |part: usize| (for_named / part).max(LogoutRequest::MAX_IDS);
        let any = usize::MAX;
        Self {
            inner: Mutex::new(Inner {
                line: VecDeque::new(),
                own: VecDeque::new(),
                own_size: 0,
                named: [
                    Fair::new(room(2), any),
                    Fair::new(room(4), any),
                    // One browser has one message.
                    Fair::new(room(4), LogoutRequest::MAX_IDS),
                ],
                turn: 0,
                is_away: false,
            }),
            capacity,
            own_room: capacity - for_named,
            filled: Notify::new(),
            emptied: Notify::new(),
            turned_away: Seldom::new(),
        }
    }

    /// Takes an ending in. `ended` and `longest` are for sessions that are taken for ended while Redis is away.
    pub(super) fn push(
        &self,
        ending: Ending,
        ended: &EndedSessions,
        longest: UnixSeconds,
    ) -> Result<Ended, RegistryError> {
        let (size, sender) = (ending.size(), ending.sender());
        let mut inner = self.inner();
        let has_room = match sender {
            None => inner.own_size < self.own_room,
            Some(sender) => {
                let named = &mut inner.named[sender.share().index()];
                let (fits, displaced) = named.make_room(sender.source(), size);
                for waiting in displaced {
                    waiting.displace(ended);
                }
                fits
            }
        };
        if !has_room {
            drop(inner);
            seldom!(
                error,
                self.turned_away,
                capacity = self.capacity,
                "too many sign-outs wait for Redis: more are turned away"
            );
            return Err(full());
        }
        let (mut waiting, receiver) = Waiting::new(ending);
        if inner.is_away {
            waiting.take_for_ended(ended, longest);
        }
        match sender {
            None => {
                inner.own_size += size;
                inner.own.push_back(waiting);
            }
            Some(sender) => {
                inner.named[sender.share().index()].add(sender.source(), size, waiting);
            }
        }
        drop(inner);
        self.filled.notify_one();
        Ok(receiver)
    }

    /// Redis is away: what waits is taken for ended here. What Redis was asked for is asked again, so it leaves the
    /// line: a flood that got in line first would keep its room from everybody else for as long as Redis is away.
    pub(super) fn redis_went(&self, ended: &EndedSessions, longest: UnixSeconds) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        inner.is_away = true;
        for waiting in inner.line.drain(..).rev() {
            match waiting.ending.sender() {
                None => inner.own.push_front(waiting),
                Some(sender) => {
                    let size = waiting.ending.size();
                    inner.named[sender.share().index()].put_back(sender.source(), size, waiting);
                }
            }
        }
        let named = inner.named.iter_mut().flat_map(Fair::iter_mut);
        for waiting in inner.own.iter_mut().chain(named) {
            waiting.redis_went(ended, longest);
        }
    }

    pub(super) fn redis_came(&self) {
        self.inner().is_away = false;
    }

    /// How many sessions and accounts wait.
    pub(super) fn len(&self) -> usize {
        self.inner().len()
    }

    /// The sessions that wait.
    pub(super) fn sessions(&self) -> HashSet<SessionId> {
        let inner = self.inner();
        let endings = inner.all().map(|waiting| waiting.ending.as_ref());
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
        until(&self.filled, || self.inner().all().nth(count).is_some()).await;
    }

    /// Returns when none waits.
    pub(super) async fn is_empty(&self) {
        until(&self.emptied, || self.inner().len() == 0).await;
    }

    /// The next endings after the first `skip`: about `limit` sessions, and at least one ending if there is one.
    pub(super) fn next(&self, skip: usize, limit: usize) -> Vec<Job> {
        let (mut room, mut at, mut jobs) = (limit, skip, Vec::new());
        let mut inner = self.inner();
        while room > 0 && (at < inner.line.len() || inner.line_up()) {
            let Some(waiting) = inner.line.get_mut(at) else {
                break;
            };
            room = room.saturating_sub(waiting.ending.size());
            jobs.push(waiting.ask());
            at += 1;
        }
        jobs
    }

    /// Notes what Redis answered for the sessions of ending number `at`. Those that were wrongly taken for ended are
    /// not any more.
    pub(super) fn answered(&self, at: usize, answers: &[Answer], ended: &EndedSessions) {
        if let Some(waiting) = self.inner().line.get_mut(at) {
            waiting.answered(answers, ended);
        }
    }

    /// Takes those of the first `count` endings out of which nothing came, and says how many are left.
    pub(super) fn forget_unknown(&self, count: usize) -> usize {
        let mut inner = self.inner();
        let end = count.min(inner.line.len());
        let (unknown, left): (Vec<_>, Vec<_>) =
            inner.line.drain(..end).partition(Waiting::is_nothing);
        let count = left.len();
        for waiting in left.into_iter().rev() {
            inner.line.push_front(waiting);
        }
        self.conclude(inner, unknown);
        count
    }

    /// Takes the first `count` out: Redis has recorded them durably.
    pub(super) fn finish(&self, count: usize) {
        let mut inner = self.inner();
        let count = count.min(inner.line.len());
        let finished = inner.line.drain(..count).collect();
        self.conclude(inner, finished);
    }

    fn conclude(&self, mut inner: MutexGuard<'_, Inner>, finished: Vec<Waiting>) {
        for waiting in &finished {
            let size = waiting.ending.size();
            match waiting.ending.sender() {
                None => inner.own_size = inner.own_size.saturating_sub(size),
                Some(sender) => {
                    inner.named[sender.share().index()].finish(sender.source(), size);
                }
            }
        }
        drop(inner);
        for waiting in finished {
            waiting.conclude();
        }
        self.emptied.notify_waiters();
    }

    /// Tells those who wait for the first `count` that Redis has not recorded them durably, and keeps them.
    pub(super) fn delay(&self, count: usize, error: impl Fn() -> RegistryError) {
        let mut inner = self.inner();
        for waiting in inner.line.iter_mut().take(count) {
            waiting.delay(&error);
        }
    }

    /// The same for ending number `at`.
    pub(super) fn delay_one(&self, at: usize, error: impl Fn() -> RegistryError) {
        if let Some(waiting) = self.inner().line.get_mut(at) {
            waiting.delay(error);
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
