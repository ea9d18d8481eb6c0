//! Login binding: a ticket is accepted only from the browser that began the login.
//!
//! A cookie holds a random secret of the browser, and each service URL a keyed hash of it. Without this, anyone could
//! make a visitor follow a link with a ticket of their own and so sign the visitor in under a foreign name.
//!
//! One secret serves all logins, so tabs that sign in at once do not get in each other's way: none of them has to
//! change the cookie, which each would have read before the others wrote it.

mod cookie;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;

use serde::{Deserialize, Serialize};

pub(crate) use self::cookie::BindingCookie;
use super::{LoginValue, SessionData, SessionId, secrets::Secrets, trip::Trip};
use crate::clock::UnixSeconds;

/// How long a login may take, in seconds.
pub(crate) const MAX_AGE: UnixSeconds = 3600;

/// For how long logins that begin share one writing of the cookie, in seconds. Tabs that begin at once do.
const STEP: UnixSeconds = 60;

/// Logins of which the cookie holds something: with a bare service URL, or begun by an older release.
const MAX_LOGINS: usize = 5;

/// Sign-ins within this many seconds, none of which left a session cookie, show that the browser
/// does not keep it.
const NOT_KEPT_WITHIN: UnixSeconds = 60;

/// Of sign-ins that show a session which has ended, at most one in so many seconds counts: each of the tabs that sign
/// in at once ends the session of another.
const ENDED_WITHIN: UnixSeconds = 10;

/// How many sign-ins without a session cookie this takes, including the current one.
const NOT_KEPT_AFTER: usize = 3;

/// What the binding cookie holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Newest first, at most [`MAX_LOGINS`].
    logins: Vec<Login>,
    /// What all other logins are tied to.
    secrets: Option<Secrets>,
    /// When the cookie was written; 0 if that is not known.
    written_at: UnixSeconds,
    /// When the latest sign-ins were finished, newest first, at most [`NOT_KEPT_AFTER`].
    finished: Vec<UnixSeconds>,
    /// When the CAS server was last asked without a form, or the visitor signed out; 0 for never.
    asked_at: UnixSeconds,
    /// The browser's last known session, for a callback that does not show it.
    remembered: Option<Remembered>,
    /// The last user who signed in here, if other users have to confirm their sign-ins.
    known: Option<Known>,
    /// The sign-ins that wait for their confirmation, newest first, at most [`MAX_LOGINS`].
    waiting: Vec<Waiting>,
}

/// A keyed hash of a user's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    tag: String,
    since: UnixSeconds,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    value: LoginValue,
    since: UnixSeconds,
}

/// The session that a browser shows when it comes back with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    /// One that is over.
    Ended,
    /// One that may be live: the browser does keep the cookie.
    Session,
}

/// A session as the browser's login cookie knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) id: SessionId,
    pub(crate) expires_at: UnixSeconds,
    pub(crate) family: Option<SessionId>,
    /// When the sign-in was finished. In a login cookie it is only known of a session with a family; 0 otherwise.
    pub(crate) issued_at: UnixSeconds,
}

impl Remembered {
    pub(crate) fn of(session: &SessionData) -> Self {
        Self {
            id: session.id,
            expires_at: session.expires_at,
            family: session.family,
            issued_at: session.issued_at,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Login {
    value: LoginValue,
    begun_at: UnixSeconds,
    /// What a bare service URL does not say.
    trip: Option<Trip>,
}

/// The value is what makes a foreign ticket unusable.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("begun_at", &self.begun_at)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting")
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

impl Binding {
    /// Notes what a bare service URL does not say of a login. If there are too many, the oldest makes room for it.
    pub(crate) fn begin_trip(&mut self, value: LoginValue, trip: Trip, now: UnixSeconds) {
        self.logins.insert(
            0,
            Login {
                value,
                begun_at: now,
                trip: Some(trip),
            },
        );
        self.logins.truncate(MAX_LOGINS);
    }

    /// The secret for logins that begin now: the browser's own, or a `fresh` one if no login can be under way.
    pub(crate) fn secret(&mut self, fresh: LoginValue, now: UnixSeconds) -> &LoginValue {
        if now.abs_diff(self.written_at) >= MAX_AGE + STEP {
            self.secrets = None;
        }
        let secrets = self.secrets.get_or_insert_with(|| Secrets::new(fresh));
        secrets.current()
    }

    /// What logins of this browser are tied to now.
    pub(crate) fn current_secret(&self) -> Option<&LoginValue> {
        self.secrets.as_ref().map(Secrets::current)
    }

    /// The secrets that a login may be tied to which began then.
    pub(crate) fn secrets_of(&self, begun_at: UnixSeconds) -> impl Iterator<Item = &LoginValue> {
        let secrets = self.secrets.iter();
        secrets.flat_map(move |secrets| secrets.of(begun_at))
    }

    /// Gives the browser the `next` secret: who has seen its cookie before a sign-in cannot use it for long, and what
    /// begins later is of another family. Tabs that sign in at once have to get the same. So it is for a login that had
    /// the current secret: after another one, the browser has a new secret already.
    pub(crate) fn rotate(
        &mut self,
        next: impl FnOnce(&LoginValue) -> LoginValue,
        now: UnixSeconds,
    ) {
        if let Some(secrets) = &mut self.secrets {
            secrets.rotate(next, now);
        }
    }

    /// Whether the cookie has to be written anew before a login begins, even if it stays the same: it has to last about
    /// as long as the login.
    pub(crate) fn is_due(&self, now: UnixSeconds) -> bool {
        now.abs_diff(self.written_at) >= STEP
    }

    /// Takes out the login of an older release whose value `matches`. Each can be used once.
    pub(crate) fn take(&mut self, matches: impl Fn(&LoginValue) -> bool) -> Option<LoginValue> {
        let at = self.logins.iter().position(|login| matches(&login.value))?;
        Some(self.logins.remove(at).value)
    }

    /// Takes out the newest login whose trip is known and `matches`.
    pub(crate) fn take_newest_trip(
        &mut self,
        matches: impl Fn(&Trip) -> bool,
    ) -> Option<(LoginValue, Trip)> {
        let is_it = |login: &Login| login.trip.as_ref().is_some_and(&matches);
        let at = self.logins.iter().position(is_it)?;
        let Login { value, trip, .. } = self.logins.remove(at);
        Some((value, trip?))
    }

    /// Notes that a sign-in is finished. Returns whether the browser seems not to keep the session cookie.
    pub(crate) fn finish(&mut self, shown: Shown, now: UnixSeconds) -> bool {
        if shown == Shown::Session {
            // One sign-in without a session is how every browser begins. The cookie stays as it is then: tabs that
            // sign in at once would overwrite it for each other.
            if self.finished.len() > 1 {
                self.finished.clear();
            }
            return false;
        }
        self.finished
            .retain(|&at| now.abs_diff(at) < NOT_KEPT_WITHIN);
        let is_recent = |at: &UnixSeconds| now.abs_diff(*at) < ENDED_WITHIN;
        if shown == Shown::Ended && self.finished.first().is_some_and(is_recent) {
            return false;
        }
        self.finished.insert(0, now);
        self.finished.truncate(NOT_KEPT_AFTER);
        self.finished.len() >= NOT_KEPT_AFTER
    }

    /// Remembers the user who has signed in here, by the tag of their name.
    pub(crate) fn know(&mut self, tag: String, now: UnixSeconds) {
        self.known = Some(Known { tag, since: now });
    }

    /// The tag of the user who signed in here last.
    pub(crate) fn known(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.tag.as_str())
    }

    /// Notes that a sign-in waits to be confirmed. If there are too many, the oldest makes room for it.
    pub(crate) fn wait(&mut self, value: LoginValue, now: UnixSeconds) {
        self.waiting.insert(0, Waiting { value, since: now });
        self.waiting.truncate(MAX_LOGINS);
    }

    /// Takes out a sign-in that waits in this browser. Each is confirmed once.
    pub(crate) fn take_waiting(&mut self, value: &LoginValue) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.value != *value);
        self.waiting.len() < before
    }

    /// Takes out the newest sign-in that waits, whichever it is.
    pub(crate) fn give_up_waiting(&mut self) -> bool {
        let waits = !self.waiting.is_empty();
        self.waiting.drain(..usize::from(waits));
        waits
    }

    /// Remembers the browser's session.
    pub(crate) fn remember(&mut self, session: Option<Remembered>) {
        self.remembered = session;
    }

    pub(crate) fn remembered(&self) -> Option<Remembered> {
        self.remembered
    }

    /// Forgets finished sign-ins: after a sign-out the browser rightly has no session, and no waiting sign-in may
    /// open one. Logins that are under way begin again. Nor is the browser signed in again at once without being
    /// asked.
    pub(crate) fn signed_out(&mut self, now: UnixSeconds) {
        self.finished.clear();
        self.waiting.clear();
        self.remembered = None;
        // Logins of the next user of this browser are tied to another secret.
        self.secrets = None;
        self.logins.clear();
        self.asked_at = now;
    }

    /// Changes the cookie's value.
    pub(crate) fn stir(&mut self) {
        self.asked_at = self.asked_at.saturating_add(1);
    }

    /// Notes that the CAS server is being asked without a form.
    pub(crate) fn ask(&mut self, now: UnixSeconds) {
        self.asked_at = now;
    }

    /// Whether the CAS server may be asked again without a form.
    pub(crate) fn may_ask(&self, interval: UnixSeconds, now: UnixSeconds) -> bool {
        now.abs_diff(self.asked_at) >= interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::TripKind;

    pub(super) fn value(n: u8) -> LoginValue {
        [n; 16]
    }

    impl Binding {
        /// As an older release did.
        pub(in crate::session::binding) fn begin_old(
            &mut self,
            value: LoginValue,
            now: UnixSeconds,
        ) {
            let trip = None;
            let begun_at = now;
            self.logins.insert(
                0,
                Login {
                    value,
                    begun_at,
                    trip,
                },
            );
        }
    }

    #[test]
    fn a_login_serves_once() {
        let mut binding = Binding::default();
        binding.begin_old(value(1), 100);
        assert_eq!(binding.take(|v| *v == value(2)), None);
        assert_eq!(binding.take(|v| *v == value(1)), Some(value(1)));
        assert_eq!(binding.take(|v| *v == value(1)), None);
    }

    #[test]
    fn five_trips_can_be_under_way_at_once_and_a_sixth_displaces_the_oldest() {
        let mut binding = Binding::default();
        let trip = |n: u8| Trip {
            kind: TripKind::default(),
            next: Some(format!("/{n}")),
        };
        for n in 1..=6 {
            binding.begin_trip(value(n), trip(n), 100);
        }
        for n in (2..=6).rev() {
            let newest = binding.take_newest_trip(|_| true);
            assert_eq!(newest, Some((value(n), trip(n))));
        }
        assert_eq!(binding.take_newest_trip(|_| true), None);
    }

    #[test]
    fn the_third_sign_in_within_a_minute_that_left_no_session_is_noticed() {
        let mut binding = Binding::default();
        assert!(!binding.finish(Shown::Nothing, 100));
        assert!(!binding.finish(Shown::Nothing, 110));
        assert!(binding.finish(Shown::Nothing, 159));
    }

    #[test]
    fn a_session_a_sign_out_or_a_minute_begins_the_count_anew() {
        let twice = || {
            let mut binding = Binding::default();
            assert!(!binding.finish(Shown::Nothing, 100));
            assert!(!binding.finish(Shown::Nothing, 110));
            binding
        };
        let mut binding = twice();
        assert!(!binding.finish(Shown::Session, 120));
        assert!(!binding.finish(Shown::Nothing, 120));
        let mut binding = twice();
        binding.signed_out(120);
        assert!(!binding.finish(Shown::Nothing, 120));
        let mut binding = twice();
        assert!(!binding.finish(Shown::Nothing, 160));
    }

    #[test]
    fn a_session_leaves_the_cookie_as_it_is_after_a_single_sign_in() {
        let mut binding = Binding::default();
        binding.finish(Shown::Nothing, 100);
        let before = binding.clone();
        binding.finish(Shown::Session, 110);
        assert_eq!(binding, before);
    }

    #[test]
    fn tabs_that_end_each_others_sessions_count_as_one_for_a_while() {
        let mut binding = Binding::default();
        for _ in 0..160 {
            assert!(!binding.finish(Shown::Ended, 100));
            assert!(!binding.finish(Shown::Ended, 109));
        }
        // Sessions that end as soon as they are open are another matter.
        assert!(!binding.finish(Shown::Ended, 110));
        assert!(binding.finish(Shown::Ended, 120));
    }

    #[test]
    fn the_value_is_not_printed() {
        let mut binding = Binding::default();
        binding.begin_old(value(113), 100);
        binding.secret(value(113), 100);
        binding.wait(value(113), 100);
        let printed = format!("{binding:?}");
        assert!(!printed.contains("113"), "{printed}");
        for shown in ["begun_at: 100", "since: 100"] {
            assert!(printed.contains(shown), "{printed}");
        }
    }

    pub(super) fn remembered() -> Remembered {
        Remembered {
            id: SessionId::from([7; 16]),
            expires_at: 9_000,
            family: None,
            issued_at: 0,
        }
    }

    #[test]
    fn a_session_is_remembered_until_the_sign_out() {
        let mut binding = Binding::default();
        binding.remember(Some(remembered()));
        assert_eq!(binding.remembered(), Some(remembered()));
        binding.signed_out(130);
        assert_eq!(binding.remembered(), None);
    }
}
