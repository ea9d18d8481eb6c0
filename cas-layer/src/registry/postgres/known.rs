//! What a node has seen of PostgreSQL, and the signs of a loss.

use super::steps::Standing;
use crate::{clock::UnixSeconds, registry::GRACE};

/// What a node has seen of PostgreSQL, so that it notices a change.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Empty before the first connection.
    pub(super) epoch: String,
    pub(super) instance: String,
    /// How far the server's log was.
    pub(super) log: i64,
    /// The number of the last end that was read.
    pub(super) seq: i64,
    /// That end, and when its session expires.
    pub(super) seen: Option<([u8; 16], UnixSeconds)>,
    /// Whether all ends have to be read, and completed by what this node knows.
    pub(super) is_doubtful: bool,
}

impl Known {
    /// The sign of a loss, if there is one. `told` is the number of an end of which PostgreSQL was told before it was asked.
    pub(super) fn sign_of_loss(&self, now: &Standing, told: i64) -> Option<&'static str> {
        if self.epoch.is_empty() {
            return None;
        }
        if now.epoch != self.epoch {
            return Some("the tables were made anew");
        }
        if now.instance != self.instance {
            return Some("another server took over, or it was recovered to an earlier time");
        }
        if now.log < self.log {
            return Some("the log of the server went back");
        }
        if now.last_end < self.seq.max(told) {
            return Some("the number of the last end went back");
        }
        let seconds = now.micros / 1_000_000;
        if let Some((_, expires_at)) = self.seen
            && !now.has_seen
            && expires_at.saturating_add(GRACE) > seconds.saturating_add(GRACE / 4)
        {
            return Some("the last end that was read is not there any more");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn standing() -> Standing {
        Standing {
            asked: Instant::now(),
            epoch: "one".to_owned(),
            instance: "7/00000001".to_owned(),
            last_end: 10,
            micros: NOW * 1_000_000,
            number: 1,
            has_seen: true,
            recovering_until: 0,
            log: 1_000,
            longest: 8 * 3_600,
        }
    }

    fn known() -> Known {
        Known {
            epoch: "one".to_owned(),
            instance: "7/00000001".to_owned(),
            log: 1_000,
            seq: 10,
            seen: Some(([1; 16], NOW + 60)),
            is_doubtful: false,
        }
    }

    #[test]
    fn nothing_speaks_for_a_loss_where_nothing_changed_or_nothing_is_known() {
        assert_eq!(known().sign_of_loss(&standing(), 10), None);
        assert_eq!(Known::default().sign_of_loss(&standing(), 0), None);
    }

    #[test]
    fn each_sign_of_a_loss_is_seen_alone() {
        let anew = Standing {
            epoch: "two".to_owned(),
            ..standing()
        };
        let failed_over = Standing {
            instance: "7/00000002".to_owned(),
            ..standing()
        };
        let gone_back = Standing {
            last_end: 9,
            ..standing()
        };
        let older = Standing {
            log: 999,
            ..standing()
        };
        let overwritten = Standing {
            has_seen: false,
            ..standing()
        };
        for standing in [anew, failed_over, gone_back, older, overwritten] {
            assert!(known().sign_of_loss(&standing, 0).is_some(), "{standing:?}");
        }
        // What this node has not read yet.
        assert!(known().sign_of_loss(&standing(), 11).is_some());
    }

    #[test]
    fn an_end_that_is_old_enough_to_be_forgotten_is_not_missed() {
        let gone = Standing {
            has_seen: false,
            ..standing()
        };
        let sign = |expires_at| {
            let known = Known {
                seen: Some(([1; 16], expires_at)),
                ..known()
            };
            known.sign_of_loss(&gone, 0)
        };
        // A quarter of the hour is for clocks that differ.
        let soon = NOW - GRACE * 3 / 4;
        assert_eq!(sign(NOW - GRACE), None);
        assert_eq!(sign(soon), None);
        assert!(sign(soon + 1).is_some());
    }
}
