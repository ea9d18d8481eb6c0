//! Log lines that anybody can cause, as often as they like.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a line is not repeated.
const EVERY: Duration = Duration::from_secs(10);

/// Whether to log a line: at once the first time, and then at most once in 10 seconds, with a count of the lines in
/// between.
#[derive(Debug)]
pub(crate) struct Seldom(Mutex<State>);

#[derive(Debug)]
struct State {
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Default for Seldom {
    fn default() -> Self {
        Self::new()
    }
}

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State {
            said_at: None,
            unsaid: 0,
        }))
    }

    /// `None` if the line is not to be logged now. Otherwise the number of lines that were left out before it.
    pub(crate) fn ask(&self) -> Option<u64> {
        self.ask_at(Instant::now())
    }

    fn ask_at(&self, now: Instant) -> Option<u64> {
        // A panic elsewhere leaves both numbers good enough to count with.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at| now.saturating_duration_since(at) < EVERY;
        if state.said_at.is_some_and(is_recent) {
            state.unsaid = state.unsaid.saturating_add(1);
            return None;
        }
        state.said_at = Some(now);
        Some(std::mem::take(&mut state.unsaid))
    }
}

/// Logs a line if it is time: the level, the [`Seldom`] of the line, and the arguments of `tracing`.
macro_rules! seldom {
    ($level:ident, $seldom:expr, $($line:tt)+) => {
        if let Some(unsaid) = $seldom.ask() {
            tracing::$level!(unsaid = (unsaid > 0).then_some(unsaid), $($line)+);
        }
    };
}
pub(crate) use seldom;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_then_a_count_at_most_every_ten_seconds() {
        let (seldom, start) = (Seldom::new(), Instant::now());
        let at = |millis| seldom.ask_at(start + Duration::from_millis(millis));
        assert_eq!(at(0), Some(0));
        for millis in 1..1_000 {
            assert_eq!(at(millis), None);
        }
        assert_eq!(at(9_999), None);
        assert_eq!(at(10_000), Some(1_000));
        assert_eq!(at(10_001), None);
        assert_eq!(at(60_000), Some(1));
        assert_eq!(at(90_000), Some(0));
    }
}
