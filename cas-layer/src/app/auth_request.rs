//! What a reverse proxy is told about a request that it asks about (`auth_request` of nginx).

use http::{HeaderMap, HeaderName, Method, Uri};

use crate::introduction::Introduction;

/// How questions of a reverse proxy are answered.
#[derive(Debug)]
pub(crate) struct AuthRequest {
    /// Without these, every question is about a page that requires a user.
    pub(crate) original: Option<OriginalFields>,
    pub(crate) introduction: Introduction,
}

/// The fields in which the proxy says which request it asks about.
#[derive(Debug)]
pub(crate) struct OriginalFields {
    pub(crate) uri: HeaderName,
    pub(crate) method: HeaderName,
}

/// The request that a proxy asks about.
#[derive(Debug)]
pub(crate) struct Original {
    pub(crate) method: Method,
    /// `None` if it is no path with or without a query.
    pub(crate) uri: Option<Uri>,
}

/// A field is missing, comes twice, or names no method: the proxy is not set up as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotTold;

impl OriginalFields {
    pub(crate) fn read(&self, headers: &HeaderMap) -> Result<Original, NotTold> {
        let only = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().map(http::HeaderValue::as_bytes);
            value.filter(|_| values.next().is_none()).ok_or(NotTold)
        };
        let method = Method::from_bytes(only(&self.method)?).map_err(|_| NotTold)?;
        let uri = target(only(&self.uri)?);
        Ok(Original { method, uri })
    }
}

/// The target of a request in origin form (RFC 9112, section 3.2.1). Every byte is one that such a target may have, so
/// nobody reads another one into it.
fn target(field: &[u8]) -> Option<Uri> {
    let is_whole = field.starts_with(b"/")
        && field
            .iter()
            .all(|byte| byte.is_ascii_graphic() && *byte != b'#');
    if !is_whole {
        return None;
    }
    Uri::builder().path_and_query(field).build().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(fields: &[(&'static str, &[u8])]) -> Result<Original, NotTold> {
        let names = OriginalFields {
            uri: HeaderName::from_static("x-original-uri"),
            method: HeaderName::from_static("x-original-method"),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        names.read(&headers)
    }

    #[test]
    fn both_fields_have_to_come_once() {
        let uri = ("x-original-uri", &b"/a?b"[..]);
        let method = ("x-original-method", &b"POST"[..]);
        let told = read(&[uri, method]).unwrap();
        assert_eq!(told.method, Method::POST);
        assert_eq!(told.uri.unwrap(), "/a?b");
        let other = ("x-original-method", &b"G T"[..]);
        for fields in [
            &[][..],
            &[uri],
            &[method],
            &[uri, uri, method],
            &[uri, method, method],
            &[uri, other],
        ] {
            assert_eq!(read(fields).unwrap_err(), NotTold, "{fields:?}");
        }
    }

    #[test]
    fn only_a_path_is_a_target() {
        let parsed = |text: &[u8]| target(text).map(|uri| uri.to_string());
        for path in ["/", "/a/b?c=d", "//a", "/%2f", "/a?b?c", "/\\a", "/a:b@c"] {
            assert_eq!(parsed(path.as_bytes()).as_deref(), Some(path));
        }
        for text in [
            &b""[..],
            b"a",
            b"*",
            b"https://evil.example/",
            b"\\evil.example",
            b" /a",
            b"/a b",
            b"/a\tb",
            b"/a#b",
            b"/\xc3\xa9",
            b"?a",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
