//! An API whose every request brings a ticket of its own.

mod admit;
mod browser;
mod credentials;
mod decide;
mod passwords;
mod refusal;

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

pub use self::passwords::PasswordOptions;
use self::passwords::Passwords;
#[cfg(doc)]
use crate::user::CasUser;
use crate::{app::Hosts, config::CasConfig, error::ConfigError};

/// Admits programs that bring a ticket with every request: services that act for a user (CAS protocol 2.6, 2.7),
/// scripts, other servers. Nobody is redirected, and the server keeps nothing.
///
/// A ticket comes as `Authorization: CAS <ticket>`. The layer validates it with the requested URL as its service URL.
/// So a program that calls `https://api.example.org/records?year=2026` gets a proxy ticket for that very URL, and a
/// new one for each request: a ticket is good once. A ticket in the query is accepted only [where that is
/// allowed](Self::with_tickets_in_query). On every path that is not public, the parameter `ticket` belongs to the
/// layer, and is no part of the service URL.
///
/// Proxy tickets are accepted only from the proxies in [`accept_proxies`](crate::CasClientBuilder::accept_proxies);
/// by default, there are none. The [rules](crate::CasConfigBuilder::rule) of the configuration hold. A public path is
/// left alone, its `ticket` parameter too. The inner service finds a [`CasUser`] in the request's extensions, but not
/// the header or the parameter with the ticket.
///
/// | request for a path that requires a user | answer |
/// | --- | --- |
/// | no ticket | 401, and `WWW-Authenticate: CAS service="…"` names the service URL that a ticket is needed for |
/// | a ticket that the CAS server refuses, a proxy that is not accepted | the same |
/// | two tickets, or a text that cannot be a ticket; a ticket in the query where that is not allowed | 400 |
/// | a ticket in the query of a request that a browser may have sent | 403 |
/// | a user without permission, or a user who has to give their credentials for it | 403, 401 |
/// | too many wrong passwords, where [they are taken](Self::with_passwords) | 429 |
/// | too many at once | 503 |
/// | the CAS server does not answer, or not in time | 502, 504 |
///
/// No answer is a page; most are problem documents (RFC 9457). This layer answers only two endpoints of the
/// configuration: [`EndpointOptions::logout_request`](crate::EndpointOptions::logout_request) and
/// [`ProxyOptions::callback_path`](crate::ProxyOptions::callback_path).
///
/// ```
/// use axum::{Router, routing::get};
/// use cas_layer::{CasApiLayer, CasConfig, CasUser, Key, ProxyChain};
///
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://api.example.org")
///     .key(Key::generate())
///     .client(|client| {
///         client.accept_proxies([ProxyChain::exact(["https://portal.example.org/cas/proxy"])])
///     })
///     .build()?;
/// let app: Router = Router::new()
///     .route("/records", get(|user: CasUser| async move { format!("Records of {}", user.name()) }))
///     .layer(CasApiLayer::new(config));
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CasApiLayer {
    hosts: Hosts,
    sessions: bool,
    tickets_in_query: bool,
    passwords: Option<Arc<Passwords>>,
}

impl CasApiLayer {
    /// A layer with this configuration. Never fails and never blocks.
    #[must_use]
    pub fn new(config: CasConfig) -> Self {
        Self {
            hosts: config.0,
            sessions: false,
            tickets_in_query: false,
            passwords: None,
        }
    }

    /// Accepts tickets from the query as well, as `?ticket=<ticket>`, for programs that cannot send the
    /// `Authorization` field. By default, a request with such a ticket is refused.
    ///
    /// # Security
    /// A link to the CAS server's login page, with a URL of this API as its service, makes the server send any
    /// visitor's browser to that URL with a good ticket in the query. So a request that may come from a browser is
    /// refused with 403: one with `Origin`, `Referer`, `Accept-Language`, `Upgrade-Insecure-Requests` or any of the
    /// `Sec-Fetch-*` and `Sec-CH-*` fields, one that says it is a prefetch, and one whose `Accept` names HTML. Some
    /// HTTP clients send some of these as well. Two risks remain: a browser that sends none of them would be
    /// admitted, and URLs are in the logs of every proxy on the way. Use the `Authorization` field wherever that is
    /// possible.
    #[must_use]
    pub fn with_tickets_in_query(mut self, accept: bool) -> Self {
        self.tickets_in_query = accept;
        self
    }

    /// Lets programs that keep cookies use one ticket for several requests. A ticket in the `Authorization` field
    /// opens a session. Its cookie comes with the response, and replaces the ticket on the requests that follow. By
    /// default, the layer sets no cookie and looks at none.
    ///
    /// A program that does not keep cookies opens a session with every request. Each of them has an entry in the
    /// registry until it expires.
    ///
    /// A ticket in the query never opens a session, nor does a request that a browser sent (one with `Origin` or
    /// `Sec-Fetch-*`): a foreign page could make it. Single logout ends such a session only if the CAS server knows
    /// the app's [`EndpointOptions::logout_request`](crate::EndpointOptions::logout_request).
    #[must_use]
    pub fn with_sessions(mut self, sessions: bool) -> Self {
        self.sessions = sessions;
        self
    }

    /// Takes a user name and a password as well, as `Authorization: Basic` (RFC 7617), for programs that cannot get tickets.
    /// They are those of the CAS server, which has to offer its REST protocol: the layer signs in there, buys a ticket
    /// for the app's URL and a slash, such as `https://api.example.org/`, validates it, and ends the session. The server has to
    /// know that URL as a service. A 401 then names both schemes.
    ///
    /// A right password counts [for some seconds](PasswordOptions::remembered_for), for at most 4,096 users. It is known by a
    /// hash with a key of this process, and is stored nowhere. Requests that bring the same password at once are
    /// one sign-in.
    ///
    /// Ten wrong passwords of one user in a minute, or thirty from [one address](crate::CasConfigBuilder::peer_address), are
    /// answered 429, without asking the CAS server, until the minute is over. A password that was right within the last hour is asked
    /// for all the same, and one that was wrong not again within ten seconds. A password opens
    /// no [session](Self::with_sessions), and brings no proxy-granting ticket.
    ///
    /// # Errors
    /// The app or the CAS server is asked over plain http and is not this machine, or a time in the options is too long.
    ///
    /// # Security
    /// Each request has the password in it, and each proxy on the way sees it. A ticket is better: it is good once, and for
    /// one service. Browsers are refused with 403 (those that send `Origin` or `Sec-Fetch-*`, as Node's `fetch`
    /// does too): once one has a password, any page can make it send it.
    pub fn with_passwords(mut self, options: &PasswordOptions) -> Result<Self, ConfigError> {
        self.passwords = Some(Arc::new(Passwords::new(options, &self.hosts)?));
        Ok(self)
    }
}

impl<S> Layer<S> for CasApiLayer {
    type Service = CasApi<S>;

    fn layer(&self, inner: S) -> CasApi<S> {
        CasApi {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`CasApiLayer`] makes of an inner one.
#[derive(Clone, Debug)]
pub struct CasApi<S> {
    inner: S,
    layer: CasApiLayer,
}

/// The answer of [`CasApi`].
pub struct CasApiFuture<T, E>(Pin<Box<dyn Future<Output = Result<T, E>> + Send>>);

impl<T, E> Future for CasApiFuture<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T, E> fmt::Debug for CasApiFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CasApiFuture")
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CasApi<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    ReqBody: Body + Send + 'static,
    ResBody: From<Bytes> + Send,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = CasApiFuture<Response<ResBody>, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        // The service that `poll_ready` made ready is the one that is called.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        CasApiFuture(Box::pin(async move {
            match layer.admit(request).await {
                Ok(admitted) => {
                    let mut response = inner.call(admitted.request).await?;
                    let status = response.status();
                    admitted.finish.apply(status, response.headers_mut());
                    Ok(response)
                }
                Err(refusal) => Ok((*refusal).map(ResBody::from)),
            }
        }))
    }
}
