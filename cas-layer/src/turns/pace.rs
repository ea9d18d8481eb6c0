//! How fast a line moves, and whom it does not help to wait. Pure.

use std::time::Duration;

/// How long a slot was held lately, and how long somebody may wait for one.
#[derive(Debug)]
pub(super) struct Pace {
    slots: u32,
    /// From the moment that somebody gets in line until they give their slot back.
    within: Duration,
    /// On average, with more weight for the last ones. `None` before the first.
    held: Option<Duration>,
}

impl Pace {
    pub(super) fn new(slots: usize, within: Duration) -> Self {
        Self {
            slots: u32::try_from(slots).unwrap_or(u32::MAX),
            within,
            held: None,
        }
    }

    /// A slot was held for this long.
    pub(super) fn note(&mut self, held: Duration) {
        self.held = Some(match self.held {
            None => held,
            Some(average) => average * 7 / 8 + held / 8,
        });
    }

    /// Whether somebody with so many before them would wait too long. Where the slots are held for long, a third of the
    /// time is for waiting all the same.
    pub(super) fn is_hopeless(&self, before: usize) -> bool {
        let Some(held) = self.held else {
            return false;
        };
        let calls = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        let wait = held.saturating_mul(calls) / self.slots.max(1);
        wait > self.within.saturating_sub(held).max(self.within / 3)
    }
}
