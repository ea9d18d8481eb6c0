//! Public hosts besides the first.

use std::fmt;

use crate::{
    client::CasClient, clock::Clock, error::ConfigError, paths::AppUrl, strict_url::printable,
};

/// A public host besides the first, for [`CasConfigBuilder::host`](crate::CasConfigBuilder::host). If visitors sign
/// in at the same CAS server, you can pass the URL alone.
#[must_use]
pub struct FurtherHost {
    app_url: String,
    /// `None` for the client of the first host.
    client: Option<CasClient>,
}

impl FurtherHost {
    /// A host whose visitors sign in at the same CAS server as those of the first. `app_url` is the app's public base
    /// there, as in [`CasConfig::builder`](crate::CasConfig::builder).
    pub fn new(app_url: impl Into<String>) -> Self {
        Self {
            app_url: app_url.into(),
            client: None,
        }
    }

    /// Lets visitors of this host sign in at another CAS server, through a client with settings of its own. Users of
    /// two CAS servers are different people, even under the same name: [`CasUser::cas_url`](crate::CasUser::cas_url)
    /// tells them apart.
    pub fn cas_client(mut self, client: CasClient) -> Self {
        self.client = Some(client);
        self
    }
}

impl From<&str> for FurtherHost {
    fn from(app_url: &str) -> Self {
        Self::new(app_url)
    }
}

impl From<&String> for FurtherHost {
    fn from(app_url: &String) -> Self {
        Self::new(app_url)
    }
}

impl From<String> for FurtherHost {
    fn from(app_url: String) -> Self {
        Self::new(app_url)
    }
}

impl fmt::Debug for FurtherHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FurtherHost")
            .field("app_url", &printable(&self.app_url))
            .field("client", &self.client)
            .finish()
    }
}

/// An app URL and the client for those who sign in there.
pub(super) type AppAndCas = (AppUrl, CasClient);

/// The hosts besides the first, each checked like it.
pub(super) fn further(
    hosts: Vec<FurtherHost>,
    (_, client): &AppAndCas,
    allow_insecure_http: bool,
    clock: &Clock,
) -> Result<Vec<AppAndCas>, ConfigError> {
    hosts
        .into_iter()
        .map(|host| {
            let app = AppUrl::parse(&host.app_url, allow_insecure_http)?;
            let client = host.client.unwrap_or_else(|| client.clone());
            Ok((app, client.by(clock.clone())))
        })
        .collect()
}

/// Refuses hosts that a request could not tell apart.
pub(super) fn check(
    first: &AppAndCas,
    further: &[AppAndCas],
    chosen_cookie_name: Option<&str>,
) -> Result<(), ConfigError> {
    for (index, (app, _)) in further.iter().enumerate() {
        for (earlier, _) in std::iter::once(first).chain(further.iter().take(index)) {
            if earlier.authority().meets(app.authority()) {
                return Err(ConfigError::HostsCollide {
                    first: earlier.as_string(),
                    second: app.as_string(),
                });
            }
            if let Some(name) = chosen_cookie_name
                && earlier.authority().shares_cookies_with(app.authority())
            {
                return Err(ConfigError::InvalidCookieName {
                    name: name.to_owned(),
                    reason: "two hosts differ only in their ports, and browsers send cookies to all ports: a \
                             sign-in at one would end the session at the other; leave the name to the layer",
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasConfig, CasConfigBuilder, Key};

    fn with(hosts: &[&str]) -> CasConfigBuilder {
        let first = CasConfig::builder("https://cas.example.org/cas", "https://a.example");
        hosts
            .iter()
            .fold(first.key(Key::generate()), |builder, host| {
                builder.host(*host)
            })
    }

    fn elsewhere() -> CasClient {
        CasClient::builder("https://other.example.org/cas")
            .build()
            .unwrap()
    }

    #[test]
    fn hosts_that_a_request_cannot_tell_apart_are_refused() {
        for (hosts, first, second) in [
            (
                &["https://a.example"][..],
                "https://a.example",
                "https://a.example",
            ),
            (
                &["https://A.Example:443/"],
                "https://a.example",
                "https://a.example",
            ),
            (
                &["https://a.example/portal"],
                "https://a.example",
                "https://a.example/portal",
            ),
            (
                &["https://b.example", "https://b.example"],
                "https://b.example",
                "https://b.example",
            ),
        ] {
            let error = with(hosts).build().unwrap_err();
            assert!(
                matches!(&error, ConfigError::HostsCollide { first: f, second: s }
                    if (f.as_str(), s.as_str()) == (first, second)),
                "{error}"
            );
        }
        let elsewhere = with(&[])
            .host(FurtherHost::new("https://a.example").cas_client(elsewhere()))
            .build();
        assert!(matches!(elsewhere, Err(ConfigError::HostsCollide { .. })));
        // Neither sees the scheme that the browser used.
        for other in ["http://a.example", "http://a.example:443"] {
            let both = with(&[other]).allow_insecure_http(true).build();
            assert!(
                matches!(both, Err(ConfigError::HostsCollide { .. })),
                "{other}"
            );
        }
        let apart = [
            "https://a.example:8443",
            "https://b.example",
            "https://a.example.",
        ];
        assert!(with(&apart).build().is_ok());
        let apart = [
            "http://a.example:80",
            "http://b.example:443",
            "http://[::1]",
        ];
        let first = CasConfig::builder("https://cas.example.org", "https://b.example:80");
        let built = apart
            .iter()
            .fold(first.key(Key::generate()), |builder, host| {
                builder.host(*host)
            });
        assert!(built.allow_insecure_http(true).build().is_ok());
    }

    #[test]
    fn every_host_is_checked_like_the_first() {
        let error = with(&["http://b.example"]).build().unwrap_err();
        assert!(
            matches!(&error, ConfigError::InsecureHttp { url, .. } if url == "http://b.example"),
            "{error}"
        );
        let error = with(&["b.example"]).build().unwrap_err();
        assert!(
            matches!(&error, ConfigError::InvalidUrl { url, .. } if url == "b.example"),
            "{error}"
        );
        assert!(
            with(&["http://b.example"])
                .allow_insecure_http(true)
                .build()
                .is_ok()
        );
        assert!(with(&["http://localhost:8080"]).build().is_ok());
    }

    #[test]
    fn a_chosen_cookie_name_is_refused_where_cookies_would_meet() {
        let ports = &["https://a.example:8443"];
        assert!(with(ports).build().is_ok());
        let error = with(ports)
            .session(|session| session.cookie_name("portal"))
            .build()
            .unwrap_err();
        assert!(
            matches!(&error, ConfigError::InvalidCookieName { name, .. } if name == "portal"),
            "{error}"
        );
        assert!(
            with(&["https://b.example"])
                .session(|session| session.cookie_name("portal"))
                .build()
                .is_ok()
        );
    }

    #[test]
    fn tickets_by_post_need_https_at_every_host() {
        assert!(
            with(&["https://b.example"])
                .sign_in(|sign_in| sign_in.tickets_by_post(true))
                .build()
                .is_ok()
        );
        let error = with(&["http://localhost"])
            .sign_in(|sign_in| sign_in.tickets_by_post(true))
            .build();
        assert!(
            matches!(&error, Err(ConfigError::PostWithoutHttps { url }) if url == "http://localhost"),
            "{error:?}"
        );
        let loopback = CasConfig::builder("https://cas.example.org", "http://127.0.0.1:8080")
            .key(Key::generate())
            .allow_insecure_http(true)
            .sign_in(|sign_in| sign_in.tickets_by_post(true));
        assert!(matches!(
            loopback.build(),
            Err(ConfigError::PostWithoutHttps { .. })
        ));
    }
}
