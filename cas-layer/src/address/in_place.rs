//! The service URL in place: the page's own address and parameters of ours.
//!
//! The app's query travels in one of them, encoded, so that no server can rewrite it. What comes back is read as
//! in [`endpoint`](super::endpoint): decoded, and written again.

use form_urlencoded::parse;
use http::Uri;

use super::endpoint::{ARTIFACT, LoginKind, LoginQuery, MAX_KEPT, TICKET};
use crate::{
    app::Shared,
    paths::{ReturnPath, canonical},
    protocol::{InvalidServiceUrl, Protocol, ServiceTicket, ServiceUrl},
    session::{LoginValue, Trip},
};

const GATEWAY: &str = "cas_gateway";
const TAG: &str = "cas_login";
/// The page with its query as base64url; without this one it is the path alone.
const NEXT: &str = "cas_next";
const RENEW: &str = "cas_renew";
const RETRY: &str = "cas_try";

/// Where the answer of a visitor goes who was asked whether a sign-in is theirs.
const CONFIRMATION: &str = "cas_confirmation";

/// What a tag covers besides the login, so that it is none of the login endpoint's.
const IN_PLACE: &[u8] = b"in place";

/// What the query of a request says about a sign-in; `None` when none of it is ours. `path` is the one that was
/// asked for.
pub(crate) fn read(path: Option<&str>, query: Option<&str>, shared: &Shared) -> Option<LoginQuery> {
    let query = query?;
    let mut read = LoginQuery {
        next: path.and_then(ReturnPath::parse),
        ..LoginQuery::default()
    };
    for (name, value) in parse(query.as_bytes()) {
        match &*name {
            TAG => read.tag = Some(value.into_owned()),
            NEXT => read.next = ReturnPath::parse_encoded(&value),
            // Whatever is not a first attempt is a last one.
            RETRY => read.kind.is_retry = value != "0",
            RENEW => read.kind.is_renewed = value == "1",
            GATEWAY => read.kind.is_gateway = value == "1",
            TICKET => read.ticket = Some(value.into_owned()),
            ARTIFACT if is_saml(shared) => read.artifact = Some(value.into_owned()),
            _ => {}
        }
    }
    read.tag.is_some().then_some(read)
}

/// The same for a bare service URL, behind which a server puts a ticket and nothing else. `None` for a `ticket` that
/// does not look like one: that is the app's own.
pub(crate) fn read_bare(
    path: Option<&str>,
    query: Option<&str>,
    shared: &Shared,
) -> Option<LoginQuery> {
    let mut read = LoginQuery {
        next: path.and_then(ReturnPath::parse),
        ..LoginQuery::default()
    };
    for (name, value) in parse(query?.as_bytes()) {
        if !is_ticket(shared, &name, &value) {
            return None;
        }
        if name == TICKET {
            read.ticket = Some(value.into_owned());
        } else {
            read.artifact = Some(value.into_owned());
        }
    }
    let ticket = read.ticket(shared.client.protocol())?;
    ticket.is_ok().then_some(read)
}

fn is_saml(shared: &Shared) -> bool {
    shared.client.protocol() == Protocol::Saml1
}

/// The page that a request asks for, with the app's own query byte for byte, and without what a sign-in put into
/// its address. A query that is too long to come back is left out; `None` when the page cannot be returned to at
/// all.
pub(crate) fn page(shared: &Shared, uri: &Uri) -> Option<ReturnPath> {
    let path = shared.app_path(uri.path())?;
    let is_short = |page: &ReturnPath| !shared.sign_in.is_bare || page.as_str().len() <= MAX_KEPT;
    let page = match read(Some(path), uri.query(), shared) {
        Some(read) => read.next,
        None => with_query(shared, path, uri.query()),
    };
    page.filter(is_short)
        .or_else(|| ReturnPath::parse(path).filter(is_short))
}

fn with_query(shared: &Shared, path: &str, query: Option<&str>) -> Option<ReturnPath> {
    let Some(query) = query else {
        return ReturnPath::parse(path);
    };
    let own: Vec<&str> = query
        .split('&')
        .filter(|parameter| !is_stray_ticket(shared, parameter))
        .collect();
    let own = own.join("&");
    // A query that was empty from the start is one.
    if own.is_empty() && !query.is_empty() {
        return ReturnPath::parse(path);
    }
    ReturnPath::parse(&format!("{path}?{own}"))
}

/// Whether a parameter is a ticket that nobody here has asked for: of a link in a portal, or of a sign-in that is
/// over.
fn is_stray_ticket(shared: &Shared, parameter: &str) -> bool {
    parse(parameter.as_bytes()).any(|(name, value)| is_ticket(shared, &name, &value))
}

/// Whether a parameter looks like what a server puts behind a service URL (CAS protocol 3.1.1 and 3.2.1). An app's
/// own `ticket` does not.
fn is_ticket(shared: &Shared, name: &str, value: &str) -> bool {
    let is_well_formed = |text: &str| {
        if is_saml(shared) {
            ServiceTicket::parse_artifact(text).is_ok()
        } else {
            ServiceTicket::parse(text).is_ok()
        }
    };
    match name {
        TICKET => ["ST-", "PT-"].iter().any(|p| value.starts_with(p)) && is_well_formed(value),
        // Nobody else has a use for that name.
        ARTIFACT => is_saml(shared) && is_well_formed(value),
        _ => false,
    }
}

pub(crate) fn tag(
    shared: &Shared,
    value: &LoginValue,
    next: Option<&ReturnPath>,
    kind: LoginKind,
) -> String {
    let kind = kind.bits();
    shared
        .service_tag
        .tag(&tag_parts(shared, value, next, &kind))
}

pub(crate) fn tag_matches(shared: &Shared, value: &LoginValue, query: &LoginQuery) -> bool {
    query.tag.as_deref().is_some_and(|tag| {
        let kind = query.kind.bits();
        let parts = tag_parts(shared, value, query.next.as_ref(), &kind);
        shared.service_tag.verify_tag(&parts, tag)
    })
}

fn tag_parts<'p>(
    shared: &'p Shared,
    value: &'p LoginValue,
    next: Option<&'p ReturnPath>,
    kind: &'p [u8; 1],
) -> [&'p [u8]; 4] {
    let next = next.unwrap_or(&shared.landing);
    [value, next.as_str().as_bytes(), kind, IN_PLACE]
}

/// The same byte for byte whenever it is computed.
pub(crate) fn service_url(
    shared: &Shared,
    next: Option<&ReturnPath>,
    kind: LoginKind,
    tag: &str,
) -> Result<ServiceUrl, InvalidServiceUrl> {
    let next = next.unwrap_or(&shared.landing);
    let path = callback_path(shared, next);
    let mut url = shared.app.join(path);
    if shared.sign_in.is_bare {
        return ServiceUrl::parse(url);
    }
    // In alphabetical order, as one server returns them.
    url.push('?');
    if kind.is_gateway {
        url.push_str("cas_gateway=1&");
    }
    url.push_str(TAG);
    url.push('=');
    // A tag that came back from the network may hold anything.
    url.extend(form_urlencoded::byte_serialize(tag.as_bytes()));
    // Nothing can happen to a path of plain characters on the way.
    if !next.is_plain() || next.as_str() != path {
        url.push('&');
        url.push_str(NEXT);
        url.push('=');
        url.push_str(&next.encoded());
    }
    if kind.is_renewed {
        url.push_str("&cas_renew=1");
    }
    if kind.is_retry {
        url.push_str("&cas_try=1");
    }
    ServiceUrl::parse(url)
}

/// Where a ticket for a page comes back: at the page, if every server takes its path; else at the landing path.
fn callback_path<'p>(shared: &'p Shared, next: &'p ReturnPath) -> &'p str {
    [next.path(), shared.landing.path()]
        .into_iter()
        .find(|path| is_fit(path))
        .unwrap_or("/")
}

/// Where a visitor confirms a sign-in: at the path where the ticket came back.
pub(crate) fn confirmation_path(shared: &Shared, next: Option<&ReturnPath>) -> String {
    let path = callback_path(shared, next.unwrap_or(&shared.landing));
    shared.app.public_path(&format!("{path}?{CONFIRMATION}"))
}

/// Whether a query is that of [`confirmation_path`].
pub(crate) fn is_confirmation(query: Option<&str>) -> bool {
    query == Some(CONFIRMATION)
}

/// Whether a path can only be read in one way, and has nothing that servers refuse, be it encoded.
fn is_fit(path: &str) -> bool {
    canonical(path)
        .is_some_and(|decoded| !decoded.bytes().any(|byte| b"\"'<>^`{|}".contains(&byte)))
}

/// Whether the ticket for this trip comes back with a request for this URI.
pub(crate) fn is_callback(shared: &Shared, trip: &Trip, uri: &Uri) -> bool {
    let path = shared.app_path(uri.path());
    path.is_some_and(|path| is_callback_of(shared, trip, path))
}

/// Whether it comes back at this path on the app.
fn is_callback_of(shared: &Shared, trip: &Trip, path: &str) -> bool {
    let next = trip.next.as_deref().and_then(ReturnPath::parse);
    let next = next.as_ref().unwrap_or(&shared.landing);
    let decoded = canonical(path);
    decoded.is_some() && decoded == canonical(callback_path(shared, next))
}

/// What the login cookie says about a bare service URL.
pub(crate) fn of_trip(query: &mut LoginQuery, trip: &Trip) {
    query.kind.is_renewed = trip.is_renewed;
    query.next = trip.next.as_deref().and_then(ReturnPath::parse);
}

/// Whether tickets for pages whose own path some server refuses come back here.
pub(crate) fn is_fallback(shared: &Shared, uri: &Uri) -> bool {
    let fallback = callback_path(shared, &shared.landing);
    shared.app_path(uri.path()) == Some(fallback)
}

#[cfg(test)]
mod tests;
