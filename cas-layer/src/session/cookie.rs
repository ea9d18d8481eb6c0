//! Cookies in and out. The `cookie` crate prints them; ours is found by name, without taking the others
//! apart, because that is on the path of every request.

use std::borrow::Cow;

use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};

use super::{SessionData, seal::Sealer};

/// The most bytes that a cookie's name and value may have together. Browsers drop a larger one
/// without a word (RFC 6265, section 6.1).
pub(crate) const MAX_COOKIE_BYTES: usize = 4096;

/// The first `Some` that `read` makes of the values of cookies called `name`, in the order in which
/// they were sent, over all `Cookie` fields: HTTP/2 splits them (RFC 9113, section 8.2.3).
pub(crate) fn find_cookie<T>(
    headers: &HeaderMap,
    name: &str,
    read: impl Fn(&[u8]) -> Option<T>,
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

/// The attributes that every cookie of ours has.
#[derive(Debug)]
pub(crate) struct CookieShape {
    pub(crate) name: String,
    /// Whether the app is served over https; without it a browser refuses `Secure`.
    pub(crate) secure: bool,
}

impl CookieShape {
    fn build<'c>(&'c self, value: Cow<'c, str>) -> CookieBuilder<'c> {
        Cookie::build((self.name.as_str(), value))
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Lax)
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
    shape: CookieShape,
    sealer: Sealer,
}

/// The sealed session does not fit into a cookie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CookieTooLarge {
    /// Bytes of name and value together.
    pub(crate) bytes: usize,
}

impl SessionCookie {
    pub(crate) fn new(shape: CookieShape, sealer: Sealer) -> Self {
        Self { shape, sealer }
    }

    pub(crate) fn name(&self) -> &str {
        &self.shape.name
    }

    /// The first cookie of our name that opens, whether its session is still good or not.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Option<SessionData> {
        find_cookie(headers, &self.shape.name, |value| {
            SessionData::decode(self.sealer.open(value)?)
        })
    }

    pub(crate) fn write(&self, session: &SessionData) -> Result<HeaderValue, CookieTooLarge> {
        let sealed = session
            .encode()
            .map(|payload| self.sealer.seal(&payload))
            .unwrap_or_default();
        let bytes = self.shape.name.len() + sealed.len();
        if sealed.is_empty() || bytes > MAX_COOKIE_BYTES {
            return Err(CookieTooLarge { bytes });
        }
        self.shape
            .set(&sealed, None)
            .ok_or(CookieTooLarge { bytes })
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
        let sealer = Sealer::new(&key, &[], Purpose::Session, &[name]);
        SessionCookie::new(
            CookieShape {
                name: name.to_owned(),
                secure,
            },
            sealer,
        )
    }

    fn headers(fields: &[&[u8]]) -> HeaderMap {
        let field = |f: &&[u8]| (header::COOKIE, HeaderValue::from_bytes(f).unwrap());
        fields.iter().map(field).collect()
    }

    fn pair(cookie: &SessionCookie, user: &str) -> String {
        let set = cookie.write(&session(user, &[])).unwrap();
        set.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn on_https_the_cookie_is_host_bound_secure_http_only_and_lax() {
        let set = cookie("__Host-s", true)
            .write(&session("alice", &[]))
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
        let set = cookie("s", false).write(&session("alice", &[])).unwrap();
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
            let found = cookie.read(&headers(&fields)).map(|s| s.user().to_owned());
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
            cookie.read(&headers(&[line.as_bytes()])).unwrap().user(),
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

    #[test]
    fn a_session_that_fills_a_cookie_is_sent_and_one_byte_more_is_not() {
        let cookie = cookie("s", false);
        let of_size = |n: usize| session("alice", &[("a", &["x".repeat(n).as_str()])]);
        let largest = (2_000..4_000)
            .rev()
            .find(|&n| cookie.write(&of_size(n)).is_ok())
            .unwrap();
        let set = cookie.write(&of_size(largest)).unwrap();
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(pair.len() - 1 <= 4096, "{}", pair.len());
        assert!(cookie.read(&headers(&[pair.as_bytes()])).is_some());
        assert!(cookie.write(&of_size(largest + 1)).unwrap_err().bytes > 4096);
    }
}
