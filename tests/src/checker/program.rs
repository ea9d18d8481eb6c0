//! A node: an app behind the layer, as a process of its own.
//!
//! The program that runs the checker starts itself again for it, so that there is nothing else to build.

use std::{
    cell::Cell,
    env, fmt,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Query, Request},
    http::{HeaderValue, StatusCode},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use cas_layer::{
    CasConfig, CasLayer, CasUser, FileRegistry, Key, MemoryRegistry, PostgresRegistry,
    RedisRegistry, SessionId,
    registry::{
        AccountId, EndedSessions, LogoutSender, Opened, ProxyGrants, RegisteredSession, Registry,
        RegistryFuture, SessionFamilies, SessionStorage, UnixSeconds,
    },
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, runtime::Runtime, time::sleep};

use crate::postgres::PostgresServer;

/// What the process has to know. Set in a node alone.
pub(super) const VARIABLE: &str = "CAS_TESTS_CHECKER_NODE";

/// Where it says whether an end was recorded: `done` or `failed`.
pub(super) const END: &str = "x-end";
/// Where it says how late it was itself of late, in microseconds.
pub(super) const STALL: &str = "x-stall";

/// How often it looks whether it is late.
const TICK: Duration = Duration::from_millis(20);
/// How long it remembers that it was.
const LATELY: Duration = Duration::from_secs(10);

/// What a node is started with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The CAS server's URL.
    pub cas_url: String,
    /// The app's public URL, the same for all nodes.
    pub app_url: String,
    /// How long a session lasts, in seconds.
    pub lifetime: u64,
    /// Its registry.
    pub registry: RegistrySettings,
    /// What is wrong with it, for tests of the checker.
    pub defect: Option<Defect>,
}

/// The registry of a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrySettings {
    /// [`MemoryRegistry`].
    Memory,
    /// [`FileRegistry`] with this file.
    File(String),
    /// [`RedisRegistry`].
    Redis {
        /// Where Redis is.
        url: String,
        /// How many replicas have to confirm.
        min_replicas: u32,
        /// How long a node without news goes on, in seconds.
        fail_closed_after: u64,
    },
    /// [`PostgresRegistry`].
    Postgres {
        /// Behind which port of 127.0.0.1 PostgreSQL is.
        port: u16,
        /// How long a node without news goes on, in seconds.
        fail_closed_after: u64,
    },
}

/// A registry that does not keep what it promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// It answers that a session has ended, and does nothing, one time in four.
    ForgetsEnds,
    /// The same for messages of the CAS server, one time in three.
    ForgetsLogouts,
    /// It takes one session in four for ended.
    LosesSessions,
}

/// Runs the node, if this process was started as one.
#[must_use]
pub fn run_if_asked() -> Option<ExitCode> {
    let settings = env::var(VARIABLE).ok()?;
    let settings = serde_json::from_str(&settings).expect("settings that the checker wrote");
    let runtime = Runtime::new().expect("a runtime");
    Some(match runtime.block_on(serve(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the node does not start: {error}");
            ExitCode::FAILURE
        }
    })
}

type Problem = Box<dyn std::error::Error>;

async fn serve(settings: Settings) -> Result<(), Problem> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let registry: Arc<dyn Registry> = match &settings.registry {
        RegistrySettings::Memory => Arc::new(MemoryRegistry::default()),
        RegistrySettings::File(path) => Arc::new(FileRegistry::open(path)?),
        RegistrySettings::Redis {
            url,
            min_replicas,
            fail_closed_after,
        } => {
            let builder = RedisRegistry::builder(url)
                .min_replicas(*min_replicas)
                .fail_closed_after(Duration::from_secs(*fail_closed_after));
            Arc::new(builder.connect().await?)
        }
        RegistrySettings::Postgres {
            port,
            fail_closed_after,
        } => {
            let builder = PostgresRegistry::builder(PostgresServer::pool_at(*port))
                .fail_closed_after(Duration::from_secs(*fail_closed_after));
            Arc::new(builder.connect().await?)
        }
    };
    let watched = Watched {
        registry,
        defect: settings.defect,
        calls: AtomicU64::new(0),
    };
    let config = CasConfig::builder(&settings.cas_url, &settings.app_url)
        // Of the tests alone.
        .key(Key::from(
            (0..64)
                .map(|n: u8| n.wrapping_mul(7) ^ 7)
                .collect::<Vec<_>>(),
        ))
        .registry(watched)
        .session(|session| {
            let lifetime = Duration::from_secs(settings.lifetime);
            session.lifetime(lifetime).idle_timeout(None)
        })
        .public_prefix("/checker")
        .build()?;
    let ending = config.clone();
    let cas_url = settings.cas_url;
    let end_all =
        async move |Query(whose): Query<Whose>| match ending.end_all(&cas_url, &whose.user).await {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
    let lateness = Arc::new(Lateness::new());
    tokio::spawn(Arc::clone(&lateness).watch());
    let app = Router::new()
        .route("/page", get(async |user: CasUser| user.name().to_owned()))
        .route("/checker/end_all", post(end_all))
        .route("/checker/disk", post(fill_disk))
        .layer(CasLayer::new(config))
        .layer(middleware::from_fn(move |request, next| {
            tell(Arc::clone(&lateness), request, next)
        }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Whose {
    user: String,
}

#[derive(Deserialize)]
struct Disk {
    /// Up to where files can be written, in bytes. None for no limit.
    limit: Option<u64>,
}

async fn fill_disk(Query(disk): Query<Disk>) -> StatusCode {
    let limits = Rlimit {
        current: disk.limit,
        ..getrlimit(Resource::Fsize)
    };
    match setrlimit(Resource::Fsize, limits) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

tokio::task_local! {
    /// Whether the ends of this request were recorded.
    static ENDS: Cell<Option<bool>>;
}

/// Adds to each response what only the process itself knows. A browser that signs out is sent on in any case, so its answer
/// does not say whether the others will know.
async fn tell(lateness: Arc<Lateness>, request: Request, next: Next) -> Response {
    ENDS.scope(Cell::new(None), async move {
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        if let Some(is_recorded) = ENDS.with(Cell::get) {
            let word = if is_recorded { "done" } else { "failed" };
            headers.insert(END, HeaderValue::from_static(word));
        }
        headers.insert(STALL, lateness.micros().into());
        response
    })
    .await
}

/// How late the process is. Who was stopped or got no turn cannot know the news.
struct Lateness {
    started: Instant,
    /// The last tick, in microseconds since `started`.
    tick: AtomicU64,
    /// The worst of late, and when that was.
    worst: AtomicU64,
    worst_at: AtomicU64,
}

impl Lateness {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            tick: AtomicU64::new(0),
            worst: AtomicU64::new(0),
            worst_at: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        micros(self.started.elapsed())
    }

    /// Since the last tick.
    fn current(&self) -> u64 {
        let since = self.now().saturating_sub(self.tick.load(Ordering::Relaxed));
        since.saturating_sub(micros(TICK))
    }

    fn micros(&self) -> u64 {
        self.worst.load(Ordering::Relaxed).max(self.current())
    }

    async fn watch(self: Arc<Self>) {
        loop {
            sleep(TICK).await;
            let (late, now) = (self.current(), self.now());
            let age = now - self.worst_at.load(Ordering::Relaxed);
            if late >= self.worst.load(Ordering::Relaxed) || age > micros(LATELY) {
                self.worst.store(late, Ordering::Relaxed);
                self.worst_at.store(now, Ordering::Relaxed);
            }
            self.tick.store(now, Ordering::Relaxed);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The registry, and what becomes of its ends.
struct Watched {
    registry: Arc<dyn Registry>,
    defect: Option<Defect>,
    calls: AtomicU64,
}

impl Watched {
    /// Whether this call is one that is not done.
    fn forgets(&self, defect: Defect) -> bool {
        self.defect == Some(defect) && self.calls.fetch_add(1, Ordering::Relaxed) % 3 == 2
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.registry.fmt(f)
    }
}

impl Registry for Watched {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        self.registry.begin(id, lasts)
    }

    fn abandon(&self, id: SessionId) {
        self.registry.abandon(id);
    }

    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        self.registry.open(id, expires_at, now)
    }

    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        // A session and its family are two calls, and either of them would do.
        let ending =
            if self.defect == Some(Defect::ForgetsEnds) && id.as_bytes()[0].is_multiple_of(2) {
                Box::pin(std::future::ready(Ok(())))
            } else {
                self.registry.end(id, expires_at, now)
            };
        Box::pin(async move {
            let ended = ending.await;
            let _ = ENDS.try_with(|ends| {
                ends.set(Some(ends.get().unwrap_or(true) && ended.is_ok()));
            });
            ended
        })
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        if self.forgets(Defect::ForgetsLogouts) {
            return Box::pin(std::future::ready(Ok(ids)));
        }
        self.registry.end_if_opened(ids, sender, now)
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        self.registry.end_all(account, expires_at, now)
    }

    fn ended(&self) -> &EndedSessions {
        self.registry.ended()
    }

    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        let is_lost = self.defect == Some(Defect::LosesSessions)
            && session.id.as_bytes()[0].is_multiple_of(4);
        is_lost || self.registry.is_ended(session)
    }

    fn is_current(&self) -> bool {
        self.registry.is_current()
    }

    fn outlives_process(&self) -> bool {
        self.registry.outlives_process()
    }

    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        self.registry.proxy_grants()
    }

    fn families(&self) -> Option<&dyn SessionFamilies> {
        self.registry.families()
    }

    fn storage(&self) -> Option<&dyn SessionStorage> {
        self.registry.storage()
    }
}
