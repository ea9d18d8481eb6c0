//! Building a [`CasClient`], with every mistake reported.

mod checks;
mod own_certificate;
mod proxies;
#[cfg(feature = "released-secrets")]
mod service_keys;

#[cfg(test)]
mod tests;

use std::{fmt, iter, sync::OnceLock, time::Duration};

use reqwest::{ClientBuilder, redirect, retry};

use self::{
    checks::{
        check_duration, check_format, check_login_parameters, check_namespaces,
        check_saml_clock_tolerance, check_validation_parameters, read_certificates,
    },
    proxies::UncheckedProxies,
};
#[cfg(feature = "jwt")]
use super::jwt::JwtTickets;
use super::{
    cas_client::{CasClient, Inner, names_of},
    connections::Connections,
    dns::Resolver,
    nodes::Nodes,
};
use crate::{
    error::ConfigError,
    protocol::{LogoutParameter, Protocol, ProxyChain, ResponseFormat, ServerPaths, ServerUrl},
    tls,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const SAML_CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

type HttpHook = Box<dyn FnOnce(ClientBuilder) -> ClientBuilder + Send>;

/// Sets up a [`CasClient`].
#[must_use = "a builder does nothing until `build()` is called"]
pub struct CasClientBuilder {
    url: String,
    internal_url: Option<String>,
    fallback_urls: Vec<String>,
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
    validation_parameters: Vec<(String, String)>,
    response_namespaces: Vec<String>,
    logout_parameter: LogoutParameter,
    proxies: UncheckedProxies,
    #[cfg(feature = "released-secrets")]
    service_keys: Vec<zeroize::Zeroizing<Vec<u8>>>,
    #[cfg(feature = "jwt")]
    jwt_tickets: Option<JwtTickets>,
}

impl CasClientBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            internal_url: None,
            fallback_urls: Vec::new(),
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
            validation_parameters: Vec::new(),
            response_namespaces: Vec::new(),
            logout_parameter: LogoutParameter::default(),
            proxies: UncheckedProxies::default(),
            #[cfg(feature = "released-secrets")]
            service_keys: Vec::new(),
            #[cfg(feature = "jwt")]
            jwt_tickets: None,
        }
    }

    /// The version of the protocol that tickets are validated with. The default value is [`Protocol::Cas3`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// The form of answer to ask for. The default value is [`ResponseFormat::Xml`].
    ///
    /// If XML comes although JSON was asked for, it is read as XML, and the other way round. [`build`](Self::build)
    /// refuses JSON with CAS 1 and SAML 1.1, which do not have it.
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

    /// How far the clocks of this machine and of the CAS server may differ with [`Protocol::Saml1`], up to 10
    /// minutes. An assertion is accepted from this long before its time window until this long after it. The default
    /// value is 5 seconds.
    ///
    /// The other protocols have no time windows.
    pub fn saml_clock_tolerance(mut self, tolerance: Duration) -> Self {
        self.saml_clock_tolerance = tolerance;
        self
    }

    /// Where this app reaches the same CAS server, if browsers reach it under another URL, as in a cluster or a split
    /// network. Tickets are validated there, and proxy tickets come from there. Browsers are still sent to the URL
    /// given to [`CasClient::builder`], to sign in and out, and sessions belong to that one.
    ///
    /// It has the server's paths below it, as the other one: `https://cas.internal:8443/cas`. It has to be https,
    /// except on loopback or with [`allow_insecure_http`](Self::allow_insecure_http). The only connections are to
    /// this URL then, so [`add_root_certificate_pem`](Self::add_root_certificate_pem) is for its certificate.
    ///
    /// ```
    /// use cas_layer::CasClient;
    ///
    /// let client = CasClient::builder("https://cas.example.org/cas")
    ///     .internal_url("https://cas.internal:8443/cas")
    ///     .build()?;
    /// assert_eq!(client.url(), "https://cas.example.org/cas");
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn internal_url(mut self, url: impl Into<String>) -> Self {
        self.internal_url = Some(url.into());
        self
    }

    /// A further node of the same CAS server, with the server's paths below it. May be called again, for up to 8 of them. By
    /// default, there is none.
    ///
    /// A ticket is validated, and a proxy ticket comes from, the main node: [`internal_url`](Self::internal_url), or else the
    /// URL given to [`CasClient::builder`]. It goes to the next node, in the order of the calls, only if no byte of the
    /// request can have left for the one before: its name is not found, it takes no connection, or its certificate is not
    /// trusted. Whatever fails after that is not tried again. A node that failed is asked after the others for 30 seconds.
    /// See [several nodes](crate::guide::cas_trouble#several-nodes). The [REST protocol](CasClient::sign_in_with_password)
    /// and browsers know the main node alone.
    ///
    /// All nodes have to know each other's tickets. Each has to be https, except on loopback or with
    /// [`allow_insecure_http`](Self::allow_insecure_http), and to show a certificate for its own host.
    ///
    /// ```
    /// use cas_layer::CasClient;
    ///
    /// let client = CasClient::builder("https://cas.example.org/cas")
    ///     .internal_url("https://cas1.example.org:8443/cas")
    ///     .fallback_url("https://cas2.example.org:8443/cas")
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    ///
    /// # Security
    ///
    /// Each of these nodes can sign in here as every user.
    pub fn fallback_url(mut self, url: impl Into<String>) -> Self {
        self.fallback_urls.push(url.into());
        self
    }

    /// How long to wait for a connection, name lookup and TLS included; up to 300 seconds. The default value is 3 seconds.
    ///
    /// With [further nodes](Self::fallback_url), each gets this time, but at most [`timeout`](Self::timeout) divided by one
    /// more than there are nodes in all, so that there is time for the next one.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a validation or a request for a proxy ticket may take as a whole, from name lookup to the last byte
    /// of the answer, all nodes included; up to 300 seconds. The default value is 10 seconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Trusts more root certificates, besides those of the system: one or more in PEM form. May be called
    /// again.
    ///
    /// A server's own self-signed certificate can be given too, even if it is marked as an authority's, as those of
    /// `openssl req -x509` are. If it is so marked and names the server's host, it counts only for the names in it, until
    /// it expires, and only if the server shows exactly this one. Nothing that its key has signed is trusted. What it
    /// says about the use of its key (`extendedKeyUsage`) is not checked. With such a certificate, settings about TLS in
    /// [`http_client`](Self::http_client) have no effect.
    pub fn add_root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Changes the HTTP client, for a corporate proxy and the like.
    ///
    /// This is the one place where the API of this crate shows reqwest, its HTTP library, besides
    /// `testing::CasServer::sign_in` for tests. A program that only calls methods of the value it gets, as below, need
    /// not depend on reqwest. A program that names reqwest's types itself, such as `reqwest::Proxy`, has to depend on the
    /// same version as this crate. A new major version of reqwest (below 1.0: a new minor version) is a new major version
    /// of this crate.
    ///
    /// Settings about TLS have no effect if the CAS server has a certificate of its own that is marked as an authority's,
    /// see [`add_root_certificate_pem`](Self::add_root_certificate_pem); the log then has a warning. If this app asks the
    /// CAS server, or one of its nodes, over plain http on loopback, the proxies that the environment names (`HTTP_PROXY` and the like) are not
    /// used; one that is set here is.
    ///
    /// Redirects (none), retries (none), time limits, root certificates, how long connections are kept, the keep-alive of
    /// HTTP/2 and `connection_verbose` (off, since it logs tickets) are set afterwards, so the function cannot change them. If this is called again, the functions run in
    /// the order of the calls.
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
        change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + 'static,
    ) -> Self {
        self.http_hooks.push(Box::new(change));
        self
    }

    /// Allows a CAS server on plain http that is not on loopback, and a proxy callback URL on plain http.
    ///
    /// # Security
    ///
    /// Anyone who can see or change the traffic between this program and the CAS server can then sign in as anyone.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Adds a parameter to every login URL, for what has no setting of its own.
    ///
    /// In the configuration of a layer, [`SignInOptions`](crate::SignInOptions) has settings for
    /// [`warn`](crate::SignInOptions::warn), [`remember_me`](crate::SignInOptions::remember_me) (`rememberMe`) and
    /// [`locale`](crate::SignInOptions::locale), which are checked, and can be allowed in links. Where one of them is used,
    /// [`CasConfigBuilder::build`](crate::CasConfigBuilder::build) refuses the same name here, in upper or lower case. A
    /// parameter here also goes with a gateway; those do not.
    ///
    /// [`build`](Self::build) refuses the parameters of the protocol and of the login form (`service`, `renew`,
    /// `gateway`, `method`, `ticket`, `username`, …), and the same name twice.
    pub fn login_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.login_parameters.push((name.into(), value.into()));
        self
    }

    /// Adds a parameter to every validation, beside those of the protocol. EU Login refuses users without
    /// `assuranceLevel`, for example. The parameter does not go to `/proxy`.
    ///
    /// [`build`](Self::build) refuses the names that [`login_parameter`](Self::login_parameter) refuses, so none takes
    /// the place of one that this crate sends.
    pub fn validation_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.validation_parameters.push((name.into(), value.into()));
        self
    }

    /// Reads CAS 2 and 3 answers whose elements are in this XML namespace too. May be called again. By default, an
    /// answer has to be in the namespace of CAS, `http://www.yale.edu/tp/cas`, or in none: anything else is not an
    /// answer of a CAS server.
    ///
    /// EU Login (ECAS) writes the same answers in a namespace of its own:
    ///
    /// ```
    /// use cas_layer::CasClient;
    ///
    /// let client = CasClient::builder("https://ecas.ec.europa.eu/cas")
    ///     .response_namespace("https://ecas.ec.europa.eu/cas/schemas")
    ///     .validation_parameter("assuranceLevel", "LOW")
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    ///
    /// [`build`](Self::build) refuses it with CAS 1 and SAML 1.1.
    pub fn response_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.response_namespaces.push(namespace.into());
        self
    }

    /// Validates tickets that are JSON web tokens by a key, without a request to the CAS server. All others are validated at
    /// the server. By default, every ticket is.
    ///
    /// [`build`](Self::build) refuses a key of another kind than its algorithm needs. See
    /// [tickets that are JSON web tokens](crate::guide::cas_servers#tickets-that-are-json-web-tokens).
    #[cfg(feature = "jwt")]
    pub fn jwt_tickets(mut self, tickets: JwtTickets) -> Self {
        self.jwt_tickets = Some(tickets);
        self
    }

    /// The path of the server's login page, below its URL. The default value is `/login`.
    pub fn login_page_path(mut self, path: impl Into<String>) -> Self {
        self.paths.login = path.into();
        self
    }

    /// The path of the server's logout page, below its URL. The default value is `/logout`.
    pub fn logout_page_path(mut self, path: impl Into<String>) -> Self {
        self.paths.logout = path.into();
        self
    }

    /// The path where the server validates tickets, below its URL. The default is the one of the protocol's
    /// version: `/validate`, `/serviceValidate`, `/p3/serviceValidate` or `/samlValidate`.
    pub fn validate_path(mut self, path: impl Into<String>) -> Self {
        self.paths.validate = Some(path.into());
        self
    }

    /// The parameter of the logout URL that says where to go afterwards. The default value is
    /// [`LogoutParameter::Service`].
    pub fn logout_parameter(mut self, parameter: LogoutParameter) -> Self {
        self.logout_parameter = parameter;
        self
    }

    /// Accepts users who come through one of these chains of proxies, besides users whose own browser signs in (CAS
    /// protocol 2.6). May be called again: the chains of all calls are accepted. By default, no chain is accepted.
    ///
    /// Tickets are then validated at the endpoint that also accepts proxy tickets: `/proxyValidate` or
    /// `/p3/proxyValidate` in place of `/serviceValidate` or `/p3/serviceValidate`.
    /// [`Authentication::proxies`](crate::Authentication::proxies) lists the proxies that a user came through.
    ///
    /// Some servers name the user as the only proxy of a direct login. That is taken for no proxy only if no chain is
    /// accepted here.
    ///
    /// [`validate_renewed`](crate::CasClient::validate_renewed) accepts no proxies in any case.
    ///
    /// [`build`](Self::build) refuses chains that are a mistake, see [`ProxyChain`], and any chain with CAS 1 and
    /// SAML 1.1, which have no proxies.
    ///
    /// # Security
    ///
    /// Each of these proxies can act here as every user who signs in at it.
    pub fn accept_proxies(mut self, chains: impl IntoIterator<Item = ProxyChain>) -> Self {
        self.proxies.accepted.extend(chains);
        self
    }

    /// Asks for a proxy-granting ticket with every validation. The CAS server brings it to this URL of the app (CAS
    /// protocol 2.5.4). By default, the client asks for none.
    ///
    /// While a validation is under way, the CAS server requests the URL: see [`ProxyCallback`]. The answer to the
    /// validation then has the [IOU](crate::Authentication::proxy_granting_ticket_iou) that came with the ticket. If
    /// the callback fails, or if this app may not be a proxy, some servers leave the IOU out; others refuse the ticket.
    /// It is then validated once more without the URL, and the log has an error. Of the servers that refuse it, some
    /// have used it up by then: the error is the first refusal.
    ///
    /// The URL must be https, except on loopback or with [`allow_insecure_http`](Self::allow_insecure_http); most
    /// servers accept nothing else. Services know this app by it, byte for byte. It may have a query, without
    /// `ticket`, `pgtId` and `pgtIou`. [`build`](Self::build) refuses other URLs, and any URL with CAS 1 and SAML
    /// 1.1, which have no proxies.
    ///
    /// [`ProxyCallback`]: crate::ProxyCallback
    pub fn proxy_callback_url(mut self, url: impl Into<String>) -> Self {
        self.proxies.callback_url = Some(url.into());
        self
    }

    /// The path where the server validates tickets that may have come through a proxy, below its URL. Used in place
    /// of [`validate_path`](Self::validate_path) when [proxies are accepted](Self::accept_proxies). The default is the
    /// one of the protocol's version: `/proxyValidate` or `/p3/proxyValidate`.
    pub fn proxy_validate_path(mut self, path: impl Into<String>) -> Self {
        self.paths.proxy_validate = Some(path.into());
        self
    }

    /// The path where the server gives out proxy tickets, below its URL. The default value is `/proxy`.
    pub fn proxy_path(mut self, path: impl Into<String>) -> Self {
        self.paths.proxy = path.into();
        self
    }

    /// Checks everything. Opens no connection.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn build(self) -> Result<CasClient, ConfigError> {
        let insecure = self.allow_insecure_http;
        let internal = self.internal_url.as_deref();
        let internal =
            internal.map(|url| ServerUrl::parse_internal(url, self.paths.clone(), insecure));
        let internal = internal.transpose()?;
        let server = ServerUrl::parse(&self.url, self.paths.clone(), insecure)?;
        let has_internal_url = internal.is_some();
        let main = internal.unwrap_or_else(|| server.clone());
        let mut fallbacks = Vec::new();
        for url in &self.fallback_urls {
            let earlier = iter::once(&main).chain(&fallbacks);
            let url = ServerUrl::parse_fallback(url, earlier, self.paths.clone(), insecure)?;
            fallbacks.push(url);
        }
        let nodes = Nodes::new(main, fallbacks);
        check_duration("connect time limit of the CAS server", self.connect_timeout)?;
        check_duration("time limit of a validation", self.timeout)?;
        check_login_parameters(&self.login_parameters)?;
        check_validation_parameters(&self.validation_parameters)?;
        check_namespaces(&self.response_namespaces, self.protocol)?;
        check_format(self.format, self.protocol)?;
        check_saml_clock_tolerance(self.saml_clock_tolerance)?;
        let proxies = self
            .proxies
            .check(self.protocol, self.allow_insecure_http)?;

        #[cfg(feature = "released-secrets")]
        let service_keys =
            super::service_keys::ServiceKeys::read(&self.service_keys, self.protocol)?;
        #[cfg(feature = "jwt")]
        let tokens = self
            .jwt_tickets
            .map(|tickets| tickets.check(&server))
            .transpose()?;

        // reqwest panics without one, already where it reads a certificate.
        let provider = tls::provider()?;
        let mut certificates = Vec::new();
        for pem in &self.root_certificates {
            certificates.extend(read_certificates(pem)?);
        }
        let added_roots = certificates.len();

        let mut http = ClientBuilder::new()
            .user_agent(concat!("cas-layer/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Resolver::new());
        if nodes.urls().any(ServerUrl::is_this_machine_in_clear) {
            // The one that the environment names would see every ticket, and its loopback is another.
            http = http.no_proxy();
        }
        let hosts = nodes.urls().map(ServerUrl::host);
        let own = own_certificate::tls(hosts, &self.root_certificates, provider)
            .map_err(|error| ConfigError::HttpClient(error.into()))?;
        if let Some(own) = own {
            if !self.http_hooks.is_empty() {
                tracing::warn!(
                    target: "cas_layer",
                    "the CAS server's own certificate is marked as an authority's: settings about TLS in `http_client` have no effect"
                );
            }
            http = http.tls_backend_preconfigured(own);
        }
        for change in self.http_hooks {
            http = change(http);
        }
        let connections = Connections::new(self.timeout);
        let http = connections
            .set_up(http)
            .tls_certs_merge(certificates.iter().cloned())
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // The log of a connection holds every ticket sent over it.
            .connection_verbose(false)
            .connect_timeout(nodes.connect_timeout(self.connect_timeout, self.timeout))
            .read_timeout(self.timeout)
            // Around everything up to the last byte, so that it also stops a server that sends a byte now and then.
            .timeout(self.timeout)
            .build()
            .map_err(|error| ConfigError::HttpClient(error.into()))?;

        Ok(CasClient::new(Inner {
            server,
            nodes,
            has_internal_url,
            protocol: self.protocol,
            format: self.format,
            saml_clock_tolerance: self.saml_clock_tolerance,
            timeout: self.timeout,
            login_parameters: self.login_parameters,
            validation_parameters: self.validation_parameters,
            response_namespaces: self.response_namespaces,
            logout_parameter: self.logout_parameter,
            proxies,
            #[cfg(feature = "released-secrets")]
            service_keys,
            #[cfg(feature = "jwt")]
            tokens,
            added_roots,
            http,
            root_certificates: certificates,
            node_http: OnceLock::new(),
            connections,
        }))
    }
}

/// Without the functions, which cannot be printed, and without what a log is no place for.
impl fmt::Debug for CasClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasClientBuilder")
            .field("fallbacks", &self.fallback_urls.len())
            .field("protocol", &self.protocol)
            .field("format", &self.format)
            .field("saml_clock_tolerance", &self.saml_clock_tolerance)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("root_certificates", &self.root_certificates.len())
            .field("allow_insecure_http", &self.allow_insecure_http)
            .field("login_parameters", &self.login_parameters)
            .field(
                "validation_parameters",
                &names_of(&self.validation_parameters),
            )
            .field("response_namespaces", &self.response_namespaces)
            .field("logout_parameter", &self.logout_parameter)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
