//! Whether the database's clock goes as clocks should.

use std::time::{Duration, Instant};

use crate::clock::UnixSeconds;

/// For how long it has to go in step with the clock of this process.
const STEADY: Duration = Duration::from_secs(600);

/// How far it may be off meanwhile, in microseconds.
const TOLERANCE: u64 = 2_000_000;

/// Compares the database's clock with one that nobody can set. While the two do not go in step, nothing is forgotten: a clock that
/// jumps ahead would take ends for expired.
#[derive(Debug, Default)]
pub(super) struct Steady {
    /// When they were first compared, and the latest time.
    since: Option<(Instant, u64)>,
    last: Option<(Instant, u64)>,
}

impl Steady {
    /// The database said a time, in microseconds since the epoch, when it was asked at this instant.
    pub(super) fn note(&mut self, asked: Instant, micros: u64) {
        let is_in_step = self.since.is_some_and(|(then, first)| {
            let passed = asked.saturating_duration_since(then).as_micros();
            let passed = u64::try_from(passed).unwrap_or(u64::MAX);
            micros.abs_diff(first.saturating_add(passed)) <= TOLERANCE
        });
        if !is_in_step {
            self.since = Some((asked, micros));
        }
        self.last = Some((asked, micros));
    }

    /// The database's time when it was last asked, if its clock goes as it should.
    pub(super) fn seconds(&self, now: Instant) -> Option<UnixSeconds> {
        let ((since, _), (last, micros)) = (self.since?, self.last?);
        let is_recent = now.saturating_duration_since(last) < Duration::from_secs(5);
        let is_steady = last.saturating_duration_since(since) >= STEADY;
        (is_recent && is_steady).then_some(micros / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000_000;

    /// What the clock says when so many seconds have passed, and it is off by so many.
    fn says(steady: &mut Steady, start: Instant, passed: u64, off: i64) -> Option<UnixSeconds> {
        let at = start + Duration::from_secs(passed);
        let micros = (START + passed * 1_000_000)
            .checked_add_signed(off * 1_000_000)
            .unwrap();
        steady.note(at, micros);
        steady.seconds(at)
    }

    #[test]
    fn a_clock_is_believed_once_it_has_gone_in_step_for_ten_minutes() {
        let (mut steady, start) = (Steady::default(), Instant::now());
        for passed in 0..600 {
            assert_eq!(says(&mut steady, start, passed, 0), None);
        }
        assert_eq!(says(&mut steady, start, 600, 0), Some(1_700_000_600));
        assert_eq!(says(&mut steady, start, 700, 1), Some(1_700_000_701));
        // It was not asked for a while.
        assert_eq!(
            steady.seconds(start + Duration::from_millis(704_999)),
            Some(1_700_000_701)
        );
        assert_eq!(steady.seconds(start + Duration::from_secs(705)), None);
    }

    #[test]
    fn a_clock_that_was_set_is_not_believed_for_ten_minutes() {
        for off in [86_400, 3, -3, -86_400] {
            let (mut steady, start) = (Steady::default(), Instant::now());
            says(&mut steady, start, 0, 0);
            assert!(says(&mut steady, start, 600, 0).is_some());
            for passed in [601, 700, 1_200] {
                assert_eq!(says(&mut steady, start, passed, off), None, "{off}");
            }
            assert!(says(&mut steady, start, 1_201, off).is_some());
        }
    }
}
