//! Service URLs: the S of the protocol.

use crate::strict_url::{UrlFault, parse_http};

/// A service URL: where the CAS server sends the browser back to, and what a ticket is bound to.
///
/// It is kept byte for byte as given, since the server compares what it got at sign-in with what it gets at
/// validation.
///
/// ```
/// use cas_layer::ServiceUrl;
///
/// let service = ServiceUrl::parse("https://app.example.org/login?next=/a")?;
/// assert_eq!(service.as_str(), "https://app.example.org/login?next=/a");
/// # Ok::<(), cas_layer::InvalidServiceUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl(String);

impl ServiceUrl {
    /// Accepts an absolute `http` or `https` URL of printable ASCII that servers neither refuse nor rewrite, and
    /// whose host all programs read alike.
    ///
    /// # Errors
    ///
    /// See [`InvalidServiceUrl`].
    pub fn parse(s: impl Into<String>) -> Result<Self, InvalidServiceUrl> {
        let s = s.into();
        if !s.bytes().all(is_service_byte) {
            return Err(InvalidServiceUrl::ForeignCharacter);
        }
        if s.contains('#') {
            return Err(InvalidServiceUrl::Fragment);
        }
        let url = parse_http(&s).map_err(|fault| match fault {
            UrlFault::ForeignCharacter => InvalidServiceUrl::ForeignCharacter,
            UrlFault::NotAbsolute | UrlFault::Scheme => InvalidServiceUrl::NotAbsolute,
            UrlFault::UserInfo => InvalidServiceUrl::UserInfo,
            UrlFault::Host | UrlFault::Port => InvalidServiceUrl::Host,
        })?;
        if url.query_pairs().any(|(name, _)| name == "ticket") {
            return Err(InvalidServiceUrl::Ticket);
        }
        Ok(Self(s))
    }

    /// The URL exactly as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Printable ASCII without what some servers refuse or rewrite.
fn is_service_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'"' | b'\'' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        )
}

/// Why a text is not a service URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidServiceUrl {
    /// It is not an absolute URL with the scheme `http` or `https`.
    #[error("the service URL is not an absolute http or https URL")]
    NotAbsolute,
    /// It has a space, a control character, a quote, one of ``< > \ ^ ` { | }``, or is not ASCII.
    #[error("the service URL has a character that CAS servers refuse or rewrite")]
    ForeignCharacter,
    /// It has a `#`.
    #[error("the service URL has a fragment")]
    Fragment,
    /// It has a user name or password.
    #[error("the service URL has a user name or password")]
    UserInfo,
    /// It has no host, or not all programs read its host or port alike: the host is neither a name of letters,
    /// digits, `-`, `_` and single dots, nor an IP address in the usual form. `http://1` and `https://%61` are
    /// examples.
    #[error("the service URL has no host, or not all programs read its host or port alike")]
    Host,
    /// It has a query parameter `ticket`, which belongs to the CAS server.
    #[error("the service URL has a query parameter `ticket`")]
    Ticket,
}

#[cfg(test)]
mod tests {
    use super::{InvalidServiceUrl, ServiceUrl};

    #[test]
    fn a_service_url_is_kept_byte_for_byte() {
        for text in [
            "http://127.0.0.1:43117",
            "https://App.Example.org:443/Login/",
            "https://app.example.org/a/../b?b=2&a=1&c=",
            "https://app.example.org/p?",
            "https://[::1]:8080/x?next=/a%20b",
            "HTTPS://app.example.org/x?tickets=1&Ticket=2",
        ] {
            assert_eq!(ServiceUrl::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_servers_refuse_or_rewrite_is_no_service_url() {
        use InvalidServiceUrl::{ForeignCharacter, Fragment, Host, NotAbsolute, Ticket, UserInfo};
        for (text, error) in [
            ("", NotAbsolute),
            ("/login", NotAbsolute),
            ("app.example.org/login", NotAbsolute),
            ("//app.example.org/login", NotAbsolute),
            ("https:app.example.org", NotAbsolute),
            ("https:///app.example.org", Host),
            ("https://", Host),
            ("https://app.example.org:99999/", Host),
            ("http://1", Host),
            ("http://0x7f.1/", Host),
            ("https://%2e", Host),
            ("https://a..b/", Host),
            ("ftp://app.example.org/", NotAbsolute),
            ("javascript:alert(1)", NotAbsolute),
            ("https://app.example.org/#", Fragment),
            ("https://app.example.org/#a", Fragment),
            ("https://alice@app.example.org/", UserInfo),
            ("https://alice:pw@app.example.org/", UserInfo),
            ("https://@app.example.org/", UserInfo),
            ("https://app.example.org/a b", ForeignCharacter),
            (" https://app.example.org/", ForeignCharacter),
            ("https://app.example.org/\n", ForeignCharacter),
            ("https://app.example.org/\u{7f}", ForeignCharacter),
            ("https://app.example.org/\"", ForeignCharacter),
            ("https://app.example.org/'", ForeignCharacter),
            ("https://app.example.org/<", ForeignCharacter),
            ("https://app.example.org\\x", ForeignCharacter),
            ("https://app.example.org/é", ForeignCharacter),
            ("https://app.example.org/?ticket=ST-1", Ticket),
            ("https://app.example.org/?a=1&ticket", Ticket),
            ("https://app.example.org/?%74icket=ST-1", Ticket),
        ] {
            assert_eq!(ServiceUrl::parse(text).unwrap_err(), error, "{text:?}");
        }
    }
}
