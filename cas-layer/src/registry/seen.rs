//! Sessions whose cookies are seen after a server lost something: it is told of them again, so that a later logout finds
//! them.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::mpsc;

use super::RegisteredSession;
use crate::{clock::UnixSeconds, session::SessionId};

/// How many may wait. Without room, it is told when the cookie is seen again.
const WAITING: usize = 10_000;

/// How many are remembered, so that each is told once. Cookies are sealed, so these are sessions, and no
/// stranger's numbers.
const REMEMBERED: usize = 1_000_000;

/// Such a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    pub(super) id: SessionId,
    pub(super) family: Option<SessionId>,
    pub(super) expires_at: UnixSeconds,
}

#[derive(Debug)]
pub(super) struct Seen {
    known: Mutex<HashSet<SessionId>>,
    sender: mpsc::Sender<Note>,
    /// For the task that tells the server of them.
    pub(super) receiver: tokio::sync::Mutex<mpsc::Receiver<Note>>,
}

impl Seen {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self {
            known: Mutex::default(),
            sender,
            receiver: tokio::sync::Mutex::new(receiver),
        }
    }

    /// Notes a session that is alive.
    pub(super) fn note(&self, session: &RegisteredSession<'_>) {
        // On the path of every request. If the lock is taken, the session is seen again with its next request.
        let Ok(mut known) = self.known.try_lock() else {
            return;
        };
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let note = Note {
            id: session.id,
            family: session.family,
            expires_at: session.expires_at,
        };
        if !known.contains(&session.id) && self.sender.try_send(note).is_ok() {
            known.insert(session.id);
        }
    }

    /// Forgets which sessions the server was told of.
    pub(super) fn forget(&self) {
        *self.known() = HashSet::new();
    }

    fn known(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_told_once_of_each_session_until_it_has_lost_them_again() {
        let seen = Seen::new();
        let told = || {
            let mut receiver = seen.receiver.try_lock().unwrap();
            std::iter::from_fn(|| receiver.try_recv().ok().map(|note| note.id)).collect::<Vec<_>>()
        };
        let session = |n| RegisteredSession::new([n; 16].into(), 1, 60, "https://cas", "alice");
        let see_all = || {
            for n in [1, 2, 1, 2] {
                seen.note(&session(n));
            }
        };
        let both = [[1; 16], [2; 16]].map(SessionId::from);
        see_all();
        assert_eq!(told(), both);
        see_all();
        assert_eq!(told(), []);
        seen.forget();
        see_all();
        assert_eq!(told(), both);
    }
}
