//! Whether a browser sent a request. If so, any web page may have caused it.

use http::{HeaderMap, HeaderName, header};

use crate::visit::navigation::{asks_for_page, is_prefetch};

/// Fields that every browser sends with some requests, and few programs send at all.
const OFTEN: [HeaderName; 3] = [
    header::REFERER,
    header::ACCEPT_LANGUAGE,
    header::UPGRADE_INSECURE_REQUESTS,
];

/// Whether a browser says that it sends this (Fetch standard, 3.2 and Fetch Metadata).
pub(super) fn has_sent(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || begins(headers, "sec-fetch-")
}

/// Whether a browser may have sent this. At a URL of plain http nothing else tells a browser from a program: browsers
/// send Fetch Metadata only over https and to loopback.
pub(super) fn may_have_sent(headers: &HeaderMap) -> bool {
    has_sent(headers)
        || begins(headers, "sec-ch-")
        || OFTEN.iter().any(|name| headers.contains_key(name))
        || is_prefetch(headers)
        || asks_for_page(headers)
}

fn begins(headers: &HeaderMap, prefix: &str) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(prefix))
}
