//! Who may show pages of the app in a frame.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Host;

use crate::{
    error::ConfigError,
    strict_url::{UrlFault, is_local, parse_http, printable},
};

/// The only address that a policy can name (CSP 3, section 6.7.2.8).
const NAMED_ADDRESS: [u8; 4] = [127, 0, 0, 1];

/// The content security policy that lets named origins frame the app's pages, and the app itself.
#[derive(Debug)]
pub(crate) struct Frames {
    policy: HeaderValue,
}

impl Frames {
    /// `None` without origins: nobody frames the app then, as far as we know.
    pub(crate) fn by(origins: &[String]) -> Result<Option<Self>, ConfigError> {
        let Some(last) = origins.last() else {
            return Ok(None);
        };
        let mut policy = String::from("frame-ancestors 'self'");
        for given in origins {
            policy.push(' ');
            policy.push_str(&origin(given).map_err(|reason| refusal(given, reason))?);
        }
        let policy = HeaderValue::try_from(policy);
        let policy = policy.map_err(|_| refusal(last, "it cannot be sent in a header"))?;
        Ok(Some(Self { policy }))
    }

    /// Adds the policy to a response, once. Policies that are there already count too.
    pub(crate) fn guard(&self, status: StatusCode, headers: &mut HeaderMap) {
        // The page that the browser has stored came with the policy. This answer might replace the app's own.
        if status == StatusCode::NOT_MODIFIED {
            return;
        }
        let name = header::CONTENT_SECURITY_POLICY;
        if !headers.get_all(&name).iter().any(|it| it == self.policy) {
            headers.append(name, self.policy.clone());
        }
    }
}

fn refusal(given: &str, reason: &'static str) -> ConfigError {
    ConfigError::InvalidFrameAncestor {
        origin: printable(given),
        reason,
    }
}

/// An origin as a policy names it.
fn origin(given: &str) -> Result<String, &'static str> {
    let url = parse_http(given).map_err(UrlFault::as_str)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("it has a path, a query or a fragment");
    }
    let can_be_named = match url.host() {
        Some(Host::Domain(name)) => !name.contains('_') && !name.ends_with('.'),
        Some(Host::Ipv4(address)) => address.octets() == NAMED_ADDRESS,
        Some(Host::Ipv6(_)) | None => false,
    };
    if !can_be_named {
        return Err(
            "a policy can name no address but `127.0.0.1`, and no name with `_` or a dot at its end",
        );
    }
    if url.scheme() != "https" && !is_local(&url) {
        return Err("it is plain http and not loopback: anyone in the network could be that page");
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(origins: &[&str]) -> Result<String, ConfigError> {
        let origins: Vec<String> = origins.iter().map(|it| (*it).to_owned()).collect();
        let frames = Frames::by(&origins)?.unwrap();
        Ok(frames.policy.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_policy_names_the_app_and_the_given_origins() {
        assert!(Frames::by(&[]).unwrap().is_none());
        for (origins, expected) in [
            (&["https://a.example"][..], "'self' https://a.example"),
            (
                &[
                    "https://A.example:443/",
                    "https://b.example:8443",
                    "http://localhost:80",
                    "http://127.0.0.1:8080",
                    "http://portal.localhost:1",
                ],
                "'self' https://a.example https://b.example:8443 http://localhost http://127.0.0.1:8080 \
                 http://portal.localhost:1",
            ),
        ] {
            assert_eq!(
                policy(origins).unwrap(),
                format!("frame-ancestors {expected}")
            );
        }
    }

    #[test]
    fn what_is_no_origin_or_could_be_anybodys_is_refused() {
        for bad in [
            "",
            "*",
            "'none'",
            "https:",
            "https://*.example",
            "https://*",
            "a.example",
            "//a.example",
            "https://a.example/portal",
            "https://a.example/?a",
            "https://a.example/#a",
            "https://u:secret@a.example",
            "https://a.example; script-src *",
            "https://a.example https://b.example",
            "https://a.example,https://b.example",
            "https://a.example\r\nx: y",
            "https://a.example:*",
            "https://a_b.example",
            "https://a.example.",
            "https://b\u{fc}cher.example",
            "https://10.0.0.1",
            "https://[::1]",
            "http://a.example",
            "http://127.0.0.2",
            "ws://a.example",
            "null",
        ] {
            let error = policy(&["https://good.example", bad]).unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidFrameAncestor { .. }),
                "{bad}: {error}"
            );
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }

    #[test]
    fn a_policy_is_added_once_and_beside_others() {
        let frames = Frames::by(&["https://a.example".to_owned()]).unwrap();
        let frames = frames.unwrap();
        let own = HeaderValue::from_static("default-src 'self'");
        let mut headers = HeaderMap::from_iter([(header::CONTENT_SECURITY_POLICY, own)]);
        frames.guard(StatusCode::NOT_MODIFIED, &mut headers);
        assert_eq!(headers.len(), 1);
        for _ in 0..2 {
            frames.guard(StatusCode::OK, &mut headers);
        }
        let policies: Vec<_> = headers
            .get_all(header::CONTENT_SECURITY_POLICY)
            .iter()
            .collect();
        assert_eq!(
            policies,
            [
                "default-src 'self'",
                "frame-ancestors 'self' https://a.example"
            ]
        );
    }
}
