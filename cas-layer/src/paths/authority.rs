//! The host that a request names.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Host;

/// Host and port as a request names them, in its target or in its `Host` field (RFC 9110, section 7.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'r> {
    host: Name<'r>,
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
enum Name<'r> {
    /// A name or an IPv4 address, as it was sent.
    Plain(&'r str),
    V6(Ipv6Addr),
}

impl<'r> Authority<'r> {
    /// `None` if it is not a host with or without a port: an empty text, user information, two hosts.
    pub(crate) fn parse(text: &'r str) -> Option<Self> {
        let (host, rest) = if let Some(bracketed) = text.strip_prefix('[') {
            let (address, rest) = bracketed.split_once(']')?;
            (Name::V6(address.parse().ok()?), rest)
        } else {
            let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            // RFC 3986, section 3.2.2: the characters of a registered name.
            let is_fit = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&b);
            if name.is_empty() || !name.bytes().all(is_fit) {
                return None;
            }
            (Name::Plain(name), rest)
        };
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            // A port of no digits is the default one (RFC 3986, section 6.2.3).
            Some("") => None,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            None | Some(_) => return None,
        };
        Some(Self { host, port })
    }

    /// Whether two spellings name the same host and port.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let same_host = match (self.host, other.host) {
            (Name::Plain(one), Name::Plain(other)) => one.eq_ignore_ascii_case(other),
            (Name::V6(one), Name::V6(other)) => one == other,
            (Name::Plain(_), Name::V6(_)) | (Name::V6(_), Name::Plain(_)) => false,
        };
        same_host && self.port == other.port
    }
}

/// Host and port of an app URL.
#[derive(Clone, Debug)]
pub(crate) struct PublicAuthority {
    host: Host<String>,
    port: u16,
    /// Whether browsers leave the port out.
    is_default_port: bool,
}

impl PublicAuthority {
    /// For an http or https URL. `None` for another one.
    pub(crate) fn of(url: &url::Url) -> Option<Self> {
        Some(Self {
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
            is_default_port: url.port().is_none(),
        })
    }

    /// Whether a request that names `authority` is for this one. The comparison is exact: to a browser, a name with a
    /// dot at its end is another origin with other cookies, and so it is here.
    pub(crate) fn is_named_by(&self, authority: &Authority<'_>) -> bool {
        let same_host = match (&self.host, authority.host) {
            (Host::Domain(own), Name::Plain(name)) => own.eq_ignore_ascii_case(name),
            (Host::Ipv4(own), Name::Plain(name)) => name.parse::<Ipv4Addr>() == Ok(*own),
            (Host::Ipv6(own), Name::V6(address)) => *own == address,
            (Host::Domain(_) | Host::Ipv4(_), Name::V6(_)) | (Host::Ipv6(_), Name::Plain(_)) => {
                false
            }
        };
        let same_port = authority
            .port
            .map_or(self.is_default_port, |port| port == self.port);
        same_host && same_port
    }

    /// Whether some request could be for both. The scheme is ignored: a request does not contain it.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let both_default = self.is_default_port && other.is_default_port;
        self.host == other.host && (self.port == other.port || both_default)
    }

    /// Whether browsers send cookies of one to the other too: cookies ignore ports (RFC 6265, section 8.5).
    pub(crate) fn shares_cookies_with(&self, other: &Self) -> bool {
        self.host == other.host
    }
}
