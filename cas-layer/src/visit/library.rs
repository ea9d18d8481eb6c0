//! Script libraries that fetch a part of a page or the next one, and say so.
//!
//! They ask for HTML, but by `fetch` or `XMLHttpRequest`, which cannot follow a redirect to another site.

use http::{HeaderMap, HeaderName};

const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_BOOSTED: HeaderName = HeaderName::from_static("hx-boosted");
const HX_CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");
const X_TURBO_REQUEST_ID: HeaderName = HeaderName::from_static("x-turbo-request-id");
const TURBO_FRAME: HeaderName = HeaderName::from_static("turbo-frame");
const X_UP_VERSION: HeaderName = HeaderName::from_static("x-up-version");

/// Whether htmx, Turbo or Unpoly sent this.
pub(crate) fn has_sent(headers: &HeaderMap) -> bool {
    [HX_REQUEST, X_TURBO_REQUEST_ID, TURBO_FRAME, X_UP_VERSION]
        .iter()
        .any(|name| headers.contains_key(name))
}

pub(crate) fn is_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key(HX_REQUEST)
}

/// Whether htmx fetches a page in place of the browser: somebody has followed a link.
pub(crate) fn is_boosted(headers: &HeaderMap) -> bool {
    is_htmx(headers) && headers.contains_key(HX_BOOSTED)
}

/// The URL of the page that htmx sent this from, as it says itself.
pub(crate) fn shown_by_htmx(headers: &HeaderMap) -> Option<&str> {
    only(headers, &HX_CURRENT_URL)
}

/// The text of a field that came once.
pub(crate) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut fields = headers.get_all(name).iter();
    let field = fields.next()?;
    fields.next().is_none().then(|| field.to_str().ok())?
}
