//! Fields of a response.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};

/// How long a client should wait before it comes back, in seconds.
const RETRY_AFTER: &str = "10";

pub(super) fn with<const N: usize>(
    mut response: Response<Bytes>,
    fields: [(HeaderName, &'static str); N],
) -> Response<Bytes> {
    for (name, value) in fields {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// Says when to come back.
pub(super) fn retry(response: Response<Bytes>, is_later: bool) -> Response<Bytes> {
    if is_later {
        with(response, [(header::RETRY_AFTER, RETRY_AFTER)])
    } else {
        response
    }
}
