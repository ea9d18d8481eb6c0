//! Where a CAS server keeps its endpoints.

use crate::ConfigError;
use crate::protocol::Protocol;
use crate::strict_url::printable;

/// Where the server keeps its endpoints, below its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerPaths {
    pub(crate) login: String,
    pub(crate) logout: String,
    /// `None` for the one that the protocol's version has.
    pub(crate) validate: Option<String>,
    /// The same where tickets may have come through a proxy.
    pub(crate) proxy_validate: Option<String>,
    /// Where proxy tickets are given out.
    pub(crate) proxy: String,
}

impl Default for ServerPaths {
    fn default() -> Self {
        Self {
            login: "/login".to_owned(),
            logout: "/logout".to_owned(),
            validate: None,
            proxy_validate: None,
            proxy: "/proxy".to_owned(),
        }
    }
}

impl ServerPaths {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let named = [
            ("login path of the CAS server", Some(&self.login)),
            ("logout path of the CAS server", Some(&self.logout)),
            ("validation path of the CAS server", self.validate.as_ref()),
            (
                "proxy validation path of the CAS server",
                self.proxy_validate.as_ref(),
            ),
            ("proxy path of the CAS server", Some(&self.proxy)),
        ];
        for (what, path) in named {
            let Some(path) = path else { continue };
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b);
            let reason = if !path.starts_with('/') || path.starts_with("//") || path.len() < 2 {
                "does not begin with one `/` and name something"
            } else if !path.bytes().all(plain) {
                "has other characters than letters, digits, `-`, `.`, `_`, `~`, `%` and `/`"
            } else {
                continue;
            };
            return Err(ConfigError::InvalidPath {
                what,
                path: printable(path),
                reason,
            });
        }
        Ok(())
    }

    /// Where tickets are validated that no proxy may have brought (CAS protocol 2.4, 2.5, 2.8, 4.2).
    pub(super) fn validate(&self, protocol: Protocol) -> &str {
        self.validate.as_deref().unwrap_or(match protocol {
            Protocol::Cas1 => "/validate",
            Protocol::Cas2 => "/serviceValidate",
            Protocol::Cas3 => "/p3/serviceValidate",
            Protocol::Saml1 => "/samlValidate",
        })
    }

    /// Where tickets are validated that a proxy may have brought (CAS protocol 2.6, 2.9). A version of the
    /// protocol without proxies has no such endpoint, so there it is the other one.
    pub(super) fn proxy_validate(&self, protocol: Protocol) -> &str {
        match protocol {
            Protocol::Cas1 | Protocol::Saml1 => self.validate(protocol),
            Protocol::Cas2 => self.proxy_validate.as_deref().unwrap_or("/proxyValidate"),
            Protocol::Cas3 => self
                .proxy_validate
                .as_deref()
                .unwrap_or("/p3/proxyValidate"),
        }
    }
}
