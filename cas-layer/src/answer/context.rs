//! What a page depends on, of the request that it answers.

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::{
    address,
    app::Host,
    pages::{Head, PageContext},
    request_id,
    user::Place,
    visit::Visit,
};

const HX_CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");

/// What stands before a ticket in an address, the app's or one that a proxy writes into a field of its own.
const BEFORE_TICKETS: [&str; 4] = ["ticket", "SAMLart", "logoutRequest", "SAMLRequest"];

/// The app's function alone sees the head of the request, so without one nothing is copied.
pub(super) fn of(host: &Host, visit: &Visit<'_>) -> PageContext {
    let pages = &host.app.pages;
    PageContext {
        language: pages.language(visit.headers),
        request_id: request_id::of(visit.headers).map(str::to_owned),
        head: if pages.is_custom() {
            head(host, visit)
        } else {
            Head::default()
        },
    }
}

/// Of a request that we do not have.
pub(super) fn of_nobody(host: &Host) -> PageContext {
    PageContext {
        language: host.app.pages.language(&HeaderMap::new()),
        request_id: None,
        head: Head {
            app_url: host.url.as_string(),
            ..Head::default()
        },
    }
}

fn head(host: &Host, visit: &Visit<'_>) -> Head {
    let knows_user = visit.surely_has_user();
    Head {
        method: visit.method.clone(),
        uri: uri(host, visit),
        headers: headers(host, visit.headers),
        app_url: host.url.as_string(),
        user: visit.user().filter(|_| knows_user).cloned(),
    }
}

/// Without what is secret: the query of an endpoint of ours, and tickets that came to a page.
fn uri(host: &Host, visit: &Visit<'_>) -> Uri {
    let path = visit.uri.path();
    let is_ours = visit.place == Place::Endpoint && host.is_endpoint(path);
    let query = visit.uri.query().filter(|_| !is_ours);
    let clean = address::without_tickets(host, path, query);
    let shown = if may_have_ticket(clean.as_bytes()) {
        path
    } else {
        &clean
    };
    shown.parse().unwrap_or_default()
}

/// Without cookies of ours, credentials, and addresses that may have a ticket in them.
fn headers(host: &Host, sent: &HeaderMap) -> HeaderMap {
    let mut headers = sent.clone();
    host.remove_own_cookies(&mut headers);
    for name in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
    for name in [header::REFERER, HX_CURRENT_URL] {
        let has_query = |value: &HeaderValue| value.as_bytes().contains(&b'?');
        if headers.get_all(&name).iter().any(has_query) {
            headers.remove(&name);
        }
    }
    let cookies: Vec<HeaderValue> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(without_tickets)
        .collect();
    headers.remove(header::COOKIE);
    for cookies in cookies {
        headers.append(header::COOKIE, cookies);
    }
    let secret: Vec<HeaderName> = headers
        .iter()
        .filter(|(_, value)| may_have_ticket(value.as_bytes()))
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
    headers
}

/// The cookies of the app in a field. One cookie with something like a ticket in it does not take the others along.
fn without_tickets(cookies: &HeaderValue) -> Option<HeaderValue> {
    let cookies: Vec<&[u8]> = cookies
        .as_bytes()
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !may_have_ticket(cookie))
        .collect();
    let left = HeaderValue::from_bytes(&cookies.join(&b"; "[..])).ok();
    left.filter(|left| !left.is_empty())
}

/// Whether a text has a parameter that tickets come in.
fn may_have_ticket(text: &[u8]) -> bool {
    BEFORE_TICKETS.iter().any(|name| {
        let name = name.as_bytes();
        let mut parts = text.windows(name.len() + 1);
        parts.any(|part| part.starts_with(name) && matches!(part.last(), Some(b'=' | b'%')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_with_a_ticket_goes_alone() {
        let left = |text: &'static str| without_tickets(&HeaderValue::from_static(text));
        let expected = Some(HeaderValue::from_static("theme=dark; lang=de"));
        assert_eq!(left("theme=dark; from=/a?ticket=ST-1; lang=de"), expected);
        assert_eq!(left("theme=dark; lang=de"), expected);
        assert_eq!(left("myticket=1"), None);
    }

    #[test]
    fn a_parameter_with_a_ticket_is_found_in_any_address() {
        for secret in [
            "/a?ticket=x",
            "https://app/?a&SAMLart=x",
            "x%3Fticket%3DST-1",
            "/?logoutRequest=%3C",
        ] {
            assert!(may_have_ticket(secret.as_bytes()), "{secret}");
        }
        for plain in ["/tickets", "/?tickets=1", "ticket", "", "/a?b=c"] {
            assert!(!may_have_ticket(plain.as_bytes()), "{plain}");
        }
    }
}
