//! The cookie of the login binding, and how the binding is written in it. Each release reads cookies that other releases wrote.

use http::{HeaderMap, HeaderValue};

use super::{Binding, Known, Login, MAX_AGE, Remembered, Waiting};
use crate::{
    clock::UnixSeconds,
    session::{
        SessionId,
        confirmation::WAIT,
        cookie::{CookieShape, find_cookie, has_cookie},
        seal::Sealer,
        secrets::Secrets,
    },
};

/// How long a browser remembers its last user, in seconds. Browsers keep no cookie for longer than 400 days.
const KNOWN_FOR: u32 = 365 * 24 * 3600;

/// How long the cookie lasts if it names no last user, in seconds.
const LASTS: u32 = 3600;

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
pub(super) fn read(payload: &[u8], now: UnixSeconds) -> Option<Binding> {
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
    use super::{
        super::{
            STEP,
            tests::{remembered, value},
        },
        *,
    };
    use crate::session::{Key, Purpose};

    fn written(binding: &Binding) -> Vec<u8> {
        payload(binding, 150).unwrap()
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
