//! Cookies in and out. The `cookie` crate prints them. Our own is found by name, without parsing the others, because
//! that is on the path of every request.

use std::{borrow::Cow, sync::Arc};

use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode;

use super::{
    Encrypter, SessionData,
    seal::Sealer,
    verified::{ReadSession, VerifiedHere},
};
use crate::clock::UnixSeconds;

/// The most bytes that a cookie's name and value may have together. Browsers silently drop a larger one (RFC 6265,
/// section 6.1).
pub(crate) const MAX_COOKIE_BYTES: usize = 4096;

/// The first `Some` that `read` makes of the values of cookies called `name`, in the order in which
/// they were sent, over all `Cookie` fields: HTTP/2 splits them (RFC 9113, section 8.2.3).
pub(crate) fn find_cookie<'h, T>(
    headers: &'h HeaderMap,
    name: &str,
    read: impl Fn(&'h [u8]) -> Option<T>,
) -> Option<T> {
    headers.get_all(header::COOKIE).iter().find_map(|field| {
        // As bytes: another cookie in the field may hold anything, ours is ASCII.
        pairs(field.as_bytes())
            .filter_map(|pair| {
                pair.trim_ascii()
                    .strip_prefix(name.as_bytes())?
                    .strip_prefix(b"=")
            })
            .filter(|value| value.len() <= MAX_COOKIE_BYTES)
            .find_map(&read)
    })
}

/// Whether there is a cookie of this name that holds something.
pub(crate) fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    find_cookie(headers, name, |value| (!value.is_empty()).then_some(())).is_some()
}

/// Removes the cookies with one of `names`, over all `Cookie` fields, and every pair that another reader may take for
/// one of them. A field without such a cookie stays as it is.
pub(crate) fn remove_cookies(headers: &mut HeaderMap, names: &[String]) {
    let names: Vec<Vec<u8>> = names.iter().map(|name| folded(name.as_bytes())).collect();
    let is_named = |pair: &[u8]| read_names(pair).any(|name| names.contains(&folded(name)));
    let is_concerned = |field: &HeaderValue| pairs(field.as_bytes()).any(is_named);
    if !headers.get_all(header::COOKIE).iter().any(is_concerned) {
        return;
    }
    let fields: Vec<HeaderValue> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|field| {
            if !is_concerned(field) {
                return Some(field.clone());
            }
            let kept: Vec<&[u8]> = pairs(field.as_bytes())
                .filter(|pair| !is_named(pair))
                .map(<[u8]>::trim_ascii)
                .filter(|pair| !pair.is_empty())
                .collect();
            // Parts of a value are a value.
            let mut kept_field = HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok()?;
            kept_field.set_sensitive(field.is_sensitive());
            (!kept.is_empty()).then_some(kept_field)
        })
        .collect();
    headers.remove(header::COOKIE);
    for field in fields {
        headers.append(header::COOKIE, field);
    }
}

/// The names that a reader may find in a pair. By RFC 6265 there is one. But some readers go on at a space or a comma
/// (RFC 2109), and some trim by Unicode, as UTF-8 or as Latin-1.
fn read_names(pair: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends_word = |byte: &u8| !byte.is_ascii_graphic() || matches!(byte, b',' | b'"');
    let words = pair.split(ends_word).filter(|word| !word.is_empty());
    let mut words = words.peekable();
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            match memchr::memchr(b'=', word) {
                Some(end) => return word.get(..end),
                None if words.peek().is_some_and(|next| next.starts_with(b"=")) => {
                    return Some(word);
                }
                None => {}
            }
        }
    })
}

/// A name without the differences that some readers ignore: some decode it, some make `_` of what is neither letter
/// nor digit, some ignore case.
fn folded(name: &[u8]) -> Vec<u8> {
    let fold = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            byte.to_ascii_lowercase()
        } else {
            b'_'
        }
    };
    let name: Vec<u8> = percent_decode(name).map(fold).collect();
    // One reader trims what is a part of the name to another.
    let is_edge = |byte: &u8| *byte == b'_';
    let start = name.iter().position(|byte| !is_edge(byte));
    let end = name.iter().rposition(|byte| !is_edge(byte));
    match (start, end) {
        (Some(start), Some(end)) => name.get(start..=end).unwrap_or_default().to_vec(),
        _ => Vec::new(),
    }
}

/// The pairs of a `Cookie` field (RFC 6265, section 4.2.1).
fn pairs(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(field);
    std::iter::from_fn(move || {
        let field = rest?;
        let end = memchr::memchr(b';', field).unwrap_or(field.len());
        rest = field.get(end + 1..);
        field.get(..end)
    })
}

/// The attributes of a cookie of ours.
#[derive(Clone, Debug)]
pub(crate) struct CookieShape {
    pub(crate) name: String,
    /// Whether the app is served over https; without it a browser refuses `Secure`.
    pub(crate) secure: bool,
    /// Whether the browser also sends it with a form that another site posts here. That needs `secure`.
    pub(crate) cross_site: bool,
    /// Whether the browser keeps it apart for each site whose pages have the app in a frame. That needs `cross_site`.
    pub(crate) partitioned: bool,
}

impl CookieShape {
    fn build<'c>(&'c self, value: Cow<'c, str>) -> CookieBuilder<'c> {
        Cookie::build((self.name.as_str(), value))
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .partitioned(self.partitioned)
            .same_site(if self.cross_site {
                SameSite::None
            } else {
                SameSite::Lax
            })
    }

    /// `max_age` in seconds; without it the cookie goes when the browser closes.
    pub(crate) fn set(&self, value: &str, max_age: Option<u32>) -> Option<HeaderValue> {
        let mut cookie = self.build(Cow::Borrowed(value));
        if let Some(seconds) = max_age {
            cookie = cookie.max_age(cookie::time::Duration::seconds(seconds.into()));
        }
        header_value(&cookie)
    }

    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        header_value(&self.build(Cow::Borrowed("")).removal())
    }
}

/// Names are checked in `build()` and values are base64url, so there always is a value.
fn header_value(cookie: &CookieBuilder<'_>) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(cookie.clone().build().to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The session cookie: reads, writes and clears it.
#[derive(Debug)]
pub(crate) struct SessionCookie {
    pub(crate) shape: CookieShape,
    /// What seals a signed cookie.
    pub(crate) sealer: Sealer,
    /// What seals an encrypted one.
    pub(crate) encrypter: Encrypter,
    /// Which of the two forms is written. Both are read, so that a change signs nobody out.
    pub(crate) encrypted: bool,
    /// Whether the browser keeps the cookie until the session ends, rather than until it is closed.
    pub(crate) persistent: bool,
    /// Cookies that need not be verified again.
    pub(crate) verified: VerifiedHere,
}

/// The most bytes that name and value have together where the registry can keep what is larger. nginx takes response
/// heads of 4 KiB by default, with a `Location` and the fields of the app in it. And it takes requests with 8 KiB of
/// cookies, which may be those of several apps.
pub(crate) const COOKIE_BUDGET: usize = 1280;

/// Why a session does not become a cookie.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum NoCookie {
    /// The bytes that name and value would have together.
    #[error("the cookie would have {bytes} bytes, and {limit} are the limit")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the operating system has no random bytes")]
    NotSealed,
}

impl SessionCookie {
    pub(crate) fn name(&self) -> &str {
        &self.shape.name
    }

    /// The first cookie of our name that opens, whether its session is still good or not.
    pub(crate) fn read<'h>(&self, headers: &'h HeaderMap) -> Option<ReadSession<'h>> {
        find_cookie(headers, &self.shape.name, |value| {
            let known = self.verified.get(value);
            let is_known = known.is_some();
            Some(ReadSession {
                session: known.or_else(|| self.verify(value).map(Arc::new))?,
                value,
                is_known,
            })
        })
    }

    fn verify(&self, value: &[u8]) -> Option<SessionData> {
        let encrypted = self.encrypter.open(value);
        SessionData::decode(encrypted.or_else(|| self.sealer.open(value))?)
    }

    /// The `Set-Cookie` value for `session`, issued `now`.
    pub(crate) fn write(
        &self,
        session: &SessionData,
        now: UnixSeconds,
    ) -> Result<HeaderValue, NoCookie> {
        self.write_within(MAX_COOKIE_BYTES, session, now)
    }

    /// The same, if name and value have at most `limit` bytes together.
    pub(crate) fn write_within(
        &self,
        limit: usize,
        session: &SessionData,
        now: UnixSeconds,
    ) -> Result<HeaderValue, NoCookie> {
        let payload = session
            .encode(now, self.encrypted)
            .ok_or(NoCookie::NotSealed)?;
        let value = if self.encrypted {
            self.encrypter.seal(&payload).ok_or(NoCookie::NotSealed)?
        } else {
            self.sealer.seal(&payload)
        };
        let bytes = self.shape.name.len() + value.len();
        if bytes > limit {
            return Err(NoCookie::TooLarge { bytes, limit });
        }
        let left = session.expires_at.saturating_sub(now);
        let max_age = self
            .persistent
            .then(|| u32::try_from(left).unwrap_or(u32::MAX));
        self.shape.set(&value, max_age).ok_or(NoCookie::NotSealed)
    }

    /// Whether the browser sent a cookie of this name that holds something, be it one that opens or not.
    pub(crate) fn came(&self, headers: &HeaderMap) -> bool {
        has_cookie(headers, &self.shape.name)
    }

    /// Whether a response sets this cookie.
    pub(crate) fn is_set_by(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::SET_COOKIE).iter().any(|set| {
            set.as_bytes()
                .strip_prefix(self.shape.name.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"="))
        })
    }

    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        self.shape.clear()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Key, Purpose, payload::tests::session};

    fn cookie(name: &str, secure: bool) -> SessionCookie {
        let key = Key::from((0..64).collect::<Vec<u8>>());
        SessionCookie {
            shape: CookieShape {
                name: name.to_owned(),
                secure,
                cross_site: false,
                partitioned: false,
            },
            sealer: Sealer::new(&key, &[], Purpose::Session, &[name]),
            encrypter: Encrypter::new(&key, &[], Purpose::EncryptedSession, &[name]),
            encrypted: false,
            persistent: false,
            verified: VerifiedHere::new(None, 0),
        }
    }

    fn encrypted(name: &str) -> SessionCookie {
        SessionCookie {
            encrypted: true,
            ..cookie(name, false)
        }
    }

    fn headers(fields: &[&[u8]]) -> HeaderMap {
        let field = |f: &&[u8]| (header::COOKIE, HeaderValue::from_bytes(f).unwrap());
        fields.iter().map(field).collect()
    }

    fn pair(cookie: &SessionCookie, user: &str) -> String {
        let set = cookie.write(&session(user, &[]), 1_000).unwrap();
        set.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn on_https_the_cookie_is_host_bound_secure_http_only_and_lax() {
        let set = cookie("__Host-s", true)
            .write(&session("alice", &[]), 1_000)
            .unwrap();
        assert!(set.is_sensitive());
        let set = set.to_str().unwrap();
        let (_, attributes) = set.split_once("; ").unwrap();
        let mut attributes: Vec<&str> = attributes.split("; ").collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    }

    #[test]
    fn on_plain_http_the_cookie_is_not_secure() {
        let set = cookie("s", false)
            .write(&session("alice", &[]), 1_000)
            .unwrap();
        assert!(!set.to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn clearing_names_the_same_cookie_and_a_time_past() {
        let clear = cookie("__Host-s", true).clear().unwrap();
        let clear = clear.to_str().unwrap();
        assert!(clear.starts_with("__Host-s=;"), "{clear}");
        for part in ["Path=/", "Secure", "Max-Age=0"] {
            assert!(clear.contains(part), "{clear}");
        }
    }

    #[test]
    fn the_session_is_found_among_others_in_one_field_or_in_several() {
        let cookie = cookie("s", false);
        let ours = pair(&cookie, "alice");
        for fields in [
            vec![ours.clone().into_bytes()],
            vec![format!("a=b; {ours}; c=d").into_bytes()],
            vec![format!("a=b;{ours};c=d").into_bytes()],
            vec![b"a=b".to_vec(), ours.clone().into_bytes()],
            vec![[b"latin=\xe9; ".as_slice(), ours.as_bytes()].concat()],
            vec![format!("=; ;;; x; {ours}").into_bytes()],
        ] {
            let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
            let found = cookie
                .read(&headers(&fields))
                .map(|read| read.session.user().to_owned());
            assert_eq!(found.as_deref(), Some("alice"), "{fields:?}");
        }
    }

    #[test]
    fn of_several_the_first_that_opens_counts() {
        let cookie = cookie("s", false);
        let line = format!(
            "s=planted; {}; {}",
            pair(&cookie, "alice"),
            pair(&cookie, "bob")
        );
        assert_eq!(
            cookie
                .read(&headers(&[line.as_bytes()]))
                .unwrap()
                .session
                .user(),
            "alice"
        );
    }

    #[test]
    fn a_cookie_under_another_name_does_not_open() {
        let value = pair(&cookie("other", false), "alice").replacen("other=", "s=", 1);
        assert!(
            cookie("s", false)
                .read(&headers(&[value.as_bytes()]))
                .is_none()
        );
    }

    /// Text in which nothing repeats itself.
    fn noise() -> String {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + u8::try_from(state >> 25).unwrap() % 94)
        };
        (0..5_000).map(|_| next()).collect()
    }

    #[test]
    fn a_session_that_fills_a_cookie_is_sent_and_one_byte_more_is_not() {
        for cookie in [cookie("s", false), encrypted("s")] {
            let noise = noise();
            let of_size = |n: usize| session("alice", &[("a", &[&noise[..n]])]);
            let largest = (2_000..noise.len())
                .rev()
                .find(|&n| cookie.write(&of_size(n), 1_000).is_ok())
                .unwrap();
            let set = cookie.write(&of_size(largest), 1_000).unwrap();
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            assert!(pair.len() - 1 <= 4096, "{}", pair.len());
            assert!(cookie.read(&headers(&[pair.as_bytes()])).is_some());
            let more = cookie.write(&of_size(largest + 1), 1_000);
            assert!(matches!(
                more,
                Err(NoCookie::TooLarge {
                    bytes: 4097..,
                    limit: 4096
                })
            ));
        }
    }

    #[test]
    fn both_forms_are_read_whichever_is_written() {
        let both = [cookie("s", false), encrypted("s")];
        for writer in &both {
            let pair = pair(writer, "alice");
            assert_eq!(pair.starts_with("s=e1."), writer.encrypted);
            for reader in &both {
                let headers = headers(&[pair.as_bytes()]);
                let read = reader.read(&headers);
                assert_eq!(read.unwrap().session.user(), "alice");
            }
        }
    }

    #[test]
    fn a_persistent_cookie_is_kept_for_what_is_left_of_the_session() {
        let persistent = SessionCookie {
            persistent: true,
            ..cookie("s", false)
        };
        let mut session = session("alice", &[]);
        let set = |cookie: &SessionCookie, session: &SessionData, now| {
            let set = cookie.write(session, now).unwrap();
            set.to_str().unwrap().to_owned()
        };
        for (now, expected) in [(1_000, "1000"), (1_999, "1"), (2_000, "0"), (3_000, "0")] {
            let set = set(&persistent, &session, now);
            assert!(set.contains(&format!("; Max-Age={expected}")), "{set}");
        }
        session.expires_at = u64::MAX;
        assert!(set(&persistent, &session, 0).contains("; Max-Age=4294967295"));
        assert!(!set(&cookie("s", false), &session, 0).contains("Max-Age"));
    }

    #[test]
    fn a_response_that_sets_the_cookie_is_told_from_one_that_sets_another() {
        let cookie = cookie("s", false);
        for (set, expected) in [("s=x", true), ("s=", true), ("t=x", false), ("ss=x", false)] {
            let mut headers = HeaderMap::new();
            headers.append(header::SET_COOKIE, HeaderValue::from_static("a=b"));
            headers.append(header::SET_COOKIE, HeaderValue::from_static(set));
            assert_eq!(cookie.is_set_by(&headers), expected, "{set}");
        }
    }

    #[test]
    fn a_cookie_came_whether_it_opens_or_not() {
        let cookie = cookie("s", true);
        let ours = pair(&cookie, "alice");
        for (field, came) in [
            (ours.as_str(), true),
            ("a=b; s=x", true),
            ("s=", false),
            ("a=s", false),
            ("ss=x", false),
        ] {
            assert_eq!(cookie.came(&headers(&[field.as_bytes()])), came, "{field}");
        }
        assert!(!cookie.came(&HeaderMap::new()));
    }
}
