//! The server in a frame of another site, under the quirks for that.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

use super::{Quirk, pages::UNFRAMED, state::Shared};

/// Changes what browsers judge frames by.
pub(super) async fn adapt(State(shared): State<Arc<Shared>>, mut response: Response) -> Response {
    let quirks = shared.quirks();
    let (is_framed, has_cookies) = (
        quirks.has(Quirk::Framed),
        quirks.has(Quirk::ThirdPartyCookies),
    );
    let headers = response.headers_mut();
    if is_framed {
        let policy = headers.get(header::CONTENT_SECURITY_POLICY);
        let policy = policy.and_then(|policy| policy.to_str().ok());
        let framed = policy.map(|policy| HeaderValue::try_from(policy.replace(UNFRAMED, "")));
        if let Some(Ok(policy)) = framed {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    if is_framed || has_cookies {
        send_cookies_everywhere(headers, !has_cookies);
    }
    response
}

fn send_cookies_everywhere(headers: &mut HeaderMap, are_partitioned: bool) {
    let header::Entry::Occupied(mut fields) = headers.entry(header::SET_COOKIE) else {
        return;
    };
    for field in fields.iter_mut() {
        let Some(Ok(mut cookie)) = field.to_str().ok().map(Cookie::parse) else {
            continue;
        };
        cookie.set_same_site(SameSite::None);
        cookie.set_secure(true);
        cookie.set_partitioned(are_partitioned);
        if let Ok(mut changed) = HeaderValue::try_from(cookie.to_string()) {
            changed.set_sensitive(true);
            *field = changed;
        }
    }
}
