//! Sign-ins in place, at the page's own address.
//!
//! The app's query travels in one of our parameters, encoded, so that no server can rewrite it.

use form_urlencoded::parse;
use http::Uri;

use super::{
    codec::{LoginQuery, TICKET, callback_path, kept_part},
    tickets::{is_ticket, without_tickets},
};
use crate::{
    app::Host,
    paths::{ReturnPath, canonical},
    session::Trip,
};

/// Where a visitor's answer goes to the question whether a sign-in is theirs.
const CONFIRMATION: &str = "cas_confirmation";

/// What the query of a page says about a sign-in with a bare service URL, to which a server adds a ticket and nothing
/// else. `None` for a `ticket` that does not look like one: that is the app's own.
pub(crate) fn read_bare(
    path: Option<&str>,
    query: Option<&str>,
    host: &Host,
) -> Option<LoginQuery> {
    let mut read = LoginQuery {
        next: path.and_then(ReturnPath::parse),
        ..LoginQuery::default()
    };
    for (name, value) in parse(query?.as_bytes()) {
        if !is_ticket(host, &name, &value) {
            return None;
        }
        if name == TICKET {
            read.ticket = Some(value.into_owned());
        } else {
            read.artifact = Some(value.into_owned());
        }
    }
    let ticket = read.ticket()?;
    ticket.is_ok().then_some(read)
}

/// The page that a request asks for, with the app's own query byte for byte, and without what a sign-in put into its
/// address. A query that is too long to come back is left out. `None` if the page cannot be returned to at all.
pub(crate) fn page(host: &Host, uri: &Uri) -> Option<ReturnPath> {
    page_at(host, host.app_path(uri.path())?, uri.query())
}

/// The same for a path on this app.
pub(super) fn page_at(host: &Host, path: &str, query: Option<&str>) -> Option<ReturnPath> {
    let page = match LoginQuery::in_place(Some(path), query, host) {
        Some(read) => read.next,
        None => ReturnPath::parse(&without_tickets(host, path, query)),
    };
    let page = page.or_else(|| ReturnPath::parse(path))?;
    if host.app.sign_in.is_bare {
        kept_part(&page)
    } else {
        Some(page)
    }
}

/// Where a visitor confirms a sign-in: at the path where the ticket came back.
pub(crate) fn confirmation_path(host: &Host, next: Option<&ReturnPath>) -> String {
    let path = callback_path(host, next.unwrap_or(&host.app.landing));
    host.url.public_path(&format!("{path}?{CONFIRMATION}"))
}

/// Whether a query is that of [`confirmation_path`].
pub(crate) fn is_confirmation(query: Option<&str>) -> bool {
    query == Some(CONFIRMATION)
}

/// Whether the ticket for this trip comes back with a request for this URI.
pub(crate) fn is_callback(host: &Host, trip: &Trip, uri: &Uri) -> bool {
    let path = host.app_path(uri.path());
    path.is_some_and(|path| is_callback_of(host, trip, path))
}

/// Whether it comes back at this path on the app.
fn is_callback_of(host: &Host, trip: &Trip, path: &str) -> bool {
    let next = trip.next.as_deref().and_then(ReturnPath::parse);
    let next = next.as_ref().unwrap_or(&host.app.landing);
    let decoded = canonical(path);
    decoded.is_some() && decoded == canonical(callback_path(host, next))
}

/// Whether tickets come back here for pages whose own path some server refuses.
pub(crate) fn is_fallback(host: &Host, uri: &Uri) -> bool {
    let fallback = callback_path(host, &host.app.landing);
    host.app_path(uri.path()) == Some(fallback)
}

#[cfg(test)]
mod tests;
