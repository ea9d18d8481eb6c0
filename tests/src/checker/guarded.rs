//! Redis servers of which one takes over when the master dies: by a Sentinel, or in a cluster.

use crate::{redis::RedisServer, suite::eventually};

/// A key of the registry. All of them are in one slot.
const KEY: &str = "{cas-layer}:number";

/// A master, its replica, and those who decide that it takes over.
#[derive(Debug)]
pub struct Guarded {
    servers: [RedisServer; 2],
    master: usize,
    guards: Guards,
}

#[derive(Debug)]
enum Guards {
    Sentinel(Box<RedisServer>),
    /// The masters of the other slots.
    Cluster(Vec<RedisServer>),
}

impl Guarded {
    /// Starts them with one Sentinel, which decides alone.
    pub async fn by_sentinel() -> Self {
        let servers = [RedisServer::start().await, RedisServer::start().await];
        let sentinel = RedisServer::start_sentinel(&servers[0], &[]).await;
        let guarded = Self {
            servers,
            master: 0,
            guards: Guards::Sentinel(Box::new(sentinel)),
        };
        guarded.follows().await;
        guarded
    }

    /// Starts a cluster: three masters, and a replica of the one that has the keys.
    pub async fn in_cluster() -> Self {
        let mut others = RedisServer::start_cluster(3).await;
        let slot: usize = others[0].command(&["CLUSTER", "KEYSLOT", KEY]).await;
        let master = others.remove(slot * others.len() / 16_384);
        let replica = RedisServer::start_cluster_node().await;
        master.meet(&replica).await;
        let id: String = master.command(&["CLUSTER", "MYID"]).await;
        eventually("the replica knows the master", async || {
            let nodes: String = replica.command(&["CLUSTER", "NODES"]).await;
            nodes.contains(&id)
        })
        .await;
        replica.command::<()>(&["CLUSTER", "REPLICATE", &id]).await;
        let guarded = Self {
            servers: [master, replica],
            master: 0,
            guards: Guards::Cluster(others),
        };
        guarded.follows().await;
        guarded
    }

    /// The URL for the registry.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.guards {
            Guards::Sentinel(sentinel) => {
                format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port())
            }
            Guards::Cluster(others) => {
                let nodes = others.iter().chain(&self.servers);
                let nodes: Vec<_> = nodes
                    .map(|node| format!("127.0.0.1:{}", node.port()))
                    .collect();
                format!("redis+cluster://{}", nodes.join(","))
            }
        }
    }

    /// The master, as far as is known here.
    #[must_use]
    pub fn master(&self) -> &RedisServer {
        &self.servers[self.master]
    }

    /// Kills it without a warning.
    pub async fn kill_master(&mut self) {
        self.servers[self.master].kill().await;
    }

    /// The other one: the replica, or who was the master before.
    #[must_use]
    pub fn other(&self) -> &RedisServer {
        &self.servers[1 - self.master]
    }

    /// The same, to be started again.
    pub fn other_mut(&mut self) -> &mut RedisServer {
        &mut self.servers[1 - self.master]
    }

    /// Waits until the replica is the master.
    pub async fn takes_over(&mut self) {
        let new = &self.servers[1 - self.master];
        eventually("the replica takes over", async || match &self.guards {
            Guards::Sentinel(sentinel) => {
                let (_, port): (String, u16) = sentinel
                    .command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"])
                    .await;
                port == new.port()
            }
            Guards::Cluster(_) => says(new, "role:master").await,
        })
        .await;
        self.master = 1 - self.master;
    }

    /// Waits until the other server follows the master, and could take over in turn.
    pub async fn follows(&self) {
        let (master, other) = (self.master(), self.other());
        if let Guards::Sentinel(_) = &self.guards {
            // The Sentinel would see to it some seconds later.
            let port = master.port().to_string();
            let follow = ["REPLICAOF", "127.0.0.1", &port];
            other.command::<()>(&follow).await;
        }
        eventually("the replica follows", async || {
            says(other, "master_link_status:up").await && says(master, "state=online").await
        })
        .await;
        match &self.guards {
            Guards::Sentinel(sentinel) => {
                eventually("the Sentinel sees the replica", async || {
                    let replicas: Vec<Vec<String>> =
                        sentinel.command(&["SENTINEL", "REPLICAS", "main"]).await;
                    let is_well = |about: &Vec<String>| about.iter().any(|word| word == "slave");
                    replicas.iter().any(is_well)
                })
                .await;
            }
            Guards::Cluster(others) => {
                eventually("the cluster is whole", async || {
                    for node in others.iter().chain([master]) {
                        let info: String = node.command(&["CLUSTER", "INFO"]).await;
                        let nodes: String = node.command(&["CLUSTER", "NODES"]).await;
                        if !info.contains("cluster_state:ok") || nodes.contains("fail") {
                            return false;
                        }
                    }
                    true
                })
                .await;
            }
        }
    }
}

async fn says(server: &RedisServer, words: &str) -> bool {
    let info: String = server.command(&["INFO", "replication"]).await;
    info.contains(words)
}
