//! From options to a running server and back.

use std::{fs, io, io::Write as _, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::http::Uri;
use cas_layer::{
    CasSettings, ConfigError, Key, ProxyChain, SettingsError, SettingsRegistry,
    testing::{CasServer, User},
};
use metrics_exporter_prometheus::BuildError;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time};

use crate::{
    app, metrics,
    options::{Options, option_of},
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
    #[error("cannot read the file {path:?} (--config)")]
    File { path: PathBuf, source: io::Error },
    #[error("the file {path:?} (--config) is no TOML: {message}")]
    Toml { path: PathBuf, message: String },
    #[error(transparent)]
    Settings(SettingsError),
    /// The same where an option has the value, or could have it.
    #[error("{option}")]
    Option {
        option: &'static str,
        source: SettingsError,
    },
    #[error("--app-url {url}: the demo has no path of its own, give scheme, host and port alone")]
    AppUrlWithPath { url: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot set up the client of the second service (--proxy)")]
    HttpClient(#[source] reqwest::Error),
    #[error("cannot count (--metrics)")]
    Metrics(#[from] BuildError),
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
}

impl From<SettingsError> for StartError {
    fn from(source: SettingsError) -> Self {
        match option_of(source.key()) {
            Some(option) => Self::Option { option, source },
            None => Self::Settings(source),
        }
    }
}

/// Serves until a signal comes. Errors are those of starting.
pub(crate) async fn run(options: Options) -> Result<(), StartError> {
    let mut settings = read(options.config.as_ref())?;
    options.overrule(&mut settings);
    let stop = stop_signal().map_err(StartError::Signals)?;

    let (listener, own_url) = listen("--listen", options.listen).await?;
    let app_url = settings.app_url.get_or_insert(own_url.as_str().into());
    let app_url = app_url.as_str().to_owned();
    if has_path(&app_url) {
        return Err(StartError::AppUrlWithPath { url: app_url });
    }
    let embedded = match settings.url {
        Some(_) => None,
        None => Some(start_cas_server(options.cas_listen, options.proxy).await?),
    };
    let embedded_url = embedded.as_ref().map(CasServer::url);
    let cas_url = settings
        .url
        .get_or_insert(embedded_url.unwrap_or_default().into());
    let cas_url = cas_url.as_str().to_owned();

    let metrics = options.metrics.then(metrics::install).transpose()?;
    let registry = settings.registry().await?;
    let mut config = settings.builder(&registry)?;
    let has_key = settings.key_file.is_some() || !settings.keys.is_empty();
    if !has_key {
        config = config.key(Key::generate());
    }
    for (paths, access) in app::rules() {
        config = config.rule(paths, access);
    }
    if metrics.is_some() {
        config = config.public(metrics::PATH);
    }
    let mut second = None;
    if options.proxy {
        let own = format!("{app_url}{}", app::PROXY_CALLBACK_PATH);
        let callback_url = settings.proxy.callback_url.take();
        let callback_url = callback_url.map_or(own, Into::into);
        second = Some(Second::new(options.proxy_listen, settings, callback_url).await?);
    }
    let config = config.build()?;

    // Everything that can fail has been done: a failure is one line, with nothing before it.
    if !has_key {
        tracing::info!("no --key-file: a random key, so sessions end when this process does");
    }
    announce(&app_url, &own_url, &cas_url, embedded.is_some());
    let (service, second) = second.map(Second::start).unzip();
    serve(listener, app::router(config, metrics, service), stop).await;
    if let Some(second) = second {
        // The demo alone called it.
        second.abort();
    }
    if let Err(error) = registry.shutdown().await {
        tracing::error!(%error, "other nodes may not know of every sign-out");
    }
    if let Some(server) = embedded {
        server.shutdown().await;
    }
    Ok(())
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
    /// It accepts the demo alone, which others know by its `callback_url`. It asks the CAS server as the demo does.
    async fn new(
        address: SocketAddr,
        of_demo: CasSettings,
        callback_url: String,
    ) -> Result<Self, StartError> {
        let (listener, url) = listen("--proxy-listen", address).await?;
        let mut settings = CasSettings::default();
        settings.url = of_demo.url;
        settings.app_url = Some(url.as_str().into());
        settings.protocol = of_demo.protocol;
        settings.server = of_demo.server;
        let demo = ProxyChain::exact([callback_url]);
        let config = settings
            .builder(&SettingsRegistry::default())?
            .key(Key::generate())
            .client(|client| client.accept_proxies([demo]))
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

/// The settings of the file, if there is one.
fn read(path: Option<&PathBuf>) -> Result<CasSettings, StartError> {
    let Some(path) = path.cloned() else {
        return Ok(CasSettings::default());
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(StartError::File { path, source }),
    };
    let file = toml::Deserializer::parse(&text).map_err(|error| {
        let message = error.message().to_owned();
        StartError::Toml { path, message }
    })?;
    Ok(CasSettings::read(file)?)
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
