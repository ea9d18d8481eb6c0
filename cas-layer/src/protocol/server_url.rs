//! The CAS server's URL and the URLs built from it (CAS protocol 2.1 to 2.8, 4.2).

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use super::service_url::has_user_info;
use super::{Protocol, ResponseFormat, ServiceTicket, ServiceUrl};
use crate::ConfigError;

const WHAT: &str = "CAS server URL";

/// Everything but the unreserved characters of RFC 3986 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

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

/// Where the server keeps its endpoints, below its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerPaths {
    pub(crate) login: String,
    pub(crate) logout: String,
    /// `None` for the one that the protocol's version has.
    pub(crate) validate: Option<String>,
}

impl Default for ServerPaths {
    fn default() -> Self {
        Self {
            login: "/login".to_owned(),
            logout: "/logout".to_owned(),
            validate: None,
        }
    }
}

impl ServerPaths {
    fn check(&self) -> Result<(), ConfigError> {
        let named = [
            ("login path of the CAS server", Some(&self.login)),
            ("logout path of the CAS server", Some(&self.logout)),
            ("validation path of the CAS server", self.validate.as_ref()),
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
                path: path.clone(),
                reason,
            });
        }
        Ok(())
    }
}

impl ServerUrl {
    pub(crate) fn parse(
        given: &str,
        paths: ServerPaths,
        allow_insecure_http: bool,
    ) -> Result<Self, ConfigError> {
        let invalid = |reason| ConfigError::InvalidUrl {
            what: WHAT,
            url: without_user_info(given),
            reason,
        };
        // The parser drops or rewrites these without a word.
        if given.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(invalid(
                "it has a space, a control character or a backslash",
            ));
        }
        let url = Url::parse(given).map_err(|_| invalid("it is not an absolute URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("its scheme is neither https nor http"));
        }
        if has_user_info(given) || !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it has a user name or password"));
        }
        if url.query().is_some() {
            return Err(invalid("it has a query"));
        }
        if url.fragment().is_some() {
            return Err(invalid("it has a fragment"));
        }
        let loopback = url.host().is_some_and(|host| is_loopback(&host));
        if url.scheme() == "http" && !loopback && !allow_insecure_http {
            return Err(ConfigError::InsecureHttp {
                what: WHAT,
                url: given.to_owned(),
                allow: "allow_insecure_http()",
            });
        }
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

    /// Where a ticket is validated (CAS protocol 2.4.1, 2.5.1, 2.8.1, 4.2.1). Holds the ticket, but for SAML:
    /// never log it.
    pub(crate) fn validate(
        &self,
        protocol: Protocol,
        format: ResponseFormat,
        ticket: &ServiceTicket,
        service: &ServiceUrl,
        renewed: bool,
    ) -> String {
        let path = match protocol {
            Protocol::Cas1 => "/validate",
            Protocol::Cas2 => "/serviceValidate",
            Protocol::Cas3 => "/p3/serviceValidate",
            Protocol::Saml1 => "/samlValidate",
        };
        let mut query = Query::new(self.join(self.paths.validate.as_deref().unwrap_or(path)));
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
        query.finish()
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

/// The one place where parameters are put into a URL, each encoded once.
struct Query {
    url: String,
    separator: char,
}

impl Query {
    fn new(url: String) -> Self {
        Self {
            url,
            separator: '?',
        }
    }

    fn add(&mut self, name: &str, value: &str) {
        self.url.push(self.separator);
        self.url.extend(utf8_percent_encode(name, ESCAPED));
        self.url.push('=');
        self.url.extend(utf8_percent_encode(value, ESCAPED));
        self.separator = '&';
    }

    fn finish(self) -> String {
        self.url
    }
}

/// Whether a host can only be this machine.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The text for an error message, without a password that may be in it.
pub(crate) fn without_user_info(url: &str) -> String {
    let Some((before, after)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    format!(
        "{scheme}{}…@{after}",
        if scheme.is_empty() { "" } else { "://" }
    )
}

#[cfg(test)]
mod tests {
    use super::{LoginMode, LogoutParameter, ServerPaths, ServerUrl};
    use crate::ConfigError;
    use crate::protocol::{Protocol, ResponseFormat, ServiceTicket, ServiceUrl};

    #[test]
    fn a_server_may_have_its_endpoints_elsewhere() {
        let paths = ServerPaths {
            login: "/oauth/login".to_owned(),
            logout: "/bye".to_owned(),
            validate: Some("/v4/check".to_owned()),
        };
        let server = ServerUrl::parse("https://cas.example.org/cas", paths, false).unwrap();
        let service = ServiceUrl::parse("https://app.example.org/").unwrap();
        let ticket = ServiceTicket::parse("ST-1").unwrap();
        let format = ResponseFormat::default();
        for (url, path) in [
            (
                server.login(Protocol::Cas3, &service, LoginMode::Renew, &[]),
                "/oauth/login?service=",
            ),
            (server.logout(LogoutParameter::Service, None), "/bye"),
            (server.logout_relay("x"), "/bye?_eventId=next"),
            (
                server.validate(Protocol::Cas3, format, &ticket, &service, true),
                "/v4/check?service=",
            ),
        ] {
            let expected = format!("https://cas.example.org/cas{path}");
            assert!(url.starts_with(&expected), "{url}");
        }
        for bad in [
            "",
            "/",
            "login",
            "//evil.example",
            "/a?b",
            "/a b",
            "/a#b",
            "https://b",
        ] {
            let paths = ServerPaths {
                login: bad.to_owned(),
                ..ServerPaths::default()
            };
            assert!(
                ServerUrl::parse("https://cas.example.org", paths, false).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn renewal_and_gateway_are_asked_for_by_exactly_true() {
        let server =
            ServerUrl::parse("https://cas.example.org", ServerPaths::default(), false).unwrap();
        let service = ServiceUrl::parse("https://app.example.org/").unwrap();
        let login = |mode| server.login(Protocol::Cas3, &service, mode, &[]);
        let plain = login(LoginMode::Normal);
        assert_eq!(login(LoginMode::Renew), format!("{plain}&renew=true"));
        assert_eq!(login(LoginMode::Gateway), format!("{plain}&gateway=true"));
    }

    #[test]
    fn a_server_url_is_normalised() {
        for (given, normalised) in [
            ("https://cas.example.org/cas", "https://cas.example.org/cas"),
            (
                "https://cas.example.org/cas/",
                "https://cas.example.org/cas",
            ),
            (
                "https://cas.example.org/cas///",
                "https://cas.example.org/cas",
            ),
            ("https://cas.example.org", "https://cas.example.org"),
            ("https://cas.example.org/", "https://cas.example.org"),
            (
                "HTTPS://CAS.Example.org:443/cas",
                "https://cas.example.org/cas",
            ),
            (
                "https://cas.example.org:8443/a/b",
                "https://cas.example.org:8443/a/b",
            ),
            (
                "https://cas.example.org/a/../Cas",
                "https://cas.example.org/Cas",
            ),
            ("http://localhost:8081", "http://localhost:8081"),
            ("http://127.0.0.1:8081/cas", "http://127.0.0.1:8081/cas"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:8081/cas/", "http://[::1]:8081/cas"),
        ] {
            assert_eq!(
                ServerUrl::parse(given, ServerPaths::default(), false)
                    .unwrap()
                    .as_str(),
                normalised,
                "{given}"
            );
        }
    }

    #[test]
    fn a_server_url_has_nothing_but_scheme_host_port_and_path() {
        for given in [
            "",
            "cas.example.org",
            "/cas",
            "ftp://cas.example.org",
            "https://",
            "https://cas.example.org:99999",
            "https://cas.example.org/cas?",
            "https://cas.example.org/cas?x=1",
            "https://cas.example.org/cas#",
            "https://cas.example.org/cas#x",
            "https://alice@cas.example.org/cas",
            "https://alice:hunter2@cas.example.org/cas",
            "https://@cas.example.org/cas",
            " https://cas.example.org",
            "https://cas.example.org/c as",
            "https://cas.exa\tmple.org",
            "https://cas.example.org\\cas",
        ] {
            let error = ServerUrl::parse(given, ServerPaths::default(), true).unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidUrl { .. }),
                "{given}: {error}"
            );
        }
    }

    #[test]
    fn a_password_in_a_server_url_is_not_repeated_in_the_error() {
        for given in [
            "https://alice:hunter2@cas.example.org",
            "https://alice:hunter2@x:99999",
            "alice:hunter2@x",
        ] {
            let error = ServerUrl::parse(given, ServerPaths::default(), false).unwrap_err();
            let printed = format!("{error} {error:?}");
            assert!(
                !printed.contains("hunter2") && !printed.contains("alice"),
                "{printed}"
            );
        }
    }

    #[test]
    fn plain_http_needs_loopback_or_leave_by_name() {
        for given in [
            "http://cas.example.org/cas",
            "http://10.0.0.1",
            "http://[::2]",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
        ] {
            let error = ServerUrl::parse(given, ServerPaths::default(), false).unwrap_err();
            assert!(
                matches!(error, ConfigError::InsecureHttp { .. }),
                "{given}: {error}"
            );
            ServerUrl::parse(given, ServerPaths::default(), true).unwrap();
        }
    }

    #[test]
    fn every_parameter_is_encoded_once() {
        let server = ServerUrl::parse(
            "https://cas.example.org/cas/",
            ServerPaths::default(),
            false,
        )
        .unwrap();
        let service = ServiceUrl::parse("https://app.example.org/login?next=/a%20b&x=1+2").unwrap();
        let encoded = "https%3A%2F%2Fapp.example.org%2Flogin%3Fnext%3D%2Fa%2520b%26x%3D1%2B2";

        let extra = [("lo&c".to_owned(), "fr ü=#".to_owned())];
        for (protocol, names) in [
            (Protocol::Cas3, format!("service={encoded}")),
            (
                Protocol::Saml1,
                format!("service={encoded}&TARGET={encoded}"),
            ),
        ] {
            assert_eq!(
                server.login(protocol, &service, LoginMode::Normal, &[]),
                format!("https://cas.example.org/cas/login?{names}")
            );
            assert_eq!(
                server.login(protocol, &service, LoginMode::Normal, &extra),
                format!("https://cas.example.org/cas/login?{names}&lo%26c=fr%20%C3%BC%3D%23")
            );
        }
        for (parameter, name) in [
            (LogoutParameter::Service, "service"),
            (LogoutParameter::Url, "url"),
        ] {
            assert_eq!(
                server.logout(parameter, Some(&service)),
                format!("https://cas.example.org/cas/logout?{name}={encoded}")
            );
            assert_eq!(
                server.logout(parameter, None),
                "https://cas.example.org/cas/logout"
            );
        }
        let ticket = ServiceTicket::parse("ST-1_a.b~c-D").unwrap();
        for (protocol, path) in [
            (Protocol::Cas1, "/validate"),
            (Protocol::Cas2, "/serviceValidate"),
            (Protocol::Cas3, "/p3/serviceValidate"),
        ] {
            let url =
                format!("https://cas.example.org/cas{path}?service={encoded}&ticket=ST-1_a.b~c-D");
            let validate = |format| server.validate(protocol, format, &ticket, &service, false);
            assert_eq!(validate(ResponseFormat::Xml), url);
            assert_eq!(validate(ResponseFormat::Json), format!("{url}&format=JSON"));
        }
        // The ticket travels in the body.
        assert_eq!(
            server.validate(
                Protocol::Saml1,
                ResponseFormat::Xml,
                &ticket,
                &service,
                false
            ),
            format!("https://cas.example.org/cas/samlValidate?TARGET={encoded}")
        );
    }

    #[test]
    fn a_server_at_the_root_is_joined_with_one_slash() {
        let server =
            ServerUrl::parse("https://cas.example.org/", ServerPaths::default(), false).unwrap();
        assert_eq!(
            server.logout(LogoutParameter::Service, None),
            "https://cas.example.org/logout"
        );
    }
}
