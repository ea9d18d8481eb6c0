//! Validations that begin and are given up, until PostgreSQL is [told](super::noter). It is told of them in the order of the calls, several at once, so that no
//! `abandon` takes back a `begin` that came after it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, oneshot};

use crate::registry::{LONGEST, RegistryError, RegistryErrorKind};

/// How many wait at most.
const ROOM: usize = 10_000;

/// How many are told at once.
const BATCH: usize = 500;

/// What is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Begin = 1,
    Abandon = 2,
    Expect = 3,
    Unexpect = 4,
}

#[derive(Debug)]
pub(super) struct Note {
    pub(super) kind: Kind,
    pub(super) name: [u8; 16],
    /// For at most so many milliseconds.
    pub(super) millis: i64,
    answer: Option<oneshot::Sender<Result<(), RegistryError>>>,
}

impl Note {
    pub(super) fn answer(&mut self, result: impl FnOnce() -> Result<(), RegistryError>) {
        if let Some(answer) = self.answer.take() {
            // Nobody may wait any more.
            let _ = answer.send(result());
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Notes {
    waiting: Mutex<VecDeque<Note>>,
    filled: Notify,
}

impl Notes {
    /// Notes something that lasts, and says later whether PostgreSQL has heard it.
    pub(super) fn add(
        &self,
        kind: Kind,
        name: [u8; 16],
        lasts: Duration,
    ) -> oneshot::Receiver<Result<(), RegistryError>> {
        let (answer, answered) = oneshot::channel();
        // Never nothing.
        let lasts = lasts.clamp(Duration::from_millis(1), Duration::from_secs(LONGEST));
        self.push(Note {
            kind,
            name,
            millis: i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX),
            answer: Some(answer),
        });
        answered
    }

    /// Takes something back. If PostgreSQL does not hear of it, it ends by itself.
    pub(super) fn take_back(&self, kind: Kind, name: [u8; 16]) {
        self.push(Note {
            kind,
            name,
            millis: 0,
            answer: None,
        });
    }

    fn push(&self, mut note: Note) {
        let mut waiting = self.waiting();
        if waiting.len() < ROOM {
            waiting.push_back(note);
            drop(waiting);
            self.filled.notify_one();
        } else {
            note.answer(|| {
                Err(RegistryError::new(
                    RegistryErrorKind::Unavailable,
                    "too many sign-ins wait for PostgreSQL",
                ))
            });
        }
    }

    /// The next ones, once there are some.
    pub(super) async fn take(&self) -> Vec<Note> {
        loop {
            let notes = self.take_now();
            if !notes.is_empty() {
                return notes;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self) -> Vec<Note> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(BATCH);
        let notes = waiting.drain(..count).collect();
        if waiting.is_empty() {
            *waiting = VecDeque::new();
        }
        notes
    }

    /// A panic elsewhere leaves the list whole.
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Note>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_noted_and_taken_back_is_told_in_order() {
        let notes = Notes::default();
        let _answered = notes.add(Kind::Begin, [1; 16], Duration::ZERO);
        notes.take_back(Kind::Abandon, [1; 16]);
        let told = notes.take().await;
        let told = told.iter().map(|note| (note.kind, note.name, note.millis));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [(Kind::Begin, [1; 16], 1), (Kind::Abandon, [1; 16], 0)]
        );
    }

    #[tokio::test]
    async fn whoever_finds_no_room_is_turned_away_at_once() {
        let notes = Notes::default();
        let add = || notes.add(Kind::Begin, [1; 16], Duration::from_secs(1));
        let mut waiting: Vec<_> = (0..ROOM).map(|_| add()).collect();
        assert!(waiting.iter_mut().all(|answer| answer.try_recv().is_err()));
        assert!(add().await.unwrap().is_err());
        // As many as are told at once make room for as many others.
        assert_eq!(notes.take().await.len(), BATCH);
        let mut next: Vec<_> = (0..BATCH).map(|_| add()).collect();
        assert!(next.iter_mut().all(|answer| answer.try_recv().is_err()));
        assert!(add().await.unwrap().is_err());
    }
}
