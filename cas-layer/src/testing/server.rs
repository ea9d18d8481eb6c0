//! Starting and stopping.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::middleware::map_response_with_state;
use axum::routing::{delete, get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{
    CasServerBuilder, Fault, FrontChannel, LoginRequest, LogoutReport, Quirk,
    connection::{CutOff, Listener},
    cookies::BASE,
    frames, login, logout, proxy, rest, saml, single_logout,
    state::{Login, Shared},
    validate::{self, Endpoint},
};

/// The largest request body that is read.
const BODY_LIMIT: usize = 64 * 1024;
/// How long a graceful stop waits for clients that do not read their answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// A small CAS server on loopback, for tests and demos. **Not for production.**
///
/// What it answers is described in the [module](super). Dropping it stops it.
pub struct CasServer {
    addr: SocketAddr,
    url: String,
    pub(super) shared: Arc<Shared>,
    /// Dropped to stop the server.
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl CasServerBuilder {
    /// Starts the server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the address is not a loopback address or a root
    /// certificate cannot be read, else what binding the socket says.
    pub async fn start(self) -> io::Result<CasServer> {
        if !self.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} is not a loopback address, and this is no real CAS server",
                    self.listen
                ),
            ));
        }
        let listener = TcpListener::bind(self.listen).await?;
        let addr = listener.local_addr()?;
        let (stop, stopping) = watch::channel(());
        let offers_rest = self.rest;
        let shared = Arc::new(Shared::new(self, format!("http://{addr}{BASE}"), stopping)?);
        let app = router(Arc::clone(&shared), offers_rest)
            .into_make_service_with_connect_info::<CutOff>();
        let stopping = shared.stopping().clone();
        let serving = axum::serve(Listener(listener), app)
            .with_graceful_shutdown(async move { stopping.stopped().await });
        let task = tokio::spawn(async move {
            // Serving ends with the shutdown alone; its error type has no value to report.
            let _ = serving.await;
        });
        Ok(CasServer {
            addr,
            url: format!("http://{addr}{BASE}"),
            shared,
            stop,
            task,
        })
    }
}

impl CasServer {
    /// Starts a server on a free port of `127.0.0.1`, on the current tokio runtime.
    ///
    /// It knows one user, `casuser` with the password `Mellon` and the attributes `mail`,
    /// `displayName` (with markup and other than ASCII characters) and `memberOf` (two values).
    ///
    /// # Errors
    ///
    /// What binding the socket says.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Chooses address, users and behaviour first.
    pub fn builder() -> CasServerBuilder {
        CasServerBuilder::new()
    }

    /// The URL that CAS clients are configured with, `http://127.0.0.1:43117/cas`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Replaces all quirks. The next request sees the new ones.
    pub fn set_quirks(&self, quirks: impl IntoIterator<Item = Quirk>) {
        self.shared.set_quirks(quirks.into_iter().collect());
    }

    /// What every validation endpoint, `/proxy` and the REST protocol answer from the next request on, instead of the
    /// truth.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.shared.set_fault(fault);
    }

    /// How logout requests reach the services from the next logout on: carried by the browser, or
    /// by the server (`None`).
    pub fn set_front_channel(&self, front_channel: Option<FrontChannel>) {
        self.shared.set_front_channel(front_channel);
    }

    /// A service ticket as if `user` had just typed the password on the login page.
    ///
    /// The service gets a logout request at [`log_out`](Self::log_out).
    ///
    /// # Panics
    ///
    /// When the server does not know the user, or the operating system gives no randomness.
    #[must_use]
    pub fn issue_ticket(&self, user: &str, service: &str) -> String {
        assert!(self.shared.user(user).is_some(), "no user `{user}`");
        match self.shared.issue(Login::now(user), service) {
            Ok(ticket) => ticket,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Ends every session of `user` and sends the logout requests: one for each ticket that was
    /// issued in them, and one for each that [`issue_ticket`](Self::issue_ticket) and the like gave for
    /// this user.
    ///
    /// Returns once every request was answered or its time was up, even with
    /// [`Quirk::LogoutInBackground`]. Nothing is sent for a user who has no tickets or is not known,
    /// to a service that is not on loopback, or while a [`FrontChannel`] is set, since no browser
    /// takes part.
    ///
    /// # Panics
    ///
    /// When the operating system gives no randomness.
    pub async fn log_out(&self, user: &str) -> LogoutReport {
        let ended = self.shared.end_sessions_of(user);
        if self.shared.front_channel().is_some() {
            return LogoutReport::default();
        }
        let quirks = self.shared.quirks();
        let notices = match single_logout::notices(ended, &quirks) {
            Ok(notices) => notices,
            Err(error) => panic!("{error:?}"),
        };
        let back_channel = self.shared.back_channel();
        back_channel.send(notices, &quirks).report().await
    }

    /// How many validation requests have arrived, answered with the truth or not.
    #[must_use]
    pub fn validations(&self) -> usize {
        self.shared.validations()
    }

    /// How many passwords have arrived by the REST protocol, answered with the truth or not.
    #[must_use]
    pub fn passwords(&self) -> usize {
        self.shared.passwords()
    }

    /// How many sessions are open: those of browsers, and those that programs opened by the REST protocol.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.shared.sessions()
    }

    /// What browsers asked the login page for so far, the oldest first.
    #[must_use]
    pub fn login_requests(&self) -> Vec<LoginRequest> {
        self.shared.login_requests()
    }

    /// Stops accepting, answers what is under way, closes the connections, and returns when all
    /// that is done. A client that does not read its answer is waited for for 5 s.
    pub async fn shutdown(self) {
        drop(self.stop);
        // When the time is up the rest ends with its sockets.
        let _ = tokio::time::timeout(PATIENCE, self.task).await;
    }
}

impl fmt::Debug for CasServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasServer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn router(shared: Arc<Shared>, offers_rest: bool) -> Router {
    let validation = |endpoint: Endpoint| {
        get(move |State(shared), ConnectInfo(cut_off), params| {
            validate::validate(endpoint, shared, cut_off, params)
        })
    };
    let mut endpoints = Router::new()
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", get(logout::logout))
        .route("/validate", validation(Endpoint::Cas1))
        .route(
            "/serviceValidate",
            validation(Endpoint::Cas2 { proxies: false }),
        )
        .route(
            "/proxyValidate",
            validation(Endpoint::Cas2 { proxies: true }),
        )
        .route(
            "/p3/serviceValidate",
            validation(Endpoint::Cas3 { proxies: false }),
        )
        .route(
            "/p3/proxyValidate",
            validation(Endpoint::Cas3 { proxies: true }),
        )
        .route("/proxy", get(proxy::proxy))
        .route("/samlValidate", post(saml::validate));
    if offers_rest {
        let ticket = delete(rest::destroy).post(rest::buy);
        endpoints = endpoints
            .route("/v1/tickets", post(rest::sign_in))
            .route("/v1/tickets/{ticket}", ticket)
            .route("/v1/users", post(rest::check));
    }
    Router::new()
        .nest(BASE, endpoints)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(map_response_with_state(Arc::clone(&shared), frames::adapt))
        .with_state(shared)
}
