//! Service tickets.

use std::fmt;

/// The longest accepted service ticket and proxy ticket, in characters. The CAS protocol (3.1, 3.2) wants 256 at least;
/// real servers send over 300, and tickets that are JSON web tokens have up to 2,000.
const MAX_LENGTH: usize = 2048;
/// The longest accepted proxy-granting ticket and IOU (CAS protocol 3.3, 3.4). They are kept for as long as a session.
const MAX_GRANTING_LENGTH: usize = 256;

/// A service ticket: what the browser brings back from the CAS server, good for one validation.
///
/// Opaque: 1 to 2,048 printable ASCII characters other than quotes (``" ' ` ``), commas and markup (`< > &`). The CAS protocol
/// (3.7) has letters, digits and `-`; real servers add `.`, `_`, `:`, `@`, and with SAML 1.1 base64, with `+`, `/` and
/// `=`.
///
/// # Security
///
/// Until it is validated, anyone who holds the ticket can sign in with it. So it has no `Display`, and `Debug` prints
/// a placeholder.
///
/// ```
/// use cas_layer::{InvalidTicket, ServiceTicket};
///
/// let ticket = ServiceTicket::parse("ST-1856339-aA5Yuvrxzpv8Tau1cYQ7")?;
/// assert_eq!(format!("{ticket:?}"), "ServiceTicket(…)");
/// assert!(ServiceTicket::parse("ST-1@cas.example.org:8443").is_ok());
/// assert_eq!(ServiceTicket::parse("ST-1&x=y").unwrap_err(), InvalidTicket::ForeignCharacter);
/// # Ok::<(), InvalidTicket>(())
/// ```
#[derive(Clone)]
pub struct ServiceTicket(String);

impl ServiceTicket {
    /// Checks the length and the characters. Only the CAS server knows whether the ticket is valid.
    ///
    /// # Errors
    ///
    /// An empty text, one over 2,048 characters, or one with a character that tickets do not have.
    pub fn parse(s: &str) -> Result<Self, InvalidTicket> {
        check(s)?;
        Ok(Self(s.to_owned()))
    }

    /// The ticket itself. Send it to the CAS server and nowhere else.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

/// Whether a text has the length and the characters of a service ticket or a proxy ticket.
pub(super) fn check(s: &str) -> Result<(), InvalidTicket> {
    check_up_to(MAX_LENGTH, s)
}

/// The same for a proxy-granting ticket or an IOU.
pub(super) fn check_granting(s: &str) -> Result<(), InvalidTicket> {
    check_up_to(MAX_GRANTING_LENGTH, s)
}

fn check_up_to(max_length: usize, s: &str) -> Result<(), InvalidTicket> {
    if s.is_empty() {
        return Err(InvalidTicket::Empty);
    }
    if !s.bytes().all(is_of_ticket) {
        return Err(InvalidTicket::ForeignCharacter);
    }
    if s.len() > max_length {
        return Err(InvalidTicket::TooLong);
    }
    Ok(())
}

/// Printable ASCII without what would end a text in markup, in a quoted value or in a list of a header field.
fn is_of_ticket(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'&')
}

impl fmt::Debug for ServiceTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceTicket(…)")
    }
}

/// Why a text is not a ticket. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTicket {
    /// It has no characters.
    #[error("the ticket is empty")]
    Empty,
    /// It has more than 2,048 characters, or more than 256 for a proxy-granting ticket or an IOU.
    #[error("the ticket has more characters than tickets have")]
    TooLong,
    /// It has a space, a comma, a quote, one of `< > &`, a control character, or is not ASCII.
    #[error("the ticket has a character that tickets do not have")]
    ForeignCharacter,
}

#[cfg(test)]
mod tests {
    use super::{InvalidTicket, ServiceTicket};

    #[test]
    fn tickets_of_real_servers_are_taken_as_they_are() {
        let longest = "x".repeat(2_048);
        let long = format!("ST-{}", "A1b2_-Qz9".repeat(36));
        for text in [
            "ST-JFrajd59jxPMDxQ3wUHDDjEf5RnOuK6MUYSvMNw742L4kIJn63aplVfohwzT5",
            "ST-1-ab_cd.cas01.example.org",
            "ST-1-x-cas01.example.org:8443",
            "ST-1@node:1",
            "ST-1%3A8443",
            "AAGA2wfWT6CoHv0H/BAlAn2z1vSJpi+Xk9sZ0lRoZGVtbyBhcnRpZmF=",
            "ST-AAQAAa/b+c==",
            "eyJhbGciOiJIUzUxMiJ9.ZXlK.c2ln",
            "ST-#?;!$()*[]{}|\\^",
            "PT-1~x",
            "0",
            &long,
            &longest,
        ] {
            assert_eq!(ServiceTicket::parse(text).unwrap().expose_secret(), text);
        }
    }

    #[test]
    fn anything_else_is_no_ticket() {
        use InvalidTicket::ForeignCharacter;
        for (text, error) in [
            (String::new(), InvalidTicket::Empty),
            ("x".repeat(2_049), InvalidTicket::TooLong),
            ("ST-1 ".to_owned(), ForeignCharacter),
            (" ST-1".to_owned(), ForeignCharacter),
            ("ST-1&service".to_owned(), ForeignCharacter),
            ("ST-<a>".to_owned(), ForeignCharacter),
            ("ST-1>".to_owned(), ForeignCharacter),
            ("ST-\"".to_owned(), ForeignCharacter),
            ("ST-'".to_owned(), ForeignCharacter),
            ("ST-1,ST-2".to_owned(), ForeignCharacter),
            ("ST-`".to_owned(), ForeignCharacter),
            ("ST-\r\nX: y".to_owned(), ForeignCharacter),
            ("ST-\t".to_owned(), ForeignCharacter),
            ("ST-\0".to_owned(), ForeignCharacter),
            ("ST-\u{7f}".to_owned(), ForeignCharacter),
            ("ST-Å".to_owned(), ForeignCharacter),
            ("ST-\u{200b}".to_owned(), ForeignCharacter),
        ] {
            assert_eq!(ServiceTicket::parse(&text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn neither_a_ticket_nor_its_error_prints_the_text() {
        let ticket = ServiceTicket::parse("ST-secret").unwrap();
        assert_eq!(
            format!("{ticket:?} {ticket:#?}"),
            "ServiceTicket(…) ServiceTicket(…)"
        );
        let error = ServiceTicket::parse("ST-secret&").unwrap_err();
        assert!(!format!("{error}{error:?}").contains("secret"));
    }
}
