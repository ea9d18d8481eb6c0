//! When something may be forgotten: by two clocks, as one of them can be wrong.
//!
//! The wall clock alone is no reason to forget. It may be hours ahead when a process starts, and be corrected later;
//! then cookies are good again that it had taken for expired. So each entry also has its time by a clock that nobody
//! can set, and is forgotten only when both say so. An entry is kept too long rather than too short.

#[cfg(any(test, feature = "testing"))]
use std::time::Duration;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use crate::clock::UnixSeconds;

/// How long an ended session is remembered beyond its expiry, in seconds. The clocks of nodes differ, and a clock
/// that is set back must not revive it. [`EndedSessions`](super::EndedSessions) adds this by itself. A store has to
/// keep its entries for as long, and must not delete them by a clock that may be wrong.
pub const GRACE: UnixSeconds = 3600;

/// The longest configurable session, in seconds. A session that claims to last longer is a mistake, and need not be
/// remembered for longer.
pub const LONGEST: UnixSeconds = 366 * 24 * 3600;

/// How long a session is taken to last if nobody has said so, in seconds: as long as the layer's do by default.
const USUAL: UnixSeconds = 8 * 3600;

/// How long processes have run with what they remember, and the longest that a session lasts. Nobody can set it.
#[derive(Debug)]
pub(super) struct RunTime {
    started: Instant,
    /// How long earlier processes ran, in seconds.
    before: AtomicU64,
    longest: AtomicU64,
}

impl RunTime {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            before: AtomicU64::new(0),
            longest: AtomicU64::new(USUAL),
        }
    }

    /// Goes on from where earlier processes came to. To be called before anything is remembered.
    #[cfg(any(test, feature = "file"))]
    pub(super) fn go_on_from(&self, seconds: u64) {
        let before = seconds.saturating_sub(self.started.elapsed().as_secs());
        self.before.fetch_max(before, Ordering::Relaxed);
    }

    /// As if the process had run for so much longer.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn advance(&self, by: Duration) {
        self.before.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    /// Sessions last for so many seconds, or were seen to.
    pub(super) fn saw_lifetime(&self, seconds: UnixSeconds) {
        self.longest
            .fetch_max(seconds.min(LONGEST), Ordering::Relaxed);
    }

    /// The present, if the wall clock shows this time.
    pub(super) fn at(&self, now: UnixSeconds) -> Moment {
        let elapsed = self.started.elapsed().as_secs();
        Moment {
            now,
            run: elapsed.saturating_add(self.before.load(Ordering::Relaxed)),
            longest: self.longest.load(Ordering::Relaxed),
        }
    }
}

/// The present.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// By the wall clock.
    pub(super) now: UnixSeconds,
    /// By run time, in seconds.
    pub(super) run: u64,
    /// The longest that a session lasts, in seconds.
    pub(super) longest: UnixSeconds,
}

impl Moment {
    /// The term of a session that is opened now. What is left of it does not depend on a clock that is wrong: the same
    /// clock says both when it expires and what time it is.
    pub(super) fn of_open(self, expires_at: UnixSeconds) -> Term {
        let lifetime = expires_at.saturating_sub(self.now).min(LONGEST);
        Term {
            expires_at,
            run: self.run.saturating_add(lifetime),
        }
    }

    /// The term of an open session of which it is not known when it was opened.
    pub(super) fn of_open_before(self, expires_at: UnixSeconds) -> Term {
        Term {
            expires_at,
            run: self.run.saturating_add(self.longest),
        }
    }

    /// The term of a session of which it is learned now that it has ended.
    pub(super) fn of_ended(self, expires_at: UnixSeconds) -> Term {
        let left = expires_at.saturating_sub(self.now);
        // More than a session can last is said by a clock that is far behind, and means nothing.
        let left = if left > LONGEST { 0 } else { left };
        Term {
            expires_at,
            run: self.run.saturating_add(left.saturating_sub(self.longest)),
        }
    }

    /// Whether an open session may be forgotten.
    pub(super) fn is_past_open(self, term: Term) -> bool {
        // An earlier format of the file did not say.
        let lasts = if term.run == 0 { self.longest } else { 0 };
        self.is_past(term, lasts)
    }

    /// Whether an end may be forgotten: no session was left to be opened before it that would last until now.
    pub(super) fn is_past_ended(self, term: Term) -> bool {
        self.is_past(term, self.longest)
    }

    fn is_past(self, term: Term, lasts: UnixSeconds) -> bool {
        let by_clock = term.expires_at.saturating_add(GRACE) <= self.now;
        let forget_at = term.run.saturating_add(lasts).saturating_add(GRACE);
        // What is beyond the numbers stays.
        by_clock && forget_at <= self.run && forget_at < u64::MAX
    }
}

/// How long something is remembered. [`Moment`] says whether that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// When the session expires or would have expired, by the wall clock.
    pub(super) expires_at: UnixSeconds,
    /// For an open session when it expires by run time, in seconds. For one that has ended when its end was learned
    /// of, or later if it was to last for longer than the longest that is known.
    pub(super) run: u64,
}

impl Term {
    /// Of two terms of one entry: the one that is known, unless the other one is for longer. To learn of something
    /// again is no reason to remember it for longer.
    pub(super) fn or_later(self, other: Self) -> Self {
        if other.expires_at <= self.expires_at {
            return self;
        }
        Self {
            expires_at: other.expires_at,
            run: other.run.max(self.run),
        }
    }
}

/// How a term stands in a row of the file: the lower 40 bits are seconds since the epoch, the others minutes of run
/// time, rounded up. An earlier format had the seconds alone.
#[cfg(feature = "file")]
impl Term {
    const SECONDS: u32 = 40;

    pub(super) fn to_row(self) -> u64 {
        let seconds = self.expires_at.min(most(Self::SECONDS));
        let minutes = self.run.div_ceil(MINUTE);
        seconds | minutes.min(most(u64::BITS - Self::SECONDS)) << Self::SECONDS
    }

    pub(super) fn from_row(row: u64) -> Self {
        let minutes = row >> Self::SECONDS;
        Self {
            expires_at: row & most(Self::SECONDS),
            run: if minutes == most(u64::BITS - Self::SECONDS) {
                u64::MAX
            } else {
                minutes * MINUTE
            },
        }
    }
}

const MINUTE: u64 = 60;
const QUARTER: u64 = 15 * MINUTE;
/// How many bits of a [`ShortTerm`] are minutes since the epoch: until the year 2480. The others are quarters of an
/// hour of run time, for 29 years.
const MINUTES: u32 = 28;
const QUARTERS: u32 = 20;

/// A term in six bytes. Both times are rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShortTerm([u8; 6]);

impl From<Term> for ShortTerm {
    fn from(term: Term) -> Self {
        let minutes = term.expires_at.div_ceil(MINUTE).min(most(MINUTES));
        let quarters = term.run.div_ceil(QUARTER).min(most(QUARTERS));
        let bits = minutes | quarters << MINUTES;
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&bits.to_le_bytes()[..6]);
        Self(bytes)
    }
}

impl From<ShortTerm> for Term {
    fn from(ShortTerm(bytes): ShortTerm) -> Self {
        let mut all = [0; 8];
        all[..6].copy_from_slice(&bytes);
        let bits = u64::from_le_bytes(all);
        let quarters = bits >> MINUTES;
        Self {
            expires_at: (bits & most(MINUTES)) * MINUTE,
            run: if quarters == most(QUARTERS) {
                u64::MAX
            } else {
                quarters * QUARTER
            },
        }
    }
}

/// The greatest number of so many bits.
const fn most(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_700_000_000;
    const LASTS: UnixSeconds = 3600;

    fn moment(now: UnixSeconds, run: u64) -> Moment {
        Moment {
            now,
            run,
            longest: USUAL,
        }
    }

    #[test]
    fn neither_clock_alone_is_a_reason_to_forget() {
        let term = moment(NOW, 100).of_open(NOW + LASTS);
        let (now, run) = (NOW + LASTS + GRACE, 100 + LASTS + GRACE);
        assert!(moment(now, run).is_past_open(term));
        assert!(!moment(now - 1, 10 * run).is_past_open(term));
        assert!(!moment(10 * now, run - 1).is_past_open(term));
        let term = moment(NOW, 100).of_ended(NOW + LASTS);
        let run = 100 + USUAL + GRACE;
        assert!(moment(now, run).is_past_ended(term));
        assert!(!moment(now - 1, 10 * run).is_past_ended(term));
        assert!(!moment(10 * now, run - 1).is_past_ended(term));
    }

    #[test]
    fn an_end_is_remembered_for_as_long_as_the_longest_session_that_was_seen_later() {
        let time = RunTime::new();
        time.go_on_from(5_000);
        // By a clock that is a year ahead, nothing is left of the session.
        let ahead = NOW + LONGEST;
        let term = time.at(ahead).of_ended(NOW);
        time.saw_lifetime(10 * USUAL);
        let lasts = 10 * USUAL + GRACE;
        time.advance(Duration::from_secs(lasts - 10));
        assert!(!time.at(ahead).is_past_ended(term));
        time.advance(Duration::from_secs(10));
        assert!(time.at(ahead).is_past_ended(term));
        // A lifetime beyond the longest that can be configured is a mistake.
        time.saw_lifetime(UnixSeconds::MAX);
        assert_eq!(time.at(NOW).longest, LONGEST);
    }

    #[test]
    fn what_is_left_counts_if_it_is_more_than_the_longest_that_is_known() {
        let left = 5 * USUAL;
        let term = moment(NOW, 0).of_ended(NOW + left);
        let later = NOW + LONGEST;
        assert!(!moment(later, left + GRACE - 1).is_past_ended(term));
        assert!(moment(later, left + GRACE).is_past_ended(term));
        // The longest that there is counts as a whole.
        let term = moment(NOW, 0).of_ended(later);
        assert!(!moment(2 * later, LONGEST + GRACE - 1).is_past_ended(term));
        assert!(moment(2 * later, LONGEST + GRACE).is_past_ended(term));
        // Said by a clock that stands at the epoch.
        let term = moment(0, 0).of_ended(NOW);
        assert!(moment(later, USUAL + GRACE).is_past_ended(term));
    }

    #[test]
    fn a_term_in_six_bytes_is_rounded_up_and_never_wraps() {
        for (expires_at, run) in [(0, 0), (60, 900), (NOW, 1_234_567), (NOW + 1, 901)] {
            let long = Term { expires_at, run };
            let short = Term::from(ShortTerm::from(long));
            assert!((expires_at..expires_at + MINUTE).contains(&short.expires_at));
            assert!((run..run + QUARTER).contains(&short.run));
            assert_eq!(Term::from(ShortTerm::from(short)), short);
        }
        let long = Term {
            expires_at: u64::MAX,
            run: u64::MAX,
        };
        let short = Term::from(ShortTerm::from(long));
        assert!(short.expires_at > 9 * NOW);
        assert!(!moment(u64::MAX, u64::MAX).is_past_ended(short));
        assert_eq!(size_of::<(crate::session::SessionId, ShortTerm)>(), 22);
    }

    #[cfg(feature = "file")]
    #[test]
    fn a_term_in_a_row_is_exact_by_the_clock_and_never_wraps() {
        for (expires_at, run) in [(0, 0), (NOW, 60), (NOW + 1, 1_234_567), (NOW, 61)] {
            let row = Term::from_row(Term { expires_at, run }.to_row());
            assert_eq!(row.expires_at, expires_at);
            assert!((run..run + MINUTE).contains(&row.run));
        }
        let (expires_at, run) = (u64::MAX, u64::MAX);
        let row = Term::from_row(Term { expires_at, run }.to_row());
        assert!(row.expires_at > 600 * NOW);
        assert_eq!(row.run, u64::MAX);
        assert_eq!(Term::from_row(NOW).expires_at, NOW);
    }

    #[test]
    fn to_learn_of_an_end_again_is_no_reason_to_remember_it_for_longer() {
        let (first, again) = (moment(NOW, 0), moment(NOW + 60, 60));
        let known = first.of_ended(NOW + LASTS);
        assert_eq!(known.or_later(again.of_ended(NOW + LASTS)), known);
        let later = again.of_ended(NOW + LASTS + 60);
        assert_eq!(known.or_later(later), later);
    }

    #[test]
    fn run_time_goes_on_from_where_earlier_processes_came_to() {
        let time = RunTime::new();
        assert!(time.at(NOW).run < 1_000_000);
        // What a file says that has run for less takes nothing back.
        for seconds in [2_000_000, 60] {
            time.go_on_from(seconds);
            assert!((2_000_000..3_000_000).contains(&time.at(NOW).run));
        }
    }
}
