//! One sign-out on its way to Redis, and its result.

use std::{mem, sync::Arc};

use tokio::sync::oneshot;

use crate::{
    clock::UnixSeconds,
    registry::{
        EndedSessions, LogoutSender, RegistryError, RegistryErrorKind,
        redis::scripts::{AccountEnd, Answer, Lasting},
    },
    session::SessionId,
};

/// What is to be ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// A session whose cookie was shown.
    Session(Lasting),
    /// Sessions that a message from the network named.
    IfOpened {
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    },
    /// All sessions of an account.
    Account(AccountEnd),
}

/// Which sessions a message from the network ended.
pub(super) type Done = Result<Vec<SessionId>, RegistryError>;

/// The same, some time later.
pub(crate) type Ended = oneshot::Receiver<Done>;

/// An ending that Redis is to be told of.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) ending: Arc<Ending>,
    /// Whether a caller has not been answered yet.
    pub(crate) is_waited_for: bool,
}

impl Ending {
    /// How many sessions and accounts it is, and at least one.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::IfOpened { ids, .. } => ids.len().max(1),
            Self::Session(_) | Self::Account(_) => 1,
        }
    }

    /// Who named the sessions, if nobody showed a cookie.
    pub(super) fn sender(&self) -> Option<LogoutSender> {
        match self {
            Self::IfOpened { sender, .. } => Some(*sender),
            Self::Session(_) | Self::Account(_) => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) ending: Arc<Ending>,
    done: Option<oneshot::Sender<Done>>,
    /// What Redis answered. It is final once Redis has recorded it durably.
    outcome: Outcome,
    /// Whether Redis is being asked.
    is_asked: bool,
    /// Whether Redis was asked and its answer was lost: that call may have ended what Redis now reports as ended
    /// before.
    is_in_doubt: bool,
    /// Sessions marked as ended here until Redis says whether they were opened. One may be in others' lists too.
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
            is_waited_for: self.done.as_ref().is_some_and(|done| !done.is_closed()),
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
        let mut forgotten = Vec::new();
        for (&id, answer) in ids.iter().zip(answers) {
            let is_ended = match answer {
                Answer::Ended { .. } | Answer::EndedEarly => true,
                Answer::HadEnded => self.is_in_doubt,
                // Anybody can name a session that nobody has, so such a session is not reported as ended.
                Answer::Kept { .. } | Answer::Unknown | Answer::NoRoom => false,
            };
            // What was answered on an earlier connection stays true.
            if is_ended && !self.outcome.ended.contains(&id) {
                self.outcome.ended.push(id);
            }
            if matches!(answer, Answer::Unknown | Answer::NoRoom) {
                forgotten.push(id);
            }
        }
        for id in mem::take(&mut self.provisional) {
            if forgotten.contains(&id) {
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
        self.delay(full);
    }

    /// Redis has recorded it durably. The caller may have gone away.
    pub(super) fn conclude(self) {
        if let Some(done) = self.done {
            let _ = done.send(self.outcome.result());
        }
    }

    /// Tells the caller that Redis has not recorded it durably.
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

pub(super) fn full() -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Full,
        "as many sign-outs wait for Redis as there is room for",
    )
}

/// Sessions that nobody knows are kept after a loss, and no more of them fit.
pub(crate) fn no_room_for_unknown() -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Full,
        "Redis lost data, and as many sign-outs of unknown sessions are kept as there is room for",
    )
}
