//! One ending on its way, and what becomes of it.

use std::{mem, sync::Arc, time::Instant};

use tokio::sync::oneshot;

use super::{Done, Ended, Ending, Job, no_room_for_unknown};
use crate::{
    clock::UnixSeconds,
    registry::{EndedSessions, RegistryError, redis::scripts::Answer},
    session::SessionId,
};

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) ending: Arc<Ending>,
    since: Instant,
    done: Option<oneshot::Sender<Done>>,
    /// What Redis made of it; the last word when it is there for good.
    outcome: Outcome,
    /// Whether Redis is being asked.
    is_asked: bool,
    /// Whether Redis was asked and its answer was lost: what it says had ended may have been ended by that.
    is_in_doubt: bool,
    /// Sessions taken for ended here until Redis says whether they were opened. One may be in others' lists too.
    provisional: Vec<SessionId>,
}

#[derive(Debug, Default)]
struct Outcome {
    ended: Vec<SessionId>,
    has_no_room: bool,
    /// Whether Redis knows none of the sessions, so there is nothing to be remembered.
    is_nothing: bool,
}

impl Waiting {
    pub(super) fn new(ending: Ending) -> (Self, Ended) {
        let (done, ended) = oneshot::channel();
        let waiting = Self {
            ending: Arc::new(ending),
            since: Instant::now(),
            done: Some(done),
            outcome: Outcome::default(),
            is_asked: false,
            is_in_doubt: false,
            provisional: Vec::new(),
        };
        (waiting, ended)
    }

    pub(super) fn ask(&mut self) -> Job {
        self.is_asked = true;
        Job {
            ending: Arc::clone(&self.ending),
            since: self.since,
        }
    }

    /// Redis is away: it is taken for ended here.
    pub(super) fn redis_went(&mut self, ended: &EndedSessions, longest: UnixSeconds) {
        self.is_in_doubt |= mem::take(&mut self.is_asked);
        if self.provisional.is_empty() {
            self.take_for_ended(ended, longest);
        }
    }

    pub(super) fn take_for_ended(&mut self, ended: &EndedSessions, longest: UnixSeconds) {
        if let Ending::IfOpened { ids, now, .. } = self.ending.as_ref() {
            let expires_at = now.saturating_add(longest);
            let new = ids
                .iter()
                .copied()
                .filter(|&id| ended.end_provisionally(id, expires_at, *now));
            self.provisional.extend(new);
        }
    }

    /// Notes what Redis answered for each session.
    pub(super) fn answered(&mut self, answers: &[Answer], ended: &EndedSessions) {
        self.is_asked = false;
        self.outcome.has_no_room = answers.contains(&Answer::NoRoom);
        self.outcome.is_nothing = answers.iter().all(|answer| *answer == Answer::Unknown);
        let Ending::IfOpened { ids, .. } = self.ending.as_ref() else {
            return;
        };
        let mut unknown = Vec::new();
        for (&id, answer) in ids.iter().zip(answers) {
            let is_ended = match answer {
                Answer::Ended { .. } | Answer::EndedEarly => true,
                Answer::HadEnded => self.is_in_doubt,
                // Anybody can name what nobody has, so nobody is told that it has ended.
                Answer::Kept { .. } | Answer::Unknown | Answer::NoRoom => false,
            };
            // What was answered on an earlier connection stays true.
            if is_ended && !self.outcome.ended.contains(&id) {
                self.outcome.ended.push(id);
            }
            if *answer == Answer::Unknown {
                unknown.push(id);
            }
        }
        for id in mem::take(&mut self.provisional) {
            if unknown.contains(&id) {
                ended.release(id);
            } else {
                // Also where somebody else named it and is told that nobody knows it.
                ended.confirm(id);
            }
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.outcome.is_nothing
    }

    /// There is no room for it any more.
    pub(super) fn displace(mut self, ended: &EndedSessions) {
        for &id in &self.provisional {
            ended.release(id);
        }
        self.delay(super::full);
    }

    /// Redis has it for good. Who asked may have gone away.
    pub(super) fn conclude(self) {
        if let Some(done) = self.done {
            let _ = done.send(self.outcome.result());
        }
    }

    /// Tells who asked that Redis does not have it for good.
    pub(super) fn delay(&mut self, error: impl FnOnce() -> RegistryError) {
        if let Some(done) = self.done.take() {
            let _ = done.send(Err(error()));
        }
    }
}

impl Outcome {
    fn result(self) -> Done {
        if self.has_no_room {
            Err(no_room_for_unknown())
        } else {
            Ok(self.ended)
        }
    }
}
