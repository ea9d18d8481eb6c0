//! Nodes and Redis that die, hang and forget in the middle of it.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::timeout;

use crate::cluster::{Cluster, copy_of, forgets, knows, until};

/// Many times the second that the layer gives Redis: it decides between an answer and none.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn a_node_that_was_killed_knows_what_ended_meanwhile() {
    let mut cluster = Cluster::start().await;
    let (gone, stays) = (cluster.visitor().await, cluster.visitor().await);
    let thief = copy_of(&gone, &cluster.nodes[0])();
    cluster.nodes[1].stop(Signal::KILL).await;
    // The balancer goes past the dead node.
    gone.get(&cluster.nodes[2].own_url("/logout")).await;
    forgets(&cluster.nodes[0], &thief).await;
    cluster.nodes[1] = cluster.new_node().await;
    cluster.balance();
    for node in &cluster.nodes {
        assert!(!knows(node, &copy_of(&thief, node)()).await);
        assert!(knows(node, &stays).await);
    }
    let report = cluster.cas.log_out("casuser").await;
    assert_eq!(report.accepted, report.sent);
    for node in &cluster.nodes {
        forgets(node, &stays).await;
    }
}

pub(crate) async fn a_node_that_hung_learns_what_ended_meanwhile() {
    let cluster = Cluster::start().await;
    let visitor = cluster.visitor().await;
    let [first, second, third] = &*cluster.nodes else {
        panic!("not three nodes");
    };
    third.send(Signal::STOP);
    // A balancer takes a node that does not answer out.
    cluster
        .balancer
        .set_nodes([first, second].map(|node| node.own_url("")));
    let report = cluster.cas.log_out("casuser").await;
    assert_eq!((report.sent, report.accepted), (1, 1));
    forgets(first, &visitor).await;
    third.send(Signal::CONT);
    forgets(third, &visitor).await;
}

pub(crate) async fn without_redis_sessions_go_on_and_what_ends_is_told_later() {
    let mut cluster = Cluster::start().await;
    let (gone, told, stays) = (
        cluster.visitor().await,
        cluster.visitor().await,
        cluster.visitor().await,
    );
    let thief = copy_of(&gone, &cluster.nodes[0])();
    cluster.redis.kill().await;
    for node in &cluster.nodes {
        assert!(knows(node, &stays).await);
    }
    // A browser signs out in any case, and on its node at once.
    let out = gone.get(&cluster.nodes[0].own_url("/logout")).await;
    assert!(out.location().as_str().starts_with(cluster.cas.url()));
    assert!(!knows(&cluster.nodes[0], &copy_of(&thief, &cluster.nodes[0])()).await);
    // A single logout is not answered as done while it is not.
    let report = timeout(PATIENCE, cluster.cas.log_out("casuser"))
        .await
        .unwrap();
    assert_eq!(report.accepted, 0, "{report:?}");
    assert!(report.sent >= 2, "{report:?}");
    // Nobody signs in without the registry.
    let late = cas_layer_tests::visitor::Visitor::new();
    let answer = cas_layer_tests::flow::sign_in(&late, &cluster.nodes[0], "/profile").await;
    assert_eq!(answer.status, 503);
    cluster.redis.restart().await;
    for node in &cluster.nodes {
        forgets(node, &thief).await;
        forgets(node, &told).await;
    }
    let later = cluster.visitor().await;
    assert!(knows(&cluster.nodes[2], &later).await);
}

pub(crate) async fn a_redis_that_hangs_holds_no_request_up() {
    let cluster = Cluster::start().await;
    let (gone, stays) = (cluster.visitor().await, cluster.visitor().await);
    let thief = copy_of(&gone, &cluster.nodes[0])();
    cluster.redis.hang();
    for node in &cluster.nodes {
        assert!(timeout(PATIENCE, knows(node, &stays)).await.unwrap());
    }
    let logout = cluster.nodes[0].own_url("/logout");
    let out = timeout(PATIENCE, gone.get(&logout)).await.unwrap();
    assert_eq!(out.status, 302);
    assert!(!knows(&cluster.nodes[0], &copy_of(&thief, &cluster.nodes[0])()).await);
    cluster.redis.go_on();
    for node in &cluster.nodes {
        forgets(node, &thief).await;
        assert!(knows(node, &stays).await);
    }
}

pub(crate) async fn a_redis_that_forgot_everything_revives_nobody() {
    let mut cluster = Cluster::start().await;
    let (gone, stays) = (cluster.visitor().await, cluster.visitor().await);
    let thief = copy_of(&gone, &cluster.nodes[0])();
    gone.get(&cluster.nodes[0].own_url("/logout")).await;
    for node in &cluster.nodes {
        forgets(node, &thief).await;
    }
    cluster.redis.kill().await;
    cluster.redis.empty();
    cluster.redis.restart().await;
    // The nodes tell the new Redis what they know, and a new node learns it from there.
    let stream = ["EXISTS", "{cas-layer}:ended"];
    until(async || cluster.redis.command::<u8>(&stream).await == 1).await;
    let new = cluster.new_node().await;
    cluster.nodes.push(new);
    for node in &cluster.nodes {
        forgets(node, &thief).await;
        assert!(knows(node, &stays).await);
    }
    // Redis no longer knew the session, and knows it again since it was seen: a single logout finds it, also when
    // Redis no longer keeps those of unknown sessions.
    let redis = &cluster.redis;
    until(async || {
        let keys: Vec<String> = redis.command(&["KEYS", "{cas-layer}:s:*"]).await;
        for key in &keys {
            let state: Option<String> = redis.command(&["GET", key]).await;
            if state.is_some_and(|state| state.starts_with('o')) {
                return true;
            }
        }
        false
    })
    .await;
    redis
        .command::<()>(&["DEL", "{cas-layer}:recovering"])
        .await;
    cluster.balance();
    let report = cluster.cas.log_out("casuser").await;
    assert_eq!(report.accepted, report.sent, "{report:?}");
    for node in &cluster.nodes {
        forgets(node, &stays).await;
    }
}

pub(crate) async fn a_redis_with_an_older_copy_revives_nobody() {
    let mut cluster = Cluster::start().await;
    let (gone, stays) = (cluster.visitor().await, cluster.visitor().await);
    let thief = copy_of(&gone, &cluster.nodes[0])();
    cluster.redis.kill().await;
    let copy = cluster.redis.copy();
    cluster.redis.restart().await;
    until(async || {
        let out = gone.get(&cluster.nodes[0].own_url("/logout")).await;
        out.status == 302
    })
    .await;
    for node in &cluster.nodes {
        forgets(node, &thief).await;
    }
    cluster.redis.kill().await;
    cluster.redis.restore(&copy);
    cluster.redis.restart().await;
    let stream = ["EXISTS", "{cas-layer}:ended"];
    until(async || cluster.redis.command::<u8>(&stream).await == 1).await;
    let new = cluster.new_node().await;
    cluster.nodes.push(new);
    for node in &cluster.nodes {
        forgets(node, &thief).await;
        assert!(knows(node, &stays).await);
    }
}
