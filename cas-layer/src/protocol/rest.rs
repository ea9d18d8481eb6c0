//! The REST protocol of CAS servers: a program with a password gets tickets without a browser. It is no part of the CAS
//! protocol; Apereo CAS describes it as its "REST Protocol".

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{InvalidTicket, ServerUrl, ServiceTicket, ticket::check};
use crate::strict_url::parse_http;

const TICKETS: &str = "/v1/tickets";
const USERS: &str = "/v1/users";

/// A password that a user has given to this program.
///
/// # Security
///
/// It has no `Display`, `Debug` prints a placeholder, and its memory is overwritten when it is dropped. What the HTTP
/// library copies of it on its way out is not.
///
/// ```
/// use cas_layer::Password;
///
/// let password = Password::new("Mellon");
/// assert_eq!(format!("{password:?}"), "Password(…)");
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A longer one is not sent.
    pub(crate) const MAX_BYTES: usize = 1024;

    /// Takes any text. A `String` is not copied. What is empty, or longer than 1,024 bytes, is refused where it would be sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The password itself.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

/// What the CAS server gives for a password: a session there, which belongs to this program alone. It buys
/// [service tickets](crate::CasClient::service_ticket) until it ends.
///
/// # Security
///
/// Anyone who holds it can act as the user at every service of the CAS server. So it has no `Display`, `Debug` prints a
/// placeholder, and its memory is overwritten when it is dropped.
/// [Destroy](crate::CasClient::destroy) it when the work is done.
#[derive(Clone)]
pub struct TicketGrantingTicket(Zeroizing<String>);

impl TicketGrantingTicket {
    /// Takes one that was kept. Only the CAS server knows whether it is valid.
    ///
    /// # Errors
    ///
    /// An empty text, one over 2,048 characters, or one with a character that no ticket has in a URL: those that no
    /// [`ServiceTicket`] has, and `/ \ ? # %`.
    pub fn parse(text: &str) -> Result<Self, InvalidTicket> {
        check(text)?;
        // It becomes a segment of a path. No encoding keeps a URL parser from reading dots as a way up.
        let is_foreign = |byte| matches!(byte, b'/' | b'\\' | b'?' | b'#' | b'%');
        if text.bytes().any(is_foreign) || matches!(text, "." | "..") {
            return Err(InvalidTicket::ForeignCharacter);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The ticket itself. Send it to the CAS server and nowhere else.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// The ticket that a `Location` names, the URL of the new session. Nothing is ever sent to that URL: of it, only the
    /// ticket counts. Its host has to be one of `hosts` all the same, since another one did not come from this
    /// server. Scheme and port may differ, as they do behind a proxy that ends TLS.
    pub(crate) fn of_location(location: &str, hosts: [&str; 2]) -> Result<Self, &'static str> {
        let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'\\');
        if !location.bytes().all(is_plain) {
            return Err("the URL of its ticket is malformed");
        }
        let host = if !location.starts_with('/') {
            let url = parse_http(location).map_err(|_| "the URL of its ticket is malformed")?;
            Some(url.host_str().unwrap_or_default().to_owned())
        } else if location.starts_with("//") {
            return Err("the URL of its ticket is at another host");
        } else {
            None
        };
        if host.is_some_and(|host| !hosts.contains(&&*host)) {
            return Err("the URL of its ticket is at another host");
        }
        let (before, ticket) = location.rsplit_once('/').unwrap_or_default();
        if !before.ends_with(TICKETS) {
            return Err("the URL of its ticket is not that of a ticket");
        }
        let ticket = match percent_decode_str(ticket).decode_utf8() {
            Ok(Cow::Borrowed(ticket)) => Self::parse(ticket),
            Ok(Cow::Owned(ticket)) => Self::parse(&Zeroizing::new(ticket)),
            Err(_) => Err(InvalidTicket::ForeignCharacter),
        };
        ticket.map_err(|_| "what should be a ticket is not one")
    }
}

/// The service ticket that is the whole body of an answer. A line end may follow.
pub(crate) fn service_ticket_in(
    body: &[u8],
    content_type: Option<&str>,
) -> Result<ServiceTicket, &'static str> {
    let essence = content_type.map(|value| value.split(';').next().unwrap_or_default().trim());
    if essence.is_some_and(|essence| !essence.eq_ignore_ascii_case("text/plain")) {
        return Err("a ticket comes as plain text, and this is something else");
    }
    let text = str::from_utf8(body).unwrap_or_default();
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    ServiceTicket::parse(text).map_err(|_| "what should be a ticket is not one")
}

/// Whether an answer of `/v1/users` says who has signed in. A login page with a status of success does not.
pub(crate) fn names_a_user(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        authentication: Authentication,
    }
    #[derive(Deserialize)]
    struct Authentication {
        principal: Principal,
    }
    #[derive(Deserialize)]
    struct Principal {
        id: String,
    }
    let answer = serde_json::from_slice::<Answer>(body);
    answer.is_ok_and(|answer| !answer.authentication.principal.id.trim().is_empty())
}

/// A form (`application/x-www-form-urlencoded`). It is put together in one step, so that no copy is left behind as it
/// grows.
pub(crate) fn form(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    let mut parts = Vec::new();
    for (name, value) in fields {
        if !parts.is_empty() {
            parts.push("&");
        }
        parts.extend(form_urlencoded::byte_serialize(name.as_bytes()));
        parts.push("=");
        parts.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }
    Zeroizing::new(parts.concat().into_bytes())
}

impl ServerUrl {
    /// Where a password becomes a ticket-granting ticket.
    pub(crate) fn tickets(&self) -> String {
        self.join(TICKETS)
    }

    /// Where a password is checked, and no more.
    pub(crate) fn users(&self) -> String {
        self.join(USERS)
    }

    /// Where a ticket-granting ticket is used, and ended. Holds the ticket: never log it.
    pub(crate) fn ticket(&self, ticket: &TicketGrantingTicket) -> Zeroizing<String> {
        self.join_secret(TICKETS, ticket.expose_secret())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl fmt::Debug for TicketGrantingTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketGrantingTicket(…)")
    }
}
