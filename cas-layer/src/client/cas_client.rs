//! A client of one CAS server.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

#[cfg(feature = "jwt")]
use super::jwt::Tokens;
use super::{connections::Connections, error::ValidationError, nodes::Nodes, proxies::Proxies};
use crate::{
    clock::Clock,
    protocol::{
        LoginMode, LoginPage, LogoutParameter, Protocol, ResponseFormat, ServerUrl, ServiceUrl,
    },
    strict_url::printable,
};

/// A client of one CAS server, usable without the layer.
///
/// It keeps connections open between validations, for 2 seconds without work. Clones share them; cloning is as cheap as
/// cloning an `Arc`.
///
/// An answer is accepted if it is at most 1 MiB and arrives whole within [`timeout`](Self::timeout). A success counts
/// only with a 2xx status; a refusal in the form of the protocol also counts with a status from 400 to 599, because many
/// servers send one. Redirects are not followed. Nothing is sent twice, with two exceptions:
///
/// - A ticket that is refused only because of the [proxy callback](crate::CasClientBuilder::proxy_callback_url) is sent once
///   more without that.
/// - If a connection was kept open from before, and nothing comes back over it for 3 seconds (or a third of
///   [`timeout`](Self::timeout), if that is shorter), a firewall may have forgotten it. Then the request is sent once more over
///   a new connection, and the first answer that is a success counts. A ticket is good for one validation, so this cannot
///   sign anybody in twice.
///
/// With [further nodes](crate::CasClientBuilder::fallback_url) of the server, a ticket goes to one of them if no byte of it
/// can have reached the one before. Clones remember together which node is up.
///
/// Names are looked up by the operating system, in a thread of their own, one look-up at a time for each name. An answer
/// counts for 30 seconds. After that, if the next look-up fails or takes over a second, the old answer is used, for up to an
/// hour.
///
/// ```no_run
/// use cas_layer::{CasClient, ServiceTicket, ServiceUrl};
///
/// # async fn example(ticket_parameter: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let client = CasClient::builder("https://cas.example.org/cas").build()?;
/// let service = ServiceUrl::parse("https://app.example.org/login")?;
/// // Send the browser to `client.login_url(&service)`. It comes back with a ticket:
/// let ticket = ServiceTicket::parse(ticket_parameter)?;
/// let authentication = client.validate(&ticket, &service).await?;
/// println!("Hello {}", authentication.user());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CasClient {
    pub(super) inner: Arc<Inner>,
    pub(super) clock: Clock,
}

pub(super) struct Inner {
    pub(super) server: ServerUrl,
    /// The server as this app reaches it.
    pub(super) nodes: Nodes,
    /// Browsers reach it under another URL than this app.
    pub(super) has_internal_url: bool,
    pub(super) protocol: Protocol,
    pub(super) format: ResponseFormat,
    pub(super) saml_clock_tolerance: Duration,
    pub(super) timeout: Duration,
    pub(super) login_parameters: Vec<(String, String)>,
    pub(super) validation_parameters: Vec<(String, String)>,
    pub(super) response_namespaces: Vec<String>,
    pub(super) logout_parameter: LogoutParameter,
    pub(super) proxies: Proxies,
    #[cfg(feature = "released-secrets")]
    pub(super) service_keys: super::service_keys::ServiceKeys,
    #[cfg(feature = "jwt")]
    pub(super) tokens: Option<Tokens>,
    /// How many root certificates are trusted besides those of the system.
    pub(super) added_roots: usize,
    pub(super) http: reqwest::Client,
    /// The roots that the app has added.
    pub(super) root_certificates: Vec<reqwest::Certificate>,
    /// For other nodes of the app, made when the first is told something.
    pub(super) node_http: OnceLock<reqwest::Client>,
    pub(super) connections: Connections,
}

impl CasClient {
    pub(super) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            clock: Clock::default(),
        }
    }

    /// The same client with another clock.
    pub(crate) fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The URL of the CAS server, normalised: lower-case host, no default port, no trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        self.inner.server.as_str()
    }

    /// The version of the protocol that tickets are validated with.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.inner.protocol
    }

    /// Whether users who come through these proxies, most recent first, are accepted.
    pub(crate) fn accepts(&self, proxies: &[String]) -> bool {
        let accepted = &self.inner.proxies.accepted;
        accepted.iter().any(|chain| chain.admits(proxies))
    }

    /// Where this app asked the server when this came out.
    pub(crate) fn asked(&self, error: &ValidationError) -> &ServerUrl {
        self.inner.nodes.url(error.node())
    }

    /// Whether the server has several nodes, and one of them is up as far as is known.
    pub(crate) fn has_free_node(&self) -> bool {
        self.inner.nodes.are_free(&self.clock)
    }

    /// Which root certificates count for the server's, in words.
    pub(crate) fn roots(&self) -> String {
        match self.inner.added_roots {
            0 => "those of the system".to_owned(),
            1 => "those of the system, and 1 that was added".to_owned(),
            added => format!("those of the system, and {added} that were added"),
        }
    }

    /// Whether validations ask for a proxy-granting ticket.
    pub(crate) fn asks_for_grants(&self) -> bool {
        self.inner.proxies.callback.is_some()
    }

    /// Whether this app can decrypt what the server releases as attributes.
    pub(crate) fn decrypts(&self) -> bool {
        #[cfg(feature = "released-secrets")]
        let decrypts = !self.inner.service_keys.is_empty();
        #[cfg(not(feature = "released-secrets"))]
        let decrypts = false;
        decrypts
    }

    /// Where the server brings proxy-granting tickets, for a log or a page.
    pub(crate) fn callback(&self) -> Option<String> {
        let callback = self.inner.proxies.callback.as_ref();
        callback.map(|url| printable(url.as_str()))
    }

    /// How long a validation or a request for a proxy ticket may take as a whole.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.inner.timeout
    }

    /// Where to send a browser to sign in (CAS protocol 2.1.1).
    ///
    /// ```
    /// use cas_layer::{CasClient, ServiceUrl};
    ///
    /// let client = CasClient::builder("https://cas.example.org/cas").build()?;
    /// let service = ServiceUrl::parse("https://app.example.org/login")?;
    /// assert_eq!(
    ///     client.login_url(&service),
    ///     "https://cas.example.org/cas/login?service=https%3A%2F%2Fapp.example.org%2Flogin"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn login_url(&self, service: &ServiceUrl) -> String {
        self.login_url_in(LoginMode::Normal, service)
    }

    /// The same, for a user who has to give their credentials in any case, or must not be asked for them.
    #[must_use]
    pub fn login_url_in(&self, mode: LoginMode, service: &ServiceUrl) -> String {
        self.login_url_for(mode, &LoginPage::default(), service)
    }

    /// The same, and what the login page is asked for besides.
    pub(crate) fn login_url_for(
        &self,
        mode: LoginMode,
        page: &LoginPage,
        service: &ServiceUrl,
    ) -> String {
        let Inner {
            server,
            protocol,
            login_parameters,
            ..
        } = &*self.inner;
        server.login(*protocol, service, (mode, page), login_parameters)
    }

    /// The same, but asks the server to let the browser post the ticket to the service (CAS protocol 2.1.1). Servers
    /// that do not know this redirect as usual.
    pub(crate) fn login_url_by_post(
        &self,
        mode: LoginMode,
        page: &LoginPage,
        service: &ServiceUrl,
    ) -> String {
        // There is a query already, with the service in it.
        self.login_url_for(mode, page, service) + "&method=POST"
    }

    /// Whether the login URL has a parameter of this name in any case.
    pub(crate) fn has_login_parameter(&self, name: &str) -> bool {
        let mut parameters = self.inner.login_parameters.iter();
        parameters.any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    /// Where to send a browser to end its session at the CAS server. The server may then offer a link to `return_to`,
    /// or redirect there (CAS protocol 2.3.1).
    ///
    /// ```
    /// use cas_layer::{CasClient, ServiceUrl};
    ///
    /// let client = CasClient::builder("https://cas.example.org/cas").build()?;
    /// let return_to = ServiceUrl::parse("https://app.example.org/")?;
    /// assert_eq!(
    ///     client.logout_url(Some(&return_to)),
    ///     "https://cas.example.org/cas/logout?service=https%3A%2F%2Fapp.example.org%2F"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn logout_url(&self, return_to: Option<&ServiceUrl>) -> String {
        self.inner
            .server
            .logout(self.inner.logout_parameter, return_to)
    }

    /// Where to send a browser that brought a logout request with a `RelayState` (front channel): back to the
    /// CAS server, which sends it on to the next app.
    pub(crate) fn logout_relay_url(&self, state: &str) -> String {
        self.inner.server.logout_relay(state)
    }
}

impl Inner {
    /// Where this app asks the server, unless it is at another node.
    pub(super) fn asked(&self) -> &ServerUrl {
        self.nodes.main()
    }
}

/// Without the internal URL, the other nodes and the values of the parameters of validations: a log is no place for them.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("server", &self.server)
            .field("has_internal_url", &self.has_internal_url)
            .field("fallbacks", &self.nodes.fallbacks())
            .field("protocol", &self.protocol)
            .field("format", &self.format)
            .field("saml_clock_tolerance", &self.saml_clock_tolerance)
            .field("timeout", &self.timeout)
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

/// The names of parameters, without their values.
pub(super) fn names_of(parameters: &[(String, String)]) -> Vec<&str> {
    parameters.iter().map(|(name, _)| name.as_str()).collect()
}
