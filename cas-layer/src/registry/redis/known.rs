//! What a node has seen of Redis, and the signs of a loss.

use super::{entry_id::EntryId, scripts::Standing};
use crate::registry::GRACE;

/// What a node has seen of Redis, so that it notices a change.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Empty before the first connection.
    pub(super) epoch: String,
    pub(super) instance: String,
    /// The last entry of the stream that was read.
    pub(super) seen: EntryId,
    /// Whether the stream has to be read from the beginning and completed.
    pub(super) is_doubtful: bool,
    /// Whether the clock of Redis has jumped since the connection was made ready: keys may have expired too early.
    pub(super) has_jumped: bool,
}

impl Known {
    pub(super) fn is_new(&self) -> bool {
        self.epoch.is_empty()
    }

    /// The sign of a loss, if there is one.
    pub(super) fn sign_of_loss(&self, now: &Standing, instance: &str) -> Option<&'static str> {
        if self.is_new() {
            return None;
        }
        if now.epoch.is_empty() {
            return Some("Redis knows nothing of the registry");
        }
        if now.epoch != self.epoch {
            return Some("Redis was emptied, and another node noticed");
        }
        if !self.instance.is_empty() && !instance.is_empty() && self.instance != instance {
            return Some(
                "Redis was restarted, another server took over, or replication began anew",
            );
        }
        if self.has_jumped {
            return Some("the clock of Redis has jumped");
        }
        if now.last < self.seen {
            return Some("the stream of what has ended went back");
        }
        // Entries are removed by age alone.
        let age = (now.time.micros / 1000).saturating_sub(self.seen.millis);
        let kept = now.longest.saturating_add(GRACE).saturating_mul(1000);
        if !self.seen.is_none() && !now.has_seen && age < kept {
            return Some("the last entry read from Redis is not there any more");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{clock::UnixSeconds, registry::redis::facts::RedisTime};

    /// In milliseconds.
    const NOW: u64 = 1_700_000_000_000;
    /// In seconds.
    const LONGEST: UnixSeconds = 8 * 3600;

    fn id(millis: u64) -> EntryId {
        EntryId::parse(&format!("{millis}-0")).unwrap()
    }

    fn known() -> Known {
        Known {
            epoch: "one".to_owned(),
            instance: "first".to_owned(),
            seen: id(NOW - 1_000),
            is_doubtful: false,
            has_jumped: false,
        }
    }

    fn standing() -> Standing {
        Standing {
            time: RedisTime {
                micros: NOW * 1_000,
                asked: Instant::now(),
                answered: Instant::now(),
            },
            epoch: "one".to_owned(),
            number: 1,
            longest: LONGEST,
            is_recovering: false,
            last: id(NOW),
            has_seen: true,
            kept: [0; 3],
            base: (0, 0).into(),
        }
    }

    #[test]
    fn nothing_speaks_for_a_loss_where_nothing_changed_or_nothing_is_known() {
        assert_eq!(known().sign_of_loss(&standing(), "first"), None);
        // A Redis that does not say who it is.
        assert_eq!(known().sign_of_loss(&standing(), ""), None);
        let nameless = Known {
            instance: String::new(),
            ..known()
        };
        assert_eq!(nameless.sign_of_loss(&standing(), "second"), None);
        let empty = Standing {
            epoch: String::new(),
            last: EntryId::default(),
            has_seen: false,
            ..standing()
        };
        assert_eq!(Known::default().sign_of_loss(&empty, "first"), None);
        // Nothing was ended so far.
        let fresh = Known {
            seen: EntryId::default(),
            ..known()
        };
        let silent = Standing {
            last: EntryId::default(),
            has_seen: false,
            ..standing()
        };
        assert_eq!(fresh.sign_of_loss(&silent, "first"), None);
    }

    #[test]
    fn each_sign_of_a_loss_is_seen_alone() {
        let emptied = Standing {
            epoch: String::new(),
            ..standing()
        };
        let noticed = Standing {
            epoch: "two".to_owned(),
            ..standing()
        };
        let jumped = Known {
            has_jumped: true,
            ..known()
        };
        assert!(jumped.sign_of_loss(&standing(), "first").is_some());
        let gone_back = Standing {
            last: id(NOW - 2_000),
            ..standing()
        };
        // An older copy, and then longer than ever.
        let overwritten = Standing {
            has_seen: false,
            ..standing()
        };
        for (what, standing, instance) in [
            ("emptied", emptied, "first"),
            ("noticed", noticed, "first"),
            ("restarted", standing(), "second"),
            ("gone back", gone_back, "first"),
            ("overwritten", overwritten, "first"),
        ] {
            assert!(
                known().sign_of_loss(&standing, instance).is_some(),
                "{what}"
            );
        }
    }

    #[test]
    fn an_entry_that_is_old_enough_to_be_removed_is_not_missed() {
        let kept = (LONGEST + GRACE) * 1_000;
        let gone = Standing {
            has_seen: false,
            ..standing()
        };
        for (age, is_missed) in [(kept - 1, true), (kept, false)] {
            let known = Known {
                seen: id(NOW - age),
                ..known()
            };
            assert_eq!(known.sign_of_loss(&gone, "first").is_some(), is_missed);
        }
    }
}
