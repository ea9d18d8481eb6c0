//! What a node knows about the registry as a whole, in numbers that every request may read.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::clock::UnixSeconds;

/// Each is good on its own, so none is read or written in step with another.
#[derive(Debug)]
pub(super) struct Facts {
    created: Instant,
    /// Milliseconds from `created` to the last time that Redis told what has ended.
    read: AtomicU64,
    /// Microseconds by Redis's clock at `created`.
    redis_time: AtomicU64,
    /// The longest lifetime of a session, in seconds.
    longest: AtomicU64,
    /// The highest number of a session.
    highest: AtomicU64,
    recovering: AtomicBool,
    /// Whether this node ended something that found no room in the queue.
    has_untold: AtomicBool,
}

impl Facts {
    pub(super) fn new(longest: UnixSeconds) -> Self {
        Self {
            created: Instant::now(),
            read: AtomicU64::new(0),
            redis_time: AtomicU64::new(0),
            longest: AtomicU64::new(longest),
            highest: AtomicU64::new(0),
            recovering: AtomicBool::new(false),
            has_untold: AtomicBool::new(false),
        }
    }

    /// Redis has just told what has ended.
    pub(super) fn is_read(&self) {
        let since = u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.read.store(since, Ordering::Relaxed);
    }

    /// How long ago Redis told what has ended.
    pub(super) fn age(&self) -> Duration {
        let read = Duration::from_millis(self.read.load(Ordering::Relaxed));
        self.created.elapsed().saturating_sub(read)
    }

    /// Redis said that it was so many microseconds past the epoch, some time after it was asked.
    pub(super) fn redis_says(&self, micros: u64, asked: Instant) {
        let asked = micros_of(asked.saturating_duration_since(self.created));
        self.redis_time
            .store(micros.saturating_sub(asked), Ordering::Relaxed);
    }

    /// A number that no session opened so far is above, as far as this node can know: numbers come from Redis's
    /// clock.
    pub(super) fn number_of_now(&self) -> u64 {
        let then = self.redis_time.load(Ordering::Relaxed);
        let now = then.saturating_add(micros_of(self.created.elapsed()));
        self.highest().max(now)
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest.load(Ordering::Relaxed)
    }

    pub(super) fn saw_number(&self, number: u64) {
        // Nearly always known, and reading is cheap.
        if number > self.highest() {
            self.highest.fetch_max(number, Ordering::Relaxed);
        }
    }

    pub(super) fn longest(&self) -> UnixSeconds {
        self.longest.load(Ordering::Relaxed)
    }

    pub(super) fn saw_lifetime(&self, seconds: UnixSeconds) {
        self.longest.fetch_max(seconds, Ordering::Relaxed);
    }

    /// Whether Redis lost something a while ago, and sessions of before are alive.
    /// Notes that what this node ended found no room in the queue.
    pub(super) fn leave_untold(&self) {
        self.has_untold.store(true, Ordering::Relaxed);
    }

    /// Whether there was such a thing since this was last asked.
    pub(super) fn take_untold(&self) -> bool {
        self.has_untold.swap(false, Ordering::Relaxed)
    }

    pub(super) fn is_recovering(&self) -> bool {
        self.recovering.load(Ordering::Relaxed)
    }

    /// Says whether that was known.
    pub(super) fn set_recovering(&self, recovering: bool) -> bool {
        self.recovering.swap(recovering, Ordering::Relaxed)
    }
}

fn micros_of(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_now_is_above_every_number_seen_and_follows_the_clock_of_redis() {
        let facts = Facts::new(0);
        facts.redis_says(5_000_000, Instant::now());
        assert!(facts.number_of_now() >= 5_000_000);
        assert!(facts.number_of_now() < 3_600_000_000);
        facts.saw_number(7_000_000_000);
        facts.saw_number(6_000_000_000);
        assert_eq!(facts.number_of_now(), 7_000_000_000);
    }
}
