//! How soon a node starts with a million ended sessions in Redis, near and far.

use std::time::{Duration, Instant};

use cas_layer::{RedisRegistry, registry::Registry as _};
use cas_layer_tests::{checker::network::Way, redis::RedisServer};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{figures::print_times, sessions::expires_at};

const ENDED: usize = 1_000_000;
const STARTS: usize = 5;

/// How many are written by one script.
const BATCH: usize = 10_000;

pub(crate) fn run() {
    if RedisServer::program().is_some() {
        Runtime::new().unwrap().block_on(measure());
    } else {
        println!("\nleft out: there is no redis-server");
    }
}

async fn measure() {
    // The disk is not what is measured.
    let server = RedisServer::start_with(&["--appendfsync", "no"]).await;
    let write = "for i = ARGV[2], ARGV[3] do
            redis.call('XADD', KEYS[1], '*', 's', string.format('%032x', i), 'x', ARGV[1])
        end";
    let until = expires_at().to_string();
    for first in (0..ENDED).step_by(BATCH) {
        let (first, last) = (first.to_string(), (first + BATCH - 1).to_string());
        let key = "{cas-layer}:ended";
        server
            .command::<()>(&["EVAL", write, "1", key, &until, &first, &last])
            .await;
    }
    let start = async |what: &str, nodes: usize, url: String| {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let started = Instant::now();
            let mut all = JoinSet::new();
            for _ in 0..nodes {
                let connected = RedisRegistry::connect(url.clone());
                all.spawn(async move { connected.await.unwrap().ended().len() });
            }
            let counts = all.join_all().await;
            times.push(started.elapsed());
            assert!(counts.iter().all(|&count| count == ENDED));
        }
        print_times(what, times);
    };
    start("start with 1,000,000 ended sessions", 1, server.url()).await;
    start("six nodes at once", 6, server.url()).await;
    for round_trip in [5, 30, 100] {
        let way = Way::to(server.port()).await;
        way.slow(Duration::from_millis(round_trip) / 2);
        let url = format!("redis://{}", way.address());
        start(&format!("at a round trip of {round_trip} ms"), 1, url).await;
    }
}
