//! Service tickets.

use std::fmt;

/// The longest accepted ticket of any kind, in characters (CAS protocol 3.1 to 3.4).
const MAX_LENGTH: usize = 256;

/// A service ticket: what the browser brings back from the CAS server, good for one validation.
///
/// Opaque: 1 to 256 characters of `A–Z a–z 0–9 - . _ ~`. The CAS protocol (3.7) has letters, digits and `-`;
/// real servers add the others. With SAML 1.1 a ticket can be an [artifact](Self::parse_artifact).
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
    /// An empty text, one over 256 characters, or one with a character that tickets do not have.
    pub fn parse(s: &str) -> Result<Self, InvalidTicket> {
        check(s)?;
        Ok(Self(s.to_owned()))
    }

    /// The same for `SAMLart`, with which a CAS server may answer a sign-in by SAML 1.1. Besides tickets, this
    /// accepts artifacts. They are base64, so they may have `+` and `/` and end in `=`, with or without `ST-` in
    /// front.
    ///
    /// ```
    /// use cas_layer::ServiceTicket;
    ///
    /// assert!(ServiceTicket::parse_artifact("AAIBx+8/vQ==").is_ok());
    /// assert!(ServiceTicket::parse("AAIBx+8/vQ==").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn parse_artifact(s: &str) -> Result<Self, InvalidTicket> {
        check_form(s, is_ticket(s) || is_artifact(s))?;
        Ok(Self(s.to_owned()))
    }

    /// The ticket itself. Send it to the CAS server and nowhere else.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

/// Whether a text has the length and the characters of a ticket of any kind (CAS protocol 3.1 to 3.4, 3.7).
pub(super) fn check(s: &str) -> Result<(), InvalidTicket> {
    check_form(s, is_ticket(s))
}

fn check_form(s: &str, is_well_formed: bool) -> Result<(), InvalidTicket> {
    if s.is_empty() {
        return Err(InvalidTicket::Empty);
    }
    if !is_well_formed {
        return Err(InvalidTicket::ForeignCharacter);
    }
    if s.len() > MAX_LENGTH {
        return Err(InvalidTicket::TooLong);
    }
    Ok(())
}

fn is_ticket(s: &str) -> bool {
    s.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// Base64 as SAML artifacts are written, after the prefix that newer servers put in front.
fn is_artifact(s: &str) -> bool {
    let base64 = s.strip_prefix("ST-").unwrap_or(s);
    let digits = base64.trim_end_matches('=');
    base64.len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
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
    /// It has more than 256 characters.
    #[error("the ticket has more than {MAX_LENGTH} characters")]
    TooLong,
    /// It has a character other than `A–Z a–z 0–9 - . _ ~`, and is not an artifact where one is accepted.
    #[error("the ticket has a character that tickets do not have")]
    ForeignCharacter,
}

#[cfg(test)]
mod tests {
    use super::{InvalidTicket, ServiceTicket};

    #[test]
    fn tickets_of_real_servers_are_taken_as_they_are() {
        let longest = "x".repeat(256);
        for text in [
            "ST-JFrajd59jxPMDxQ3wUHDDjEf5RnOuK6MUYSvMNw742L4kIJn63aplVfohwzT5",
            "ST-1-ab_cd.cas01.example.org",
            "PT-1~x",
            "0",
            &longest,
        ] {
            assert_eq!(ServiceTicket::parse(text).unwrap().expose_secret(), text);
        }
    }

    #[test]
    fn anything_else_is_no_ticket() {
        for (text, error) in [
            (String::new(), InvalidTicket::Empty),
            ("x".repeat(257), InvalidTicket::TooLong),
            ("ST-1 ".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-1&service".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-1=".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-1+".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-1%26".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-1#".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-1/..".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-<a>".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-\r\nX: y".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-\0".to_owned(), InvalidTicket::ForeignCharacter),
            ("ST-Å".to_owned(), InvalidTicket::ForeignCharacter),
        ] {
            assert_eq!(ServiceTicket::parse(&text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn an_artifact_is_base64_with_or_without_a_prefix() {
        let longest = "+".repeat(256);
        for text in [
            "AAGA2wfWT6CoHv0H/BAlAn2z1vSJpi+Xk9sZ0lRoZGVtbyBhcnRpZmF=",
            "ST-AAQAAa/b+c==",
            "ST-1_a.b~c-D",
            &longest,
        ] {
            let ticket = ServiceTicket::parse_artifact(text).unwrap();
            assert_eq!(ticket.expose_secret(), text);
        }
        for (text, error) in [
            (String::new(), InvalidTicket::Empty),
            ("+".repeat(257), InvalidTicket::TooLong),
            ("AA E=".to_owned(), InvalidTicket::ForeignCharacter),
            ("AA<E=".to_owned(), InvalidTicket::ForeignCharacter),
            ("AA&E=".to_owned(), InvalidTicket::ForeignCharacter),
            ("AA%2B".to_owned(), InvalidTicket::ForeignCharacter),
            ("AA\n".to_owned(), InvalidTicket::ForeignCharacter),
            ("AA===".to_owned(), InvalidTicket::ForeignCharacter),
            ("AA=E".to_owned(), InvalidTicket::ForeignCharacter),
            (
                "../../etc/passwd".to_owned(),
                InvalidTicket::ForeignCharacter,
            ),
            ("PT-AA+".to_owned(), InvalidTicket::ForeignCharacter),
        ] {
            let parsed = ServiceTicket::parse_artifact(&text);
            assert_eq!(parsed.unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn neither_a_ticket_nor_its_error_prints_the_text() {
        let ticket = ServiceTicket::parse("ST-secret").unwrap();
        assert!(!format!("{ticket:?}{ticket:#?}").contains("secret"));
        let error = ServiceTicket::parse("ST-secret!").unwrap_err();
        assert!(!format!("{error}{error:?}").contains("secret"));
    }
}
