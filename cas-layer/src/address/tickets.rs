//! Tickets in addresses where no login of ours brought them: from a link in a portal, or from a sign-in that is over.

use std::borrow::Cow;

use form_urlencoded::parse;

use super::codec::{ARTIFACT, TICKET, is_saml};
use crate::{app::Host, paths::ReturnPath, protocol::ServiceTicket};

/// A path with its query byte for byte, but without such tickets: they do not become part of a return path.
pub(crate) fn without_tickets<'p>(host: &Host, path: &'p str, query: Option<&str>) -> Cow<'p, str> {
    let Some(query) = query else {
        return Cow::Borrowed(path);
    };
    let own: Vec<&str> = query
        .split('&')
        .filter(|parameter| !is_stray_ticket(host, parameter))
        .collect();
    let own = own.join("&");
    // A query that was empty from the start is one.
    if own.is_empty() && !query.is_empty() {
        return Cow::Borrowed(path);
    }
    Cow::Owned(format!("{path}?{own}"))
}

/// The same for a return path.
pub(crate) fn clean(host: &Host, next: ReturnPath) -> Option<ReturnPath> {
    let query = next.as_str().strip_prefix(next.path())?.strip_prefix('?');
    match query {
        Some(query) => ReturnPath::parse(&without_tickets(host, next.path(), Some(query))),
        None => Some(next),
    }
}

/// Whether there is such a ticket in a query.
pub(super) fn has_ticket(host: &Host, query: &str) -> bool {
    query
        .split('&')
        .any(|parameter| is_stray_ticket(host, parameter))
}

/// Whether a parameter is such a ticket.
fn is_stray_ticket(host: &Host, parameter: &str) -> bool {
    parse(parameter.as_bytes()).any(|(name, value)| is_ticket(host, &name, &value))
}

/// Whether a parameter looks like what a server puts behind a service URL (CAS protocol 3.1.1 and 3.2.1). An app's
/// own `ticket` does not.
pub(super) fn is_ticket(host: &Host, name: &str, value: &str) -> bool {
    let is_well_formed = |text: &str| ServiceTicket::parse(text).is_ok();
    match name {
        TICKET => ["ST-", "PT-"].iter().any(|p| value.starts_with(p)) && is_well_formed(value),
        // Nobody else has a use for that name.
        ARTIFACT => is_saml(host) && is_well_formed(value),
        _ => false,
    }
}
