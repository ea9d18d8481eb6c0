//! What registries of many nodes refuse of their settings.

use std::time::Duration;

use super::{LONGEST, RegistryError, RegistryErrorKind};

/// News is looked for once a second, so a shorter limit would mean nothing.
const MIN_FAIL_CLOSED: Duration = Duration::from_secs(3);

/// For everything that one call does, unless the app says something else.
pub(super) const TIMEOUT: Duration = Duration::from_millis(900);

/// Longer than any visitor waits.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// A mistake in a setting, and the name of the setting.
pub(crate) type Mistake = (&'static str, RegistryError);

/// Checks what these registries have in common.
pub(super) fn check(
    fail_closed_after: Option<Duration>,
    queue: usize,
    longest_lifetime: Duration,
    timeout: Duration,
) -> Result<(), Mistake> {
    let unusable = |setting, message| {
        let error = RegistryError::new(RegistryErrorKind::Unusable, message);
        Err((setting, error))
    };
    if fail_closed_after.is_some_and(|limit| limit < MIN_FAIL_CLOSED) {
        return unusable(
            "fail_closed_after",
            "`fail_closed_after` is less than 3 seconds",
        );
    }
    if !(TIMEOUT..=MAX_TIMEOUT).contains(&timeout) {
        return unusable(
            "timeout",
            "the time limit of a call is less than 900 milliseconds or more than 60 seconds",
        );
    }
    if longest_lifetime > Duration::from_secs(LONGEST) {
        return unusable(
            "longest_lifetime",
            "the longest lifetime of a session is longer than 366 days",
        );
    }
    if queue == 0 {
        return unusable("queue", "the queue needs room for one sign-out at least");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_taken_up_to_its_limit_and_refused_beyond_it() {
        const SECOND: Duration = Duration::from_secs(1);
        const NANOSECOND: Duration = Duration::from_nanos(1);
        let just_below = |limit: Duration| limit.saturating_sub(NANOSECOND);
        let longest = Duration::from_secs(LONGEST);
        let (least, most) = (Duration::from_millis(900), 60 * SECOND);
        let said = |closed, queue, lifetime, timeout| {
            let checked = check(closed, queue, lifetime, timeout);
            checked.map_err(|(setting, error)| {
                assert_eq!(error.kind(), RegistryErrorKind::Unusable);
                setting
            })
        };
        for (closed, queue, lifetime, timeout) in [
            (None, 1, longest, least),
            (Some(3 * SECOND), 1, longest, most),
        ] {
            assert_eq!(said(closed, queue, lifetime, timeout), Ok(()));
        }
        let short = Some(just_below(3 * SECOND));
        assert_eq!(said(short, 1, longest, least), Err("fail_closed_after"));
        let longer = longest + NANOSECOND;
        assert_eq!(said(None, 1, longer, least), Err("longest_lifetime"));
        for timeout in [just_below(least), most + NANOSECOND] {
            assert_eq!(said(None, 1, longest, timeout), Err("timeout"));
        }
        assert_eq!(said(None, 0, longest, least), Err("queue"));
    }
}
