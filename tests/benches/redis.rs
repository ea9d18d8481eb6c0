//! How soon a sign-out is in force, how soon a node starts, and how much of Redis's memory a session takes:
//! `cargo bench -p cas-layer-tests --bench redis`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

use std::time::{Duration, Instant, UNIX_EPOCH};

use cas_layer::{
    RedisRegistry, SessionId,
    registry::{Opened, RegisteredSession, Registry as _},
};
use cas_layer_tests::redis::RedisServer;

const SESSIONS: u64 = 100_000;
const LIFETIME: u64 = 8 * 3600;

#[tokio::main]
async fn main() {
    if RedisServer::program().is_none() {
        println!("there is no redis-server here");
        return;
    }
    // The disk is not what is measured.
    let mut server = RedisServer::start_with(&["--appendfsync", "no"]).await;
    let node = RedisRegistry::connect(server.url()).await.unwrap();
    let memory = async || {
        let info: String = server.command(&["INFO", "memory"]).await;
        let used = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        used.unwrap().trim().parse::<u64>().unwrap()
    };

    let empty = memory().await;
    for chunk in 0..SESSIONS / 1_000 {
        let opened = (chunk * 1_000..(chunk + 1) * 1_000).map(|n| open(&node, n));
        let opened: Vec<_> = opened.map(|open| tokio::spawn(open)).collect();
        for opened in opened {
            opened.await.unwrap();
        }
    }
    let open = memory().await;
    println!(
        "an open session: {} bytes of Redis",
        (open - empty) / SESSIONS
    );

    let started = Instant::now();
    for chunk in 0..SESSIONS / 1_000 {
        let ended = (chunk * 1_000..(chunk + 1) * 1_000).map(|n| node.end(id(n), expires(), now()));
        for ended in ended.collect::<Vec<_>>() {
            ended.await.unwrap();
        }
    }
    println!(
        "{SESSIONS} sign-outs, a thousand at a time: {:?}",
        started.elapsed()
    );
    let ended = memory().await;
    println!(
        "an ended session: {} bytes of Redis",
        (ended - empty) / SESSIONS
    );

    let mut starts = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let new = RedisRegistry::connect(server.url()).await.unwrap();
        starts.push(started.elapsed());
        assert_eq!(new.ended().len() as u64, SESSIONS);
    }
    print("a node starts with 100,000 ended sessions", starts);

    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(RedisRegistry::connect(server.url()).await.unwrap());
    }
    let mut reached = Vec::new();
    for n in SESSIONS..SESSIONS + 100 {
        let session = self::open(&nodes[0], n).await;
        let started = Instant::now();
        nodes[0].end_if_opened(vec![session], now()).await.unwrap();
        let session = RegisteredSession::new(session, 0, expires(), "https://cas", "alice");
        for node in &nodes {
            node.ended().wait_for(&session).await;
        }
        reached.push(started.elapsed());
    }
    print("a logout reaches three nodes", reached);
    drop(nodes);

    server.hang();
    let mut calls = Vec::new();
    for n in 0..20 {
        let started = Instant::now();
        let (begun, ended) = tokio::join!(
            node.begin(id(n), Duration::from_secs(40)),
            node.end_if_opened(vec![id(n)], now()),
        );
        assert!(begun.is_err() && ended.is_err());
        calls.push(started.elapsed());
    }
    print("a call while Redis hangs", calls);
    server.go_on();

    server.kill().await;
    server.empty();
    server.restart().await;
    let started = Instant::now();
    let entries = async || {
        let entries: u64 = server.command(&["XLEN", "{cas-layer}:ended"]).await;
        entries
    };
    while entries().await < SESSIONS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!(
        "an empty Redis has {SESSIONS} ended sessions back: {:?}",
        started.elapsed()
    );
}

/// Signs somebody in.
fn open(node: &RedisRegistry, n: u64) -> impl Future<Output = SessionId> + Send + 'static {
    let (node, id) = (node.clone(), id(n));
    async move {
        node.begin(id, Duration::from_secs(40)).await.unwrap();
        let opened = node.open(id, expires(), now()).await.unwrap();
        assert!(matches!(opened, Opened::Live { .. }));
        id
    }
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: median {median:?}, worst {worst:?}, {} times",
        times.len()
    );
}

fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn expires() -> u64 {
    now() + LIFETIME
}

fn id(n: u64) -> SessionId {
    let mut id = [0; 16];
    // Spread as a hash would be.
    id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    id[8..].copy_from_slice(&n.to_be_bytes());
    id.into()
}
