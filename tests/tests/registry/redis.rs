//! `RedisRegistry`, as far as it is a registry like the others. What it does when Redis fails is a suite of its own.

use std::{sync::Arc, time::Duration};

use cas_layer::{RedisRegistry, registry::Registry};
use cas_layer_tests::redis::RedisServer;
use libtest_mimic::Trial;

use crate::contract::{self, Harness};

struct Redis(RedisServer);

impl Harness for Redis {
    async fn new() -> Self {
        Self(RedisServer::start().await)
    }

    async fn node(&self) -> Arc<dyn Registry> {
        let registry = RedisRegistry::builder(self.0.url())
            .longest_lifetime(Duration::from_secs(crate::support::LIFETIME));
        Arc::new(registry.connect().await.unwrap())
    }
}

/// Every one of them needs a Redis.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = contract::trials::<Redis>("redis");
    trials.extend(contract::restart_trials::<Redis>("redis"));
    trials
}
