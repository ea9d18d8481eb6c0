//! The registries that are tried, and what keeps what they know. A new registry needs a [`Kind`], its settings in
//! [`program`](super::program), and the rows of the [faults](super::faults::FAULTS) that it has.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use cas_layer::PostgresRegistry;

use super::{
    clock::{Clocks, ShiftedClock},
    guarded::Guarded,
    history::Promises,
    network::Way,
    program::RegistrySettings,
};
use crate::{postgres::PostgresServer, redis::RedisServer, suite::eventually};

/// How long sessions last.
pub const LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// How long a node without news from Redis goes on. What ends elsewhere is in force on every node after that: it knows, or it
/// lets nobody in.
const FAIL_CLOSED: Duration = Duration::from_secs(3);

/// A registry, as it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `MemoryRegistry`: one node.
    Memory,
    /// `FileRegistry`: one node.
    File,
    /// `RedisRegistry`, with a replica that nobody waits for.
    Redis,
    /// `RedisRegistry` with `min_replicas(1)`.
    RedisConfirmed,
    /// The same where a Sentinel has a replica take over.
    RedisSentinel,
    /// The same in a cluster.
    RedisCluster,
    /// `PostgresRegistry`.
    Postgres,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Memory,
        Self::File,
        Self::Redis,
        Self::RedisConfirmed,
        Self::RedisSentinel,
        Self::RedisCluster,
        Self::Postgres,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::File => "file",
            Self::Redis => "redis",
            Self::RedisConfirmed => "redis-confirmed",
            Self::RedisSentinel => "redis-sentinel",
            Self::RedisCluster => "redis-cluster",
            Self::Postgres => "postgres",
        }
    }

    /// Whether it needs a redis-server.
    #[must_use]
    pub fn needs_redis(self) -> bool {
        self.has_pair() || self.is_guarded()
    }

    /// Whether it is in a Redis with a replica that takes over when it is told to.
    pub(crate) fn has_pair(self) -> bool {
        matches!(self, Self::Redis | Self::RedisConfirmed)
    }

    /// Whether it is in a Redis with a replica that takes over by itself.
    pub(crate) fn is_guarded(self) -> bool {
        matches!(self, Self::RedisSentinel | Self::RedisCluster)
    }

    /// Whether the way of a node to its server can be cut. Those who are told where it is go there by themselves.
    pub(crate) fn has_ways(self) -> bool {
        self.is_shared() && !self.is_guarded()
    }

    /// Whether it is in a server that nodes share.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self.needs_redis() || self == Self::Postgres
    }

    /// How many nodes it serves, at most.
    #[must_use]
    pub fn nodes(self) -> usize {
        if self.is_shared() { 3 } else { 1 }
    }

    /// What its documentation promises.
    #[must_use]
    pub fn promises(self) -> Promises {
        Promises {
            delay: if self.is_shared() {
                FAIL_CLOSED
            } else {
                Duration::ZERO
            },
            outlives_process: self != Self::Memory,
            lifetime: LIFETIME,
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == name);
        kind.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no registry `{name}`, only {names}")
        })
    }
}

/// What keeps what the registry knows.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) kind: Kind,
    directory: PathBuf,
    /// With Redis alone.
    pub(crate) redis: Option<Pair>,
    /// With a Sentinel or a cluster alone.
    guarded: Option<Guarded>,
    /// With PostgreSQL alone.
    postgres: Option<PostgresServer>,
    /// The way of each node to the server.
    pub(crate) ways: Vec<Way>,
}

/// A master and its replica.
#[derive(Debug)]
pub(crate) struct Pair {
    servers: [RedisServer; 2],
    clocks: [ShiftedClock; 2],
    master: usize,
}

impl Store {
    pub(crate) async fn start(kind: Kind, nodes: usize, directory: &Path, clocks: &Clocks) -> Self {
        let directory = directory.join("store");
        fs::create_dir(&directory).expect("a directory");
        let (mut redis, mut postgres, mut ways) = (None, None, Vec::new());
        if kind.has_pair() {
            let pair = Pair::start(clocks).await;
            for _ in 0..nodes {
                ways.push(Way::to(pair.master().port()).await);
            }
            redis = Some(pair);
        }
        if kind == Kind::Postgres {
            let server = PostgresServer::start().await;
            let pool = server.pool();
            let made = PostgresRegistry::migrate(&pool).await;
            made.expect("tables");
            for _ in 0..nodes {
                ways.push(Way::to(server.port()).await);
            }
            postgres = Some(server);
        }
        let guarded = match kind {
            Kind::RedisSentinel => Some(Guarded::by_sentinel().await),
            Kind::RedisCluster => Some(Guarded::in_cluster().await),
            _ => None,
        };
        Self {
            kind,
            directory,
            redis,
            guarded,
            postgres,
            ways,
        }
    }

    /// What a node is started with.
    pub(crate) fn registry(&self, node: usize) -> RegistrySettings {
        match self.kind {
            Kind::Memory => RegistrySettings::Memory,
            Kind::File => RegistrySettings::File(self.file().display().to_string()),
            Kind::Redis | Kind::RedisConfirmed => RegistrySettings::Redis {
                url: format!("redis://{}", self.ways[node].address()),
                min_replicas: u32::from(self.kind == Kind::RedisConfirmed),
                fail_closed_after: FAIL_CLOSED.as_secs(),
            },
            Kind::RedisSentinel | Kind::RedisCluster => RegistrySettings::Redis {
                url: self.guarded.as_ref().expect("its servers").url(),
                min_replicas: 1,
                fail_closed_after: FAIL_CLOSED.as_secs(),
            },
            Kind::Postgres => RegistrySettings::Postgres {
                port: self.ways[node].address().port(),
                fail_closed_after: FAIL_CLOSED.as_secs(),
            },
        }
    }

    /// The file of a registry that has one.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.join("sessions.redb")
    }

    /// The replica takes over, and all nodes but one are led to it. Says which.
    pub(crate) async fn fail_over(&mut self, stays: Option<usize>) -> String {
        self.pair().promote().await;
        let port = self.pair().master().port();
        for (node, way) in self.ways.iter().enumerate() {
            if stays != Some(node) {
                way.lead_to(port);
            }
        }
        stays.map_or("all nodes".to_owned(), |node| {
            format!("all but node {node}")
        })
    }

    pub(crate) fn postgres(&mut self) -> &mut PostgresServer {
        self.postgres.as_mut().expect("a fault of PostgreSQL")
    }

    pub(crate) fn guarded(&mut self) -> &mut Guarded {
        self.guarded.as_mut().expect("a fault of such servers")
    }

    pub(crate) fn pair(&mut self) -> &mut Pair {
        self.redis.as_mut().expect("a fault of Redis")
    }
}

impl Pair {
    async fn start(clocks: &Clocks) -> Self {
        let clocks = ["redis-0", "redis-1"].map(|name| clocks.clock(name));
        let [first, second] = &clocks;
        // A replica that connects would wait for others first.
        let options = ["--repl-diskless-sync-delay", "0"];
        let pair = Self {
            servers: [
                RedisServer::start_in(&options, first.environment()).await,
                RedisServer::start_in(&options, second.environment()).await,
            ],
            clocks,
            master: 0,
        };
        pair.follow().await;
        pair
    }

    pub(crate) fn master(&self) -> &RedisServer {
        &self.servers[self.master]
    }

    pub(crate) fn master_mut(&mut self) -> &mut RedisServer {
        &mut self.servers[self.master]
    }

    pub(crate) fn replica(&self) -> &RedisServer {
        &self.servers[1 - self.master]
    }

    /// The clock of the whole machine room.
    pub(crate) fn set_clock(&self, ahead: i64) {
        self.clocks.iter().for_each(|clock| clock.set(ahead));
    }

    pub(crate) fn set_clock_of_replica(&self, ahead: i64) {
        self.clocks[1 - self.master].set(ahead);
    }

    /// The replica becomes the master. The other one goes on as it is.
    pub(crate) async fn promote(&mut self) {
        let replica = self.replica();
        replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
        self.master = 1 - self.master;
    }

    /// The other one follows the master from now on, and has what it has.
    pub(crate) async fn follow(&self) {
        let port = self.master().port().to_string();
        let replica = self.replica();
        let follow = ["REPLICAOF", "127.0.0.1", &port];
        replica.command::<()>(&follow).await;
        self.is_followed().await;
    }

    /// Waits until the replica has what the master has.
    pub(crate) async fn is_followed(&self) {
        eventually("the replica follows", async || {
            let info: String = self.master().command(&["INFO", "replication"]).await;
            info.contains("state=online")
        })
        .await;
    }
}
