//! Answers of a CAS server to a validation, as bytes (CAS protocol 2.4.2, 2.5.2, appendix A).
//!
//! The format is told by the content, not by what was asked for: servers answer XML when JSON was asked for,
//! and plain `no` where they should answer XML. Whatever is not clearly a success is none.

mod collector;
mod dialect;
mod json;
mod refusal;
mod text;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use refusal::Refusal;

use super::document::{is_space, trim};
use super::{Authentication, Protocol};

/// The longest user name that is taken, in bytes.
const MAX_USER_BYTES: usize = 1024;

/// Why an answer is no authentication.
pub(crate) enum ResponseError {
    /// The server refuses the ticket.
    Refused(Refusal),
    /// The answer is not one that a CAS server gives, for the reason told.
    Unreadable(&'static str),
}

/// Reads the body of a 2xx answer.
pub(crate) fn parse_response(
    protocol: Protocol,
    body: &[u8],
) -> Result<Authentication, ResponseError> {
    let body = str::from_utf8(body).map_err(|_| ResponseError::Unreadable("it is not UTF-8"))?;
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    match protocol {
        Protocol::Cas1 => text::parse(body),
        Protocol::Cas2 | Protocol::Cas3 => {
            let content = body.trim_start_matches(is_space);
            match content.bytes().next() {
                Some(b'<') => xml::parse(content),
                Some(b'{') => json::parse(content),
                _ if text::is_refusal(body) => {
                    Err(ResponseError::Refused(Refusal::without_words()))
                }
                _ => Err(ResponseError::Unreadable("it is neither XML nor JSON")),
            }
        }
    }
}

/// The user name, if it is one.
fn user_name(text: &str) -> Result<String, ResponseError> {
    let user = trim(text);
    check_user_name(user).map_err(ResponseError::Unreadable)?;
    Ok(user.to_owned())
}

/// What is wrong with a user name.
pub(crate) fn check_user_name(user: &str) -> Result<(), &'static str> {
    if user.trim().is_empty() {
        return Err("the user name is empty");
    }
    if user.chars().any(char::is_control) {
        return Err("the user name has control characters");
    }
    if user.len() > MAX_USER_BYTES {
        return Err("the user name is too long");
    }
    Ok(())
}
