//! From options to a running server and back.

use std::{
    fs, io,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::http::Uri;
use cas_layer::{
    CasClientBuilder, CasConfig, ConfigError, FileRegistry, Key, ProxyChain, RedisRegistry,
    SessionOptions,
    registry::RegistryError,
    testing::{CasServer, User},
};
use metrics_exporter_prometheus::BuildError;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time};

use crate::{
    app, metrics,
    options::{Options, Registry},
    proxied, records,
};

/// How long open connections may finish after a signal.
const GRACE: Duration = Duration::from_secs(5);

const DEMO_USER: &str = "casuser";
/// Has the attribute that `/admin` asks for.
const DEMO_ADMIN: &str = "casadmin";
const DEMO_PASSWORD: &str = "Mellon";

/// What keeps the demo from starting.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot listen on {address} ({option})")]
    Listen {
        option: &'static str,
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot start the embedded CAS server on {address} (--cas-listen)")]
    CasListen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot read the file {path:?} ({option})")]
    File {
        option: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("line {line} of the key file {path:?}")]
    Key {
        path: PathBuf,
        line: usize,
        source: ConfigError,
    },
    #[error("the key file {path:?} holds no key")]
    NoKey { path: PathBuf },
    #[error("--app-url {url}: the demo has no path of its own, give scheme, host and port alone")]
    AppUrlWithPath { url: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the registry {registry:?} (--registry)")]
    Registry {
        registry: Registry,
        source: RegistryError,
    },
    #[error("cannot set up the client of the second service (--proxy)")]
    HttpClient(#[source] reqwest::Error),
    #[error("cannot count (--metrics)")]
    Metrics(#[from] BuildError),
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
}

/// Serves until a signal comes. Errors are those of starting.
pub(crate) async fn run(options: Options) -> Result<(), StartError> {
    let keys = match &options.key_file {
        Some(path) => read_keys(path)?,
        None => vec![Key::generate()],
    };
    let ca = match &options.cas_ca_file {
        Some(path) => Some(read("--cas-ca-file", path)?),
        None => None,
    };
    let stop = stop_signal().map_err(StartError::Signals)?;

    let (listener, own_url) = listen("--listen", options.listen).await?;
    let app_url = match options.app_url {
        Some(url) if has_path(&url) => return Err(StartError::AppUrlWithPath { url }),
        Some(url) => url,
        None => own_url.clone(),
    };
    let (embedded, cas_url) = if let Some(url) = options.cas_url {
        (None, url)
    } else {
        let server = start_cas_server(options.cas_listen, options.proxy).await?;
        let url = server.url().to_owned();
        (Some(server), url)
    };

    let metrics = options.metrics.then(metrics::install).transpose()?;
    let mut config = CasConfig::builder(cas_url.as_str(), app_url.as_str())
        .sign_in(|sign_in| sign_in.landing_path(app::LANDING_PATH))
        .session(|session| lasting(session, options.lifetime, options.idle));
    for key in keys {
        config = config.key(key);
    }
    for (paths, access) in app::rules() {
        config = config.rule(paths, access);
    }
    if metrics.is_some() {
        config = config.public(metrics::PATH);
    }
    let mut redis = None;
    let registry_error = |source| StartError::Registry {
        registry: options.registry.clone(),
        source,
    };
    config = match &options.registry {
        Registry::Memory => config,
        Registry::File(path) => config.registry(FileRegistry::open(path).map_err(registry_error)?),
        Registry::Redis(url) => {
            let registry = redis.insert(
                RedisRegistry::connect(url.as_str())
                    .await
                    .map_err(registry_error)?,
            );
            config.registry(registry.clone())
        }
    };
    let protocol = options.protocol;
    let client = |client: CasClientBuilder| {
        let client = client.protocol(protocol.into());
        match ca.clone() {
            Some(pem) => client.add_root_certificate_pem(pem),
            None => client,
        }
    };
    let mut second = None;
    if options.proxy {
        let callback_url = options
            .proxy_callback_url
            .unwrap_or_else(|| format!("{app_url}{}", app::PROXY_CALLBACK_PATH));
        config = config
            .session(|session| session.encrypted(true))
            .proxy(|proxy| {
                proxy
                    .callback_path(app::PROXY_CALLBACK_PATH)
                    .callback_url(callback_url.as_str())
            });
        second = Some(Second::new(options.proxy_listen, &cas_url, callback_url, &client).await?);
    }
    let config = config.client(client).build()?;

    // Everything that can fail has been done: a failure is one line, with nothing before it.
    if options.key_file.is_none() {
        tracing::info!("no --key-file: a random key, so sessions end when this process does");
    }
    announce(&app_url, &own_url, &cas_url, embedded.is_some());
    let (service, second) = second.map(Second::start).unzip();
    serve(listener, app::router(config, metrics, service), stop).await;
    if let Some(second) = second {
        // The demo alone called it.
        second.abort();
    }
    if let Some(registry) = redis
        && let Err(error) = registry.shutdown().await
    {
        tracing::error!(%error, "other nodes may not know of every sign-out");
    }
    if let Some(server) = embedded {
        server.shutdown().await;
    }
    Ok(())
}

/// Sessions that last so many seconds, and so many unused: 0 for no such end.
fn lasting(session: SessionOptions, lifetime: Option<u64>, idle: Option<u64>) -> SessionOptions {
    let session = match lifetime {
        Some(seconds) => session.lifetime(Duration::from_secs(seconds)),
        None => session,
    };
    match idle {
        None => session,
        Some(0) => session.idle_timeout(None),
        Some(seconds) => session.idle_timeout(Duration::from_secs(seconds)),
    }
}

/// Finishes what is under way when `stop` resolves, but does not wait for idle or stuck connections
/// longer than [`GRACE`].
async fn serve(
    listener: TcpListener,
    router: axum::Router,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let stopping = Arc::new(Notify::new());
    let server = axum::serve(listener, router).with_graceful_shutdown({
        let stopping = Arc::clone(&stopping);
        async move {
            stop.await;
            tracing::info!("shutting down");
            stopping.notify_one();
        }
    });
    let patience = async {
        stopping.notified().await;
        time::sleep(GRACE).await;
    };
    tokio::select! {
        // It never errs: axum goes on after a failed accept.
        _ = server.into_future() => {}
        () = patience => tracing::warn!("connections are still open, closing them"),
    }
}

/// The service that the demo calls in its user's name, and the way to it.
struct Second {
    listener: TcpListener,
    router: axum::Router,
    service: proxied::Service,
}

impl Second {
    /// It accepts the demo alone, which others know by its `callback_url`.
    async fn new(
        address: SocketAddr,
        cas_url: &str,
        callback_url: String,
        client: impl FnOnce(CasClientBuilder) -> CasClientBuilder,
    ) -> Result<Self, StartError> {
        let (listener, url) = listen("--proxy-listen", address).await?;
        let demo = ProxyChain::exact([callback_url]);
        let config = CasConfig::builder(cas_url, url.as_str())
            .key(Key::generate())
            .client(|builder| client(builder).accept_proxies([demo]))
            .build()?;
        let service = proxied::Service::new(format!("{url}{}", records::PATH))
            .map_err(StartError::HttpClient)?;
        Ok(Self {
            listener,
            router: records::router(config),
            service,
        })
    }

    fn start(self) -> (proxied::Service, JoinHandle<io::Result<()>>) {
        let server = axum::serve(self.listener, self.router);
        (self.service, tokio::spawn(server.into_future()))
    }
}

/// A socket, and the URL of what is served there.
async fn listen(
    option: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, String), StartError> {
    let failed = |source| StartError::Listen {
        option,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    Ok((listener, url))
}

/// `calls_back`: proxy-granting tickets go to the demo, which is on plain http.
async fn start_cas_server(address: SocketAddr, calls_back: bool) -> Result<CasServer, StartError> {
    let mut server = CasServer::builder();
    if calls_back {
        server = server.allow_http_callbacks(true);
    }
    server
        .listen(address)
        .user(
            User::new(DEMO_USER, DEMO_PASSWORD)
                .attribute("displayName", ["Casimir User"])
                .attribute("mail", ["casuser@example.org"])
                .attribute("memberOf", ["staff", "demo"]),
        )
        .user(
            User::new(DEMO_ADMIN, DEMO_PASSWORD)
                .attribute("displayName", ["Casimir Admin"])
                .attribute("mail", ["casadmin@example.org"])
                .attribute("memberOf", ["staff", "admin"]),
        )
        .start()
        .await
        .map_err(|source| StartError::CasListen { address, source })
}

fn announce(app_url: &str, own_url: &str, cas_url: &str, embedded: bool) {
    let mut lines = vec![format!("Demo:       {app_url}")];
    if app_url != own_url {
        lines.push(format!("Listens on: {own_url}"));
    }
    lines.push(format!("CAS server: {cas_url}"));
    if embedded {
        lines.push(format!("Sign in as: {DEMO_USER} / {DEMO_PASSWORD}"));
        lines.push(format!(
            "Or, for /admin, as: {DEMO_ADMIN} / {DEMO_PASSWORD}"
        ));
    }
    // A closed stdout is no reason to stop.
    let _ = writeln!(io::stdout(), "{}", lines.join("\n"));
}

/// Reads keys, one a line; blank lines are skipped.
fn read_keys(path: &Path) -> Result<Vec<Key>, StartError> {
    let bytes = read("--key-file", path)?;
    let keys: Vec<Key> = String::from_utf8_lossy(&bytes)
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            Key::from_base64(line).map_err(|source| StartError::Key {
                path: path.to_owned(),
                line: index + 1,
                source,
            })
        })
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(StartError::NoKey {
            path: path.to_owned(),
        });
    }
    Ok(keys)
}

fn read(option: &'static str, path: &Path) -> Result<Vec<u8>, StartError> {
    fs::read(path).map_err(|source| StartError::File {
        option,
        path: path.to_owned(),
        source,
    })
}

/// Whether the URL is one with a path; whether it is a usable URL at all, the configuration says.
fn has_path(url: &str) -> bool {
    url.parse::<Uri>()
        .is_ok_and(|uri| uri.scheme().is_some() && uri.path() != "/")
}

/// Resolves on Ctrl-C or SIGTERM. The handlers are in place when this returns.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves on Ctrl-C. The handler is in place when this returns.
#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
