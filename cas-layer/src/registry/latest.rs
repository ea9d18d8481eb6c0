//! The latest ends, in the order in which this node learned of them.

use std::{collections::VecDeque, time::Instant};

use crate::session::SessionId;

/// How many are known.
const MAX: usize = 64;

/// The latest ends, and when this node learned of them. The time is that of no clock that can be set.
#[derive(Default)]
pub(super) struct Latest {
    /// Oldest first.
    ends: VecDeque<(SessionId, Instant)>,
    /// When the latest of those that are no longer known was noted.
    forgotten_at: Option<Instant>,
}

impl Latest {
    pub(super) fn note(&mut self, id: SessionId) {
        if self.ends.len() >= MAX
            && let Some((_, at)) = self.ends.pop_front()
        {
            self.forgotten_at = Some(at);
        }
        self.ends.push_back((id, Instant::now()));
    }

    /// Whether this node may have learned since then that the session with this id has ended. Where that is no longer
    /// known, it may.
    pub(super) fn may_contain(&self, id: SessionId, since: Instant) -> bool {
        self.forgotten_at.is_some_and(|at| at >= since)
            || self.ends.iter().any(|&(end, at)| end == id && at >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> SessionId {
        [n; 16].into()
    }

    #[test]
    fn an_end_is_known_to_have_come_before_or_after() {
        let mut latest = Latest::default();
        let before = Instant::now();
        latest.note(id(1));
        assert!(latest.may_contain(id(1), before));
        assert!(!latest.may_contain(id(2), before));
        while Instant::now() <= latest.ends[0].1 {}
        assert!(!latest.may_contain(id(1), Instant::now()));
    }

    #[test]
    fn what_is_no_longer_known_may_have_come_after() {
        let mut latest = Latest::default();
        let before = Instant::now();
        for n in 0..=64 {
            latest.note(id(n));
        }
        assert_eq!(latest.ends.len(), 64);
        assert!(latest.may_contain(id(0), before));
        assert!(latest.may_contain(id(200), before));
        while Instant::now() <= latest.ends[0].1 {}
        assert!(!latest.may_contain(id(200), Instant::now()));
    }
}
