//! What is known of a session since it was last looked up among the ended ones.

use std::sync::atomic::{AtomicU64, Ordering};

/// As of which change of the ended sessions it was not among them. Each change has a number of its own; 0 is before the first
/// one, when nothing had ended. What a session is looked up by does not change once it is open.
#[derive(Debug, Default)]
pub(crate) struct LookedUp(AtomicU64);

impl LookedUp {
    /// Whether it was not among them as of this change.
    pub(crate) fn is_open_as_of(&self, change: u64) -> bool {
        self.0.load(Ordering::Relaxed) == change
    }

    pub(crate) fn note_open(&self, change: u64) {
        self.0.store(change, Ordering::Relaxed);
    }
}
