//! PostgreSQL hangs, dies and comes back.

use std::{collections::HashSet, time::Duration};

use cas_layer::{
    PostgresRegistry,
    registry::{Item, Opened, Registry as _, RegistryErrorKind, Sealed},
};
use cas_layer_tests::postgres::PostgresServer;

use crate::support::{
    CALL, LIFETIME, Session, account, connect, ends, eventually, fails, is_back, is_ended, log_out,
    new_id, now, sign_in, sign_out, try_sign_in,
};

const UNAVAILABLE: RegistryErrorKind = RegistryErrorKind::Unavailable;

pub(crate) async fn a_crash_loses_nothing_that_was_answered() {
    let mut server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let (open, ended, named) = (
        sign_in(&registry).await,
        sign_in(&registry).await,
        sign_in(&registry).await,
    );
    sign_out(&registry, &ended).await.unwrap();
    assert_eq!(log_out(&registry, &named).await.unwrap(), 1);
    let highest = open.number.max(named.number);
    // What had begun is not opened: a logout may have been lost.
    let begun = new_id();
    registry
        .begin(begun, Duration::from_secs(40))
        .await
        .unwrap();
    drop(registry);
    server.kill().await;
    server.restart().await;
    let registry = connect(&server).await;
    assert!(is_ended(&registry, &ended) && is_ended(&registry, &named));
    fails(UNAVAILABLE, registry.open(begun, now() + 60, now())).await;
    assert_eq!(log_out(&registry, &open).await.unwrap(), 1);
    assert!(sign_in(&registry).await.number > highest);
}

pub(crate) async fn sign_outs_wait_for_postgres_and_are_told() {
    let mut server = PostgresServer::start().await;
    let (here, there) = (connect(&server).await, connect(&server).await);
    let (session, other) = (sign_in(&here).await, sign_in(&here).await);
    server.kill().await;
    fails(UNAVAILABLE, sign_out(&here, &session)).await;
    let all = here.end_all(account("bob"), now() + LIFETIME, now());
    fails(UNAVAILABLE, all).await;
    assert!(is_ended(&here, &session) && here.is_ended(&other.of("bob")));
    fails(UNAVAILABLE, try_sign_in(&here)).await;
    fails(UNAVAILABLE, log_out(&here, &other)).await;
    let kept = here
        .storage()
        .unwrap()
        .kept(other.id, Item::Attributes, now());
    fails(UNAVAILABLE, kept).await;
    let expected = here
        .proxy_grants()
        .unwrap()
        .expect(Duration::from_secs(9), now());
    fails(UNAVAILABLE, expected).await;
    assert!(!is_ended(&there, &session));
    server.restart().await;
    ends(&there, &session).await;
    let shown = other.of("bob");
    let waiting = there.ended().wait_for(&shown);
    tokio::time::timeout(crate::support::LIMIT, waiting)
        .await
        .unwrap();
    is_back(&here).await;
    let later = sign_in(&here).await;
    assert!(!here.is_ended(&later.of("bob")) && !there.is_ended(&later.of("bob")));
    let new = connect(&server).await;
    assert!(is_ended(&new, &session) && new.is_ended(&other.of("bob")));
    assert_eq!(log_out(&new, &later).await.unwrap(), 1);
}

pub(crate) async fn a_postgres_that_hangs_holds_nobody_up() {
    let server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let (first, second) = (sign_in(&registry).await, sign_in(&registry).await);
    server.hang();
    fails(UNAVAILABLE, sign_out(&registry, &first)).await;
    assert!(is_ended(&registry, &first));
    fails(UNAVAILABLE, try_sign_in(&registry)).await;
    fails(UNAVAILABLE, log_out(&registry, &second)).await;
    for _ in 0..20 {
        fails(UNAVAILABLE, try_sign_in(&registry)).await;
    }
    server.go_on();
    is_back(&registry).await;
    ends(&registry, &second).await;
    ends(&connect(&server).await, &first).await;
}

pub(crate) async fn logouts_that_come_while_postgres_is_away_are_told_when_it_is_back() {
    let mut server = PostgresServer::start().await;
    let (here, there) = (connect(&server).await, connect(&server).await);
    let sessions = [sign_in(&here).await, sign_in(&there).await];
    server.kill().await;
    for session in &sessions {
        fails(UNAVAILABLE, log_out(&here, session)).await;
    }
    server.restart().await;
    for session in &sessions {
        ends(&here, session).await;
        ends(&there, session).await;
    }
    assert!(is_ended(&connect(&server).await, &sessions[0]));
}

/// PostgreSQL did not know the session, and has lost nothing since.
pub(crate) async fn a_logout_of_an_unknown_session_is_not_told_again() {
    let mut server = PostgresServer::start().await;
    drop(connect(&server).await);
    server
        .run("UPDATE cas_layer.state SET recovering_until = 0")
        .await;
    let node = connect(&server).await;
    let early = Session::unknown();
    assert_eq!(log_out(&node, &early).await.unwrap(), 0);
    let lasts = Duration::from_secs(40);
    node.begin(early.id, lasts).await.unwrap();
    let opened = node.open(early.id, early.expires_at, now()).await;
    assert!(matches!(opened, Ok(Opened::Live { .. })));
    let other = sign_in(&node).await;
    server.stop().await;
    fails(UNAVAILABLE, log_out(&node, &other)).await;
    server.restart().await;
    is_back(&node).await;
    ends(&node, &other).await;
    // What was told with it has been recorded by then.
    sign_out(&node, &Session::unknown()).await.unwrap();
    assert!(!is_ended(&node, &early));
}

/// Their user was told that it failed, and has signed in again meanwhile.
pub(crate) async fn an_end_of_all_that_comes_late_ends_nobody_who_came_later() {
    let server = PostgresServer::start().await;
    drop(connect(&server).await);
    // Numbers follow the clock: nothing was lost lately.
    server.run("SELECT setval('cas_layer.number', 1)").await;
    let builder = PostgresRegistry::builder(server.pool()).timeout(Duration::from_secs(1));
    let node = builder.connect().await.unwrap();
    let before = sign_in(&node).await;
    server.hang();
    let all = node.end_all(account("alice"), now() + LIFETIME, now());
    fails(UNAVAILABLE, all).await;
    server.go_on();
    let after = sign_in(&node).await;
    sign_out(&node, &Session::unknown()).await.ok();
    is_back(&node).await;
    assert!(is_ended(&node, &before) && !is_ended(&node, &after));
}

pub(crate) async fn a_full_queue_turns_away_and_what_it_did_not_take_is_told() {
    let mut server = PostgresServer::start().await;
    connect(&server).await;
    let registry = PostgresRegistry::builder(server.pool())
        .timeout(CALL)
        .queue(1);
    let registry = registry.connect().await.unwrap();
    let sessions = [sign_in(&registry).await, sign_in(&registry).await];
    server.stop().await;
    fails(UNAVAILABLE, sign_out(&registry, &sessions[0])).await;
    fails(RegistryErrorKind::Full, sign_out(&registry, &sessions[1])).await;
    assert!(sessions.iter().all(|session| is_ended(&registry, session)));
    server.restart().await;
    is_back(&registry).await;
    let new = connect(&server).await;
    for session in &sessions {
        ends(&new, session).await;
    }
}

pub(crate) async fn a_node_that_is_cut_off_says_so() {
    let mut server = PostgresServer::start().await;
    connect(&server).await;
    let registry = PostgresRegistry::builder(server.pool()).timeout(CALL);
    let registry = registry.fail_closed_after(Duration::from_secs(3));
    let registry = registry.connect().await.unwrap();
    assert!(registry.is_current());
    server.stop().await;
    eventually("it is not current", async || !registry.is_current()).await;
    server.restart().await;
    eventually("it is current", async || registry.is_current()).await;
}

pub(crate) async fn shutdown_tells_what_waits_or_says_that_it_cannot() {
    let mut server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let (first, second) = (sign_in(&registry).await, sign_in(&registry).await);
    server.hang();
    fails(UNAVAILABLE, sign_out(&registry, &first)).await;
    server.go_on();
    registry.shutdown().await.unwrap();
    fails(UNAVAILABLE, try_sign_in(&registry)).await;
    let registry = connect(&server).await;
    assert!(is_ended(&registry, &first));
    server.stop().await;
    fails(UNAVAILABLE, sign_out(&registry, &second)).await;
    let lost = registry.shutdown().await.unwrap_err();
    assert_eq!(lost.kind(), UNAVAILABLE);
}

pub(crate) async fn an_older_copy_gets_back_what_it_lacks() {
    let mut server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let (first, second) = (sign_in(&registry).await, sign_in(&registry).await);
    server.stop().await;
    let copy = server.copy();
    server.restart().await;
    is_back(&registry).await;
    sign_out(&registry, &first).await.unwrap();
    let all = registry.end_all(account("bob"), now() + LIFETIME, now());
    all.await.unwrap();
    let later = sign_in(&registry).await;
    server.stop().await;
    server.restore(&copy);
    server.restart().await;
    eventually("it is told", async || {
        let count: i64 = server.ask("SELECT count(*) FROM cas_layer.ended").await;
        count >= 2
    })
    .await;
    let new = connect(&server).await;
    assert!(is_ended(&new, &first) && new.is_ended(&second.of("bob")));
    assert!(!is_ended(&new, &second) && !new.is_ended(&later.of("bob")));
    assert!(sign_in(&new).await.number > later.number);
}

pub(crate) async fn tables_that_were_made_anew_get_back_what_the_nodes_know() {
    let server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let sessions = [sign_in(&registry).await, sign_in(&registry).await];
    for session in &sessions {
        sign_out(&registry, session).await.unwrap();
    }
    server.run("DROP SCHEMA cas_layer CASCADE").await;
    let new = connect(&server).await;
    for session in &sessions {
        ends(&new, session).await;
    }
    is_back(&registry).await;
    let id = new_id();
    registry.begin(id, Duration::from_secs(40)).await.unwrap();
    let opened = registry.open(id, now() + LIFETIME, now()).await.unwrap();
    assert!(matches!(opened, Opened::Live { .. }));
}

/// PostgreSQL is back with the data of before the sessions that are returned.
async fn lost(server: &mut PostgresServer, node: &PostgresRegistry) -> [Session; 2] {
    // As if the registry were not new there.
    server
        .run("UPDATE cas_layer.state SET recovering_until = 0")
        .await;
    server.stop().await;
    let copy = server.copy();
    server.restart().await;
    is_back(node).await;
    let sessions = [sign_in(node).await, sign_in(node).await];
    let sealed = Sealed::new(vec![7; 100_000]).unwrap();
    let storage = node.storage().unwrap();
    let kept = storage.keep(sessions[0].id, Item::Attributes, sealed, now());
    assert!(kept.await.unwrap());
    // The node sees how far PostgreSQL is when it hears of an end.
    let other = Session::unknown();
    sign_out(node, &other).await.unwrap();
    server.stop().await;
    server.restore(&copy);
    server.restart().await;
    eventually("what has ended is told again", async || {
        is_ended(&connect(server).await, &other)
    })
    .await;
    sessions
}

async fn is_open(server: &PostgresServer, session: &Session) -> bool {
    let id = session.id;
    let sql = format!("SELECT count(*) FROM cas_layer.opened WHERE id = '\\x{id}'");
    server.ask::<i64>(&sql).await == 1
}

pub(crate) async fn sessions_that_were_lost_are_open_again_once_their_cookies_are_seen() {
    let mut server = PostgresServer::start().await;
    let node = connect(&server).await;
    let sessions = lost(&mut server, &node).await;
    // Also at nodes that do not know what was lost.
    let nodes = [node, connect(&server).await];
    for (node, session) in nodes.iter().zip(&sessions) {
        assert!(!is_open(&server, session).await);
        eventually("it is open again", async || {
            assert!(!is_ended(node, session));
            is_open(&server, session).await
        })
        .await;
        // It is kept for no longer than others.
        let sql = "SELECT max(forget_at - expires_at) FROM cas_layer.opened";
        assert!((3_600..3_660).contains(&server.ask::<i64>(sql).await));
        assert_eq!(log_out(&nodes[0], session).await.unwrap(), 1);
    }
    for session in &sessions {
        ends(&nodes[1], session).await;
        // A cookie that is shown once more opens nothing.
        assert!(is_ended(&nodes[0], session));
        assert!(!is_open(&server, session).await);
    }
}

/// What PostgreSQL was told again after the first loss is lost with the second.
pub(crate) async fn a_session_that_is_lost_twice_is_open_again_twice() {
    let mut server = PostgresServer::start().await;
    let (node, other) = (connect(&server).await, connect(&server).await);
    server.stop().await;
    let without = server.copy();
    server.restart().await;
    is_back(&node).await;
    let session = sign_in(&node).await;
    for _ in 0..2 {
        // With this the node reads how far PostgreSQL is.
        is_back(&other).await;
        let marker = sign_in(&other).await;
        eventually("a sign-out is told", async || {
            sign_out(&other, &marker).await.is_ok()
        })
        .await;
        ends(&node, &marker).await;
        server.stop().await;
        server.restore(&without);
        server.restart().await;
        eventually("it is open again", async || {
            assert!(!is_ended(&node, &session));
            is_open(&server, &session).await
        })
        .await;
    }
}

pub(crate) async fn a_logout_that_finds_a_session_lost_ends_it_when_its_cookie_is_seen() {
    let mut server = PostgresServer::start().await;
    let node = connect(&server).await;
    let [session, other] = lost(&mut server, &node).await;
    assert_eq!(log_out(&node, &session).await.unwrap(), 0);
    let looked_for = async || {
        let sql = "SELECT max(query_start)::text FROM pg_stat_activity
            WHERE query LIKE '%begun WHERE id = ANY%' AND pid <> pg_backend_pid()";
        server.ask::<Option<String>>(sql).await
    };
    // Not only by nodes that were there for a moment.
    let mut times = HashSet::new();
    eventually("it is looked for again and again, in vain", async || {
        times.insert(looked_for().await);
        times.len() > 3
    })
    .await;
    let there = connect(&server).await;
    assert!(!is_ended(&there, &session) && !is_ended(&there, &other));
    ends(&there, &session).await;
    ends(&node, &session).await;
    assert!(!is_ended(&node, &other) && !is_ended(&there, &other));
}

pub(crate) async fn a_cookie_tells_postgres_nothing_while_nothing_is_lost() {
    let server = PostgresServer::start().await;
    let node = connect(&server).await;
    server
        .run("UPDATE cas_layer.state SET recovering_until = 0")
        .await;
    // With this the node reads that no loss is to be reckoned with.
    let other = connect(&server).await;
    let marker = sign_in(&other).await;
    sign_out(&other, &marker).await.unwrap();
    ends(&node, &marker).await;
    let session = Session::unknown();
    assert!(!is_ended(&node, &session));
    for _ in 0..50 {
        assert!(!is_open(&server, &session).await);
    }
}
