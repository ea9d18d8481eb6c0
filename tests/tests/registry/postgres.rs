//! `PostgresRegistry`, as far as it is a registry like the others. What it does when PostgreSQL fails is a suite of its own.

use std::{sync::Arc, time::Duration};

use cas_layer::{
    PostgresRegistry, SessionId,
    registry::Registry,
    testing::{RegistryStore, registry_contract},
};
use cas_layer_tests::{
    postgres::{PostgresServer, new_schema},
    suite::trial,
};
use libtest_mimic::Trial;
use sqlx::PgPool;

use crate::support::{LIFETIME, PATIENCE};

/// A schema of its own for each store, in one server.
struct Schema<'s> {
    server: &'s PostgresServer,
    name: String,
    pool: PgPool,
}

impl<'s> Schema<'s> {
    async fn new(server: &'s PostgresServer) -> Self {
        let (name, pool) = (new_schema(), server.pool());
        let builder = PostgresRegistry::builder(pool.clone()).schema(&name);
        builder.migrate().await.unwrap();
        // A registry that is new there reckons with sessions of before.
        drop(builder.connect().await.unwrap());
        let settled = format!("UPDATE {name}.state SET recovering_until = 0");
        sqlx::query(&settled).execute(&pool).await.unwrap();
        Self { server, name, pool }
    }
}

impl RegistryStore for Schema<'_> {
    async fn node(&self) -> Arc<dyn Registry> {
        let registry = PostgresRegistry::builder(self.server.pool())
            .schema(&self.name)
            .timeout(PATIENCE)
            .longest_lifetime(Duration::from_secs(LIFETIME));
        Arc::new(registry.connect().await.unwrap())
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn has_clock(&self) -> bool {
        true
    }

    async fn forgets(&self, id: SessionId) {
        let sql = format!("SELECT count(*) FROM {}.begun WHERE id = $1", self.name);
        let forgotten = async {
            let count = || sqlx::query_scalar::<_, i64>(&sql).bind(id.as_bytes().as_slice());
            while count().fetch_one(&self.pool).await.unwrap() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(60);
        tokio::time::timeout(limit, forgotten).await.unwrap();
    }
}

/// Every one of them needs a PostgreSQL.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("postgres::keeps_the_contract", async || {
        // Nothing crashes here, and this is a lot faster.
        let server = PostgresServer::start_with(&["fsync=off"]).await;
        registry_contract(async || Schema::new(&server).await).await;
    })]
}
