//! What the fuzz targets call: what is behind the seal of a login cookie.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is what a fuzz target reports"
)]

use std::sync::LazyLock;

use http::{HeaderMap, header};

use super::{Binding, BindingCookie, cookie::read};
use crate::session::{CookieShape, Key, MAX_COOKIE_BYTES, Purpose, Sealer};

static COOKIE: LazyLock<BindingCookie> = LazyLock::new(|| {
    let shape = CookieShape {
        name: "__Host-cas_login".to_owned(),
        secure: true,
        cross_site: false,
        partitioned: false,
    };
    let key = Key::from((0..64).collect::<Vec<u8>>());
    BindingCookie::new(shape, Sealer::new(&key, &[], Purpose::LoginBinding, &[]))
});

/// The payload of a login cookie, which is read some time after it was written. What is read is the same after it was
/// written and read again.
pub fn login_cookie(payload: &[u8]) {
    let Some((time, payload)) = payload.split_first_chunk() else {
        return;
    };
    let now = u64::from(u32::from_le_bytes(*time));
    let Some(binding) = read(payload, now) else {
        return;
    };
    let set = COOKIE.keep(&binding, false, now).unwrap();
    let pair = set.to_str().unwrap().split(';').next().unwrap();
    if pair.len() > MAX_COOKIE_BYTES {
        return;
    }
    let headers = HeaderMap::from_iter([(header::COOKIE, pair.parse().unwrap())]);
    let again = COOKIE.find(&headers, now).unwrap();
    // It says when it was written if it has a secret.
    let written_at = if binding.secrets.is_some() { now } else { 0 };
    assert_eq!(
        again,
        Binding {
            written_at,
            ..binding
        }
    );
}
