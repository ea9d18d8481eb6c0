//! Which of several public hosts a request is for. This comes before anything else, and is never a guess.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};

use crate::{
    answer,
    app::{Host, Hosts},
    paths::Authority,
    visit::original_uri,
};

/// Why a request is for no host of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHost {
    /// It names no host, two different hosts, or a text that is not a host.
    Unclear,
    /// It names a host that is not ours.
    Unknown,
}

impl NoHost {
    /// RFC 9112, section 3.2, and RFC 9110, section 15.5.20.
    pub(crate) fn answer(self) -> Response<Bytes> {
        match self {
            Self::Unclear => answer::text(
                StatusCode::BAD_REQUEST,
                "the request does not say for which host it is",
            ),
            Self::Unknown => answer::text(
                StatusCode::MISDIRECTED_REQUEST,
                "this host is not served here",
            ),
        }
    }
}

/// What the layer works with at the host of `request`. An app with one host serves all requests under its name. With
/// several, the request's target names the host (the authority of an absolute URL, `:authority` of HTTP/2), or else
/// its `Host` field.
pub(crate) fn choose<'h, B>(
    hosts: &'h Hosts,
    request: &Request<B>,
) -> Result<&'h Arc<Host>, NoHost> {
    match hosts.only() {
        Some(only) => Ok(only),
        None => named(hosts, request),
    }
}

fn named<'h, B>(hosts: &'h Hosts, request: &Request<B>) -> Result<&'h Arc<Host>, NoHost> {
    let target = original_uri(request)
        .authority()
        .map(|authority| Authority::parse(authority.as_str()).ok_or(NoHost::Unclear))
        .transpose()?;
    let mut fields = request.headers().get_all(header::HOST).iter();
    let field = fields.next().map(parse).transpose()?;
    if fields.next().is_some() {
        return Err(NoHost::Unclear);
    }
    let (authority, other) = match (target, field) {
        (None, None) => return Err(NoHost::Unclear),
        (Some(target), field) => (target, field),
        (None, Some(field)) => (field, None),
    };
    let host = hosts.at(&authority);
    if let Some(other) = other.filter(|other| !other.is(&authority)) {
        // With and without the default port is the same.
        let same = host.zip(hosts.at(&other));
        if !same.is_some_and(|(one, other)| Arc::ptr_eq(one, other)) {
            return Err(NoHost::Unclear);
        }
    }
    host.ok_or_else(|| {
        tracing::debug!(host = ?authority, "a request for a host that is not in the configuration");
        NoHost::Unknown
    })
}

fn parse(field: &HeaderValue) -> Result<Authority<'_>, NoHost> {
    let text = field.to_str().map_err(|_| NoHost::Unclear)?;
    Authority::parse(text).ok_or(NoHost::Unclear)
}

#[cfg(test)]
mod tests {
    use NoHost::{Unclear, Unknown};
    use http::Version;

    use super::*;
    use crate::{CasConfig, Key};

    const A: Result<&str, NoHost> = Ok("https://a.example");
    const B: Result<&str, NoHost> = Ok("http://b.example:8080/portal");
    const PLAIN: Result<&str, NoHost> = Ok("http://c.example");
    const V4: Result<&str, NoHost> = Ok("http://127.0.0.1:8080");
    const V6: Result<&str, NoHost> = Ok("http://[::1]:8080");

    fn hosts() -> Hosts {
        let builder = CasConfig::builder("https://cas.example.org", "https://a.example");
        builder
            .host("http://b.example:8080/portal")
            .host("http://c.example")
            .host("http://127.0.0.1:8080")
            .host("http://[::1]:8080")
            .key(Key::generate())
            .allow_insecure_http(true)
            .build()
            .unwrap()
            .0
    }

    /// The app URL that a request with this target and these `Host` fields is for.
    fn chosen(hosts: &Hosts, target: &str, fields: &[&[u8]]) -> Result<String, NoHost> {
        let mut request = Request::builder().uri(target);
        for field in fields {
            request = request.header(header::HOST, HeaderValue::from_bytes(field).unwrap());
        }
        let request = request.body(()).unwrap();
        choose(hosts, &request).map(|host| host.url.as_string())
    }

    fn check(target: &str, fields: &[&[u8]], expected: Result<&str, NoHost>) {
        let shown: Vec<_> = fields.iter().map(|f| String::from_utf8_lossy(f)).collect();
        assert_eq!(
            chosen(&hosts(), target, fields),
            expected.map(str::to_owned),
            "{target} {shown:?}"
        );
    }

    #[test]
    fn a_host_field_names_a_host_exactly_or_none() {
        for (field, expected) in [
            ("a.example", A),
            ("A.EXAMPLE", A),
            ("a.example:443", A),
            ("a.example:0443", A),
            ("a.example:", A),
            ("a.example:80", Err(Unknown)),
            ("a.example:8443", Err(Unknown)),
            ("a.example.", Err(Unknown)),
            ("a.example.:443", Err(Unknown)),
            ("a.example.evil", Err(Unknown)),
            ("evil.a.example", Err(Unknown)),
            ("xa.example", Err(Unknown)),
            ("a%2eexample", Err(Unknown)),
            ("example", Err(Unknown)),
            ("b.example:8080", B),
            ("b.example", Err(Unknown)),
            ("b.example:80", Err(Unknown)),
            ("c.example", PLAIN),
            ("c.example:80", PLAIN),
            ("c.example:443", Err(Unknown)),
            ("127.0.0.1:8080", V4),
            ("127.0.0.1", Err(Unknown)),
            ("127.1:8080", Err(Unknown)),
            ("0x7f000001:8080", Err(Unknown)),
            ("127.0.0.01:8080", Err(Unknown)),
            ("[::1]:8080", V6),
            ("[0:0:0:0:0:0:0:1]:8080", V6),
            ("[0000::0001]:8080", V6),
            ("[::1]", Err(Unknown)),
            ("[::ffff:127.0.0.1]:8080", Err(Unknown)),
            ("[::2]:8080", Err(Unknown)),
        ] {
            check("/", &[field.as_bytes()], expected);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for field in [
            &b""[..],
            b":443",
            b" ",
            b"user@a.example",
            b"a.example@evil.example",
            b"a.example, b.example:8080",
            b"a.example b.example",
            b"https://a.example",
            b"a.example/",
            b"a.example?",
            b"a.example#",
            b"a.example\\",
            b"a.example:443:443",
            b"a.example:+443",
            b"a.example:65536",
            b"a.example:99999999999999999999",
            b"a.example:x",
            b"::1",
            b"[::1",
            b"[::1]8080",
            b"[::1]:x",
            b"[a.example]",
            b"[::1%25lo]:8080",
            b"a.ex\xc3\xa4mple",
            b"a.example\t",
        ] {
            check("/", &[field], Err(Unclear));
        }
        check("/", &[], Err(Unclear));
    }

    #[test]
    fn two_host_fields_are_refused_even_if_they_agree() {
        check("/", &[b"a.example", b"a.example"], Err(Unclear));
        check("/", &[b"a.example", b"evil.example"], Err(Unclear));
        check(
            "https://a.example/",
            &[b"a.example", b"a.example"],
            Err(Unclear),
        );
    }

    #[test]
    fn the_target_names_the_host_and_a_field_may_not_contradict_it() {
        for (target, field, expected) in [
            ("https://a.example/x", None, A),
            ("https://a.example:443/x", None, A),
            ("http://A.EXAMPLE/x", None, A),
            ("https://evil.example/", None, Err(Unknown)),
            ("https://user@a.example/", None, Err(Unclear)),
            ("https://a.example/", Some("a.example"), A),
            ("https://a.example/", Some("A.example:443"), A),
            ("https://a.example:443/", Some("a.example"), A),
            ("https://a.example/", Some("b.example:8080"), Err(Unclear)),
            ("https://a.example/", Some("evil.example"), Err(Unclear)),
            ("https://evil.example/", Some("a.example"), Err(Unclear)),
            ("https://evil.example/", Some("EVIL.example"), Err(Unknown)),
            ("https://evil.example/", Some("evil2.example"), Err(Unclear)),
            ("https://a.example/", Some(""), Err(Unclear)),
            ("https://[::1]:8080/", Some("[0::1]:8080"), V6),
            ("https://[::1]:8080/", Some("[::2]:8080"), Err(Unclear)),
            ("https://[::2]:8080/", Some("[0::2]:8080"), Err(Unknown)),
            // The form of `CONNECT` (RFC 9112, section 3.2.3).
            ("a.example:443", Some("a.example"), A),
        ] {
            let fields: Vec<&[u8]> = field.iter().map(|field| field.as_bytes()).collect();
            check(target, &fields, expected);
        }
    }

    #[test]
    fn what_a_proxy_says_of_the_host_is_not_looked_at() {
        let request = Request::builder()
            .version(Version::HTTP_11)
            .header(header::HOST, "evil.example")
            .header("x-forwarded-host", "a.example")
            .header("forwarded", "host=a.example")
            .header("x-original-host", "a.example")
            .body(())
            .unwrap();
        assert_eq!(choose(&hosts(), &request).err(), Some(Unknown));
    }

    #[test]
    fn an_app_with_one_host_serves_every_request() {
        let config = CasConfig::builder("https://cas.example.org", "https://a.example")
            .key(Key::generate())
            .build()
            .unwrap();
        for fields in [
            &[][..],
            &[&b"evil.example"[..]],
            &[b"user@x"],
            &[b"a.example", b"b.example"],
        ] {
            assert_eq!(
                chosen(&config.0, "/", fields),
                Ok("https://a.example".to_owned())
            );
        }
    }
}
