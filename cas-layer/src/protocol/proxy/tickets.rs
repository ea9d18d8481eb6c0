//! The tickets of proxy authentication. All are as opaque as a service ticket: servers let their prefixes be
//! configured, so no prefix is required.

use std::fmt;

use zeroize::Zeroizing;

use crate::protocol::{
    InvalidTicket,
    ticket::{check, check_granting},
};

/// A proxy-granting ticket: with it an app gets [proxy tickets](crate::CasClient::proxy_ticket) in its user's
/// name, as often as it likes, until the user's session at the CAS server ends (CAS protocol 3.3).
///
/// Opaque: 1 to 256 characters of those that a [`ServiceTicket`](crate::ServiceTicket) may have.
///
/// # Security
///
/// Anyone who holds it can act as the user at every service that accepts this app as a proxy. So it has no `Display`,
/// `Debug` prints a placeholder, and its memory is overwritten when it is dropped. Keep it on the server: it does not
/// belong in a cookie that is only signed, or in a log.
///
/// ```
/// use cas_layer::ProxyGrantingTicket;
///
/// let ticket = ProxyGrantingTicket::parse("PGT-490649-W81Y9Sa2vTM7hda7xNTkezTbVge4CUsybAr")?;
/// assert_eq!(format!("{ticket:?}"), "ProxyGrantingTicket(…)");
/// assert!(ProxyGrantingTicket::parse("PGT-1&targetService=x").is_err());
/// # Ok::<(), cas_layer::InvalidTicket>(())
/// ```
#[derive(Clone)]
pub struct ProxyGrantingTicket(Zeroizing<String>);

impl ProxyGrantingTicket {
    /// Checks the length and the characters. Only the CAS server knows whether the ticket is valid.
    ///
    /// # Errors
    ///
    /// An empty text, one over 256 characters, or one with a character that tickets do not have.
    pub fn parse(s: &str) -> Result<Self, InvalidTicket> {
        check_granting(s)?;
        Ok(Self(Zeroizing::new(s.to_owned())))
    }

    /// The ticket itself. Keep it on the server, and send it to the CAS server and nowhere else.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

/// What stands for a proxy-granting ticket in the answer to a validation: an "I owe you" (CAS protocol 3.4).
/// The ticket itself came to the [callback](crate::ProxyCallback) meanwhile, together with the same IOU.
///
/// By itself it opens nothing. `Debug` hides it all the same: anyone who knows it can bring a ticket of their own to
/// the callback under its name.
#[derive(Clone)]
pub struct ProxyGrantingTicketIou(Zeroizing<String>);

impl ProxyGrantingTicketIou {
    /// As for [`ProxyGrantingTicket::parse`].
    pub(in crate::protocol) fn parse(s: &str) -> Result<Self, InvalidTicket> {
        check_granting(s)?;
        Ok(Self(Zeroizing::new(s.to_owned())))
    }

    /// The IOU itself. Compare it with those that came to the callback, and send it nowhere.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

/// A proxy ticket: good for one request to one service in a user's name (CAS protocol 3.2).
///
/// That service accepts it as any client's `ticket` parameter and validates it as a [`ServiceTicket`].
///
/// # Security
///
/// Until it is validated, anyone who holds it can act as the user there. So it has no `Display`, and `Debug` prints a
/// placeholder.
///
/// [`ServiceTicket`]: crate::ServiceTicket
#[derive(Clone)]
pub struct ProxyTicket(Zeroizing<String>);

impl ProxyTicket {
    /// As for [`ServiceTicket::parse`](crate::ServiceTicket::parse).
    pub(in crate::protocol) fn parse(s: &str) -> Result<Self, InvalidTicket> {
        check(s)?;
        Ok(Self(Zeroizing::new(s.to_owned())))
    }

    /// The ticket itself. Send it to the service that it was asked for, and nowhere else. In a URL it has to be
    /// percent-encoded: some servers put `+`, `/`, `=` or `:` into tickets. In `Authorization: CAS …` it stands as it is.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProxyGrantingTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyGrantingTicket(…)")
    }
}

impl fmt::Debug for ProxyGrantingTicketIou {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyGrantingTicketIou(…)")
    }
}

impl fmt::Debug for ProxyTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyTicket(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{ProxyGrantingTicket, ProxyGrantingTicketIou, ProxyTicket};
    use crate::protocol::InvalidTicket;

    /// What the three make of a text.
    fn parse_each(text: &str) -> [Result<String, InvalidTicket>; 3] {
        [
            ProxyGrantingTicket::parse(text).map(|ticket| ticket.expose_secret().to_owned()),
            ProxyGrantingTicketIou::parse(text).map(|iou| iou.expose_secret().to_owned()),
            ProxyTicket::parse(text).map(|ticket| ticket.expose_secret().to_owned()),
        ]
    }

    #[test]
    fn tickets_of_real_servers_are_taken_as_they_are_whatever_their_prefix() {
        let longest = "x".repeat(256);
        for text in [
            "PGT-LJdaNEWwGNVUkyP6WqR70HYM8H9zH30a1E3eqc4Fhw05pwBCPDYr7pbID1TB",
            "PGTIOU-1EpbpRb0zj8oubzUaSGiP3cEXuiAtX7XFe32vphXym35d8lCbbxUMHlvr",
            "PT-1-ab_cd.cas01.example.org:8443",
            "PT-a/b+c==",
            "XY~1",
            &longest,
        ] {
            for parsed in parse_each(text) {
                assert_eq!(parsed.as_deref(), Ok(text));
            }
        }
    }

    #[test]
    fn what_is_kept_with_a_session_is_shorter_than_what_is_used_once() {
        for (length, expected) in [
            (257, [false, false, true]),
            (2_048, [false, false, true]),
            (2_049, [false; 3]),
        ] {
            let parsed = parse_each(&"x".repeat(length));
            assert_eq!(parsed.map(|parsed| parsed.is_ok()), expected, "{length}");
        }
    }

    #[test]
    fn anything_else_is_no_ticket() {
        for (text, error) in [
            (String::new(), InvalidTicket::Empty),
            ("x".repeat(2_049), InvalidTicket::TooLong),
            ("PGT-1 ".to_owned(), InvalidTicket::ForeignCharacter),
            (
                "PGT-1&targetService=x".to_owned(),
                InvalidTicket::ForeignCharacter,
            ),
            ("PGT-1\"".to_owned(), InvalidTicket::ForeignCharacter),
            ("PGT-<a>".to_owned(), InvalidTicket::ForeignCharacter),
            ("PGT-1\r\nX: y".to_owned(), InvalidTicket::ForeignCharacter),
            ("PGT-Å".to_owned(), InvalidTicket::ForeignCharacter),
        ] {
            for parsed in parse_each(&text) {
                assert_eq!(parsed, Err(error), "{text:?}");
            }
        }
    }

    #[test]
    fn neither_a_ticket_nor_its_error_prints_the_text() {
        let printed = format!(
            "{:?} {:#?} {:?} {:#?} {:?} {:#?}",
            ProxyGrantingTicket::parse("PGT-secret").unwrap(),
            ProxyGrantingTicket::parse("PGT-secret").unwrap(),
            ProxyGrantingTicketIou::parse("PGTIOU-secret").unwrap(),
            ProxyGrantingTicketIou::parse("PGTIOU-secret").unwrap(),
            ProxyTicket::parse("PT-secret").unwrap(),
            ProxyTicket::parse("PT-secret").unwrap(),
        );
        assert_eq!(
            printed,
            "ProxyGrantingTicket(…) ProxyGrantingTicket(…) ProxyGrantingTicketIou(…) ProxyGrantingTicketIou(…) \
             ProxyTicket(…) ProxyTicket(…)"
        );
        for error in parse_each("secret&") {
            assert!(!format!("{error:?}").contains("secret"));
        }
    }
}
