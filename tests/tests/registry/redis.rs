//! `RedisRegistry`, as far as it is a registry like the others. What it does when Redis fails is a suite of its own.

use std::{sync::Arc, time::Duration};

use cas_layer::{
    RedisRegistry, SessionId,
    registry::Registry,
    testing::{RegistryStore, registry_contract},
};
use cas_layer_tests::{redis::RedisServer, suite::trial};
use libtest_mimic::Trial;

use crate::support::{LIFETIME, PATIENCE};

struct Redis(RedisServer);

impl RegistryStore for Redis {
    async fn node(&self) -> Arc<dyn Registry> {
        let registry = RedisRegistry::builder(self.0.url())
            .timeout(PATIENCE)
            .longest_lifetime(Duration::from_secs(LIFETIME));
        let registry = registry.connect().await.unwrap();
        // A Redis that nobody knew reckons with sessions of before, for as long as a session lasts.
        let recovering = ["DEL", "{cas-layer}:recovering"];
        self.0.command::<()>(&recovering).await;
        Arc::new(registry)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn has_clock(&self) -> bool {
        true
    }

    async fn forgets(&self, id: SessionId) {
        let key = format!("{{cas-layer}}:s:{id}");
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
    vec![trial("redis::keeps_the_contract", || {
        registry_contract(async || Redis(RedisServer::start().await))
    })]
}
