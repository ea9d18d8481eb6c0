//! Forgets in PostgreSQL what has expired, a little at a time.

use std::time::{Duration, Instant};

use super::{node::Node, steps};
use crate::clock::UnixSeconds;

/// How often, where there is little to forget.
const EVERY: Duration = Duration::from_secs(10);

/// How many of each kind one statement forgets.
const FEW: i32 = 1_000;

#[derive(Debug)]
pub(super) struct Sweep {
    last: Instant,
    /// Whether the last one left something.
    has_more: bool,
}

impl Sweep {
    pub(super) fn new() -> Self {
        Self {
            last: Instant::now(),
            has_more: false,
        }
    }

    pub(super) fn is_due(&self) -> bool {
        self.has_more || self.last.elapsed() >= EVERY
    }

    /// Forgets some of what was to be remembered until an earlier time. Other statements come in between.
    pub(super) async fn run(&mut self, node: &Node, before: UnixSeconds) {
        let swept = steps::sweep(node, before, FEW).await;
        // One that fails is repeated later.
        self.note(swept.unwrap_or_default());
    }

    /// So many were forgotten just now.
    fn note(&mut self, count: i64) {
        self.last = Instant::now();
        self.has_more = count >= i64::from(FEW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_comes_after_a_while_or_at_once_if_the_last_one_left_something() {
        let ago = |seconds, has_more| Sweep {
            last: Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap(),
            has_more,
        };
        assert!(!Sweep::new().is_due());
        assert!(ago(0, true).is_due());
        assert!(ago(10, false).is_due());
        for (count, has_more) in [(0, false), (999, false), (1_000, true), (2_000, true)] {
            let mut sweep = ago(10, false);
            sweep.note(count);
            assert_eq!(sweep.is_due(), has_more, "{count}");
        }
    }
}
