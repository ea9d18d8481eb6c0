//! How long a node takes from its start to its first answer, with a registry that holds 100,000 ended sessions.

use std::time::{Duration, Instant};

use cas_layer::{FileRegistry, RedisRegistry, registry::Registry};
use cas_layer_tests::redis::RedisServer;
use tempfile::tempdir;
use tokio::runtime::Runtime;

use crate::{
    figures::print_times,
    sessions::end,
    site::{SignedIn, Site, is_signed_in},
};

const ENDED: u64 = 100_000;
const STARTS: usize = 20;

pub(crate) fn run() {
    Runtime::new().unwrap().block_on(measure());
}

async fn measure() {
    let site = Site::new().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("registry");
    let of_file = async || FileRegistry::open(&path).unwrap();
    let signed_in = filled(&site, of_file().await).await;
    let file = times(&site, of_file, &signed_in).await;
    println!();
    print_times("from start to first answer, file", file);
    if RedisServer::program().is_none() {
        println!("- Redis left out: there is no redis-server");
        return;
    }
    let server = RedisServer::start_with(&["--appendfsync", "no"]).await;
    let of_redis = async || RedisRegistry::connect(server.url()).await.unwrap();
    let signed_in = filled(&site, of_redis().await).await;
    let redis = times(&site, of_redis, &signed_in).await;
    print_times("from start to first answer, Redis", redis);
}

async fn filled<R: Registry + Clone>(site: &Site, registry: R) -> SignedIn {
    end(&registry, 0..ENDED).await;
    site.sign_in(&site.node(registry)).await
}

async fn times<R: Registry>(
    site: &Site,
    open: impl AsyncFn() -> R,
    signed_in: &SignedIn,
) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let registry = open().await;
        let node = site.node(registry);
        assert!(is_signed_in(&node, &signed_in.cookie).await);
        times.push(started.elapsed());
    }
    times
}
