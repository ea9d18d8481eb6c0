//! A node's knowledge about the registry as a whole, in numbers that every request may read.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{clock::UnixSeconds, registry::LONGEST};

/// How far the numbers of sessions are ahead of the database's clock at most, unless something was lost.
const LEAD: u64 = 6_000_000;

/// Each is good on its own, so none is read or written in step with another.
#[derive(Debug)]
pub(super) struct Facts {
    created: Instant,
    /// Milliseconds from `created` to the last time that PostgreSQL told what has ended.
    read: AtomicU64,
    /// Microseconds by the database's clock at `created`.
    database_time: AtomicU64,
    /// The longest lifetime of a session, in seconds.
    longest: AtomicU64,
    /// The highest number of a session that this node has heard of.
    highest: AtomicU64,
    /// The number of the last end when PostgreSQL was last told of some.
    told: AtomicI64,
    /// Whether PostgreSQL cannot be reached.
    is_away: AtomicBool,
    /// Until when sessions of before a loss may be live, or 0.
    recovering_until: AtomicI64,
    /// Whether this node ended something that found no room in the queue.
    has_untold: AtomicBool,
}

impl Facts {
    pub(super) fn new(longest: UnixSeconds) -> Self {
        Self {
            created: Instant::now(),
            read: AtomicU64::new(0),
            database_time: AtomicU64::new(0),
            longest: AtomicU64::new(longest.min(LONGEST)),
            highest: AtomicU64::new(0),
            told: AtomicI64::new(0),
            is_away: AtomicBool::new(false),
            recovering_until: AtomicI64::new(0),
            has_untold: AtomicBool::new(false),
        }
    }

    /// PostgreSQL has just told what has ended.
    pub(super) fn is_read(&self) {
        let since = u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.read.store(since, Ordering::Relaxed);
    }

    /// How long ago PostgreSQL told what has ended.
    pub(super) fn age(&self) -> Duration {
        let read = Duration::from_millis(self.read.load(Ordering::Relaxed));
        self.created.elapsed().saturating_sub(read)
    }

    /// The database said that it was so many microseconds past the epoch and which number was the last, some time after it
    /// was asked.
    pub(super) fn database_says(&self, micros: u64, number: u64, asked: Instant) {
        let asked = micros_of(asked.saturating_duration_since(self.created));
        self.database_time
            .store(micros.saturating_sub(asked), Ordering::Relaxed);
        self.saw_number(number);
    }

    /// A number higher than that of every session opened so far, as far as this node can know.
    pub(super) fn number_of_now(&self) -> u64 {
        let then = self.database_time.load(Ordering::Relaxed);
        let now = then.saturating_add(micros_of(self.created.elapsed()));
        self.highest().max(now.saturating_add(LEAD))
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest.load(Ordering::Relaxed)
    }

    /// Only for what the database has said, and what follows from it: never a number out of a cookie.
    pub(super) fn saw_number(&self, number: u64) {
        self.highest.fetch_max(number, Ordering::Relaxed);
    }

    pub(super) fn longest(&self) -> UnixSeconds {
        self.longest.load(Ordering::Relaxed)
    }

    pub(super) fn saw_lifetime(&self, seconds: UnixSeconds) {
        self.longest
            .fetch_max(seconds.min(LONGEST), Ordering::Relaxed);
    }

    /// PostgreSQL was told of ends, and this is the number of the last of all.
    pub(super) fn told_end(&self, number: i64) {
        self.told.fetch_max(number, Ordering::Relaxed);
    }

    /// The number of the last end of which this node told PostgreSQL. Whoever asks afterwards hears of no lower one, unless
    /// something was lost.
    pub(super) fn told(&self) -> i64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Something was lost, so numbers begin anew.
    pub(super) fn forget_told(&self) {
        self.told.store(0, Ordering::Relaxed);
    }

    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// Returns whether that is new.
    pub(super) fn set_away(&self, is_away: bool) -> bool {
        self.is_away.swap(is_away, Ordering::Relaxed) != is_away
    }

    pub(super) fn is_recovering(&self) -> bool {
        self.recovering_until.load(Ordering::Relaxed) != 0
    }

    /// Returns whether that is new.
    pub(super) fn set_recovering(&self, until: i64) -> bool {
        self.recovering_until.swap(until, Ordering::Relaxed) != until
    }

    /// Notes that what this node ended found no room in the queue.
    pub(super) fn leave_untold(&self) {
        self.has_untold.store(true, Ordering::Relaxed);
    }

    /// Whether there was such a thing since this was last asked.
    pub(super) fn take_untold(&self) -> bool {
        self.has_untold.swap(false, Ordering::Relaxed)
    }
}

fn micros_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_now_is_above_all_that_were_given_and_grows_with_the_clock() {
        let facts = Facts::new(0);
        facts.database_says(1_000_000_000, 1_005_000_000, Instant::now());
        assert!(facts.number_of_now() >= 1_006_000_000);
        assert!(facts.number_of_now() < 1_066_000_000);
        // They were ahead after a loss.
        facts.saw_number(9_000_000_000);
        facts.saw_number(8_000_000_000);
        assert_eq!(facts.number_of_now(), 9_000_000_000);
    }

    #[test]
    fn the_number_of_now_counts_the_time_since_the_database_was_asked() {
        let second = Duration::from_secs(1);
        let created = Instant::now().checked_sub(100 * second).unwrap();
        let facts = Facts {
            created,
            ..Facts::new(0)
        };
        facts.database_says(1_000_000_000, 0, created + 60 * second);
        let number = facts.number_of_now();
        assert!(
            (1_040_000_000 + LEAD..1_060_000_000).contains(&number),
            "{number}"
        );
    }

    #[test]
    fn news_has_an_age() {
        let ago = Instant::now().checked_sub(Duration::from_secs(100));
        let facts = Facts {
            created: ago.unwrap(),
            ..Facts::new(0)
        };
        assert!(facts.age() >= Duration::from_secs(100));
        facts.is_read();
        assert!(facts.age() < Duration::from_secs(100));
    }

    #[test]
    fn the_longest_lifetime_is_that_of_a_session_that_was_seen() {
        let facts = Facts::new(UnixSeconds::MAX);
        assert_eq!(facts.longest(), LONGEST);
        let facts = Facts::new(8 * 3_600);
        for (seen, longest) in [(60, 8), (24 * 3_600, 24), (9 * 3_600, 24)] {
            facts.saw_lifetime(seen);
            assert_eq!(facts.longest(), longest * 3_600);
        }
    }

    #[test]
    fn the_last_end_that_was_told_is_remembered_until_something_is_lost() {
        let facts = Facts::new(0);
        assert_eq!(facts.told(), 0);
        facts.told_end(5);
        facts.told_end(3);
        assert_eq!(facts.told(), 5);
        facts.forget_told();
        assert_eq!(facts.told(), 0);
    }

    #[test]
    fn what_changes_is_new_once() {
        let facts = Facts::new(0);
        for is_so in [true, false] {
            assert!(facts.set_away(is_so) && !facts.set_away(is_so));
            assert_eq!(facts.is_away(), is_so);
        }
        for until in [100, 200, 0] {
            assert!(facts.set_recovering(until) && !facts.set_recovering(until));
            assert_eq!(facts.is_recovering(), until > 0);
        }
        facts.leave_untold();
        assert!(facts.take_untold() && !facts.take_untold());
    }
}
