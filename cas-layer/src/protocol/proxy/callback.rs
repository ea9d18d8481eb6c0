//! What the CAS server sends to the proxy callback (CAS protocol 2.5.4).

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::{ProxyGrantingTicket, ProxyGrantingTicketIou};
use crate::protocol::InvalidTicket;

/// The longest query that is read, in bytes: the two parameters at their longest with every character encoded, and
/// room for what the callback URL has of its own.
const MAX_QUERY_BYTES: usize = 4096;

/// A request of the CAS server to the [proxy callback](crate::CasClientBuilder::proxy_callback_url).
///
/// # Security
///
/// Anybody can send one. A pair means something only when the answer to a validation has the same IOU: keep pairs
/// for minutes, few of them, and hand each out once.
///
/// ```
/// use cas_layer::ProxyCallback;
///
/// assert!(matches!(ProxyCallback::parse("")?, ProxyCallback::Probe));
/// let ProxyCallback::Pair { ticket, iou } = ProxyCallback::parse("pgtIou=PGTIOU-1&pgtId=PGT-2")? else {
///     unreachable!("it has both");
/// };
/// assert_eq!((ticket.expose_secret(), iou.expose_secret()), ("PGT-2", "PGTIOU-1"));
/// assert!(ProxyCallback::parse("pgtId=PGT-2").is_err());
/// # Ok::<(), cas_layer::InvalidProxyCallback>(())
/// ```
#[derive(Clone, Debug)]
pub enum ProxyCallback {
    /// Neither ticket nor IOU: the server checks whether the callback answers. It wants a 200.
    Probe,
    /// A proxy-granting ticket, and its name in the answer to the validation.
    Pair {
        /// The ticket.
        ticket: ProxyGrantingTicket,
        /// The name that stands for it.
        iou: ProxyGrantingTicketIou,
    },
}

impl ProxyCallback {
    /// Reads a query as it stands in the URL, without its `?`. The parameters `pgtId` and `pgtIou` come in any
    /// order; others do not matter.
    ///
    /// # Errors
    ///
    /// See [`InvalidProxyCallback`].
    pub fn parse(query: &str) -> Result<Self, InvalidProxyCallback> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(InvalidProxyCallback::TooLong);
        }
        let (mut ticket, mut iou) = (None, None);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match form_urlencoded::parse(name.as_bytes()).next() {
                Some((name, _)) if name == "pgtId" => note(&mut ticket, value)?,
                Some((name, _)) if name == "pgtIou" => note(&mut iou, value)?,
                _ => {}
            }
        }
        match (ticket, iou) {
            (None, None) => Ok(Self::Probe),
            (Some(ticket), Some(iou)) => {
                // An IOU must not tell its ticket (CAS protocol 3.4.1).
                if ticket == iou {
                    return Err(InvalidProxyCallback::Contradictory);
                }
                Ok(Self::Pair {
                    ticket: ProxyGrantingTicket::parse(&ticket)?,
                    iou: ProxyGrantingTicketIou::parse(&iou)?,
                })
            }
            _ => Err(InvalidProxyCallback::Incomplete),
        }
    }
}

/// A parameter may come again, but not with something else.
fn note(slot: &mut Option<Zeroizing<String>>, value: &str) -> Result<(), InvalidProxyCallback> {
    let value = decoded(value)?;
    match slot {
        Some(earlier) if *earlier != value => Err(InvalidProxyCallback::Contradictory),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}

/// The value of a parameter. It is a secret, so it has a buffer of its own that is long enough from the beginning. No
/// ticket has a space, so a `+` is one.
fn decoded(value: &str) -> Result<Zeroizing<String>, InvalidTicket> {
    let mut text = Zeroizing::new(String::with_capacity(value.len()));
    for byte in percent_decode(value.as_bytes()) {
        if !byte.is_ascii() {
            return Err(InvalidTicket::ForeignCharacter);
        }
        text.push(char::from(byte));
    }
    Ok(text)
}

/// Why a CAS server cannot have sent a query to a proxy callback. Never carries anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProxyCallback {
    /// It has more than 4,096 bytes.
    #[error("the query is longer than {MAX_QUERY_BYTES} bytes")]
    TooLong,
    /// It has one of `pgtId` and `pgtIou` without the other.
    #[error("the query has one of `pgtId` and `pgtIou` without the other")]
    Incomplete,
    /// A parameter comes twice with different values, or the ticket is its own IOU.
    #[error("the query contradicts itself about `pgtId` and `pgtIou`")]
    Contradictory,
    /// A value is not a ticket.
    #[error("`pgtId` or `pgtIou`: {0}")]
    NoTicket(InvalidTicket),
}

impl From<InvalidTicket> for InvalidProxyCallback {
    fn from(error: InvalidTicket) -> Self {
        Self::NoTicket(error)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidProxyCallback, ProxyCallback};
    use crate::protocol::InvalidTicket;

    /// The pair, or nothing for a probe.
    fn read(query: &str) -> Result<Option<(String, String)>, InvalidProxyCallback> {
        Ok(match ProxyCallback::parse(query)? {
            ProxyCallback::Probe => None,
            ProxyCallback::Pair { ticket, iou } => Some((
                ticket.expose_secret().to_owned(),
                iou.expose_secret().to_owned(),
            )),
        })
    }

    #[test]
    fn a_pair_is_read_in_any_order_and_among_other_parameters() {
        for query in [
            "pgtId=PGT-1&pgtIou=PGTIOU-2",
            "pgtIou=PGTIOU-2&pgtId=PGT-1",
            "mine=2&b=a%20b&pgtId=PGT-1&a=1&pgtIou=PGTIOU-2&",
            "pgtId=%50GT%2D1&pgtIou=PGTIOU-2",
            "pgtId=PGT-1&pgtIou=PGTIOU-2&pgtId=PGT-1&pgtIou=PGTIOU-2",
            "pgtId=PGT-1&pgtIou=PGTIOU-2&PGTID=x&pgtiou=y&pgtId2=z",
        ] {
            let pair = Some(("PGT-1".to_owned(), "PGTIOU-2".to_owned()));
            assert_eq!(read(query), Ok(pair), "{query}");
        }
    }

    #[test]
    fn a_real_servers_request_is_read() {
        let (ticket, iou) = (
            "PGT-LJdaNEWwGNVUkyP6WqR70HYM8H9zH30a1E3eqc4Fhw05pwBCPDYr7pbID1TB",
            "PGTIOU-1EpbpRb0zj8oubzUaSGiP3cEXuiAtX7XFe32vphXym35d8lCbbxUMHlvr",
        );
        assert_eq!(
            read(&format!("pgtId={ticket}&pgtIou={iou}")),
            Ok(Some((ticket.to_owned(), iou.to_owned())))
        );
    }

    #[test]
    fn neither_of_the_two_is_a_probe() {
        for query in ["", "mine=1", "&&", "=", "pgtid=PGT-1", "ticket=PGT-1"] {
            assert_eq!(read(query), Ok(None), "{query}");
        }
    }

    #[test]
    fn half_a_pair_two_pairs_and_what_is_no_ticket_are_errors() {
        use InvalidProxyCallback::{Contradictory, Incomplete, NoTicket};
        let long = "x".repeat(257);
        for (query, error) in [
            ("pgtId=PGT-1", Incomplete),
            ("pgtIou=PGTIOU-2", Incomplete),
            ("pgtId=", Incomplete),
            ("pgtId=PGT-1&pgtIou=PGTIOU-2&pgtId=PGT-3", Contradictory),
            ("pgtId=PGT-1&pgtIou=PGTIOU-2&pgtIou=PGTIOU-4", Contradictory),
            ("pgtId=PGT-1&pgtIou=PGTIOU-2&pgtIou=", Contradictory),
            ("pgtId=PGT-1&pgtId=PGT-3", Contradictory),
            ("pgtId=PGT-1&pgtIou=PGT-1", Contradictory),
            ("pgtId=&pgtIou=PGTIOU-2", NoTicket(InvalidTicket::Empty)),
            ("pgtId=PGT-1&pgtIou", NoTicket(InvalidTicket::Empty)),
            (
                "pgtId=PGT-1%20x&pgtIou=PGTIOU-2",
                NoTicket(InvalidTicket::ForeignCharacter),
            ),
            (
                "pgtId=PGT-1%26targetService&pgtIou=PGTIOU-2",
                NoTicket(InvalidTicket::ForeignCharacter),
            ),
            (
                "pgtId=PGT-1&pgtIou=PGTIOU-%0a",
                NoTicket(InvalidTicket::ForeignCharacter),
            ),
            (
                "pgtId=PGT-1&pgtIou=PGTIOU-%ff",
                NoTicket(InvalidTicket::ForeignCharacter),
            ),
            (
                "pgtId=PGT-1&pgtIou=PGTIOU-\u{e9}",
                NoTicket(InvalidTicket::ForeignCharacter),
            ),
            (
                &format!("pgtId={long}&pgtIou=PGTIOU-2"),
                NoTicket(InvalidTicket::TooLong),
            ),
        ] {
            assert_eq!(read(query), Err(error), "{query}");
        }
    }

    #[test]
    fn a_query_has_up_to_4096_bytes() {
        let pair = "pgtId=PGT-1&pgtIou=PGTIOU-2&x=";
        let padded = |length: usize| format!("{pair}{}", "x".repeat(length - pair.len()));
        assert!(matches!(read(&padded(4096)), Ok(Some(_))));
        assert_eq!(read(&padded(4097)), Err(InvalidProxyCallback::TooLong));
        // The longest tickets, with each character encoded.
        let longest = |digit: &str| format!("%3{digit}").repeat(256);
        let query = format!("pgtId={}&pgtIou={}", longest("1"), longest("2"));
        let pair = (1..=2).map(|digit| digit.to_string().repeat(256));
        let pair: Vec<String> = pair.collect();
        assert_eq!(read(&query), Ok(Some((pair[0].clone(), pair[1].clone()))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_ticket_that_came_encoded_is_nowhere_once_it_is_dropped() {
        let marker = crate::secret::tests::Marker::new();
        let mut query = "pgtIou=PGTIOU-1&pgtId=".to_owned();
        query.extend(marker.text().bytes().map(|byte| format!("%{byte:02x}")));
        let pair = ProxyCallback::parse(&query).unwrap();
        assert_eq!(marker.copies(), 1);
        drop(pair);
        assert_eq!(marker.copies(), 0);
        query.push('&');
        query.push_str("pgtId=another");
        ProxyCallback::parse(&query).unwrap_err();
        assert_eq!(marker.copies(), 0);
    }

    #[test]
    fn nothing_of_a_callback_is_printed() {
        let pair = ProxyCallback::parse("pgtId=PGT-hidden&pgtIou=PGTIOU-hidden").unwrap();
        assert!(!format!("{pair:?} {pair:#?}").contains("hidden"));
        for query in [
            "pgtId=PGT-hidden",
            "pgtId=PGT-hidden%26&pgtIou=x",
            "pgtId=PGT-hidden&pgtId=x",
        ] {
            let error = ProxyCallback::parse(query).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hidden"));
        }
    }
}
