//! Building a [`CasClient`], with every mistake reported.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, redirect, retry};

use super::{CasClient, Inner};
use crate::ConfigError;
use crate::clock::Clock;
use crate::protocol::{LogoutParameter, Protocol, ResponseFormat, ServerPaths, ServerUrl};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
/// No ticket lives longer, so no longer wait can succeed.
const MAX_TIMEOUT: Duration = Duration::from_secs(300);
const SAML_CLOCK_TOLERANCE: Duration = Duration::from_secs(5);
/// Assertions are made to last for half a minute or for minutes. Beyond this the window would mean nothing.
const MAX_SAML_CLOCK_TOLERANCE: Duration = Duration::from_secs(600);

/// Parameters of the login page that belong to the protocol, to its form, or to this crate (CAS protocol
/// 2.1.1, 2.2.1, 4.2).
const RESERVED_PARAMETERS: [&str; 20] = [
    "service",
    "renew",
    "gateway",
    "method",
    "ticket",
    "format",
    "pgtUrl",
    "pgt",
    "targetService",
    "url",
    "TARGET",
    "SAMLart",
    "SAMLRequest",
    "RelayState",
    "logoutRequest",
    "username",
    "password",
    "lt",
    "execution",
    "_eventId",
];

type HttpHook = Box<dyn FnOnce(ClientBuilder) -> ClientBuilder + Send>;

/// Sets up a [`CasClient`].
#[must_use = "a builder does nothing until `build()` is called"]
pub struct CasClientBuilder {
    url: String,
    paths: ServerPaths,
    protocol: Protocol,
    format: ResponseFormat,
    saml_clock_tolerance: Duration,
    connect_timeout: Duration,
    timeout: Duration,
    root_certificates: Vec<Vec<u8>>,
    http_hooks: Vec<HttpHook>,
    allow_insecure_http: bool,
    login_parameters: Vec<(String, String)>,
    logout_parameter: LogoutParameter,
}

impl CasClientBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            paths: ServerPaths::default(),
            protocol: Protocol::default(),
            format: ResponseFormat::default(),
            saml_clock_tolerance: SAML_CLOCK_TOLERANCE,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            root_certificates: Vec::new(),
            http_hooks: Vec::new(),
            allow_insecure_http: false,
            login_parameters: Vec::new(),
            logout_parameter: LogoutParameter::default(),
        }
    }

    /// The version of the protocol that tickets are validated with. The default value is [`Protocol::Cas3`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// The form of answer that is asked for. The default value is [`ResponseFormat::Xml`].
    ///
    /// XML that comes although JSON was asked for is read as XML, and the other way round.
    /// [`build`](Self::build) refuses JSON with CAS 1 and SAML 1.1, which do not have it.
    ///
    /// ```
    /// use cas_layer::{CasClient, ResponseFormat};
    ///
    /// let client = CasClient::builder("https://cas.example.org/cas")
    ///     .format(ResponseFormat::Json)
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn format(mut self, format: ResponseFormat) -> Self {
        self.format = format;
        self
    }

    /// How far the clocks of this machine and of the CAS server may differ with [`Protocol::Saml1`]: an
    /// assertion is taken from this long before its time window until this long after it; up to 10 minutes.
    /// The default value is 5 seconds.
    ///
    /// The other protocols have no time windows.
    pub fn saml_clock_tolerance(mut self, tolerance: Duration) -> Self {
        self.saml_clock_tolerance = tolerance;
        self
    }

    /// How long to wait for a connection, TLS included; up to 300 seconds. The default value is 3 seconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a validation may take as a whole, from name lookup to the last byte of the answer; up to 300
    /// seconds. The default value is 10 seconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Trusts more root certificates, besides those of the system: one or more in PEM form. May be called
    /// again.
    pub fn add_root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Changes the HTTP client, for a corporate proxy and the like.
    ///
    /// Redirects (none), retries (none), time limits, root certificates and `connection_verbose` (off, since it
    /// logs tickets) are set afterwards, so the function has no say in them. When this is called again, the
    /// functions run in the order of the calls.
    ///
    /// ```
    /// use cas_layer::CasClient;
    ///
    /// let client = CasClient::builder("https://cas.example.org/cas")
    ///     .http_client(|builder| builder.no_proxy().user_agent("my-app"))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn http_client(
        mut self,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder + Send + 'static,
    ) -> Self {
        self.http_hooks.push(Box::new(change));
        self
    }

    /// Allows a CAS server on plain http that is not on loopback.
    ///
    /// # Security
    ///
    /// Whoever sees or changes the traffic between this program and the CAS server can then sign in as anyone.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// Adds a parameter to the login URL, such as `locale`.
    ///
    /// The parameters of the protocol and of the login form (`service`, `renew`, `gateway`, `method`, `ticket`,
    /// `username`, …) are refused by [`build`](Self::build), and so is the same name twice.
    pub fn login_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.login_parameters.push((name.into(), value.into()));
        self
    }

    /// The path of the server's login page, below its URL. The default value is `/login`.
    pub fn login_path(mut self, path: impl Into<String>) -> Self {
        self.paths.login = path.into();
        self
    }

    /// The path of the server's logout page, below its URL. The default value is `/logout`.
    pub fn logout_path(mut self, path: impl Into<String>) -> Self {
        self.paths.logout = path.into();
        self
    }

    /// The path where the server validates tickets, below its URL. The default is the one of the protocol's
    /// version: `/validate`, `/serviceValidate`, `/p3/serviceValidate` or `/samlValidate`.
    pub fn validate_path(mut self, path: impl Into<String>) -> Self {
        self.paths.validate = Some(path.into());
        self
    }

    /// Which parameter of the logout URL says where to go afterwards. The default value is
    /// [`LogoutParameter::Service`].
    pub fn logout_parameter(mut self, parameter: LogoutParameter) -> Self {
        self.logout_parameter = parameter;
        self
    }

    /// Checks everything. Opens no connection.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn build(self) -> Result<CasClient, ConfigError> {
        let server = ServerUrl::parse(&self.url, self.paths, self.allow_insecure_http)?;
        check_duration("connect time limit of the CAS server", self.connect_timeout)?;
        check_duration("time limit of a validation", self.timeout)?;
        check_login_parameters(&self.login_parameters)?;
        check_format(self.format, self.protocol)?;
        if self.saml_clock_tolerance > MAX_SAML_CLOCK_TOLERANCE {
            return Err(ConfigError::InvalidDuration {
                what: "clock tolerance of SAML",
                value: self.saml_clock_tolerance,
                reason: "it must be at most 10 minutes",
            });
        }

        let mut http =
            ClientBuilder::new().user_agent(concat!("cas-layer/", env!("CARGO_PKG_VERSION")));
        for change in self.http_hooks {
            http = change(http);
        }
        for pem in &self.root_certificates {
            http = http.tls_certs_merge(read_certificates(pem)?);
        }
        let http = http
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // The log of a connection holds every ticket sent over it.
            .connection_verbose(false)
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.timeout)
            // Around everything up to the last byte, so that a server that sends a byte now and then meets it, too.
            .timeout(self.timeout)
            .build()
            .map_err(|error| ConfigError::HttpClient(error.into()))?;

        Ok(CasClient {
            inner: Arc::new(Inner {
                server,
                protocol: self.protocol,
                format: self.format,
                saml_clock_tolerance: self.saml_clock_tolerance,
                timeout: self.timeout,
                login_parameters: self.login_parameters,
                logout_parameter: self.logout_parameter,
                http,
            }),
            clock: Clock::default(),
        })
    }
}

fn check_duration(what: &'static str, value: Duration) -> Result<(), ConfigError> {
    let reason = if value.is_zero() {
        "it must be more than zero"
    } else if value > MAX_TIMEOUT {
        "it must be at most 300 seconds"
    } else {
        return Ok(());
    };
    Err(ConfigError::InvalidDuration {
        what,
        value,
        reason,
    })
}

fn check_format(format: ResponseFormat, protocol: Protocol) -> Result<(), ConfigError> {
    match (format, protocol) {
        (ResponseFormat::Json, Protocol::Cas1 | Protocol::Saml1) => {
            Err(ConfigError::FormatWithoutProtocol { protocol })
        }
        _ => Ok(()),
    }
}

fn check_login_parameters(parameters: &[(String, String)]) -> Result<(), ConfigError> {
    for (index, (name, value)) in parameters.iter().enumerate() {
        let reason = if name.is_empty() {
            "it has no name"
        } else if RESERVED_PARAMETERS
            .iter()
            .any(|reserved| name.eq_ignore_ascii_case(reserved))
        {
            "it belongs to the CAS protocol or to the login form"
        } else if parameters
            .iter()
            .take(index)
            .any(|(earlier, _)| earlier == name)
        {
            "it is given twice"
        } else if name.chars().chain(value.chars()).any(char::is_control) {
            "it has control characters"
        } else {
            continue;
        };
        return Err(ConfigError::InvalidLoginParameter {
            name: name.clone(),
            reason,
        });
    }
    Ok(())
}

fn read_certificates(pem: &[u8]) -> Result<Vec<Certificate>, ConfigError> {
    let invalid = |reason: &str| ConfigError::InvalidCertificate {
        reason: reason.to_owned(),
    };
    let certificates =
        Certificate::from_pem_bundle(pem).map_err(|_| invalid("it is not valid PEM"))?;
    if certificates.is_empty() {
        return Err(invalid("there is no PEM certificate in it"));
    }
    // What is inside the PEM is only read when a client is built. One of its own tells this mistake from others.
    ClientBuilder::new()
        .tls_certs_only(certificates.clone())
        .build()
        .map_err(|_| invalid("the PEM holds something that is no certificate"))?;
    Ok(certificates)
}

/// Without the functions, which cannot be printed.
impl fmt::Debug for CasClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasClientBuilder")
            .field("protocol", &self.protocol)
            .field("format", &self.format)
            .field("saml_clock_tolerance", &self.saml_clock_tolerance)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("root_certificates", &self.root_certificates.len())
            .field("allow_insecure_http", &self.allow_insecure_http)
            .field("login_parameters", &self.login_parameters)
            .field("logout_parameter", &self.logout_parameter)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{
        CasClient, CasClientBuilder, ConfigError, LogoutParameter, Protocol, ResponseFormat,
        ServiceUrl,
    };

    fn builder() -> CasClientBuilder {
        CasClient::builder("https://CAS.example.org/cas/")
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let client = builder().build().unwrap();
        assert_eq!(client.url(), "https://cas.example.org/cas");
        assert_eq!(client.protocol(), Protocol::Cas3);
        assert_eq!(client.timeout(), Duration::from_secs(10));
    }

    #[test]
    fn the_url_is_checked_when_the_client_is_built() {
        let error = CasClient::builder("cas.example.org").build().unwrap_err();
        assert!(matches!(error, ConfigError::InvalidUrl { .. }), "{error}");
        let insecure = || CasClient::builder("http://cas.example.org");
        let error = insecure().build().unwrap_err();
        assert!(matches!(error, ConfigError::InsecureHttp { .. }), "{error}");
        insecure().allow_insecure_http().build().unwrap();
    }

    #[test]
    fn time_limits_are_more_than_zero_and_at_most_five_minutes() {
        for limit in [
            Duration::ZERO,
            Duration::from_millis(300_001),
            Duration::MAX,
        ] {
            for builder in [builder().timeout(limit), builder().connect_timeout(limit)] {
                let error = builder.build().unwrap_err();
                assert!(
                    matches!(error, ConfigError::InvalidDuration { .. }),
                    "{error}"
                );
            }
        }
        let limit = Duration::from_secs(300);
        let client = builder()
            .timeout(limit)
            .connect_timeout(limit)
            .build()
            .unwrap();
        assert_eq!(client.timeout(), limit);
    }

    #[test]
    fn json_is_for_cas_2_and_3_alone() {
        for protocol in [
            Protocol::Cas1,
            Protocol::Cas2,
            Protocol::Cas3,
            Protocol::Saml1,
        ] {
            let with = |format| builder().protocol(protocol).format(format).build();
            with(ResponseFormat::Xml).unwrap();
            let is_taken = matches!(protocol, Protocol::Cas2 | Protocol::Cas3);
            match with(ResponseFormat::Json) {
                Ok(_) => assert!(is_taken, "{protocol}"),
                Err(error) => {
                    assert!(!is_taken, "{protocol}");
                    let text = error.to_string();
                    assert!(text.contains(&protocol.to_string()), "{text}");
                }
            }
        }
    }

    #[test]
    fn clocks_may_differ_by_ten_minutes_at_most() {
        for (tolerance, is_taken) in [
            (Duration::ZERO, true),
            (Duration::from_secs(600), true),
            (Duration::from_millis(600_001), false),
            (Duration::MAX, false),
        ] {
            let result = builder().saml_clock_tolerance(tolerance).build();
            assert_eq!(result.is_ok(), is_taken, "{tolerance:?}");
        }
    }

    #[test]
    fn login_parameters_are_sent_in_order_and_encoded() {
        let client = builder()
            .login_parameter("locale", "fr")
            .login_parameter("a b", "&=")
            .build()
            .unwrap();
        let service = ServiceUrl::parse("https://app.example.org/").unwrap();
        assert_eq!(
            client.login_url(&service),
            "https://cas.example.org/cas/login?service=https%3A%2F%2Fapp.example.org%2F&locale=fr&a%20b=%26%3D"
        );
    }

    #[test]
    fn login_parameters_of_the_protocol_twice_or_unprintable_are_refused() {
        for name in [
            "service", "Service", "renew", "gateway", "method", "ticket", "TARGET", "target",
            "password", "",
        ] {
            let error = builder().login_parameter(name, "x").build().unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidLoginParameter { .. }),
                "{name}: {error}"
            );
        }
        for builder in [
            builder()
                .login_parameter("a", "1")
                .login_parameter("a", "2"),
            builder().login_parameter("a", "1\n"),
            builder().login_parameter("a\0", "1"),
        ] {
            let error = builder.build().unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidLoginParameter { .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn the_logout_parameter_can_be_chosen() {
        let client = builder()
            .logout_parameter(LogoutParameter::Url)
            .build()
            .unwrap();
        let service = ServiceUrl::parse("https://app.example.org/").unwrap();
        assert_eq!(
            client.logout_url(Some(&service)),
            "https://cas.example.org/cas/logout?url=https%3A%2F%2Fapp.example.org%2F"
        );
    }

    #[test]
    fn a_root_certificate_that_is_none_is_reported() {
        for pem in [
            "",
            "not a certificate",
            "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let error = builder().add_root_certificate_pem(pem).build().unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidCertificate { .. }),
                "{pem}: {error}"
            );
        }
    }

    #[test]
    fn the_functions_on_the_http_client_run_in_order() {
        let (send, calls) = std::sync::mpsc::channel();
        let again = send.clone();
        builder()
            .http_client(move |http| {
                send.send(1).unwrap();
                http
            })
            .http_client(move |http| {
                again.send(2).unwrap();
                http
            })
            .build()
            .unwrap();
        assert_eq!(calls.iter().collect::<Vec<_>>(), [1, 2]);
    }
}
