//! The CAS server's URL and the URLs built from it (CAS protocol 2.1 to 2.9, 4.2).

#[cfg(test)]
mod tests;

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::{LoginPage, Protocol, ProxyGrantingTicket, ResponseFormat, ServiceTicket, ServiceUrl};
use crate::{
    ConfigError,
    strict_url::{check_https, is_loopback, parse_http, printable},
};

const WHAT: &str = "CAS server URL";
const WHAT_INTERNAL: &str = "internal URL of the CAS server";
const WHAT_FALLBACK: &str = "fallback URL of the CAS server";

/// How many nodes a server may have besides the main one.
const MAX_FALLBACKS: usize = 8;

/// Everything but the unreserved characters of RFC 3986 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What the last part of a URL cannot be: the endpoints of every version.
const ENDPOINTS: [&str; 7] = [
    "login",
    "logout",
    "validate",
    "serviceValidate",
    "proxyValidate",
    "proxy",
    "samlValidate",
];
/// Those that CAS 3 has below `/p3`.
const OF_CAS_3: [&str; 2] = ["serviceValidate", "proxyValidate"];

/// The parameter of the CAS server's `/logout` that says where to go afterwards (CAS protocol 2.3.1).
///
/// The default is [`LogoutParameter::Service`], which servers accept for every version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum LogoutParameter {
    /// `service=`
    #[default]
    Service,
    /// `url=`, of CAS 1 and 2. At least one server answers it with an error page and keeps the session.
    Url,
}

/// How the CAS server's login page treats a user who is signed in there already (CAS protocol 2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginMode {
    /// A ticket at once for a user who is signed in there, the form for everybody else.
    #[default]
    Normal,
    /// `renew=true`: the form for everybody. Validate the ticket with
    /// [`validate_renewed`](crate::CasClient::validate_renewed).
    Renew,
    /// `gateway=true`: the form for nobody. A visitor who is not signed in there comes back without a ticket.
    Gateway,
}

/// The base URL of a CAS server, normalised: lower-case host, no default port, no trailing slash.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    base: String,
    paths: ServerPaths,
}

impl ServerUrl {
    pub(crate) fn parse(
        given: &str,
        paths: ServerPaths,
        allow_insecure_http: bool,
    ) -> Result<Self, ConfigError> {
        Self::parse_as(WHAT, given, paths, allow_insecure_http)
    }

    /// The same server as this app reaches it, where browsers reach it under another URL.
    pub(crate) fn parse_internal(
        given: &str,
        paths: ServerPaths,
        allow_insecure_http: bool,
    ) -> Result<Self, ConfigError> {
        Self::parse_as(WHAT_INTERNAL, given, paths, allow_insecure_http)
    }

    /// A further node of the same server. None of `earlier` is it.
    pub(crate) fn parse_fallback<'u>(
        given: &str,
        earlier: impl IntoIterator<Item = &'u Self>,
        paths: ServerPaths,
        allow_insecure_http: bool,
    ) -> Result<Self, ConfigError> {
        let url = Self::parse_as(WHAT_FALLBACK, given, paths, allow_insecure_http)?;
        let (mut count, mut is_known) = (0, false);
        for earlier in earlier {
            count += 1;
            is_known |= earlier.base == url.base;
        }
        let reason = if is_known {
            "it is given twice: each has to be another node than the main one and the others"
        } else if count > MAX_FALLBACKS {
            "there are more than 8"
        } else {
            return Ok(url);
        };
        Err(ConfigError::InvalidUrl {
            what: WHAT_FALLBACK,
            url: printable(given),
            reason,
        })
    }

    fn parse_as(
        what: &'static str,
        given: &str,
        paths: ServerPaths,
        allow_insecure_http: bool,
    ) -> Result<Self, ConfigError> {
        let invalid = |reason| ConfigError::InvalidUrl {
            what,
            url: printable(given),
            reason,
        };
        let url = parse_http(given).map_err(|fault| invalid(fault.as_str()))?;
        if url.query().is_some() {
            return Err(invalid("it has a query"));
        }
        if url.fragment().is_some() {
            return Err(invalid("it has a fragment"));
        }
        check_https(what, given, &url, allow_insecure_http)?;
        paths.check()?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        if let Some(start) = before_endpoint(&base) {
            return Err(ConfigError::CasUrlOfEndpoint {
                what,
                url: printable(given),
                should_be: start.to_owned(),
            });
        }
        Ok(Self { base, paths })
    }

    /// A URL as [`parse`](Self::parse) leaves it; on plain http too.
    pub(crate) fn normalise(given: &str) -> Result<String, ConfigError> {
        Ok(Self::parse(given, ServerPaths::default(), true)?.base)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.base
    }

    /// Whether what is sent there is encrypted, or stays on this machine.
    pub(crate) fn is_safe_for_passwords(&self) -> bool {
        let url = parse_http(&self.base);
        url.is_ok_and(|url| url.scheme() == "https" || is_loopback(&url))
    }

    /// Whether what is sent there stays on this machine, and is not encrypted.
    pub(crate) fn is_this_machine_in_clear(&self) -> bool {
        let url = parse_http(&self.base);
        url.is_ok_and(|url| url.scheme() == "http" && is_loopback(&url))
    }

    /// The host, and its port unless it is the default one.
    pub(crate) fn authority(&self) -> &str {
        let rest = self.base.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.base.starts_with("https:")
    }

    /// The host, without its port. An IPv6 address is in brackets.
    pub(crate) fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The same, with a secret as the last segment.
    pub(super) fn join_secret(&self, path: &str, secret: &str) -> Zeroizing<String> {
        let mut parts = vec![&*self.base, path, "/"];
        parts.extend(utf8_percent_encode(secret, ESCAPED));
        // In one step, so that no copy is left behind.
        Zeroizing::new(parts.concat())
    }

    /// Where a browser signs in (CAS protocol 2.1.1).
    pub(crate) fn login(
        &self,
        protocol: Protocol,
        service: &ServiceUrl,
        (mode, page): (LoginMode, &LoginPage),
        extra: &[(String, String)],
    ) -> String {
        let mut query = Query::new(self, &self.paths.login);
        query.add("service", service.as_str());
        if protocol == Protocol::Saml1 {
            query.add("TARGET", service.as_str());
        }
        // Exactly `true`: some servers accept any value, others only `true`.
        match mode {
            LoginMode::Normal => {}
            LoginMode::Renew => query.add("renew", "true"),
            LoginMode::Gateway => query.add("gateway", "true"),
        }
        // A gateway shows nobody a page, so there is nothing to ask of one.
        if mode != LoginMode::Gateway {
            for (name, value) in page.parameters() {
                query.add(name, value);
            }
        }
        for (name, value) in extra {
            query.add(name, value);
        }
        query.finish()
    }

    /// Where a browser signs out (CAS protocol 2.3.1).
    pub(crate) fn logout(
        &self,
        parameter: LogoutParameter,
        return_to: Option<&ServiceUrl>,
    ) -> String {
        let mut query = Query::new(self, &self.paths.logout);
        if let Some(return_to) = return_to {
            let name = match parameter {
                LogoutParameter::Service => "service",
                LogoutParameter::Url => "url",
            };
            query.add(name, return_to.as_str());
        }
        query.finish()
    }

    /// Where a browser continues a logout that leads through several apps (front channel).
    pub(crate) fn logout_relay(&self, state: &str) -> String {
        let mut query = Query::new(self, &self.paths.logout);
        query.add("_eventId", "next");
        query.add("RelayState", state);
        query.finish()
    }

    /// Where a ticket is validated. Holds the ticket, except with SAML: never log it.
    pub(crate) fn validate(&self, validation: &Validation<'_>) -> String {
        let Validation {
            protocol,
            format,
            ticket,
            service,
            renewed,
            proxied,
            proxy_callback,
            extra,
        } = *validation;
        let path = if proxied {
            self.paths.proxy_validate(protocol)
        } else {
            self.paths.validate(protocol)
        };
        let mut query = Query::new(self, path);
        if protocol == Protocol::Saml1 {
            // The ticket travels in the body.
            query.add("TARGET", service.as_str());
        } else {
            query.add("service", service.as_str());
            query.add("ticket", ticket.expose_secret());
        }
        match format {
            ResponseFormat::Xml => {}
            ResponseFormat::Json => query.add("format", "JSON"),
        }
        if renewed {
            query.add("renew", "true");
        }
        if let Some(callback) = proxy_callback {
            query.add("pgtUrl", callback.as_str());
        }
        for (name, value) in extra {
            query.add(name, value);
        }
        query.finish()
    }

    /// Where to get a proxy ticket for `target` (CAS protocol 2.7.1). Holds the proxy-granting ticket: never log it.
    pub(crate) fn proxy(
        &self,
        ticket: &ProxyGrantingTicket,
        target: &ServiceUrl,
    ) -> Zeroizing<String> {
        let mut query = Query::new(self, &self.paths.proxy);
        query.add("pgt", ticket.expose_secret());
        query.add("targetService", target.as_str());
        Zeroizing::new(query.finish())
    }
}

/// The URL of the server whose endpoint this URL is, if it is one: people copy it out of the browser, or from the
/// settings of a client that wants each endpoint.
fn before_endpoint(url: &str) -> Option<&str> {
    let (start, last) = url.rsplit_once('/')?;
    let is = |endpoint: &&str| last.eq_ignore_ascii_case(endpoint);
    if !ENDPOINTS.iter().any(is) {
        return None;
    }
    let start = start
        .strip_suffix("/p3")
        .filter(|_| OF_CAS_3.iter().any(is))
        .unwrap_or(start);
    // The path of a URL begins after its host.
    (!start.ends_with('/')).then_some(start)
}

/// What the client asks the server about a ticket (CAS protocol 2.4.1, 2.5.1, 2.6.1, 2.8.1, 2.9.1, 4.2.1).
#[derive(Clone, Copy)]
pub(crate) struct Validation<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) format: ResponseFormat,
    pub(crate) ticket: &'a ServiceTicket,
    pub(crate) service: &'a ServiceUrl,
    /// Only credentials that were just given count.
    pub(crate) renewed: bool,
    /// The ticket may have come through a proxy.
    pub(crate) proxied: bool,
    /// Where the server is to bring a proxy-granting ticket.
    pub(crate) proxy_callback: Option<&'a ServiceUrl>,
    /// What the server wants to know besides; none of the names above.
    pub(crate) extra: &'a [(String, String)],
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

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
    fn check(&self) -> Result<(), ConfigError> {
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
    fn validate(&self, protocol: Protocol) -> &str {
        self.validate.as_deref().unwrap_or(match protocol {
            Protocol::Cas1 => "/validate",
            Protocol::Cas2 => "/serviceValidate",
            Protocol::Cas3 => "/p3/serviceValidate",
            Protocol::Saml1 => "/samlValidate",
        })
    }

    /// Where tickets are validated that a proxy may have brought (CAS protocol 2.6, 2.9). A version of the
    /// protocol without proxies has no such endpoint, so there it is the other one.
    fn proxy_validate(&self, protocol: Protocol) -> &str {
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

/// The one place where parameters are put into a URL, each encoded once.
struct Query<'q> {
    parts: Vec<&'q str>,
    separator: &'static str,
}

impl<'q> Query<'q> {
    fn new(server: &'q ServerUrl, path: &'q str) -> Self {
        Self {
            parts: vec![server.base.as_str(), path],
            separator: "?",
        }
    }

    fn add(&mut self, name: &'q str, value: &'q str) {
        self.parts.push(self.separator);
        self.parts.extend(utf8_percent_encode(name, ESCAPED));
        self.parts.push("=");
        self.parts.extend(utf8_percent_encode(value, ESCAPED));
        self.separator = "&";
    }

    /// In one step, so that no copy of a ticket is left behind as the URL grows.
    fn finish(self) -> String {
        self.parts.concat()
    }
}
