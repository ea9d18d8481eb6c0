//! What the logins of a browser are tied to: one secret for all of them, so that any number can be under way.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::LoginValue;
use crate::clock::UnixSeconds;

/// How far the clocks of nodes may be apart, in seconds.
const MAX_APART: UnixSeconds = 300;

/// The secrets of one browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Secrets {
    current: LoginValue,
    /// The one before the last sign-in, for the logins that had begun by then.
    previous: Option<(LoginValue, UnixSeconds)>,
}

impl Secrets {
    pub(super) fn new(current: LoginValue) -> Self {
        Self {
            current,
            previous: None,
        }
    }

    /// The secret for logins that begin now.
    pub(super) fn current(&self) -> &LoginValue {
        &self.current
    }

    /// The secrets that a login may have which began then.
    pub(super) fn of(&self, begun_at: UnixSeconds) -> impl Iterator<Item = &LoginValue> {
        let previous = self.previous.as_ref();
        let previous = previous
            .filter(move |(_, replaced_at)| begun_at <= replaced_at.saturating_add(MAX_APART));
        std::iter::once(&self.current).chain(previous.map(|(secret, _)| secret))
    }

    /// Forgets the previous secret once no login can have it any more.
    pub(super) fn forget(&mut self, longest: UnixSeconds, now: UnixSeconds) {
        self.previous = self
            .previous
            .filter(|(_, replaced_at)| now.abs_diff(*replaced_at) < longest);
    }

    /// Replaces the secret by the `next`. Logins that have the one before the current one begin again.
    pub(super) fn rotate(
        &mut self,
        next: impl FnOnce(&LoginValue) -> LoginValue,
        now: UnixSeconds,
    ) {
        let next = next(&self.current);
        self.previous = Some((std::mem::replace(&mut self.current, next), now));
    }
}

/// Hides the secrets.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(secrets: &Secrets, begun_at: UnixSeconds) -> Vec<u8> {
        secrets.of(begun_at).map(|secret| secret[0]).collect()
    }

    #[test]
    fn the_secret_before_a_sign_in_is_good_for_logins_that_had_begun() {
        let mut secrets = Secrets::new([1; 16]);
        assert_eq!(of(&secrets, 1_000), [1]);
        secrets.rotate(|_| [2; 16], 1_000);
        assert_eq!(of(&secrets, 990), [2, 1]);
        assert_eq!(
            of(&secrets, 1_300),
            [2, 1],
            "on a node whose clock is ahead"
        );
        assert_eq!(of(&secrets, 1_301), [2]);
    }

    #[test]
    fn the_secret_before_a_sign_in_is_known_until_the_next_one_and_no_longer_than_a_login_takes() {
        let mut secrets = Secrets::new([1; 16]);
        secrets.rotate(|_| [2; 16], 1_000);
        secrets.forget(3_600, 4_599);
        assert_eq!(of(&secrets, 900), [2, 1]);
        secrets.forget(3_600, 4_600);
        assert_eq!(of(&secrets, 900), [2]);
        secrets.rotate(|current| [current[0] + 1; 16], 4_600);
        assert_eq!(of(&secrets, 4_600), [3, 2]);
        secrets.rotate(|current| [current[0] + 1; 16], 4_700);
        assert_eq!(of(&secrets, 4_600), [4, 3]);
    }

    #[test]
    fn the_secrets_are_not_printed() {
        assert_eq!(format!("{:?}", Secrets::new([113; 16])), "Secrets(…)");
    }
}
