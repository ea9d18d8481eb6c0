//! How soon after a failover a logout is in force on three nodes.
//!
//! The master is killed, and the CAS server's message comes while there is none. Time runs from the moment at which the
//! Sentinel names the new master.

use std::time::{Duration, Instant};

use cas_layer::{
    RedisRegistry,
    registry::{LogoutSender, Opened, RegisteredSession, Registry as _},
};
use cas_layer_tests::{checker::guarded::Guarded, redis::RedisServer, suite::eventually};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    figures::print_times,
    sessions::{expires_at, id, now},
};

const NODES: usize = 3;
const FAILOVERS: usize = 3;

pub(crate) fn run() {
    if RedisServer::program().is_some() {
        let times = (0..FAILOVERS).map(|_| Runtime::new().unwrap().block_on(measure()));
        print_times(
            "from the name of the new master until all three nodes refuse",
            times.collect(),
        );
    } else {
        println!("\nleft out: there is no redis-server");
    }
}

async fn measure() -> Duration {
    let mut servers = Guarded::by_sentinel().await;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(RedisRegistry::connect(servers.url()).await.unwrap());
    }
    let (id, expires_at) = (id(1), expires_at());
    let lasts = Duration::from_secs(40);
    nodes[0].begin(id, lasts).await.unwrap();
    let opened = nodes[0].open(id, expires_at, now()).await.unwrap();
    let Opened::Live { number } = opened else {
        panic!("nobody ended it");
    };
    eventually("the replica has it", async || {
        let key = format!("{{cas-layer}}:s:{id}");
        servers.other().command(&["EXISTS", &key]).await
    })
    .await;
    servers.kill_master().await;
    // There is no master, so nobody can say that it is done.
    let _ = nodes[0]
        .end_if_opened(vec![id], LogoutSender::listed(None), now())
        .await;
    servers.takes_over().await;
    let started = Instant::now();
    let mut all = JoinSet::new();
    for node in nodes {
        all.spawn(async move {
            let session =
                RegisteredSession::new(id, number, expires_at, "https://cas.example", "alice");
            node.ended().wait_for(&session).await;
            // The one that was asked knows at once, and still has to tell Redis.
            (node, Instant::now())
        });
    }
    let ended = all.join_all().await;
    let last = ended.iter().map(|(_, at)| *at).max();
    last.expect("a node").saturating_duration_since(started)
}
