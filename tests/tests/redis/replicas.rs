//! Sign-ins and sign-outs that replicas have to confirm.

use std::time::Duration;

use cas_layer::{
    RedisRegistry,
    registry::{Registry as _, RegistryErrorKind},
};
use cas_layer_tests::redis::RedisServer;

use crate::support::{
    CALL, LIFETIME, Session, account, connect, ends, eventually, is_ended, log_out, new_id, now,
    settle, sign_in, sign_out, try_sign_in,
};

async fn strict(server: &RedisServer) -> RedisRegistry {
    let builder = RedisRegistry::builder(server.url())
        .timeout(CALL)
        .min_replicas(1);
    builder.connect().await.unwrap()
}

/// Makes `replica` follow `master`, and waits until it does.
pub(crate) async fn follow(master: &RedisServer, replica: &RedisServer) {
    let port = master.port().to_string();
    replica
        .command::<()>(&["REPLICAOF", "127.0.0.1", &port])
        .await;
    eventually("the replica follows", async || {
        let info: String = master.command(&["INFO", "replication"]).await;
        info.contains("state=online")
    })
    .await;
}

pub(crate) async fn a_replica_confirms() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    follow(&master, &replica).await;
    let node = strict(&master).await;
    let mut sessions = Vec::new();
    // A busy machine may need more than one try.
    eventually("sign-ins are confirmed", async || {
        sessions.extend(try_sign_in(&node).await);
        sessions.len() == 20
    })
    .await;
    for (at, session) in sessions.iter().enumerate() {
        eventually("a sign-out is confirmed", async || {
            if at % 2 == 0 {
                sign_out(&node, session).await.is_ok()
            } else {
                log_out(&node, session).await.is_ok()
            }
        })
        .await;
    }
    // What was confirmed is on the replica.
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    let new = connect(&replica).await;
    assert!(sessions.iter().all(|session| is_ended(&new, session)));
}

pub(crate) async fn without_the_replica_nothing_counts_until_it_is_back() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    let (node, other) = (strict(&master).await, connect(&master).await);
    let shown = sign_in(&other).await;
    let named = sign_in(&other).await;
    let unavailable = RegistryErrorKind::Unavailable;
    node.begin(new_id(), Duration::from_secs(40)).await.unwrap();
    assert_eq!(try_sign_in(&node).await.unwrap_err().kind(), unavailable);
    let error = sign_out(&node, &shown).await.unwrap_err();
    assert_eq!(error.kind(), unavailable);
    // Every time, not only the first.
    for _ in 0..2 {
        let error = log_out(&node, &named).await.unwrap_err();
        assert_eq!(error.kind(), unavailable);
    }
    // A master that was replaced need not know a session that the new one knows.
    settle(&master).await;
    let error = log_out(&node, &Session::unknown()).await.unwrap_err();
    assert_eq!(error.kind(), unavailable);
    let now = now();
    let all = node.end_all(account("bob"), now + LIFETIME, now).await;
    assert_eq!(all.unwrap_err().kind(), unavailable);
    // In force all the same, as far as Redis goes.
    ends(&other, &shown).await;
    ends(&other, &named).await;
    eventually("the end of an account arrives", async || {
        other.is_ended(&Session { number: 1, ..shown }.of("bob"))
    })
    .await;

    follow(&master, &replica).await;
    eventually("it is confirmed", async || {
        // Ended before, and certain only now.
        log_out(&node, &named).await.is_ok_and(|count| count == 0)
    })
    .await;
    node.shutdown().await.unwrap();
    // Now they are on the replica too, those that waited included.
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    let new = connect(&replica).await;
    assert!(is_ended(&new, &shown) && is_ended(&new, &named));
}
