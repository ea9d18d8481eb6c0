//! A node's knowledge about the registry as a whole, in numbers that every request may read.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{
    clock::UnixSeconds,
    registry::{LONGEST, sender::LogoutShare},
};

/// The time by the clock of Redis.
#[derive(Clone, Copy, Debug)]
pub(super) struct RedisTime {
    pub(super) micros: u64,
    /// When Redis was asked for it, and when it had answered.
    pub(super) asked: Instant,
    pub(super) answered: Instant,
}

/// What was noted when Redis last lost something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Base {
    /// Sessions that were opened since then are above this number.
    pub(super) number: u64,
    /// By how many microseconds numbers are ahead of Redis' clock since then.
    pub(super) ahead: u64,
}

impl From<(u64, u64)> for Base {
    fn from((number, ahead): (u64, u64)) -> Self {
        Self { number, ahead }
    }
}

/// In microseconds. Clocks that are steered differ by far less between two questions.
const JUMP: u64 = 2_000_000;

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
    /// The highest number of a session, see [`number`](super::number).
    highest: AtomicU64,
    /// See [`Base`].
    base: AtomicU64,
    ahead: AtomicU64,
    /// How many unknown sessions Redis keeps, for each share.
    kept: [AtomicU64; LogoutShare::COUNT],
    recovering: AtomicBool,
    /// Whether the clock of Redis has jumped.
    jumped: AtomicBool,
    /// Whether this node knows what had ended before it started.
    loaded: AtomicBool,
    /// Whether this node ended something that found no room in the queue.
    has_untold: AtomicBool,
}

impl Facts {
    pub(super) fn new(longest: UnixSeconds) -> Self {
        Self {
            created: Instant::now(),
            read: AtomicU64::new(0),
            redis_time: AtomicU64::new(0),
            longest: AtomicU64::new(longest.min(LONGEST)),
            highest: AtomicU64::new(0),
            base: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
            kept: [const { AtomicU64::new(0) }; LogoutShare::COUNT],
            recovering: AtomicBool::new(false),
            jumped: AtomicBool::new(false),
            loaded: AtomicBool::new(false),
            has_untold: AtomicBool::new(false),
        }
    }

    /// Redis has just told what has ended.
    pub(super) fn is_read(&self) {
        let since = u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.read.store(since, Ordering::Relaxed);
    }

    /// Whether this node knows what had ended before it started.
    pub(super) fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    pub(super) fn set_loaded(&self) {
        self.loaded.store(true, Ordering::Release);
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
        self.saw_number(number);
    }

    /// The time by the clock of Redis, in microseconds.
    pub(super) fn redis_now(&self) -> u64 {
        let then = self.redis_time.load(Ordering::Relaxed);
        then.saturating_add(micros_of(self.created.elapsed()))
    }

    /// Whether the clock of Redis has moved in another way than that of this machine since a connection was made ready for use.
    pub(super) fn has_jumped(&self, time: &RedisTime) -> bool {
        let then = self.redis_time.load(Ordering::Relaxed);
        let expected = |at: Instant| {
            then.saturating_add(micros_of(at.saturating_duration_since(self.created)))
        };
        let off = expected(time.asked)
            .saturating_sub(time.micros)
            .max(time.micros.saturating_sub(expected(time.answered)));
        if then > 0 && off > JUMP {
            // It may be back before the next connection is made.
            self.jumped.store(true, Ordering::Relaxed);
        }
        self.jumped.load(Ordering::Relaxed)
    }

    /// What a jump may have cost is dealt with.
    pub(super) fn forget_jump(&self) {
        self.jumped.store(false, Ordering::Relaxed);
    }

    /// The number of every session opened so far is no higher, and of every one opened later it is, as far as this node
    /// can know.
    pub(super) fn number_of_now(&self) -> u64 {
        let ahead = self.ahead.load(Ordering::Relaxed);
        self.highest().max(self.redis_now().saturating_add(ahead))
    }

    /// The number that all sessions are above that were opened since Redis last lost something.
    pub(super) fn base(&self) -> u64 {
        self.base.load(Ordering::Relaxed)
    }

    pub(super) fn set_base(&self, base: Base) {
        self.base.store(base.number, Ordering::Relaxed);
        self.ahead.store(base.ahead, Ordering::Relaxed);
    }

    /// How many unknown sessions Redis keeps as far as this node knows, for each share.
    pub(super) fn kept(&self) -> [u64; LogoutShare::COUNT] {
        self.kept
            .each_ref()
            .map(|kept| kept.load(Ordering::Relaxed))
    }

    pub(super) fn saw_kept(&self, kept: [u64; LogoutShare::COUNT]) {
        for (known, kept) in self.kept.iter().zip(kept) {
            known.fetch_max(kept, Ordering::Relaxed);
        }
    }

    /// The same of one share.
    pub(super) fn saw_kept_of(&self, share: LogoutShare, kept: u64) {
        self.kept[share.index()].fetch_max(kept, Ordering::Relaxed);
    }

    /// They were kept for long enough.
    pub(super) fn forget_kept(&self) {
        for kept in &self.kept {
            kept.store(0, Ordering::Relaxed);
        }
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
    fn the_number_of_now_is_as_far_ahead_of_the_clock_as_numbers_are() {
        let facts = Facts::new(0);
        let asked = Instant::now();
        facts.redis_says(1_000_000, 601_000_000, asked);
        facts.set_base(Base {
            number: 600_000_000,
            ahead: 600_000_000,
        });
        let later = micros_of(asked.elapsed());
        assert!(facts.number_of_now() >= 601_000_000 + later);
        assert!(facts.number_of_now() < 900_000_000);
    }

    #[test]
    fn the_time_of_redis_goes_on_since_it_was_asked_and_news_has_an_age() {
        let second = Duration::from_secs(1);
        let created = Instant::now().checked_sub(100 * second).unwrap();
        let facts = Facts {
            created,
            ..Facts::new(0)
        };
        facts.redis_says(1_000_000_000, 0, created + 60 * second);
        let time = facts.redis_now();
        assert!((1_040_000_000..1_060_000_000).contains(&time), "{time}");
        assert!(facts.age() >= 100 * second);
        facts.is_read();
        assert!(facts.age() < 100 * second);
    }

    #[test]
    fn how_many_are_kept_only_grows_until_that_is_over() {
        let facts = Facts::new(0);
        facts.saw_kept([3, 4, 5]);
        facts.saw_kept([1, 9, 1]);
        facts.saw_kept_of(LogoutShare::Front, 7);
        facts.saw_kept_of(LogoutShare::Front, 6);
        assert_eq!(facts.kept(), [3, 9, 7]);
        facts.forget_kept();
        assert_eq!(facts.kept(), [0; LogoutShare::COUNT]);
    }

    #[test]
    fn the_base_is_a_number_and_what_numbers_are_ahead() {
        let facts = Facts::new(0);
        facts.set_base(Base::from((5, 7)));
        assert_eq!(facts.base(), 5);
        facts.redis_says(1_000, 0, Instant::now());
        assert!(facts.number_of_now() >= 1_007);
    }

    #[test]
    fn what_found_no_room_is_asked_for_once() {
        let facts = Facts::new(0);
        assert!(!facts.take_untold());
        facts.leave_untold();
        assert!(facts.take_untold() && !facts.take_untold());
    }

    #[test]
    fn a_clock_that_moves_as_this_machine_does_has_not_jumped() {
        let facts = Facts::new(0);
        let start = Instant::now();
        // It was asked after 5 seconds, and answered within one.
        let jumped = |micros| {
            facts.has_jumped(&RedisTime {
                micros,
                asked: start + Duration::from_secs(5),
                answered: start + Duration::from_secs(6),
            })
        };
        assert!(!jumped(36_000_000_000), "nothing to compare");
        facts.redis_says(10_000_000, 0, start);
        for micros in [13_000_000, 15_000_000, 16_000_000, 18_000_000] {
            assert!(!jumped(micros), "{micros}");
        }
        for micros in [12_999_999, 18_000_001, 36_000_000_000] {
            assert!(jumped(micros), "{micros}");
            // Until what it may have cost is dealt with.
            assert!(jumped(15_000_000), "{micros}");
            facts.forget_jump();
            assert!(!jumped(15_000_000), "{micros}");
        }
    }

    #[test]
    fn whether_something_was_lost_is_remembered_until_it_is_taken_back() {
        let facts = Facts::new(0);
        assert!(!facts.is_recovering());
        assert!(!facts.set_recovering(true));
        assert!(facts.is_recovering());
        assert!(facts.set_recovering(false));
        assert!(!facts.is_recovering());
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
        let facts = Facts::new(8 * 3_600);
        facts.saw_lifetime(60);
        assert_eq!(facts.longest(), 8 * 3_600);
        facts.saw_lifetime(24 * 3_600);
        assert_eq!(facts.longest(), 24 * 3_600);
    }
}
