//! The one spelling of a path that rules may trust.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::loose::is_hollow;

/// The decoded path, or `None` if it is not canonical: if a service behind us could read it as another path than a
/// rule does.
///
/// Not canonical are: empty and dot segments (a slash at the end makes no empty segment) and other segments of only
/// dots and white space; an encoded slash, backslash, `?`, `#` or unreserved character (RFC 3986, section 6.2.2.2); a
/// semicolon or backslash in any spelling; control characters; a path that is still percent-encoded once decoded; and
/// bad UTF-8.
pub(crate) fn canonical(path: &str) -> Option<Cow<'_, str>> {
    if is_plain(path) {
        return Some(Cow::Borrowed(path));
    }
    let decoded = if path.contains('%') {
        if !encodes_well(path) {
            return None;
        }
        percent_decode_str(path).decode_utf8().ok()?
    } else {
        Cow::Borrowed(path)
    };
    if decoded
        .bytes()
        .any(|byte| byte.is_ascii_control() || matches!(byte, b';' | b'\\'))
    {
        return None;
    }
    let mut segments = decoded.strip_prefix('/')?.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if is_hollow(segment) && !(segment.is_empty() && last) {
            return None;
        }
    }
    Some(decoded)
}

/// Whether a path is canonical at first sight: all its segments are of letters, digits, `-`, `_` and `.`, and none begins
/// with a dot. Most paths are like this, and every request asks.
fn is_plain(path: &str) -> bool {
    let mut before = 0;
    path.starts_with('/')
        && path.bytes().all(|byte| {
            let is_fine =
                IS_LETTER[usize::from(byte)] || (before != b'/' && matches!(byte, b'/' | b'.'));
            before = byte;
            is_fine
        })
}

/// The letters of a segment. To look a byte up takes half the instructions of comparing it.
const IS_LETTER: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        byte += 1;
    }
    table
};

/// Whether every `%` begins an octet that has to be encoded.
fn encodes_well(path: &str) -> bool {
    path.split('%').skip(1).all(|after| {
        let octet = after
            .get(..2)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match octet.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            // An encoded `%` is how a path is encoded twice.
            // A proxy that decodes a path before it passes it on makes a query of what follows `?`.
            Some(b'/' | b'\\' | b'%' | b'?' | b'#') | None => false,
            Some(byte) => !(byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_path_is_decoded() {
        for (path, decoded) in [
            ("/", "/"),
            ("/public", "/public"),
            ("/public/", "/public/"),
            ("/a/b.c/..d/e..", "/a/b.c/..d/e.."),
            ("/a-b/c_d/E9.", "/a-b/c_d/E9."),
            ("/.well-known/x", "/.well-known/x"),
            ("/caf%C3%A9", "/café"),
            ("/a%20b", "/a b"),
            ("/a@b:c+d,e=f&g", "/a@b:c+d,e=f&g"),
        ] {
            assert_eq!(canonical(path).as_deref(), Some(decoded), "{path}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_not_canonical() {
        for path in [
            "",
            "*",
            "public",
            "//public",
            "/public//a",
            "/public/./a",
            "/public/../a",
            "/public/..",
            "/public/%2e%2e/a",
            "/public/%2E%2E/a",
            "/public/.%2e/a",
            "/public/.../a",
            "/public/..%20/a",
            "/public/%20../a",
            "/public/%20/a",
            "/public/%20",
            "/public/%C2%A0/a",
            "/public/%252e%252e/a",
            "/public%2fa",
            "/public%2Fa",
            "/public%3fa",
            "/public%23a",
            "/public/..%5ca",
            "/public\\..\\a",
            "/public;a",
            "/public/..;/a",
            "/public%3ba",
            "/%70ublic",
            "/public%7e",
            "/public%00",
            "/public%0a",
            "/public%7f",
            "/public%ff",
            "/public%c0%ae",
            "/public%",
            "/public%2",
            "/public%zz",
            "/public%+1",
        ] {
            assert_eq!(canonical(path), None, "{path}");
        }
    }
}
