//! How long a session lasts: in total, and without use.

use super::SessionData;
use crate::clock::UnixSeconds;

/// A cookie is renewed at most once in this part of the idle time.
const STEPS: UnixSeconds = 10;

/// Durations in seconds, each at least 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// From sign-in, used or not.
    pub(crate) session: UnixSeconds,
    /// From the last use. `None` for as long as the session lasts.
    pub(crate) idle: Option<UnixSeconds>,
    /// Of a remember-me login, whose session has no idle time; `None` when such a login is like any
    /// other.
    pub(crate) remembered: Option<UnixSeconds>,
}

impl Lifetimes {
    /// How long the session of a sign-in lasts, and whether it is a remembered one. `long_term` is what the CAS
    /// server said about a remember-me token.
    pub(super) fn of_sign_in(&self, long_term: Option<bool>) -> (UnixSeconds, bool) {
        match (self.remembered, long_term) {
            (Some(lifetime), Some(true)) => (lifetime, true),
            _ => (self.session, false),
        }
    }

    /// The longest lifetime of any session.
    pub(crate) fn longest(&self) -> UnixSeconds {
        self.session.max(self.remembered.unwrap_or_default())
    }

    /// Whether the session is over, by its own lifetime or by today's: a shortened lifetime applies to open sessions
    /// too.
    pub(crate) fn is_over(&self, session: &SessionData, now: UnixSeconds) -> bool {
        let lifetime = match self.remembered {
            Some(lifetime) if session.remembered => lifetime,
            _ => self.session,
        };
        session.is_expired(now) || now >= session.issued_at.saturating_add(lifetime)
    }

    /// Whether the session has been unused for too long.
    pub(crate) fn is_idle(&self, session: &SessionData, now: UnixSeconds) -> bool {
        self.idle_of(session)
            .is_some_and(|idle| now >= session.seen_at.saturating_add(idle))
    }

    /// Whether the cookie of a session in use has to be renewed, so that it does not become idle.
    pub(crate) fn is_due(&self, session: &SessionData, now: UnixSeconds) -> bool {
        self.idle_of(session)
            .is_some_and(|idle| now >= session.seen_at.saturating_add(idle.div_ceil(STEPS)))
    }

    fn idle_of(&self, session: &SessionData) -> Option<UnixSeconds> {
        self.idle.filter(|_| !session.remembered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::payload::tests::session;

    const LIFETIMES: Lifetimes = Lifetimes {
        session: 28_800,
        idle: Some(7_200),
        remembered: Some(86_400),
    };

    fn with_idle(idle: Option<UnixSeconds>) -> Lifetimes {
        Lifetimes { idle, ..LIFETIMES }
    }

    #[test]
    fn a_remember_me_login_has_its_own_lifetime_where_there_is_one() {
        let without = Lifetimes {
            remembered: None,
            ..LIFETIMES
        };
        for (lifetimes, long_term, expected) in [
            (LIFETIMES, Some(true), (86_400, true)),
            (LIFETIMES, Some(false), (28_800, false)),
            (LIFETIMES, None, (28_800, false)),
            (without, Some(true), (28_800, false)),
        ] {
            assert_eq!(lifetimes.of_sign_in(long_term), expected, "{long_term:?}");
        }
    }

    /// The test's session was seen at 1,000.
    #[test]
    fn a_cookie_is_due_after_a_tenth_of_the_idle_time_and_idle_after_all_of_it() {
        for (idle, due, over) in [
            (7_200, 1_720, 8_200),
            (100, 1_010, 1_100),
            (19, 1_002, 1_019),
            (10, 1_001, 1_010),
            (1, 1_001, 1_001),
        ] {
            let lifetimes = with_idle(Some(idle));
            let session = session("alice", &[]);
            assert!(!lifetimes.is_due(&session, due - 1), "{idle}");
            assert!(lifetimes.is_due(&session, due), "{idle}");
            assert!(!lifetimes.is_idle(&session, over - 1), "{idle}");
            assert!(lifetimes.is_idle(&session, over), "{idle}");
        }
    }

    #[test]
    fn a_session_is_never_idle_if_it_is_remembered_or_no_time_is_set() {
        let mut session = session("alice", &[]);
        assert!(!with_idle(None).is_idle(&session, u64::MAX));
        assert!(!with_idle(None).is_due(&session, u64::MAX));
        session.remembered = true;
        assert!(!LIFETIMES.is_idle(&session, u64::MAX));
        assert!(!LIFETIMES.is_due(&session, u64::MAX));
    }

    #[test]
    fn a_lifetime_that_was_shortened_holds_for_sessions_that_are_open() {
        let mut session = session("alice", &[]);
        // Since 1,000, until 2,000.
        assert!(!LIFETIMES.is_over(&session, 1_999));
        assert!(LIFETIMES.is_over(&session, 2_000));
        let shorter = Lifetimes {
            session: 600,
            remembered: Some(800),
            ..LIFETIMES
        };
        assert!(!shorter.is_over(&session, 1_599));
        assert!(shorter.is_over(&session, 1_600));
        session.remembered = true;
        assert!(!shorter.is_over(&session, 1_799));
        assert!(shorter.is_over(&session, 1_800));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_idle() {
        let session = session("alice", &[]);
        assert!(!LIFETIMES.is_idle(&session, 0));
        assert!(!LIFETIMES.is_due(&session, 0));
    }

    #[test]
    fn no_session_lasts_longer_than_the_longest_lifetime() {
        for (session, remembered, longest) in [
            (28_800, None, 28_800),
            (28_800, Some(86_400), 86_400),
            (28_800, Some(600), 28_800),
        ] {
            let lifetimes = Lifetimes {
                session,
                remembered,
                idle: None,
            };
            assert_eq!(lifetimes.longest(), longest, "{remembered:?}");
        }
    }
}
