//! Service URLs: which are served, which are the same, and how a ticket is put into one.

use http::HeaderValue;
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use url::Url;

use super::Quirk;
use super::quirks::Quirks;

/// A service URL has to be an http or https URL with a host.
pub(super) fn acceptable(service: &str, quirks: &Quirks) -> bool {
    // The parser strips tabs and line ends, which have no place in a URL.
    if service.chars().any(char::is_control) || !is_http_url(service) {
        return false;
    }
    !has_refused_markup(service, quirks)
}

/// A service that a proxy asks a ticket for need not be a web service (CAS protocol 2.7.1).
pub(super) fn acceptable_target(service: &str, quirks: &Quirks) -> bool {
    !service.chars().any(char::is_control) && !has_refused_markup(service, quirks)
}

fn has_refused_markup(service: &str, quirks: &Quirks) -> bool {
    let decoded = percent_decode_str(service).decode_utf8_lossy();
    quirks.has(Quirk::RefuseMarkupInService) && decoded.contains(['<', '>', '"', '\''])
}

pub(super) fn is_http_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Is the service that asks the one that the ticket was issued for?
pub(super) fn same(issued: &str, asking: &str, quirks: &Quirks) -> bool {
    if quirks.has(Quirk::CompareWithoutQuery)
        && let (Ok(issued), Ok(asking)) = (Url::parse(issued), Url::parse(asking))
    {
        return issued.scheme() == asking.scheme()
            && issued.host() == asking.host()
            && issued.port() == asking.port()
            && issued.path() == asking.path();
    }
    issued == asking
}

/// The service URL with the ticket in its query, under this name (CAS protocol 2.2.4).
pub(super) fn with_ticket(service: &str, name: &str, ticket: &str, quirks: &Quirks) -> String {
    if quirks.has(Quirk::TicketAfterFragment) && service.contains('#') {
        return append(service, name, ticket);
    }
    let (rest, fragment) = match service.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (service, None),
    };
    let mut rest = rest.to_owned();
    if quirks.has(Quirk::ReplaceTicketInService) {
        rest = without(&rest, name);
    }
    if quirks.has(Quirk::TwoTickets) {
        rest = append(&rest, name, "ST-00000000000000000000000000000000");
    }
    rest = append(&rest, name, ticket);
    if quirks.has(Quirk::RewriteServiceQuery) {
        rest = sorted(&rest);
    }
    match fragment {
        Some(fragment) => format!("{rest}#{fragment}"),
        None => rest,
    }
}

/// What no ticket needs to have escaped.
const TICKET: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn append(url: &str, name: &str, ticket: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    let ticket = utf8_percent_encode(ticket, TICKET);
    format!("{url}{separator}{name}={ticket}")
}

fn without(url: &str, name: &str) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| pair.split('=').next() != Some(name))
        .collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}

fn sorted(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    // By name alone: the sort is stable, so parameters of one name keep their order.
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("{path}?{query}")
}

/// What a `Location` must not have literally: controls, spaces and anything but ASCII.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ');

/// A URL as the value of `Location`.
pub(super) fn location(url: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(utf8_percent_encode(url, UNSAFE).to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
