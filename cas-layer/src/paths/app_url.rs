//! The public URL of the app: every URL of ours begins with it.

use super::{Authority, PublicAuthority, canonical};
use crate::{
    error::ConfigError,
    strict_url::{UrlFault, check_https, is_local, parse_http, printable},
};

const WHAT: &str = "app URL";

/// The app's public URL, taken apart: nothing of it ever comes from a request.
#[derive(Debug)]
pub(crate) struct AppUrl {
    /// Scheme, host and port: `https://app.example.org`.
    origin: String,
    /// The path under which the app lives, without a slash at the end: `/portal`, or nothing.
    prefix: String,
    https: bool,
    /// Whether browsers take its host for their own machine.
    here: bool,
    authority: PublicAuthority,
}

impl AppUrl {
    pub(crate) fn parse(text: &str, allow_insecure_http: bool) -> Result<Self, ConfigError> {
        let invalid = |reason| ConfigError::InvalidUrl {
            what: WHAT,
            url: printable(text),
            reason,
        };
        let url = parse_http(text).map_err(|fault| invalid(fault.as_str()))?;
        let https = url.scheme() == "https";
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("has a query or a fragment"));
        }
        let here = is_local(&url);
        check_https(WHAT, text, &url, allow_insecure_http || here)?;
        let authority =
            PublicAuthority::of(&url).ok_or_else(|| invalid(UrlFault::NotAbsolute.as_str()))?;
        let prefix = url.path().trim_end_matches('/').to_owned();
        if !prefix.is_empty() && canonical(&prefix).as_deref() != Some(prefix.as_str()) {
            return Err(invalid(
                "its path has characters that need encoding, or empty or dot segments",
            ));
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            prefix,
            https,
            here,
            authority,
        })
    }

    /// The app's URL without a slash at the end.
    pub(crate) fn as_string(&self) -> String {
        format!("{}{}", self.origin, self.prefix)
    }

    /// Scheme, host and port, as in an `Origin` field.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The public URL of a path on this app.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }

    /// The public path of a path on this app, for a `Location` or a link.
    pub(crate) fn public_path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The path on this app for a public path. `None` if it is outside of the app.
    pub(crate) fn app_path<'p>(&self, public: &'p str) -> Option<&'p str> {
        // A request without any path belongs to no app.
        if self.prefix.is_empty() {
            return public.starts_with('/').then_some(public);
        }
        match public.strip_prefix(self.prefix.as_str())? {
            // `/portal` is the app's root.
            "" => Some("/"),
            path if path.starts_with('/') => Some(path),
            _ => None,
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// Whether browsers take the app for one on their own machine, and plain http there for safe.
    pub(crate) fn is_here(&self) -> bool {
        self.here
    }

    /// Whether a request for `authority` is one for this app.
    pub(crate) fn is_at(&self, authority: &Authority<'_>) -> bool {
        self.authority.is_named_by(authority)
    }

    pub(crate) fn authority(&self) -> &PublicAuthority {
        &self.authority
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_anything_but_scheme_host_port_and_path_is_refused() {
        for bad in [
            "app.example.org",
            "/app",
            "ftp://app.example.org",
            "https://user@app.example.org",
            "https://:secret@app.example.org",
            "https://@app.example.org",
            "https://alice:sec@ret@app.example.org",
            "https:app.example.org",
            "http:9",
            "http://1",
            "https://%61pp.example.org",
            "https://app.example.org\t",
            "https://app.exa\nmple.org",
            "https://b\u{fc}cher.example",
            "https://app.example.org/?a=b",
            "https://app.example.org/#top",
            "https://app.example.org/a//b",
            "https://app.example.org/a%2fb",
            "https://app.example.org/ü",
            "",
        ] {
            let error = AppUrl::parse(bad, false).unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidUrl { .. }),
                "{bad}: {error}"
            );
            let printed = format!("{error} {error:?}");
            assert!(!printed.contains("sec"), "{printed}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_or_by_permission() {
        for good in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:1",
            "http://a.localhost",
        ] {
            assert!(AppUrl::parse(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://app.example.org",
            "http://127.0.0.1.example.org",
            "http://notlocalhost",
        ] {
            let error = AppUrl::parse(bad, false).unwrap_err();
            assert!(
                matches!(error, ConfigError::InsecureHttp { .. }),
                "{bad}: {error}"
            );
            assert!(AppUrl::parse(bad, true).is_ok(), "{bad}");
        }
    }

    #[test]
    fn urls_and_paths_get_the_prefix_once() {
        for (text, url, path) in [
            (
                "https://app.example.org",
                "https://app.example.org/login",
                "/login",
            ),
            (
                "https://app.example.org/",
                "https://app.example.org/login",
                "/login",
            ),
            (
                "https://APP.example.org:443/a/",
                "https://app.example.org/a/login",
                "/a/login",
            ),
            (
                "https://app.example.org:8443/a",
                "https://app.example.org:8443/a/login",
                "/a/login",
            ),
        ] {
            let app = AppUrl::parse(text, false).unwrap();
            assert_eq!(app.join("/login"), url);
            assert_eq!(app.public_path("/login"), path);
        }
    }

    #[test]
    fn a_path_beside_the_prefix_is_not_on_the_app() {
        let app = AppUrl::parse("https://app.example.org/a", false).unwrap();
        for (public, path) in [
            ("/a", Some("/")),
            ("/a/", Some("/")),
            ("/a/b", Some("/b")),
            ("/ab", None),
            ("/", None),
        ] {
            assert_eq!(app.app_path(public), path, "{public}");
        }
    }
}
