//! Where a visitor goes after sign-in: a path on this app, and nothing else.

use std::borrow::Cow;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// A longer return path is replaced by the landing path.
pub(crate) const MAX_LEN: usize = 1024;

/// What has to be encoded in a `Location` besides what is encoded already: `%` stays. Of a query, that is nothing
/// that a request line can hold, but for characters that are not ASCII.
const LOCATION: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');
const LOCATION_PATH: &AsciiSet = &LOCATION.add(b'`');

/// A path with an optional query, relative to the app URL, safe to redirect to: it begins with one
/// slash however often it is decoded, and names neither scheme nor host. Percent-encoded ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnPath(String);

/// How a return path travels in a service URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Travelling<'p> {
    /// As it is: unreserved characters and `/` alone, which no server rewrites.
    Plain(&'p str),
    /// As base64url.
    Encoded(String),
}

impl ReturnPath {
    /// Takes a path as it stands in a request line or in a decoded `next` parameter.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.chars().any(char::is_control) || !is_path_of_ours(path_part(text)) {
            return None;
        }
        let once = decode(path_part(text))?;
        let twice = decode(&once)?;
        if !is_path_of_ours(&once) || !is_path_of_ours(&twice) {
            return None;
        }
        let (path, query) = text.split_at(path_part(text).len());
        let mut encoded = utf8_percent_encode(path, LOCATION_PATH).to_string();
        encoded.extend(utf8_percent_encode(query, LOCATION));
        (encoded.len() <= MAX_LEN).then_some(Self(encoded))
    }

    /// The path that [`Travelling::Encoded`] carried.
    pub(crate) fn parse_encoded(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Self::parse(std::str::from_utf8(&bytes).ok()?)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the query.
    pub(crate) fn path(&self) -> &str {
        path_part(&self.0)
    }

    pub(crate) fn travelling(&self) -> Travelling<'_> {
        if self.is_plain() {
            Travelling::Plain(&self.0)
        } else {
            Travelling::Encoded(self.encoded())
        }
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

/// Bytes that are not UTF-8 are as suspicious as control characters.
fn decode(path: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(path).decode_utf8().ok()
}

fn is_path_of_ours(path: &str) -> bool {
    // Browsers read a backslash as a slash (WHATWG URL).
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.starts_with("/\\")
        && !path.chars().any(char::is_control)
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
    fn a_long_path_is_refused() {
        assert!(parsed(&format!("/{}", "a".repeat(MAX_LEN - 1))).is_some());
        assert!(parsed(&format!("/{}", "a".repeat(MAX_LEN))).is_none());
    }

    #[test]
    fn a_path_travels_plain_when_no_server_can_rewrite_it_and_encoded_otherwise() {
        let travelling = |text: &str| ReturnPath::parse(text).unwrap();
        assert_eq!(
            travelling("/a/b-c.d_e~f").travelling(),
            Travelling::Plain("/a/b-c.d_e~f")
        );
        for text in ["/a?b=c", "/a%20b", "/a+b", "/a'b", "/a#b", "/a&b", "/%3C"] {
            let path = travelling(text);
            let Travelling::Encoded(code) = path.travelling() else {
                panic!("{text} is plain")
            };
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
