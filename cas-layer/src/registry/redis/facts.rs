//! A node's knowledge about the registry as a whole, in numbers that every request may read.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{clock::UnixSeconds, registry::LONGEST};

/// Each is good on its own, so none is read or written in step with another.
#[derive(Debug)]
pub(super) struct Facts {
    created: Instant,
    /// Milliseconds from `created` to the last time that Redis told what has ended.
    read: AtomicU64,
    /// Microseconds by Redis's clock at `created`.
    redis_time: AtomicU64,
    /// By how many microseconds the last number of a session was ahead of Redis's clock when Redis last said both.
    ahead: AtomicU64,
    /// The longest lifetime of a session, in seconds.
    longest: AtomicU64,
    /// The highest number of a session, see [`number`](super::number).
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
            ahead: AtomicU64::new(0),
            longest: AtomicU64::new(longest.min(LONGEST)),
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

    /// Redis said that it was so many microseconds past the epoch and which number was the last, some time after it
    /// was asked.
    pub(super) fn redis_says(&self, micros: u64, number: u64, asked: Instant) {
        let asked = micros_of(asked.saturating_duration_since(self.created));
        self.redis_time
            .store(micros.saturating_sub(asked), Ordering::Relaxed);
        self.ahead
            .store(number.saturating_sub(micros), Ordering::Relaxed);
        self.saw_number(number);
    }

    /// A number higher than that of every session opened so far, as far as this node can know. Numbers come from
    /// Redis's clock. If they were ahead of it, they come no closer than it moves, because no microsecond sees two
    /// sign-ins.
    pub(super) fn number_of_now(&self) -> u64 {
        let then = self.redis_time.load(Ordering::Relaxed);
        let now = then.saturating_add(micros_of(self.created.elapsed()));
        let ahead = self.ahead.load(Ordering::Relaxed);
        self.highest().max(now.saturating_add(ahead))
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest.load(Ordering::Relaxed)
    }

    /// Only for what Redis has said, and what follows from it. If a cookie or a caller could set a number, every node
    /// and Redis itself would go on from there.
    pub(super) fn saw_number(&self, number: u64) {
        self.highest.fetch_max(number, Ordering::Relaxed);
    }

    /// Redis says that the highest number cannot be one, and which was the last.
    pub(super) fn correct_number(&self, number: u64) {
        self.highest.store(number, Ordering::Relaxed);
    }

    pub(super) fn longest(&self) -> UnixSeconds {
        self.longest.load(Ordering::Relaxed)
    }

    pub(super) fn saw_lifetime(&self, seconds: UnixSeconds) {
        self.longest
            .fetch_max(seconds.min(LONGEST), Ordering::Relaxed);
    }

    /// Notes that what this node ended found no room in the queue.
    pub(super) fn leave_untold(&self) {
        self.has_untold.store(true, Ordering::Relaxed);
    }

    /// Whether there was such a thing since this was last asked.
    pub(super) fn take_untold(&self) -> bool {
        self.has_untold.swap(false, Ordering::Relaxed)
    }

    /// Whether Redis lost something a while ago, and earlier sessions are still alive.
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
        facts.redis_says(5_000_000, 0, Instant::now());
        assert!(facts.number_of_now() >= 5_000_000);
        assert!(facts.number_of_now() < 3_600_000_000);
        facts.saw_number(7_000_000_000);
        facts.saw_number(6_000_000_000);
        assert_eq!(facts.number_of_now(), 7_000_000_000);
    }

    /// Others sign in too, and this node hears of it later.
    #[test]
    fn the_number_of_now_is_as_far_ahead_of_the_clock_as_the_last_one_was() {
        let facts = Facts::new(0);
        let asked = Instant::now();
        facts.redis_says(1_000_000, 601_000_000, asked);
        let later = micros_of(asked.elapsed());
        assert!(facts.number_of_now() >= 601_000_000 + later);
        // It has caught up.
        facts.redis_says(700_000_000, 601_000_001, asked);
        assert!(facts.number_of_now() >= 700_000_000);
        assert!(facts.number_of_now() < 1_300_000_000, "not ahead any more");
    }

    #[test]
    fn a_number_that_redis_refuses_is_given_up() {
        let facts = Facts::new(0);
        facts.saw_number(u64::MAX);
        facts.correct_number(5);
        assert_eq!(facts.highest(), 5);
    }

    #[test]
    fn no_lifetime_is_longer_than_the_longest_of_a_session() {
        let facts = Facts::new(UnixSeconds::MAX);
        facts.saw_lifetime(UnixSeconds::MAX);
        assert_eq!(facts.longest(), LONGEST);
    }
}
