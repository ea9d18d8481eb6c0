//! The two cookies of the server: who is signed in, and which browser was shown a login form; and their path.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

/// Where the server is mounted, and the path of its cookies.
pub(super) const BASE: &str = "/cas";
/// The ticket-granting cookie (CAS protocol 3.6).
pub(super) const SESSION: &str = "TGC";
/// Binds a login form to the browser that was shown it.
pub(super) const LOGIN: &str = "CASLOGIN";

/// The value of the first cookie of that name.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|field| field.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

/// `Set-Cookie` for a cookie that lasts as long as the browser.
pub(super) fn set(name: &'static str, value: &str) -> Option<HeaderValue> {
    field(&Cookie::build((name, value)))
}

/// `Set-Cookie` that takes a cookie away.
pub(super) fn clear(name: &'static str) -> Option<HeaderValue> {
    field(&Cookie::build((name, "")).max_age(cookie::time::Duration::ZERO))
}

fn field(cookie: &cookie::CookieBuilder<'_>) -> Option<HeaderValue> {
    let cookie = cookie
        .clone()
        .http_only(true)
        .same_site(SameSite::Lax)
        .path(BASE);
    let mut value = HeaderValue::try_from(cookie.build().to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
