//! The ticket or the password that a request carries, and the service URL that a ticket is for. Pure.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use form_urlencoded::parse;
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use crate::{
    app::Host,
    paths::stays_here,
    protocol::{Password, ServiceTicket, ServiceUrl, check_user_name},
};

/// The scheme of our challenge and of the credentials that answer it (RFC 9110, section 11).
const SCHEME: &[u8] = b"CAS";

/// RFC 7617.
const BASIC: &[u8] = b"Basic";

const TICKET: &str = "ticket";

/// Where a ticket came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `Authorization: CAS <ticket>`.
    Header,
    /// `?ticket=<ticket>`.
    Query,
}

/// The credentials in a request.
#[derive(Debug)]
pub(super) enum Credentials {
    None,
    Ticket(ServiceTicket, Source),
    /// A user name and a password.
    Password(String, Password),
    /// Not exactly one ticket or password.
    Unclear(&'static str),
}

impl Credentials {
    /// Where passwords are not taken, they are none of the layer's business.
    pub(super) fn of(headers: &HeaderMap, query: Option<&str>, takes_passwords: bool) -> Self {
        let fields = headers.get_all(header::AUTHORIZATION);
        let mut passwords = fields.iter().filter_map(|field| after_scheme(field, BASIC));
        if let Some(text) = passwords.next().filter(|_| takes_passwords) {
            return if fields.iter().nth(1).is_some() {
                Self::Unclear("there are two `Authorization` fields")
            } else if ticket_parameters(query).next().is_some() {
                Self::Unclear("there is a password, and a ticket too")
            } else {
                let not_one = Self::Unclear("what should be a user name and a password is not");
                password(text).unwrap_or(not_one)
            };
        }
        let in_header = fields.iter().find_map(|field| after_scheme(field, SCHEME));
        let in_query = ticket_parameters(query).next();
        match (in_header, in_query) {
            (None, None) => Self::None,
            (Some(_), Some(_)) => Self::Unclear("there is a ticket in two places"),
            (Some(_), None) if fields.iter().nth(1).is_some() => {
                Self::Unclear("there are two `Authorization` fields")
            }
            (None, Some(_)) if ticket_parameters(query).nth(1).is_some() => {
                Self::Unclear("there are two tickets")
            }
            // Two fields that became one on the way have a comma between them.
            (Some(text), None) if text.contains(&b',') => Self::Unclear("there are two tickets"),
            (Some(text), None) => Self::parse(str::from_utf8(text).ok(), Source::Header),
            (None, Some(text)) => Self::parse(Some(&text), Source::Query),
        }
    }

    fn parse(text: Option<&str>, place: Source) -> Self {
        match text.and_then(|text| ServiceTicket::parse(text).ok()) {
            Some(ticket) => Self::Ticket(ticket, place),
            None => Self::Unclear("what should be a ticket is not one"),
        }
    }
}

/// The user name and the password in credentials of RFC 7617, which are UTF-8.
fn password(text: &[u8]) -> Option<Credentials> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let (user, password) = str::from_utf8(&bytes).ok()?.split_once(':')?;
    let is_one = check_user_name(user).is_ok()
        && (1..=Password::MAX_BYTES).contains(&password.len())
        && !password.contains(char::is_control);
    is_one.then(|| Credentials::Password(user.to_owned(), Password::new(password)))
}

/// What follows a scheme in an `Authorization` field. `None` for a field of another scheme.
fn after_scheme<'f>(field: &'f HeaderValue, name: &[u8]) -> Option<&'f [u8]> {
    let (scheme, rest) = field.as_bytes().split_at_checked(name.len())?;
    let is_ours =
        scheme.eq_ignore_ascii_case(name) && rest.first().is_none_or(|b| *b == b' ' || *b == b'\t');
    is_ours.then(|| rest.trim_ascii())
}

/// The values of the parameters called `ticket`.
fn ticket_parameters(query: Option<&str>) -> impl Iterator<Item = Cow<'_, str>> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(|pair| {
        let (name, value) = parse(pair.as_bytes()).next()?;
        (name == TICKET).then_some(value)
    })
}

/// A query without its tickets, everything else byte for byte. `None` when nothing is left.
pub(super) fn without_ticket(query: &str) -> Option<String> {
    let is_ticket = |pair: &&str| ticket_parameters(Some(pair)).next().is_some();
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_ticket(pair)).collect();
    let rest = rest.join("&");
    (!rest.is_empty()).then_some(rest)
}

/// The service URL of a ticket for a request: the public URL that was requested, without the ticket. `path` is the
/// path on this app. `None` if the URL cannot be a service URL: nobody gets a ticket for it. Also `None` if the CAS
/// server may take it for the URL of another app on this host.
pub(super) fn service_url(host: &Host, path: &str, query: Option<&str>) -> Option<ServiceUrl> {
    if !stays_here(path) {
        return None;
    }
    let mut url = host.url.join(path);
    if let Some(query) = query.and_then(without_ticket) {
        url.push('?');
        url.push_str(&query);
    }
    ServiceUrl::parse(url).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasConfig, Key};

    /// The ticket and its place. `Ok(None)` for a request without a ticket, and an error if it is unclear.
    fn read(
        fields: &[&str],
        query: Option<&str>,
    ) -> Result<Option<(String, Source)>, &'static str> {
        let field = |field: &&str| {
            let value = HeaderValue::from_bytes(field.as_bytes()).unwrap();
            (header::AUTHORIZATION, value)
        };
        let headers: HeaderMap = fields.iter().map(field).collect();
        match Credentials::of(&headers, query, false) {
            Credentials::None => Ok(None),
            Credentials::Password(..) => Err("a password"),
            Credentials::Ticket(ticket, place) => {
                Ok(Some((ticket.expose_secret().to_owned(), place)))
            }
            Credentials::Unclear(reason) => Err(reason),
        }
    }

    #[test]
    fn a_ticket_comes_in_the_header_or_in_the_query() {
        let header = Ok(Some(("PT-1".to_owned(), Source::Header)));
        for field in ["CAS PT-1", "cas PT-1", "CAS   PT-1 ", "CAS\tPT-1"] {
            assert_eq!(read(&[field], Some("a=b")), header, "{field}");
        }
        let query = Ok(Some(("PT-1".to_owned(), Source::Query)));
        for text in [
            "ticket=PT-1",
            "a=b&ticket=PT-1",
            "ticket=PT-1&a=%26ticket=",
            "%74icket=PT%2D1",
        ] {
            assert_eq!(read(&[], Some(text)), query, "{text}");
            assert_eq!(read(&["Bearer x"], Some(text)), query, "{text}");
        }
        for text in [None, Some(""), Some("tickets=PT-1&Ticket=PT-2&a=ticket")] {
            assert_eq!(read(&[], text), Ok(None), "{text:?}");
            assert_eq!(read(&["Basic Y2FzOg==", "CASual PT-1"], text), Ok(None));
        }
    }

    #[test]
    fn two_tickets_and_what_is_none_are_unclear() {
        for (fields, query) in [
            (&["CAS PT-1"][..], Some("ticket=PT-1")),
            (&["CAS PT-1", "CAS PT-1"], None),
            (&["CAS PT-1", "Bearer x"], None),
            (&["Bearer x", "CAS PT-1"], None),
            (&["CAS"], None),
            (&["CAS "], None),
            (&["CAS PT-1 PT-2"], None),
            (&["CAS PT-1,PT-2"], None),
            (&["CAS ticket=\"PT-1\""], None),
            (&["CAS PT-1&x"], None),
            (&["CAS PT-ü"], None),
            (&[], Some("ticket=PT-1&ticket=PT-1")),
            (&[], Some("ticket=")),
            (&[], Some("ticket")),
            (&[], Some("ticket=PT-1%26service%3Dx")),
            (&[], Some("ticket=PT-%FF")),
        ] {
            assert!(read(fields, query).is_err(), "{fields:?} {query:?}");
        }
        let long = format!("CAS {}", "T".repeat(2_049));
        assert!(read(&[&long], None).is_err());
    }

    #[test]
    fn the_service_url_is_what_was_requested_without_the_ticket() {
        let config = CasConfig::builder("https://cas.example.org", "https://api.example.org/v1")
            .key(Key::generate())
            .build()
            .unwrap();
        let url = |path, query| {
            service_url(config.first_host(), path, query).map(|url| url.as_str().to_owned())
        };
        let base = "https://api.example.org/v1/records";
        for (query, expected) in [
            (None, ""),
            (Some(""), ""),
            (Some("ticket=PT-1"), ""),
            (Some("ticket"), ""),
            (
                Some("a=%2f&b=+&c=%20&&d&ticket=PT-1"),
                "?a=%2f&b=+&c=%20&&d",
            ),
            (Some("ticket=PT-1&a=b"), "?a=b"),
            (Some("a=b&%74icket=PT-1&c"), "?a=b&c"),
        ] {
            let expected = Some(format!("{base}{expected}"));
            assert_eq!(url("/records", query), expected, "{query:?}");
        }
        for path in ["/it's", "/../other", "/a/%2e%2e/b", "//a", "/..%2fother"] {
            assert_eq!(url(path, None), None, "{path}");
        }
        assert_eq!(url("/a", Some("q=<>")), None);
    }
}
