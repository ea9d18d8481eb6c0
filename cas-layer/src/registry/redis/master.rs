//! Finds the server that has the keys: the only one, the master that the Sentinels name, or the node of a cluster.
//!
//! The crate `redis` has clients for Sentinel and Cluster. They would choose a server for each command, and the registry
//! relies on what one server says on one connection: which run of it this is, and which replicas have what was written.

use std::time::Duration;

use redis::RedisError;
use tokio::time::{sleep, timeout};

use super::{
    address::{Place, Server},
    connection::{Connection, Connector},
    failure::Failure,
    info::ServerInfo,
    pages::Pages,
};

/// For one server to be found or connected to, where there are others.
const ONE: Duration = Duration::from_secs(1);

/// How often the Sentinels are asked while the master that they named is being connected to.
const MEANWHILE: Duration = Duration::from_millis(250);

/// How often they are asked while everything goes well: a master may be replaced without breaking our connection to it.
const WATCH: Duration = Duration::from_secs(1);

/// How often a node of a cluster may send us to another one.
const HOPS: usize = 5;

/// For name look-up, TCP, TLS and password together, and for finding the master.
const CONNECT: Duration = Duration::from_secs(5);

/// Connects to the master, and asks it who it is.
pub(super) async fn connect(connector: &Connector) -> Result<(Connection, ServerInfo), Failure> {
    let connected = timeout(CONNECT, async {
        let connection = match &connector.address().place {
            Place::Server(server) => connector.open(server.clone()).await?,
            Place::Sentinels { .. } => by_sentinels(connector).await?,
            Place::Cluster(seeds) => by_cluster(connector, seeds).await?,
        };
        connector.introduce(connection).await
    });
    connected.await.unwrap_or(Err(Failure::Silent))
}

/// Connects to the server behind this connection, for pages alone.
pub(super) async fn open_pages(
    connector: &Connector,
    beside: &Connection,
) -> Result<Pages, Failure> {
    let connected = timeout(CONNECT, connector.open_bare(beside)).await;
    connected.unwrap_or(Err(Failure::Silent)).map(Pages::new)
}

/// Returns when another server has become the master, as far as one can know without using the connection.
pub(super) async fn is_replaced(connector: &Connector, connection: &Connection) -> Failure {
    match connector.address().place {
        Place::Sentinels { .. } => {
            wait_for_other(connector, connection.server(), WATCH).await;
            Failure::Replaced
        }
        Place::Server(_) | Place::Cluster(_) => std::future::pending().await,
    }
}

/// While a server that has died is tried, another one may become the master.
async fn by_sentinels(connector: &Connector) -> Result<Connection, Failure> {
    let mut master = Sentinels::new(connector).master().await?;
    loop {
        tokio::select! {
            connected = connector.open(master.clone()) => return connected,
            other = wait_for_other(connector, &master, MEANWHILE) => master = other,
        }
    }
}

/// Asks every so often, until the answer is another server.
async fn wait_for_other(connector: &Connector, known: &Server, pause: Duration) -> Server {
    let mut sentinels = Sentinels::new(connector);
    loop {
        sleep(pause).await;
        match sentinels.master().await {
            Ok(master) if master != *known => return master,
            // It may be a moment in which there is none.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Asks one of the Sentinels for as long as it answers, and then the next.
struct Sentinels<'c> {
    connector: &'c Connector,
    /// The one that has answered last.
    current: Option<Connection>,
}

impl<'c> Sentinels<'c> {
    fn new(connector: &'c Connector) -> Self {
        Self {
            connector,
            current: None,
        }
    }

    async fn master(&mut self) -> Result<Server, Failure> {
        if let Some(current) = self.current.take()
            && let Ok(master) = self.ask(current).await
        {
            return Ok(master);
        }
        let mut last = Failure::Silent;
        for server in self.connector.address().servers() {
            let asked = timeout(ONE, async {
                let connection = self.connector.open_sentinel(server.clone()).await?;
                self.ask(connection).await
            });
            match asked.await.unwrap_or(Err(Failure::Silent)) {
                Ok(master) => return Ok(master),
                // What one of them says is more than that another one is away.
                Err(failure @ Failure::Unfit(..)) => last = failure,
                Err(failure) if !matches!(last, Failure::Unfit(..)) => last = failure,
                Err(_) => {}
            }
        }
        Err(last)
    }

    async fn ask(&mut self, connection: Connection) -> Result<Server, Failure> {
        let Place::Sentinels { service, .. } = &self.connector.address().place else {
            return Err(Failure::Silent);
        };
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        match connection
            .run_within::<Option<(String, u16)>>(&ask, ONE)
            .await
        {
            Ok(Some((host, port))) => {
                self.current = Some(connection);
                Ok(Server { host, port })
            }
            Ok(None) => Err(Failure::Unfit(
                "Redis Sentinel does not know the service that the URL names",
                service.clone(),
            )),
            Err(failure) if failure.is_unknown_command() => Err(Failure::Unfit(
                "this Redis is no Sentinel: its URL begins with redis://",
                connection.server().to_string(),
            )),
            Err(failure) => Err(failure),
        }
    }
}

/// Asks the nodes that the URL names, one after another, and goes where they send us.
async fn by_cluster(connector: &Connector, seeds: &[Server]) -> Result<Connection, Failure> {
    let mut last = Failure::Silent;
    for seed in seeds {
        let found = timeout(ONE, follow(connector, seed.clone()));
        match found.await.unwrap_or(Err(Failure::Silent)) {
            Ok(connection) => return Ok(connection),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

async fn follow(connector: &Connector, seed: Server) -> Result<Connection, Failure> {
    let mut server = seed;
    for _ in 0..HOPS {
        let connection = connector.open(server).await?;
        let mut ask = redis::cmd("EXISTS");
        ask.arg(connector.key());
        match connection.run_within::<u32>(&ask, ONE).await {
            Ok(_) => return Ok(connection),
            // A Sentinel. What it says of itself is more.
            Err(failure) if failure.is_unknown_command() => return Ok(connection),
            Err(Failure::Redis(error)) => server = sent_to(error, connection.server())?,
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Unreachable(
        "the nodes of the cluster send us from one to another".into(),
    ))
}

/// Where this answer sends us.
fn sent_to(error: RedisError, from: &Server) -> Result<Server, Failure> {
    let to = error.redirect_node().and_then(|(address, _)| {
        let (host, port) = address.rsplit_once(':')?;
        // A node that does not know its own name leaves it out.
        let host = if host.is_empty() { &from.host } else { host };
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = port.parse().ok()?;
        Some(Server { host, port })
    });
    to.ok_or(Failure::Redis(error))
}
