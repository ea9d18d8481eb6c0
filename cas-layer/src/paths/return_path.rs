//! Where a visitor goes after sign-in: a path on this app, and nothing else.

use std::borrow::Cow;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::loose::{is_alike, is_hollow};

/// A longer return path loses its query. If it is still longer, the landing path takes its place.
const MAX_LEN: usize = 2048;

/// A path that is still encoded after so many decodings is refused: nobody needs one, and nobody should make us
/// decode for long.
const MAX_DECODINGS: usize = 8;

/// What has to be encoded in a `Location` besides what is encoded already: `%` stays. Of a query, that is nothing
/// that a request line can hold, but for characters that are not ASCII.
const LOCATION: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');
const LOCATION_PATH: &AsciiSet = &LOCATION.add(b'`');

/// A path with an optional query, relative to the app URL, safe to redirect to: however often it is decoded, it
/// begins with one slash, has no dot segments, and names neither scheme nor host. Percent-encoded ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnPath(String);

impl ReturnPath {
    /// Takes a path as it stands in a request line or in a decoded `next` parameter.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (path, query) = text.split_at(path_part(text).len());
        if path.len() > MAX_LEN || text.chars().any(char::is_control) {
            return None;
        }
        decoded(path)?;
        let mut encoded = utf8_percent_encode(path, LOCATION_PATH).to_string();
        if query.len() <= MAX_LEN {
            encoded.extend(utf8_percent_encode(query, LOCATION));
        }
        if encoded.len() > MAX_LEN {
            encoded.truncate(path_part(&encoded).len());
        }
        (encoded.len() <= MAX_LEN).then_some(Self(encoded))
    }

    /// The path that [`encoded`](Self::encoded) wrote.
    pub(crate) fn parse_encoded(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Self::parse(std::str::from_utf8(&bytes).ok()?)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a visitor who is sent here arrives at `own`, a path of plain names, through a program that reads paths
    /// more loosely than we do: encoded or not, with empty segments or `;` and what follows, in any case of letters.
    pub(crate) fn leads_to(&self, own: &str) -> bool {
        let mut own = names(own);
        decoded(self.path()).is_some_and(|path| {
            names(&path).all(|name| own.next().is_some_and(|own| is_alike(own, name)))
                && own.next().is_none()
        })
    }

    /// Without the query.
    pub(crate) fn path(&self) -> &str {
        path_part(&self.0)
    }

    /// The same as a return path of its own.
    pub(crate) fn without_query(&self) -> Self {
        Self(self.path().to_owned())
    }

    /// Whether this is a path of unreserved characters alone.
    pub(crate) fn is_plain(&self) -> bool {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
        self.0.bytes().all(unreserved)
    }

    /// For [`parse_encoded`](Self::parse_encoded).
    pub(crate) fn encoded(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.0)
    }
}

fn path_part(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// Whether a path leads only to a path on this app, however often it is decoded.
pub(crate) fn stays_here(path: &str) -> bool {
    decoded(path).is_some()
}

/// A path in which nothing is encoded any more. `None` if it leads elsewhere before or after one of the decodings.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    let mut path = Cow::Borrowed(path);
    for _ in 0..=MAX_DECODINGS {
        if !is_path_of_ours(&path) {
            return None;
        }
        // Bytes that are not UTF-8 are as suspicious as control characters.
        let once_more = match percent_decode_str(&path).decode_utf8().ok()? {
            Cow::Borrowed(_) => None,
            Cow::Owned(decoded) => Some(decoded),
        };
        match once_more {
            None => return Some(path),
            Some(decoded) => path = Cow::Owned(decoded),
        }
    }
    None
}

fn is_path_of_ours(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|rest| !rest.starts_with(['/', '\\']))
        && !path.chars().any(char::is_control)
        && segments(path).all(|segment| segment.is_empty() || !is_hollow(segment))
}

/// The segments of a decoded path, without parameters. Browsers read a backslash as a slash (WHATWG URL). A program that
/// decodes a path before it reads it ends a segment at `?` and `#`, too.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\'])
        .map(|segment| segment.split([';', '?', '#']).next().unwrap_or_default())
}

/// The segments of a decoded path that name something, as far as the query that it may have got by decoding.
fn names(path: &str) -> impl Iterator<Item = &str> {
    segments(path_part(path)).filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        ReturnPath::parse(text).map(|path| path.0)
    }

    #[test]
    fn a_path_with_any_query_is_kept() {
        for path in [
            "/",
            "/profile",
            "/a/b?x=1&y=%2F%2Fevil.example&next=https://evil.example",
            "/a?//evil.example",
            "/a#part",
            "/caf%C3%A9",
            "/a//b",
            "/a:b@c",
            "/https://evil.example",
            "/search?q=%00",
            "/login",
            "/a/.well-known/..b/c..",
            "/a;b/c?../..#/../..",
            "/100%",
            "/a%2525b",
        ] {
            assert_eq!(parsed(path).as_deref(), Some(path));
        }
    }

    #[test]
    fn what_a_location_cannot_hold_is_encoded_once() {
        assert_eq!(
            parsed("/a b?c=é\"<>").as_deref(),
            Some("/a%20b?c=%C3%A9%22%3C%3E")
        );
        assert_eq!(parsed("/a`?b=`'{|}").as_deref(), Some("/a%60?b=`'{|}"));
        assert_eq!(parsed("/a%20b").as_deref(), Some("/a%20b"));
    }

    #[test]
    fn anything_that_could_lead_elsewhere_is_refused() {
        for path in [
            "",
            "profile",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "%2f%2fevil.example",
            "/%252fevil.example",
            "/%255cevil.example",
            "/%25252fevil.example",
            "/%252525252525252fevil.example",
            "/..",
            "/../other",
            "/a/../../other",
            "/./a",
            "/a/.",
            "/%2e%2e/other",
            "/%252e%252E/other",
            "/.%25252525252e/other",
            "/\\..\\other",
            "/a\\..\\..\\other",
            "/a%5c..%5cother",
            "/a/..;x/other",
            "/a/%2e%2e%3bx/other",
            "/a/..%20/other",
            "/a/.../other",
            "/../?a",
            "/..#a",
            "/a%3f/../..",
            "/a%23/../..",
            "/..%23/other",
            "/..%3fother",
            "/a/%252e%252e%2523",
            "/a/%252e%3f/other",
            "https://evil.example",
            "https:evil.example",
            "//evil.example/?a",
            "javascript:alert(1)",
            "data:text/html,x",
            "?a=b",
            "#a",
            " /profile",
            "\t//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/%09/evil.example",
            "/%0d%0aSet-Cookie:a=b",
            "/%250d%250a",
            "/a\r\nSet-Cookie: a=b",
            "/a?b=\r\nSet-Cookie: a=b",
            "/a\0",
            "/%00",
            "/%ff",
            "/\u{85}",
            "/%c2%85",
        ] {
            assert_eq!(parsed(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_path_that_is_encoded_over_and_over_is_refused() {
        let encoded = |times: usize| format!("/a%{}20b", "25".repeat(times - 1));
        assert!(parsed(&encoded(MAX_DECODINGS)).is_some());
        assert!(parsed(&encoded(MAX_DECODINGS + 1)).is_none());
        assert!(parsed(&encoded(400)).is_none());
    }

    #[test]
    fn a_path_leads_to_an_endpoint_in_every_spelling() {
        for path in [
            "/app/logout",
            "/app/logout?x",
            "/app/logout#x",
            "/app/logout/",
            "/app//logout",
            "/app\\logout",
            "/app/LogOut",
            "/app/log%6fut",
            "/app%252flogout",
            "/app/logout;x=1",
            "/app;x/logout",
            "/app/logout%3fx",
            "/app/logout%20",
            "/app/logout.",
        ] {
            let path = ReturnPath::parse(path).unwrap();
            assert!(path.leads_to("/app/logout"), "{path:?}");
        }
        for path in [
            "/",
            "/app",
            "/logout",
            "/app/logout/x",
            "/app/logouts",
            "/x/app/logout",
        ] {
            let path = ReturnPath::parse(path).unwrap();
            assert!(!path.leads_to("/app/logout"), "{path:?}");
        }
    }

    #[test]
    fn a_long_path_loses_its_query_and_is_refused_if_it_is_still_too_long() {
        let whole = |path: usize, query: usize| {
            format!("/{}?{}", "a".repeat(path - 1), "b".repeat(query - 1))
        };
        for (path, query, kept) in [
            (MAX_LEN - 10, 10, Some(MAX_LEN)),
            (MAX_LEN - 10, 11, Some(MAX_LEN - 10)),
            (10, MAX_LEN * 30, Some(10)),
            (MAX_LEN, 10, Some(MAX_LEN)),
            (MAX_LEN + 1, 10, None),
        ] {
            let parsed = parsed(&whole(path, query)).map(|path| path.len());
            assert_eq!(parsed, kept, "{path} {query}");
        }
        // Encoded, it is longer.
        let encoded = parsed(&format!("/a?{}", "é".repeat(MAX_LEN / 3)));
        assert_eq!(encoded.as_deref(), Some("/a"));
        assert_eq!(parsed(&format!("/{}", "é".repeat(MAX_LEN / 3))), None);
    }

    #[test]
    fn a_path_travels_plain_when_no_server_can_rewrite_it_and_encoded_otherwise() {
        let path = |text: &str| ReturnPath::parse(text).unwrap();
        assert!(path("/a/b-c.d_e~f").is_plain());
        for text in ["/a?b=c", "/a%20b", "/a+b", "/a'b", "/a#b", "/a&b", "/%3C"] {
            let path = path(text);
            assert!(!path.is_plain(), "{text}");
            let code = path.encoded();
            assert!(
                code.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
                "{code}"
            );
            assert_eq!(ReturnPath::parse_encoded(&code), Some(path), "{text}");
        }
    }

    #[test]
    fn a_hostile_path_does_not_come_in_encoded() {
        for text in ["//evil.example", "https://evil.example", "/\\evil.example"] {
            let code = BASE64_URL_SAFE_NO_PAD.encode(text);
            assert_eq!(ReturnPath::parse_encoded(&code), None, "{text}");
        }
        assert_eq!(ReturnPath::parse_encoded("*"), None);
        assert_eq!(
            ReturnPath::parse_encoded(&BASE64_URL_SAFE_NO_PAD.encode(b"/\xff")),
            None
        );
    }
}
