//! Many nodes, one Redis.

use std::time::Duration;

use cas_layer::{
    RedisRegistry,
    registry::{Opened, Registry as _},
};
use cas_layer_tests::redis::RedisServer;
use tokio::task::JoinSet;

use crate::support::{
    LIFETIME, LIMIT, Session, account, connect, ends, eventually, exists, is_ended, key, log_out,
    new_id, now, sender, settle, settled, sign_in, sign_out,
};

pub(crate) async fn what_one_node_ends_has_ended_on_all() {
    let server = RedisServer::start().await;
    let nodes = [
        connect(&server).await,
        connect(&server).await,
        connect(&server).await,
    ];
    for node in &nodes {
        let session = sign_in(node).await;
        let other = sign_in(node).await;
        assert!(!is_ended(node, &session));
        sign_out(node, &session).await.unwrap();
        assert!(is_ended(node, &session));
        for node in &nodes {
            ends(node, &session).await;
            assert!(!is_ended(node, &other));
        }
    }
}

pub(crate) async fn a_single_logout_may_reach_any_node() {
    let server = RedisServer::start().await;
    let (one, two) = (settled(&server).await, connect(&server).await);
    let (session, other) = (sign_in(&one).await, sign_in(&one).await);
    let unknown = Session::unknown();
    let named = vec![session.id, unknown.id];
    let ended = two.end_if_opened(named, sender(), now()).await.unwrap();
    assert_eq!(ended, [session.id]);
    assert!(is_ended(&two, &session));
    ends(&one, &session).await;
    // Again, as a CAS server may repeat itself.
    assert_eq!(log_out(&one, &session).await.unwrap(), 0);
    assert_eq!(log_out(&two, &unknown).await.unwrap(), 0);
    for node in [&one, &two] {
        assert!(!is_ended(node, &other) && !is_ended(node, &unknown));
    }
    let entries: u64 = server.command(&["XLEN", "{cas-layer}:ended"]).await;
    assert_eq!(entries, 1);
}

pub(crate) async fn registries_with_two_prefixes_share_nothing() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let builder = RedisRegistry::builder(server.url())
        .timeout(LIMIT)
        .prefix("other");
    let other = builder.connect().await.unwrap();
    server.command::<()>(&["DEL", "{other}:recovering"]).await;

    let session = sign_in(&node).await;
    assert_eq!(log_out(&other, &session).await.unwrap(), 0);
    sign_out(&node, &session).await.unwrap();
    // What came later is there, so what came first would be.
    let later = sign_in(&other).await;
    let second = RedisRegistry::builder(server.url())
        .timeout(LIMIT)
        .prefix("other");
    let second = second.connect().await.unwrap();
    sign_out(&second, &later).await.unwrap();
    ends(&other, &later).await;
    assert!(!is_ended(&other, &session));
}

pub(crate) async fn all_sessions_of_an_account_end_on_all_nodes_and_later_ones_live() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let before = [sign_in(&one).await, sign_in(&two).await];
    let now = now();
    one.end_all(account("alice"), now + LIFETIME, now)
        .await
        .unwrap();
    // So a node that has not heard of it opens none that it would end.
    let told: Vec<(String, Vec<String>)> = server
        .command(&["XRANGE", "{cas-layer}:ended", "-", "+"])
        .await;
    let number: String = server.command(&["GET", "{cas-layer}:number"]).await;
    assert_eq!(told[0].1[2..4], ["n".to_owned(), number]);
    let after = [sign_in(&two).await, sign_in(&one).await];
    for node in [&one, &two] {
        for session in &before {
            ends(node, session).await;
            assert!(!node.is_ended(&session.of("bob")));
        }
        for session in &after {
            assert!(!is_ended(node, session));
        }
    }
}

pub(crate) async fn a_node_that_starts_knows_what_has_ended() {
    let server = RedisServer::start().await;
    let node = connect(&server).await;
    let mut sessions = Vec::new();
    // More than one page.
    for _ in 0..2_500 {
        sessions.push(Session::unknown());
    }
    let ended = sessions.iter().map(|session| sign_out(&node, session));
    for ended in ended.collect::<Vec<_>>() {
        ended.await.unwrap();
    }
    let now = now();
    node.end_all(account("bob"), now + LIFETIME, now)
        .await
        .unwrap();

    let new = connect(&server).await;
    assert!(sessions.iter().all(|session| is_ended(&new, session)));
    let bob = Session::unknown();
    assert!(new.is_ended(&bob.of("bob")) && !new.is_ended(&bob.of("carol")));
    assert!(!is_ended(&new, &Session::unknown()));
}

/// So many that they come in pages, and not in whole ones.
pub(crate) async fn a_node_that_starts_loads_many_pages() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let session = sign_in(&node).await;
    let write = "for i = 1, 25000 do
            redis.call('XADD', KEYS[1], '*', 's', string.format('%032x', i), 'x', ARGV[1])
        end";
    let expires_at = (now() + LIFETIME).to_string();
    server
        .command::<()>(&["EVAL", write, "1", "{cas-layer}:ended", &expires_at])
        .await;
    sign_out(&node, &session).await.unwrap();
    let late = connect(&server).await;
    assert_eq!(late.ended().len(), 25_001);
    assert!(is_ended(&late, &session));
}

pub(crate) async fn clocks_ten_minutes_apart_agree() {
    let server = RedisServer::start().await;
    let (fast, slow) = (settled(&server).await, connect(&server).await);
    let (ahead, behind) = (now() + 600, now() - 600);
    let mut sessions = Vec::new();
    for (node, other, now, others_now) in
        [(&fast, &slow, ahead, behind), (&slow, &fast, behind, ahead)]
    {
        // Shorter than the clocks are apart.
        let (id, expires_at) = (new_id(), now + 300);
        node.begin(id, Duration::from_secs(40)).await.unwrap();
        let opened = node.open(id, expires_at, now).await.unwrap();
        assert!(matches!(opened, Opened::Live { .. }));
        let session = Session {
            id,
            number: 0,
            expires_at,
        };
        // What is left of its life is told by the clock that it was sealed by.
        let left: u64 = server.command(&["TTL", &key(id)]).await;
        assert!((3_600..=3_900).contains(&left), "{left}");
        let ended = other
            .end_if_opened(vec![id], sender(), others_now)
            .await
            .unwrap();
        assert_eq!(ended, [id]);
        ends(node, &session).await;
        sessions.push(session);
    }
    let new = connect(&server).await;
    assert!(sessions.iter().all(|session| is_ended(&new, session)));
}

pub(crate) async fn what_has_expired_is_forgotten() {
    let server = RedisServer::start().await;
    // Entries of 1970.
    for n in 1..=250 {
        let entry = format!("{n}-1");
        let id = new_id().to_string();
        server
            .command::<()>(&["XADD", "{cas-layer}:ended", &entry, "s", &id, "x", "1000"])
            .await;
    }
    let node = connect(&server).await;
    let session = sign_in(&node).await;
    sign_out(&node, &session).await.unwrap();
    // Redis removes whole blocks of a hundred.
    let entries: u64 = server.command(&["XLEN", "{cas-layer}:ended"]).await;
    assert!(entries <= 100, "{entries}");
    let left: u64 = server.command(&["TTL", &key(session.id)]).await;
    assert!((LIFETIME..=LIFETIME + 3_600).contains(&left), "{left}");
}

pub(crate) async fn messages_about_unknown_sessions_leave_no_trace() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let keys = async || server.command::<u64>(&["DBSIZE"]).await;
    let before = keys().await;
    for _ in 0..20 {
        let ids = (0..100).map(|_| new_id()).collect();
        assert_eq!(node.end_if_opened(ids, sender(), now()).await.unwrap(), []);
    }
    // A ticket that was refused.
    let refused = Session::unknown();
    // For longer than this test waits.
    node.begin(refused.id, 2 * LIMIT).await.unwrap();
    assert!(exists(&server, &refused).await);
    node.abandon(refused.id);
    eventually("a beginning is taken back", async || {
        !exists(&server, &refused).await
    })
    .await;
    assert_eq!(keys().await, before);
    assert!(node.ended().is_empty());
}

pub(crate) async fn messages_about_unknown_sessions_take_no_room() {
    let server = RedisServer::start().await;
    // Room for one message of each share.
    let node = RedisRegistry::builder(server.url()).timeout(LIMIT).queue(2);
    let node = node.connect().await.unwrap();
    settle(&server).await;
    let mut flood = JoinSet::new();
    for _ in 0..500 {
        let node = node.clone();
        flood.spawn(async move {
            let ids = (0..32).map(|_| new_id()).collect();
            node.end_if_opened(ids, sender(), now()).await
        });
    }
    let session = sign_in(&node).await;
    assert_eq!(log_out(&node, &session).await.unwrap(), 1);
    for ended in flood.join_all().await {
        assert_eq!(ended.unwrap(), []);
    }
}

pub(crate) async fn the_last_clone_takes_its_connections_along() {
    let server = RedisServer::start().await;
    let registry = connect(&server).await;
    let clone = registry.clone();
    let connections = async || {
        let clients: String = server.command(&["CLIENT", "LIST"]).await;
        // One of them asks.
        clients.lines().count() - 1
    };
    assert_eq!(connections().await, 2);
    drop(registry);
    sign_in(&clone).await;
    drop(clone);
    eventually("no connection is left", async || connections().await == 0).await;
}

/// A node does not accept what it has been told to have ended, though it has not read the news yet.
pub(crate) async fn what_redis_says_to_have_ended_has_ended_at_once() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let (named, opened) = (sign_in(&node).await, sign_in(&node).await);
    for session in [&named, &opened] {
        // As another node ends it, without the news.
        let state = ["SET", &key(session.id), "e1-1"];
        server.command::<()>(&state).await;
    }
    assert_eq!(log_out(&node, &named).await.unwrap(), 0);
    assert!(is_ended(&node, &named));

    node.begin(opened.id, LIMIT).await.unwrap();
    let again = node.open(opened.id, opened.expires_at, now()).await;
    assert_eq!(again.unwrap(), Opened::Ended);
    assert!(is_ended(&node, &opened));
}
