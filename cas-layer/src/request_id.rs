//! What a layer or a proxy before us calls the request (`tower_http::request_id` sets it).

use http::{HeaderMap, HeaderName};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// In bytes.
const LONGEST: usize = 128;

/// It is shown and logged, so it is one word that can be read out: 1 to 128 visible ASCII characters, in one field.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(X_REQUEST_ID).iter();
    let id = fields.next().filter(|_| fields.next().is_none())?;
    let is_plain =
        matches!(id.len(), 1..=LONGEST) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    id.to_str().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_id_is_short_visible_and_the_only_one_or_left_out() {
        let longest = "x".repeat(LONGEST);
        for (value, is_taken) in [
            (b"0af7651916cd43dd8448eb211c80319c".as_slice(), true),
            (longest.as_bytes(), true),
            (b"", false),
            (b"two words", false),
            ("caf\u{e9}".as_bytes(), false),
            ([longest.as_bytes(), b"x"].concat().as_slice(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
            assert_eq!(of(&headers).is_some(), is_taken, "{value:?}");
            headers.append(X_REQUEST_ID, HeaderValue::from_static("another"));
            assert_eq!(of(&headers), None);
        }
        assert_eq!(of(&HeaderMap::new()), None);
    }
}
