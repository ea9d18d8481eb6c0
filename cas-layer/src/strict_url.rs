//! URLs of a configuration: read by all programs alike, and printed without a password.
//!
//! Today's URL parsers repair what they are given: `https:host`, a tab inside, `0x7f.1` for an address. The CAS
//! server, a browser or a proxy may repair it in another way and so see another host. A URL that any of them would
//! repair is refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::error::ConfigError;

/// The longest name of a host, and of a label in it (RFC 1035, section 2.3.4).
const MAX_HOST_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// Why a URL cannot be used: it is malformed, or not read alike everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlFault {
    ForeignCharacter,
    NotAbsolute,
    Scheme,
    UserInfo,
    Host,
    Port,
}

impl UrlFault {
    /// What an error says of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ForeignCharacter => {
                "it has a space, a control character, a backslash, or a character that is not ASCII"
            }
            Self::NotAbsolute => "it is not an absolute URL",
            Self::Scheme => "its scheme is neither https nor http",
            Self::UserInfo => "it has a user name or password",
            Self::Host => {
                "its host is neither a name of letters, digits, `-`, `_` and single dots nor an IP address in the usual form"
            }
            Self::Port => "its port is not a number up to 65535",
        }
    }
}

/// Reads an absolute `http` or `https` URL without a user name or password.
pub(crate) fn parse_http(given: &str) -> Result<Url, UrlFault> {
    let (url, user_info) = parse(given, &["http", "https"])?;
    if user_info.is_some() {
        return Err(UrlFault::UserInfo);
    }
    Ok(url)
}

/// Whether a URL can only lead to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether browsers take the host of a URL for their own machine.
pub(crate) fn is_local(url: &Url) -> bool {
    is_loopback(url)
        || url
            .domain()
            .is_some_and(|name| name.ends_with(".localhost"))
}

/// Plain http is only for this machine, unless a setting allows it.
pub(crate) fn check_https(
    what: &'static str,
    given: &str,
    url: &Url,
    allow_insecure_http: bool,
) -> Result<(), ConfigError> {
    if url.scheme() == "https" || allow_insecure_http || is_loopback(url) {
        return Ok(());
    }
    Err(ConfigError::InsecureHttp {
        what,
        url: printable(given),
        allow: "allow_insecure_http(true)",
    })
}

/// Reads an absolute URL with one of `schemes`. The second is what stands before the `@`, which may be nothing.
pub(crate) fn parse<'u>(
    given: &'u str,
    schemes: &[&str],
) -> Result<(Url, Option<&'u str>), UrlFault> {
    if !given.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Err(UrlFault::ForeignCharacter);
    }
    let (scheme, rest) = given.split_once("://").ok_or(UrlFault::NotAbsolute)?;
    if !is_scheme(scheme) {
        return Err(UrlFault::NotAbsolute);
    }
    if !schemes
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err(UrlFault::Scheme);
    }
    let authority = authority(rest);
    let (user_info, host_and_port) = match authority.split_once('@') {
        // Which of several ends the user information is read in both ways.
        Some((_, rest)) if rest.contains('@') => return Err(UrlFault::UserInfo),
        Some((user_info, rest)) => (Some(user_info), rest),
        None => (None, authority),
    };
    check_authority(host_and_port)?;
    let url = Url::parse(given).map_err(|_| UrlFault::NotAbsolute)?;
    Ok((url, user_info))
}

/// A URL as it was given, for an error or a log, without a possible password.
pub(crate) fn printable(given: &str) -> String {
    let (scheme, rest) = match given.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => given.split_at(given.len() - rest.len()),
        // A path.
        _ if given.starts_with('/') && !given.starts_with("//") => return given.to_owned(),
        _ => ("", given),
    };
    // Wherever it stands: who forgot to encode a password may have a slash in it, too.
    if let Some((_, after)) = rest.rsplit_once('@') {
        return format!("{scheme}…@{after}");
    }
    let authority = authority(rest);
    if scheme.is_empty() || check_authority(authority).is_ok() {
        return given.to_owned();
    }
    // `user:password`, with an `@` that was encoded or forgotten.
    let host = authority.split(':').next().unwrap_or_default();
    let path = rest.strip_prefix(authority).unwrap_or_default();
    let hidden = if host.len() < authority.len() {
        ":…"
    } else {
        ""
    };
    format!("{scheme}{host}{hidden}{path}")
}

/// RFC 3986, section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// What stands between `://` and the path.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A host and perhaps a port.
fn check_authority(text: &str) -> Result<(), UrlFault> {
    let (is_host, rest) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']').ok_or(UrlFault::Host)?;
        (address.parse::<Ipv6Addr>().is_ok(), rest)
    } else {
        let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        (is_plain_host(host), rest)
    };
    if !is_host {
        return Err(UrlFault::Host);
    }
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok(()),
        Some(digits)
            if digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok() =>
        {
            Ok(())
        }
        _ => Err(UrlFault::Port),
    }
}

/// A name, or an IPv4 address of four decimal numbers. A name that ends in a number is an address to some, and `1`,
/// `0x7f.1` and `127.0.0.01` are different ones to others.
fn is_plain_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    if is_number(last) {
        // The standard library takes the usual form alone.
        return host.parse::<Ipv4Addr>().is_ok();
    }
    name.len() <= MAX_HOST_BYTES
        && name.split('.').all(|label| {
            (1..=MAX_LABEL_BYTES).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Decimal, octal or hexadecimal (URL standard, "ends in a number").
pub(crate) fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_in_their_usual_form_are_taken() {
        for url in [
            "https://app.example.org",
            "HTTPS://App.Example.org:443/a?b=c@d#e",
            "http://localhost:8080/",
            "http://cas_server:8080/cas",
            "http://127.0.0.1/",
            "http://[::1]:1",
            "https://[2001:db8::7]/",
            "https://a.example./",
            "https://xn--bcher-kva.example/",
            "https://1.example/",
            "https://0x7g/",
        ] {
            assert!(parse_http(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_some_program_would_repair_is_refused() {
        use UrlFault::{ForeignCharacter, Host, NotAbsolute, Port, Scheme, UserInfo};
        let long_label = format!("https://{}.example/", "a".repeat(64));
        let long_name = format!("https://{}example/", "a.".repeat(124));
        for (url, fault) in [
            ("", NotAbsolute),
            ("app.example.org", NotAbsolute),
            ("//app.example.org", NotAbsolute),
            ("/a", NotAbsolute),
            ("http:9", NotAbsolute),
            ("https:app.example.org", NotAbsolute),
            ("https:/app.example.org", NotAbsolute),
            ("9http://app.example.org", NotAbsolute),
            ("a/b://app.example.org", NotAbsolute),
            ("ftp://app.example.org", Scheme),
            ("javascript://app.example.org", Scheme),
            (" https://app.example.org", ForeignCharacter),
            ("https://app.exa\tmple.org", ForeignCharacter),
            ("ht\ntps://app.example.org", ForeignCharacter),
            ("https://app.example.org/a\r\nb", ForeignCharacter),
            ("https://app.example.org/\u{7f}", ForeignCharacter),
            ("https://app.example.org\\a", ForeignCharacter),
            ("https:\\\\app.example.org", ForeignCharacter),
            ("https://b\u{fc}cher.example", ForeignCharacter),
            ("https://app\u{3002}example.org", ForeignCharacter),
            ("https://app.example.org/\u{202e}", ForeignCharacter),
            ("https://alice@app.example.org", UserInfo),
            ("https://@app.example.org", UserInfo),
            ("https://:@app.example.org", UserInfo),
            ("https://a@b@app.example.org", UserInfo),
            ("https://", Host),
            ("https:///app.example.org", Host),
            ("https://:443/", Host),
            ("https://./", Host),
            ("https://a..b/", Host),
            ("https://.a/", Host),
            ("https://%2e", Host),
            ("https://%61pp.example.org", Host),
            ("https://a,b/", Host),
            ("https://a;b/", Host),
            ("https://a*b/", Host),
            ("http://1", Host),
            ("http://1.", Host),
            ("http://0x7f000001", Host),
            ("http://0x", Host),
            ("http://127.1", Host),
            ("http://127.0.0.01", Host),
            ("http://0177.0.0.1", Host),
            ("http://127.0.0.1.", Host),
            ("http://256.0.0.1", Host),
            ("http://1.2.3.4.5", Host),
            ("http://app.example.1", Host),
            ("http://[::1", Host),
            ("http://[::g]", Host),
            ("http://[fe80::1%25eth0]/", Host),
            ("http://[127.0.0.1]/", Host),
            (&long_label, Host),
            (&long_name, Host),
            ("https://a:", Port),
            ("https://a:/b", Port),
            ("https://a:65536", Port),
            ("https://a:+1", Port),
            ("https://a:8a", Port),
            ("https://a:1:2", Port),
            ("https://[::1]1", Port),
        ] {
            assert_eq!(parse_http(url).err(), Some(fault), "{url:?}");
        }
    }

    #[test]
    fn no_password_is_printed_wherever_it_stands() {
        for (given, printed) in [
            (
                "https://app.example.org:1/a?b#c",
                "https://app.example.org:1/a?b#c",
            ),
            ("https://[::1]:1/", "https://[::1]:1/"),
            ("app.example.org", "app.example.org"),
            ("http:9", "http:9"),
            ("/login@x", "/login@x"),
            ("", ""),
            ("https://alice:pw@host/a", "https://…@host/a"),
            ("https://alice@host", "https://…@host"),
            ("https://alice:p@w@host", "https://…@host"),
            ("https://alice:p/w?#@host", "https://…@host"),
            ("https://host/a@b", "https://…@b"),
            ("alice:pw@host", "…@host"),
            ("//alice:pw@host", "…@host"),
            ("alice:pw://x@host", "…@host"),
            ("https:alice:pw@host", "…@host"),
            ("https://alice:pw%40host/a", "https://alice:…/a"),
            ("https://alice:pw/", "https://alice:…/"),
            ("https://a:b:pw", "https://a:…"),
            ("https://[::pw", "https://[:…"),
            ("https://a b", "https://a b"),
        ] {
            assert_eq!(printable(given), printed, "{given}");
        }
    }
}
