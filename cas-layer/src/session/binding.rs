//! Login binding: a ticket is accepted only from the browser that began the login.
//!
//! A cookie holds a random secret of the browser, and each service URL a keyed hash of it. Without this, anyone could
//! make a visitor follow a link with a ticket of their own and so sign the visitor in under a foreign name.
//!
//! One secret serves all logins, so tabs that sign in at once do not get in each other's way: none of them has to
//! change the cookie, which each would have read before the others wrote it.

#[cfg(fuzzing)]
pub(crate) mod fuzzing;

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use super::{
    LoginValue, SessionData, SessionId,
    confirmation::WAIT,
    cookie::{CookieShape, find_cookie, has_cookie},
    seal::Sealer,
    secrets::Secrets,
    trip::Trip,
};
use crate::clock::UnixSeconds;

/// How long a login may take, in seconds.
pub(crate) const MAX_AGE: UnixSeconds = 3600;

/// For how long logins that begin share one writing of the cookie, in seconds. Tabs that begin at once do.
const STEP: UnixSeconds = 60;

/// How long a browser remembers its last user, in seconds. Browsers keep no cookie for longer than 400 days.
const KNOWN_FOR: u32 = 365 * 24 * 3600;

/// How long the cookie lasts, in seconds.
const LASTS: u32 = 3600;

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

/// The part that cookies of every release have. More parts follow it; older releases ignore them.
type Stored = (Vec<Login>, Vec<UnixSeconds>, UnixSeconds);

/// The remembered session, by id and expiry. Without one, a session that ended long ago stands here.
type StoredSession = ([u8; SessionId::LEN], UnixSeconds);

const NO_SESSION: StoredSession = ([0; SessionId::LEN], 0);

/// The parts after it.
type StoredUsers = (Option<Known>, Vec<Waiting>);

/// The parts after those, if there are secrets. Behind them is the family of the remembered session, if it has one, and
/// when that session's sign-in was finished.
type StoredSecrets = (Secrets, UnixSeconds);

fn payload(binding: &Binding, now: UnixSeconds) -> Option<Vec<u8>> {
    let stored = (&binding.logins, &binding.finished, binding.asked_at);
    let session: StoredSession = binding.remembered.map_or(NO_SESSION, |session| {
        (*session.id.as_bytes(), session.expires_at)
    });
    let users = (&binding.known, &binding.waiting);
    let mut payload = postcard::to_allocvec(&(stored, session, users)).ok()?;
    if let Some(secrets) = &binding.secrets {
        payload = postcard::to_extend(&(secrets, now), payload).ok()?;
        if let Some(remembered) = &binding.remembered
            && let Some(family) = &remembered.family
        {
            payload.extend(family.as_bytes());
            payload = postcard::to_extend(&remembered.issued_at, payload).ok()?;
        }
    }
    Some(payload)
}

/// What only some cookies have.
#[derive(Default)]
struct Rest {
    remembered: Option<Remembered>,
    users: StoredUsers,
    secrets: Option<StoredSecrets>,
}

fn read_rest(rest: &[u8]) -> Rest {
    let Ok((session, rest)) = postcard::take_from_bytes::<StoredSession>(rest) else {
        return Rest::default();
    };
    let (users, rest) = postcard::take_from_bytes(rest).unwrap_or_default();
    let (secrets, family) = match postcard::take_from_bytes(rest) {
        Ok((secrets, rest)) => (
            Some(secrets),
            rest.split_first_chunk::<{ SessionId::LEN }>(),
        ),
        Err(_) => (None, None),
    };
    let issued_at = family.and_then(|(_, rest)| postcard::from_bytes(rest).ok());
    let remembered = (session != NO_SESSION).then(|| Remembered {
        id: SessionId::from(session.0),
        expires_at: session.1,
        family: family.map(|(&family, _)| SessionId::from(family)),
        issued_at: issued_at.unwrap_or_default(),
    });
    Rest {
        remembered,
        users,
        secrets,
    }
}

/// What a cookie holds, without what has become too old.
fn read(payload: &[u8], now: UnixSeconds) -> Option<Binding> {
    let ((mut logins, finished, asked_at), rest): (Stored, _) =
        postcard::take_from_bytes(payload).ok()?;
    logins.retain(|login| now.abs_diff(login.begun_at) < MAX_AGE);
    let Rest {
        remembered,
        users: (known, mut waiting),
        secrets,
    } = read_rest(rest);
    waiting.retain(|waiting| now.abs_diff(waiting.since) < WAIT);
    let (secrets, written_at) = match secrets {
        Some((mut secrets, written_at)) => {
            secrets.forget(MAX_AGE, now);
            (Some(secrets), written_at)
        }
        None => (None, 0),
    };
    Some(Binding {
        logins,
        secrets,
        written_at,
        finished,
        asked_at,
        remembered,
        known: known.filter(|known| now.abs_diff(known.since) < u64::from(KNOWN_FOR)),
        waiting,
    })
}

/// Reads and writes the binding cookie.
#[derive(Debug)]
pub(crate) struct BindingCookie {
    shape: CookieShape,
    sealer: Sealer,
}

impl BindingCookie {
    /// The shape of the cookie. That it has to come with forms of another site may also be said when it is written.
    pub(crate) fn new(shape: CookieShape, sealer: Sealer) -> Self {
        Self { shape, sealer }
    }

    fn shape(&self, cross_site: bool) -> CookieShape {
        CookieShape {
            cross_site: cross_site || self.shape.cross_site,
            ..self.shape.clone()
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.shape.name
    }

    /// The content of the browser's cookie. An empty binding if the browser has no cookie that opens.
    pub(crate) fn read(&self, headers: &HeaderMap, now: UnixSeconds) -> Binding {
        self.find(headers, now).unwrap_or_default()
    }

    /// The same. `None` if the browser sent no cookie that opens, so it may keep none.
    pub(crate) fn find(&self, headers: &HeaderMap, now: UnixSeconds) -> Option<Binding> {
        find_cookie(headers, &self.shape.name, |value| {
            read(&self.sealer.open(value)?, now)
        })
    }

    /// Whether the browser sent a cookie of this name that holds something, be it one that opens or not.
    pub(crate) fn came(&self, headers: &HeaderMap) -> bool {
        has_cookie(headers, &self.shape.name)
    }

    /// The `Set-Cookie` value for `binding`, written `now`; an empty one clears the cookie. `cross_site` is whether
    /// the browser also has to send it with a form that another site posts here.
    pub(crate) fn write(
        &self,
        binding: &Binding,
        cross_site: bool,
        now: UnixSeconds,
    ) -> Option<HeaderValue> {
        if *binding == Binding::default() {
            return self.shape(cross_site).clear();
        }
        self.keep(binding, cross_site, now)
    }

    /// The same, but an empty binding keeps the cookie.
    pub(crate) fn keep(
        &self,
        binding: &Binding,
        cross_site: bool,
        now: UnixSeconds,
    ) -> Option<HeaderValue> {
        let payload = payload(binding, now)?;
        let max_age = if binding.known.is_some() {
            KNOWN_FOR
        } else {
            LASTS
        };
        self.shape(cross_site)
            .set(&self.sealer.seal(&payload), Some(max_age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Key, Purpose, TripKind};

    fn value(n: u8) -> LoginValue {
        [n; 16]
    }

    impl Binding {
        /// As an older release did.
        fn begin_old(&mut self, value: LoginValue, now: UnixSeconds) {
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

    fn written(binding: &Binding) -> Vec<u8> {
        payload(binding, 150).unwrap()
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

    fn cookie() -> BindingCookie {
        let key = Key::from((0..64).collect::<Vec<u8>>());
        let shape = CookieShape {
            name: "b".to_owned(),
            secure: true,
            cross_site: false,
            partitioned: false,
        };
        BindingCookie::new(shape, Sealer::new(&key, &[], Purpose::LoginBinding, &["b"]))
    }

    fn read_back(cookie: &BindingCookie, payload: &[u8]) -> Option<Binding> {
        let pair = format!("b={}", cookie.sealer.seal(payload));
        let field = HeaderValue::try_from(pair).unwrap();
        cookie.find(&HeaderMap::from_iter([(http::header::COOKIE, field)]), 150)
    }

    fn binding() -> Binding {
        let mut binding = Binding::default();
        binding.begin_old(value(1), 100);
        binding.ask(120);
        binding
    }

    fn remembered() -> Remembered {
        Remembered {
            id: SessionId::from([7; 16]),
            expires_at: 9_000,
            family: None,
            issued_at: 0,
        }
    }

    #[test]
    fn a_cookie_of_an_earlier_release_is_read() {
        let earlier: Stored = (binding().logins, Vec::new(), 120);
        let payload = postcard::to_allocvec(&earlier).unwrap();
        assert_eq!(read_back(&cookie(), &payload), Some(binding()));
    }

    #[test]
    fn an_earlier_release_reads_what_it_knows_of_a_cookie() {
        let mut binding = binding();
        binding.remember(Some(remembered()));
        let payload = written(&binding);
        let read: Stored = postcard::from_bytes(&payload).unwrap();
        assert_eq!(read, (binding.logins.clone(), Vec::new(), 120));
        assert_eq!(read_back(&cookie(), &payload), Some(binding));
    }

    #[test]
    fn the_secrets_come_back_and_an_earlier_release_reads_the_rest() {
        for remembered in [None, Some(remembered())] {
            let mut binding = binding();
            binding.remember(remembered);
            binding.secret(value(3), 140);
            binding.rotate(|_| value(4), 140);
            let payload = written(&binding);
            let read = read_back(&cookie(), &payload).unwrap();
            assert_eq!(read.remembered(), remembered);
            assert_eq!(
                read.secrets_of(140).collect::<Vec<_>>(),
                [&value(4), &value(3)]
            );
            assert!(!read.is_due(150 + STEP - 1));
            assert!(read.is_due(150 + STEP));
            let read: Stored = postcard::from_bytes(&payload).unwrap();
            assert_eq!(read, (binding.logins.clone(), Vec::new(), 120));
        }
    }

    #[test]
    fn the_family_of_the_remembered_session_comes_back_behind_everything_else() {
        let mut binding = binding();
        binding.secret(value(3), 140);
        binding.remember(Some(remembered()));
        let before = written(&binding);
        binding.remember(Some(Remembered {
            family: Some(SessionId::from([9; 16])),
            issued_at: 100,
            ..remembered()
        }));
        let payload = written(&binding);
        assert_eq!(payload, [&before[..], &[9; 16], &[100]].concat());
        let read = read_back(&cookie(), &payload).unwrap();
        assert_eq!(read.remembered(), binding.remembered());
        // Without the time.
        let shorter = read_back(&cookie(), &payload[..payload.len() - 1]).unwrap();
        let remembered = |session: Binding| session.remembered().unwrap();
        assert_eq!(remembered(shorter).family, Some(SessionId::from([9; 16])));
        let cut = read_back(&cookie(), &payload[..payload.len() - 2]).unwrap();
        assert_eq!(remembered(cut).family, None);
    }

    #[test]
    fn a_secret_without_a_login_under_way_is_forgotten() {
        let mut binding = Binding::default();
        binding.secret(value(3), 150);
        binding.know("tag".to_owned(), 150);
        let payload = written(&binding);
        let at = |now| read(&payload, now).unwrap();
        let last = 150 + MAX_AGE + STEP - 1;
        assert_eq!(at(last).secret(value(5), last), &value(3));
        assert_eq!(at(last + 1).secret(value(5), last + 1), &value(5));
        assert!(at(last + 1).is_due(last + 1));
    }

    #[test]
    fn a_session_is_remembered_until_the_sign_out() {
        let mut binding = binding();
        binding.remember(Some(remembered()));
        assert_eq!(binding.remembered(), Some(remembered()));
        binding.signed_out(130);
        assert_eq!(binding.remembered(), None);
    }

    #[test]
    fn who_has_signed_in_is_known_through_a_sign_out_and_for_a_year() {
        let mut binding = binding();
        binding.know("tag".to_owned(), 150);
        binding.wait(value(2), 150);
        let payload = written(&binding);
        assert_eq!(read_back(&cookie(), &payload), Some(binding.clone()));
        // To an earlier release it is a session that was over long ago.
        let (_, rest): (Stored, _) = postcard::take_from_bytes(&payload).unwrap();
        let earlier: StoredSession = postcard::from_bytes(rest).unwrap();
        assert_eq!(earlier.1, 0);
        let max_age = |binding: &Binding| {
            let set = cookie().keep(binding, false, 150).unwrap();
            let set = set.to_str().unwrap().to_owned();
            set.split_once("Max-Age=").unwrap().1.to_owned()
        };
        assert_eq!(max_age(&binding), "31536000");
        binding.signed_out(160);
        assert_eq!(binding.known(), Some("tag"));
        assert!(!binding.take_waiting(&value(2)));
        binding.know("tag".to_owned(), 150 + u64::from(KNOWN_FOR));
        let payload = written(&binding);
        let read = read_back(&cookie(), &payload).unwrap();
        assert_eq!(read.known(), None, "of another time");
        assert_eq!(max_age(&Binding::default()), "3600");
    }

    #[test]
    fn a_sign_in_that_waits_is_confirmed_once_and_within_ten_minutes() {
        let mut binding = Binding::default();
        for (n, since) in [(1, 150), (2, 150 + WAIT), (3, 151)] {
            binding.wait(value(n), since);
        }
        binding.remember(Some(remembered()));
        let mut read = read_back(&cookie(), &written(&binding)).unwrap();
        assert_eq!(read.remembered(), Some(remembered()));
        assert!(!read.take_waiting(&value(2)), "out of time");
        assert!(read.take_waiting(&value(1)));
        assert!(!read.take_waiting(&value(1)));
        assert!(read.give_up_waiting());
        assert!(!read.give_up_waiting());
    }

    #[test]
    fn what_is_behind_a_cookie_and_no_session_is_not_looked_at() {
        let mut payload = written(&binding());
        payload.extend([1, 2, 3]);
        assert_eq!(read_back(&cookie(), &payload), Some(binding()));
    }

    #[test]
    fn a_login_is_known_for_an_hour() {
        let mut binding = Binding::default();
        binding.begin_old(value(1), 150);
        let payload = written(&binding);
        for (now, is_known) in [(150 + MAX_AGE - 1, true), (150 + MAX_AGE, false)] {
            let taken = read(&payload, now).unwrap().take(|it| *it == value(1));
            assert_eq!(taken.is_some(), is_known, "{now}");
        }
    }

    #[test]
    fn a_cookie_that_is_stirred_has_another_value() {
        let mut binding = binding();
        let before = written(&binding);
        binding.stir();
        assert_ne!(written(&binding), before);
    }

    #[test]
    fn the_cookie_comes_with_forms_of_other_sites_if_the_app_or_the_login_needs_that() {
        for (of_app, of_login, expected) in [
            (false, false, "Lax"),
            (false, true, "None"),
            (true, false, "None"),
            (true, true, "None"),
        ] {
            let mut cookie = cookie();
            cookie.shape.cross_site = of_app;
            let cleared = Binding::default();
            for set in [
                cookie.write(&binding(), of_login, 150),
                cookie.write(&cleared, of_login, 150),
                cookie.keep(&cleared, of_login, 150),
            ] {
                let set = set.unwrap();
                let set = set.to_str().unwrap();
                let expected = format!("SameSite={expected};");
                assert!(set.contains(&expected), "{of_app} {of_login}: {set}");
            }
        }
    }
}
