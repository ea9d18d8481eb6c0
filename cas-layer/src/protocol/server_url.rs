//! The CAS server's URL and the URLs built from it (CAS protocol 2.1 to 2.9, 4.2).

mod paths;
mod query;

#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use self::paths::ServerPaths;
use self::query::Query;
use super::{Protocol, ProxyGrantingTicket, ResponseFormat, ServiceTicket, ServiceUrl};
use crate::ConfigError;
use crate::strict_url::{check_https, parse_http, printable};

const WHAT: &str = "CAS server URL";

/// The parameter of the CAS server's `/logout` that says where to go afterwards (CAS protocol 2.3.1).
///
/// The default is [`LogoutParameter::Service`], which servers take for every version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutParameter {
    /// `service=`
    #[default]
    Service,
    /// `url=`, of CAS 1 and 2. At least one server answers it with an error page and keeps its session.
    Url,
}

/// How the CAS server's login page treats somebody who has signed in there already (CAS protocol 2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginMode {
    /// A ticket at once for who has signed in, the form for who has not.
    #[default]
    Normal,
    /// `renew=true`: the form for everybody. Validate the ticket with
    /// [`validate_renewed`](crate::CasClient::validate_renewed).
    Renew,
    /// `gateway=true`: the form for nobody. Who has not signed in comes back without a ticket.
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
        let invalid = |reason| ConfigError::InvalidUrl {
            what: WHAT,
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
        check_https(WHAT, given, &url, allow_insecure_http)?;
        paths.check()?;
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            paths,
        })
    }

    /// A URL as [`parse`](Self::parse) leaves it; on plain http too.
    pub(crate) fn normalise(given: &str) -> Result<String, ConfigError> {
        Ok(Self::parse(given, ServerPaths::default(), true)?.base)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.base
    }

    fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Where a browser signs in (CAS protocol 2.1.1).
    pub(crate) fn login(
        &self,
        protocol: Protocol,
        service: &ServiceUrl,
        mode: LoginMode,
        extra: &[(String, String)],
    ) -> String {
        let mut query = Query::new(self.join(&self.paths.login));
        query.add("service", service.as_str());
        if protocol == Protocol::Saml1 {
            query.add("TARGET", service.as_str());
        }
        // Exactly `true`: to some servers any value is true, to others `true` alone.
        match mode {
            LoginMode::Normal => {}
            LoginMode::Renew => query.add("renew", "true"),
            LoginMode::Gateway => query.add("gateway", "true"),
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
        let mut query = Query::new(self.join(&self.paths.logout));
        if let Some(return_to) = return_to {
            let name = match parameter {
                LogoutParameter::Service => "service",
                LogoutParameter::Url => "url",
            };
            query.add(name, return_to.as_str());
        }
        query.finish()
    }

    /// Where a browser goes on with a logout that leads through several apps (front channel).
    pub(crate) fn logout_relay(&self, state: &str) -> String {
        let mut query = Query::new(self.join(&self.paths.logout));
        query.add("_eventId", "next");
        query.add("RelayState", state);
        query.finish()
    }

    /// Where a ticket is validated. Holds the ticket, but for SAML: never log it.
    pub(crate) fn validate(&self, validation: &Validation<'_>) -> String {
        let Validation {
            protocol,
            format,
            ticket,
            service,
            renewed,
            proxied,
            proxy_callback,
        } = *validation;
        let path = if proxied {
            self.paths.proxy_validate(protocol)
        } else {
            self.paths.validate(protocol)
        };
        let mut query = Query::new(self.join(path));
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
        query.finish()
    }

    /// Where a proxy ticket for `target` is to be had (CAS protocol 2.7.1). Holds the proxy-granting ticket:
    /// never log it.
    pub(crate) fn proxy(
        &self,
        ticket: &ProxyGrantingTicket,
        target: &ServiceUrl,
    ) -> Zeroizing<String> {
        let mut query = Query::new(self.join(&self.paths.proxy));
        let parameters = [
            ("pgt", ticket.expose_secret()),
            ("targetService", target.as_str()),
        ];
        query.reserve(&parameters);
        for (name, value) in parameters {
            query.add(name, value);
        }
        Zeroizing::new(query.finish())
    }
}

/// What is asked of the server about a ticket (CAS protocol 2.4.1, 2.5.1, 2.6.1, 2.8.1, 2.9.1, 4.2.1).
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
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}
