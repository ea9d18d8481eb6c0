//! Sessions that another sign-in in their browser has just replaced.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::session::SessionId;

/// How many are known. Each has taken a good ticket, so nobody fills this up for others.
const MAX: usize = 1024;

/// The latest sessions that were replaced on this node. A browser that still shows one of them has another session by
/// now, or its cookie is on the way.
#[derive(Debug, Default)]
pub(crate) struct Replaced(Mutex<VecDeque<SessionId>>);

impl Replaced {
    pub(crate) fn note(&self, id: SessionId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.truncate(MAX - 1);
        ids.push_front(id);
    }

    pub(crate) fn contains(&self, id: SessionId) -> bool {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_and_no_more() {
        let replaced = Replaced::default();
        let id = |n: u16| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            SessionId::from(id)
        };
        for n in 0..=1024 {
            replaced.note(id(n));
        }
        assert!(!replaced.contains(id(0)));
        assert!(replaced.contains(id(1)) && replaced.contains(id(1024)));
        assert_eq!(replaced.0.lock().unwrap().len(), MAX);
    }
}
