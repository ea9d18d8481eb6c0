//! The versions of the CAS protocol, and the forms of its answers.

use std::fmt;
use std::str::FromStr;

/// A version of the CAS protocol: which endpoint validates a ticket.
///
/// The default is [`Protocol::Cas3`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Protocol {
    /// CAS 1: `/validate`, plain text, a name and no attributes (CAS protocol 2.4).
    Cas1,
    /// CAS 2: `/serviceValidate`, XML (CAS protocol 2.5).
    Cas2,
    /// CAS 3: `/p3/serviceValidate`, XML with attributes (CAS protocol 2.8).
    #[default]
    Cas3,
    /// SAML 1.1: `/samlValidate`, a SOAP request with the ticket in it, answered by an assertion with attributes
    /// (CAS protocol 4.2).
    ///
    /// The login page gets the service URL as `TARGET` and as `service`, since some servers know only one of the
    /// two. The ticket may come back as `SAMLart` or as `ticket`.
    ///
    /// An answer is valid only within its time window, so the clocks of this machine and of the CAS server have to
    /// agree, up to [`saml_clock_tolerance`](crate::CasClientBuilder::saml_clock_tolerance).
    Saml1,
}

/// `cas1`, `cas2`, `cas3` or `saml1`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cas1 => "cas1",
            Self::Cas2 => "cas2",
            Self::Cas3 => "cas3",
            Self::Saml1 => "saml1",
        })
    }
}

/// Reads what `Display` writes.
impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(s: &str) -> Result<Self, UnknownProtocol> {
        match s {
            "cas1" => Ok(Self::Cas1),
            "cas2" => Ok(Self::Cas2),
            "cas3" => Ok(Self::Cas3),
            "saml1" => Ok(Self::Saml1),
            _ => Err(UnknownProtocol),
        }
    }
}

/// The text names no version of the CAS protocol that this crate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of cas1, cas2, cas3, saml1")]
#[non_exhaustive]
pub struct UnknownProtocol;

/// The form of answer that the CAS server is asked for (CAS protocol 2.5.1, parameter `format`).
///
/// Many servers do not know the parameter and answer with XML in any case. What comes is read as what it is.
///
/// The default is [`ResponseFormat::Xml`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum ResponseFormat {
    /// XML. Nothing is sent, since servers do this by default.
    #[default]
    Xml,
    /// JSON: `format=JSON`. Only CAS 2 and 3 have it.
    Json,
}

#[cfg(test)]
mod tests {
    use super::{Protocol, UnknownProtocol};

    #[test]
    fn a_protocol_reads_what_it_writes_and_nothing_else() {
        for (protocol, text) in [
            (Protocol::Cas1, "cas1"),
            (Protocol::Cas2, "cas2"),
            (Protocol::Cas3, "cas3"),
            (Protocol::Saml1, "saml1"),
        ] {
            assert_eq!(protocol.to_string(), text);
            assert_eq!(text.parse(), Ok(protocol));
        }
        for text in ["", "CAS3", "cas", "cas4", " cas3", "3", "saml", "saml2"] {
            assert_eq!(text.parse::<Protocol>(), Err(UnknownProtocol), "{text:?}");
        }
    }
}
