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
