//! The field of a form or a query that is the logout request.

use std::borrow::Cow;

use super::{InvalidLogoutRequest, LogoutRequest};

/// The field that a sign-in comes back with (CAS protocol 2.2.4).
const TICKET: &str = "ticket";

/// The value of the only field that has one of these names.
///
/// Bytes that are not UTF-8 become replacement characters, which neither the markup that counts nor a ticket
/// has: a user name in another charset keeps nobody signed in.
pub(super) fn find<'a>(
    fields: &'a [u8],
    names: &[&str],
) -> Result<Cow<'a, str>, InvalidLogoutRequest> {
    if fields.len() > LogoutRequest::MAX_BYTES {
        return Err(InvalidLogoutRequest::Unreadable("it is longer than 64 KiB"));
    }
    let mut request = None;
    let mut has_ticket = false;
    for (name, value) in form_urlencoded::parse(fields) {
        has_ticket |= name == TICKET;
        if names.contains(&&*name) && request.replace(value).is_some() {
            return Err(InvalidLogoutRequest::Repeated);
        }
    }
    let request = request.ok_or(InvalidLogoutRequest::Missing)?;
    if has_ticket {
        return Err(InvalidLogoutRequest::WithTicket);
    }
    Ok(request)
}

/// Whether a `Content-Type` is that of a form. Its parameters do not matter: servers send `charset=UTF-8` and
/// others, and what counts of a logout request is ASCII.
pub(crate) fn is_form(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next();
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}
