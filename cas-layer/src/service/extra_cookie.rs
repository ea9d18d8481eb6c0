//! Cookies on responses of the inner service.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{app::Host, clock::UnixSeconds, user::CasUser};

/// Header fields that a cache in front of the app obeys instead of `Cache-Control` (RFC 9213).
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

const PRIVATE: &str = "private";

/// A cookie for the response to one visitor, which no other visitor may get from a cache.
///
/// Boxed, as every request has room for one.
pub(super) struct ExtraCookie(Box<Extra>);

struct Extra {
    host: Arc<Host>,
    cookie: Kind,
}

enum Kind {
    /// The renewed session cookie: without it, a session in use would become idle.
    Session(CasUser),
    /// A cookie to see whether the browser sends it back.
    Probe(HeaderValue),
}

impl ExtraCookie {
    /// The renewed session cookie, when it is due.
    pub(super) fn renewal(host: &Arc<Host>, user: &CasUser, now: UnixSeconds) -> Option<Self> {
        let session = user.session()?;
        let is_due = host.app.lifetimes.is_due(session, now);
        is_due.then(|| Self::new(host, Kind::Session(user.clone())))
    }

    pub(super) fn probe(host: &Arc<Host>, cookie: HeaderValue) -> Self {
        Self::new(host, Kind::Probe(cookie))
    }

    fn new(host: &Arc<Host>, cookie: Kind) -> Self {
        let host = Arc::clone(host);
        Self(Box::new(Extra { host, cookie }))
    }

    /// Adds the cookie to a response, unless a shared cache might keep it, the session has ended meanwhile,
    /// or the app sets the cookie itself: another layer for the same app, say.
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        let Extra { host, cookie } = *self.0;
        let sharing = Sharing::of(headers);
        let may_bring_it = match sharing {
            Sharing::Allowed => false,
            Sharing::Unsaid => host.app.private_by_default,
            Sharing::Forbidden => true,
        };
        if !may_bring_it {
            return;
        }
        let cookie = match cookie {
            Kind::Session(user) => renewed(&host, &user, headers),
            Kind::Probe(cookie) => Some(cookie),
        };
        if let Some(cookie) = cookie {
            headers.append(header::SET_COOKIE, cookie);
            if sharing == Sharing::Unsaid {
                make_private(headers);
            }
        }
    }
}

fn renewed(host: &Host, user: &CasUser, headers: &HeaderMap) -> Option<HeaderValue> {
    let session = user.session()?;
    let now = host.app.clock.now();
    if host.app.lifetimes.is_over(session, now)
        || host.app.lifetimes.is_idle(session, now)
        || host.app.registry.is_ended(&host.registered(session))
        || host.session_cookie.is_set_by(headers)
    {
        return None;
    }
    match host.session_cookie.write(session, now) {
        Ok(cookie) => Some(cookie),
        Err(no_cookie) => {
            tracing::warn!(
                session = %session.id,
                ?no_cookie,
                "a session cookie could not be renewed: the session will end as if it were unused"
            );
            None
        }
    }
}

/// Whether a shared cache may keep a response (RFC 9111, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    Allowed,
    Forbidden,
    /// It depends on the rest of the response, and on the cache.
    Unsaid,
}

impl Sharing {
    fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(CDN_CACHE_CONTROL) {
            return Self::Allowed;
        }
        let mut sharing = Self::Unsaid;
        for field in headers.get_all(header::CACHE_CONTROL) {
            let field = field.as_bytes();
            // `private="set-cookie"` is about that field alone, and a quoted text may be anything.
            let is_plain = !field.contains(&b'"');
            for directive in field.split(|&byte| byte == b',') {
                let name = directive.split(|&byte| byte == b'=').next();
                let name = name.unwrap_or_default().trim_ascii();
                let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
                if is("public") || is("s-maxage") {
                    return Self::Allowed;
                }
                if is_plain && (is("private") || is("no-store")) {
                    sharing = Self::Forbidden;
                }
            }
        }
        sharing
    }
}

/// Adds `private` to what `Cache-Control` says. In one field: some readers ignore a second.
fn make_private(headers: &mut HeaderMap) {
    let said = headers.get_all(header::CACHE_CONTROL).iter();
    let all: Vec<&[u8]> = said
        .map(HeaderValue::as_bytes)
        .chain([PRIVATE.as_bytes()])
        .collect();
    let all =
        HeaderValue::from_bytes(&all.join(&b", "[..])).unwrap_or(HeaderValue::from_static(PRIVATE));
    headers.insert(header::CACHE_CONTROL, all);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_control(fields: &[&'static str]) -> HeaderMap {
        let field = |field: &&'static str| (header::CACHE_CONTROL, HeaderValue::from_static(field));
        fields.iter().map(field).collect()
    }

    #[test]
    fn what_a_shared_cache_may_keep() {
        for (fields, expected) in [
            (&[][..], Sharing::Unsaid),
            (&[""], Sharing::Unsaid),
            (&["max-age=60"], Sharing::Unsaid),
            (&["no-cache, must-revalidate"], Sharing::Unsaid),
            (&["x-public, publicly, not-private"], Sharing::Unsaid),
            (&["private=\"set-cookie\""], Sharing::Unsaid),
            (&["ext=\"a, private, b\""], Sharing::Unsaid),
            (&["private"], Sharing::Forbidden),
            (&["private, max-age=60"], Sharing::Forbidden),
            (&["max-age=0 ,\tNo-Store"], Sharing::Forbidden),
            (&["no-cache", "private"], Sharing::Forbidden),
            (&["public"], Sharing::Allowed),
            (&["max-age=60,PUBLIC"], Sharing::Allowed),
            (&["S-MaxAge=60"], Sharing::Allowed),
            (&["s-maxage = 60"], Sharing::Allowed),
            (&["private, s-maxage=60"], Sharing::Allowed),
            (&["no-store", "public"], Sharing::Allowed),
        ] {
            assert_eq!(Sharing::of(&cache_control(fields)), expected, "{fields:?}");
        }
        let mut targeted = cache_control(&["private"]);
        targeted.insert(CDN_CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        assert_eq!(Sharing::of(&targeted), Sharing::Allowed);
    }

    #[test]
    fn what_was_said_is_kept_when_private_is_added() {
        for (fields, expected) in [
            (&["no-cache"][..], "no-cache, private"),
            (
                &["max-age=60", "immutable"],
                "max-age=60, immutable, private",
            ),
        ] {
            let mut headers = cache_control(fields);
            make_private(&mut headers);
            let all: Vec<_> = headers.get_all(header::CACHE_CONTROL).iter().collect();
            assert_eq!(all, [expected]);
        }
    }
}
