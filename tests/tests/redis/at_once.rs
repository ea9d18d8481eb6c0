//! Calls at the same time, with sessions in Redis.

use std::sync::Arc;

use cas_layer::registry::Registry;
use cas_layer_tests::{
    at_once::{Promise, rounds},
    redis::RedisServer,
};
use libtest_mimic::Trial;

use crate::support::settled;

pub(crate) fn trials() -> Vec<Trial> {
    [
        ("at_once::calls_at_once_come_one_after_another", 1),
        (
            "at_once::calls_at_once_of_two_nodes_come_one_after_another",
            2,
        ),
    ]
    .map(|(name, nodes)| rounds::trial(name, 300, Promise::Shared, move || nodes_of(nodes)))
    .into()
}

/// So many nodes, and their server.
async fn nodes_of(count: usize) -> (Vec<Arc<dyn Registry>>, RedisServer) {
    // The disk is not what is tried.
    let server = RedisServer::start_with(&["--appendfsync", "no"]).await;
    let mut nodes: Vec<Arc<dyn Registry>> = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(settled(&server).await));
    }
    (nodes, server)
}
