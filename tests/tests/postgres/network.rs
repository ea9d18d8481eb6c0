//! What lies between a node and PostgreSQL.

use std::time::Duration;

use cas_layer::{
    PostgresRegistry,
    registry::{Item, Registry as _, RegistryErrorKind},
};
use cas_layer_tests::{checker::network::Way, postgres::PostgresServer};
use tokio::task::JoinSet;

use crate::support::{
    Session, connect, ends, eventually, fails, is_back, lock, now, sign_in, sign_out,
};

/// What goes over them comes to nobody, as behind a firewall that has forgotten them. New ones are as good as ever.
pub(crate) async fn connections_that_fall_silent_are_replaced() {
    let server = PostgresServer::start().await;
    let other = connect(&server).await;
    let way = Way::to(server.port()).await;
    let pool = PostgresServer::pool_at(way.address().port());
    let builder = PostgresRegistry::builder(pool).timeout(Duration::from_secs(10));
    let node = builder.connect().await.unwrap();
    // Calls are under way on all connections of the pool, which has 8 and keeps 2.
    let lock = lock(&server, "kept").await;
    let mut asked = JoinSet::new();
    for _ in 0..6 {
        let node = node.clone();
        asked.spawn(async move {
            let storage = node.storage().unwrap();
            let kept = storage.kept(Session::unknown().id, Item::Attributes, now());
            fails(RegistryErrorKind::Unavailable, kept).await;
        });
    }
    eventually("all wait", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        server.ask::<i64>(sql).await == 6
    })
    .await;
    way.slow(Duration::from_secs(3_600));
    lock.rollback().await.unwrap();
    asked.join_all().await;
    way.slow(Duration::ZERO);
    is_back(&node).await;
    let session = sign_in(&node).await;
    eventually("a sign-out is told", async || {
        sign_out(&node, &session).await.is_ok()
    })
    .await;
    ends(&other, &session).await;
    let session = sign_in(&other).await;
    sign_out(&other, &session).await.unwrap();
    ends(&node, &session).await;
}
