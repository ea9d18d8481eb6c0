//! Calls at the same time, with sessions in PostgreSQL.

use std::sync::Arc;

use cas_layer::registry::Registry;
use cas_layer_tests::{
    at_once::{Promise, rounds},
    postgres::PostgresServer,
};
use libtest_mimic::Trial;

use crate::support::connect;

pub(crate) fn trials() -> Vec<Trial> {
    [
        ("at_once::calls_at_once_come_one_after_another", 1),
        (
            "at_once::calls_at_once_of_two_nodes_come_one_after_another",
            2,
        ),
    ]
    .map(|(name, nodes)| rounds::trial(name, 60, Promise::Shared, move || nodes_of(nodes)))
    .into()
}

/// So many nodes, and their server.
async fn nodes_of(count: usize) -> (Vec<Arc<dyn Registry>>, PostgresServer) {
    // Nothing crashes here, and this is a lot faster.
    let server = PostgresServer::start_with(&["fsync=off"]).await;
    let first = connect(&server).await;
    // It would reckon with sessions of before, and tell again of logouts that found none.
    server
        .run("UPDATE cas_layer.state SET recovering_until = 0")
        .await;
    drop(first);
    let mut nodes: Vec<Arc<dyn Registry>> = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(connect(&server).await));
    }
    (nodes, server)
}
