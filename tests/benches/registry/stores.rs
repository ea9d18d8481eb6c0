//! How much of Redis's memory and of the file a session takes, and how soon a node starts from them.

use std::{fs, path::Path, time::Instant};

use cas_layer::{FileRegistry, RedisRegistry, registry::Registry as _};
use cas_layer_tests::redis::RedisServer;
use tokio::runtime::Runtime;

use crate::{
    figures::{each, print_times},
    sessions::{end, open},
};

const ENDED: u64 = 100_000;
const OPENED: u64 = 1_000_000;
const STARTS: usize = 9;

pub(crate) fn run() {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(file());
    if RedisServer::program().is_some() {
        runtime.block_on(redis());
    } else {
        println!("\nleft out: Redis, as there is no redis-server");
    }
}

async fn file() {
    println!("\nFileRegistry\n");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry");
    let registry = FileRegistry::open(&path).unwrap();
    end(&registry, 0..ENDED).await;
    drop(registry);
    println!(
        "- an ended session: {:.0} bytes of the file",
        each(size(&path), ENDED)
    );
    start_from_file("start with 100,000 ended sessions", &path);

    let registry = FileRegistry::open(&path).unwrap();
    open(&registry, ENDED..ENDED + OPENED).await;
    drop(registry);
    println!(
        "- each of 100,000 ended and 1,000,000 open sessions: {:.0} bytes of the file",
        each(size(&path), ENDED + OPENED)
    );
    start_from_file(
        "start with 100,000 ended and 1,000,000 open sessions",
        &path,
    );
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

fn start_from_file(what: &str, path: &Path) {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let registry = FileRegistry::open(path).unwrap();
        times.push(started.elapsed());
        assert_eq!(registry.ended().len() as u64, ENDED);
    }
    print_times(what, times);
}

async fn redis() {
    println!("\nRedisRegistry\n");
    // The disk is not what is measured.
    let server = RedisServer::start_with(&["--appendfsync", "no"]).await;
    let node = RedisRegistry::connect(server.url()).await.unwrap();

    let empty = used_memory(&server).await;
    open(&node, 0..ENDED).await;
    let opened = used_memory(&server).await;
    end(&node, 0..ENDED).await;
    let ended = used_memory(&server).await;
    println!(
        "- an open session: {:.0} bytes of Redis",
        each(opened - empty, ENDED)
    );
    println!(
        "- an ended session: {:.0} bytes of Redis",
        each(ended - empty, ENDED)
    );

    let mut times = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let new = RedisRegistry::connect(server.url()).await.unwrap();
        times.push(started.elapsed());
        assert_eq!(new.ended().len() as u64, ENDED);
    }
    print_times("start with 100,000 ended sessions", times);
}

async fn used_memory(server: &RedisServer) -> u64 {
    let info: String = server.command(&["INFO", "memory"]).await;
    let mut lines = info.lines();
    let used = lines.find_map(|line| line.strip_prefix("used_memory:"));
    used.unwrap().trim().parse().unwrap()
}
