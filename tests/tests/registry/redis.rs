//! `RedisRegistry`, as far as it is a registry like the others. What it does when Redis fails is a suite of its own.

use std::{sync::Arc, time::Duration};

use cas_layer::{RedisRegistry, registry::Registry};
use cas_layer_tests::redis::RedisServer;
use libtest_mimic::Trial;

use crate::{
    contract::{self, Harness},
    grants,
    support::{LIFETIME, id},
};

struct Redis(RedisServer);

impl Harness for Redis {
    async fn new() -> Self {
        Self(RedisServer::start().await)
    }

    async fn node(&self) -> Arc<dyn Registry> {
        let registry =
            RedisRegistry::builder(self.0.url()).longest_lifetime(Duration::from_secs(LIFETIME));
        let registry = registry.connect().await.unwrap();
        // A Redis that nobody knew reckons with sessions of before, for as long as a session lasts.
        let recovering = ["DEL", "{cas-layer}:recovering"];
        self.0.command::<()>(&recovering).await;
        Arc::new(registry)
    }

    async fn forgets(&self, n: u64) {
        let key = format!("{{cas-layer}}:s:{}", id(n));
        let forgotten = async {
            while self.0.command::<u8>(&["EXISTS", &key]).await == 1 {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(60);
        tokio::time::timeout(limit, forgotten).await.unwrap();
    }
}

/// Every one of them needs a Redis.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = contract::trials::<Redis>("redis");
    trials.extend(contract::restart_trials::<Redis>("redis"));
    trials.extend(grants::trials::<Redis>("redis"));
    trials.extend(grants::restart_trials::<Redis>("redis"));
    trials
}
