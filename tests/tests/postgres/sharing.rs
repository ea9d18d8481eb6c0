//! What nodes know of each other.

use std::time::Duration;

use cas_layer::{
    PostgresRegistry,
    registry::{Item, Opened, Registry as _, RegistryErrorKind, Sealed, SessionFamilies as _},
};
use cas_layer_tests::postgres::PostgresServer;
use data_encoding::HEXLOWER;
use tokio::{task::JoinSet, time::timeout};

use crate::support::{
    CALL, LIFETIME, LIMIT, Session, connect, end_unheard, ends, eventually, fails, is_ended, lock,
    log_out, new_id, now, sender, sign_in, sign_out,
};

pub(crate) async fn a_lost_notification_loses_nothing() {
    let server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let session = Session::unknown();
    end_unheard(&server, &session).await;
    let shown = session.of("alice");
    let heard = timeout(LIMIT, registry.ended().wait_for(&shown));
    assert!(heard.await.is_ok());
}

pub(crate) async fn a_node_whose_connection_for_notifications_breaks_listens_again() {
    let server = PostgresServer::start().await;
    let (here, there) = (connect(&server).await, connect(&server).await);
    let listen = async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'listen%'";
        server.ask::<i64>(sql).await
    };
    for _ in 0..3 {
        // Each is waited for (milliseconds): one that ends later would fail the sign-in below.
        server
            .run(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
                WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
            )
            .await;
        crate::support::is_back(&here).await;
        crate::support::is_back(&there).await;
        let session = sign_in(&here).await;
        // Other connections of its pool may be found broken only now.
        eventually("a sign-out is told", async || {
            sign_out(&here, &session).await.is_ok()
        })
        .await;
        ends(&there, &session).await;
        eventually("both listen", async || listen().await == 2).await;
    }
}

/// The end with the lower number is not visible yet when the one with the higher comes.
pub(crate) async fn ends_become_visible_in_the_order_of_their_numbers() {
    let server = PostgresServer::start().await;
    let (here, there) = (connect(&server).await, connect(&server).await);
    let (early, late) = (sign_in(&here).await, sign_in(&here).await);
    let pool = server.pool();
    let mut slow = pool.begin().await.unwrap();
    sqlx::query("SELECT * FROM cas_layer.finish(ARRAY[$1]::bytea[], ARRAY[$2]::bigint[], ARRAY[60]::bigint[], '{}', 0, '{}', '{}', '{}', '{}', '{}')")
        .bind(early.id.as_bytes().as_slice())
        .bind(i64::try_from(early.expires_at).unwrap())
        .execute(&mut *slow)
        .await
        .unwrap();
    // The other one has no number before that, and the caller is told so in time.
    fails(RegistryErrorKind::Unavailable, sign_out(&here, &late)).await;
    assert!(is_ended(&here, &late), "it holds here");
    assert!(!is_ended(&there, &late) && !is_ended(&there, &early));
    // Sign-ins do not wait for it.
    sign_in(&there).await;
    slow.commit().await.unwrap();
    ends(&there, &early).await;
    ends(&there, &late).await;
}

pub(crate) async fn ends_of_several_nodes_at_once_reach_all() {
    let server = PostgresServer::start().await;
    let nodes = [
        connect(&server).await,
        connect(&server).await,
        connect(&server).await,
    ];
    let mut ending = JoinSet::new();
    for n in 0..300 {
        let node = nodes[n % 2].clone();
        ending.spawn(async move {
            let session = sign_in(&node).await;
            if n % 3 == 0 {
                assert_eq!(log_out(&node, &session).await.unwrap(), 1);
            } else {
                sign_out(&node, &session).await.unwrap();
            }
            session
        });
    }
    for session in ending.join_all().await {
        for node in &nodes {
            ends(node, &session).await;
        }
    }
}

pub(crate) async fn messages_about_unknown_sessions_leave_no_trace() {
    let server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let before: String = server.ask("SELECT pg_current_xact_id()::text").await;
    for _ in 0..50 {
        let ids = (0..64).map(|_| new_id()).collect();
        let ended = registry.end_if_opened(ids, sender(), now()).await.unwrap();
        assert!(ended.is_empty());
    }
    let after: String = server.ask("SELECT pg_current_xact_id()::text").await;
    let writes = after.parse::<u64>().unwrap() - before.parse::<u64>().unwrap();
    // The numbers are kept ahead of the clock, and the database has work of its own.
    assert!(writes < 20, "{writes}");
    for table in ["begun", "opened", "ended"] {
        let count: i64 = server
            .ask(&format!("SELECT count(*) FROM cas_layer.{table}"))
            .await;
        assert_eq!(count, 0, "{table}");
    }
    assert!(registry.ended().is_empty());
}

/// The pool has 8 connections, and the registry keeps two of them.
pub(crate) async fn messages_from_the_network_take_half_of_the_other_connections() {
    let server = PostgresServer::start().await;
    let pool = server.pool();
    PostgresRegistry::migrate(&pool).await.unwrap();
    let builder = PostgresRegistry::builder(pool).timeout(LIMIT);
    let registry = builder.connect().await.unwrap();
    let session = sign_in(&registry).await;
    let lock = lock(&server, "begun").await;
    let mut messages = JoinSet::new();
    for _ in 0..8 {
        let registry = registry.clone();
        messages.spawn(async move { log_out(&registry, &Session::unknown()).await });
    }
    let looked_up = async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        server.ask::<i64>(sql).await
    };
    eventually("the first are looked up", async || looked_up().await >= 3).await;
    let storage = registry.storage().unwrap();
    for _ in 0..3 {
        // Others still find a connection.
        let kept = storage.kept(session.id, Item::Attributes, now()).await;
        assert_eq!(kept.unwrap(), None);
        assert_eq!(looked_up().await, 3);
    }
    lock.rollback().await.unwrap();
    for ended in messages.join_all().await {
        assert_eq!(ended.unwrap(), 0);
    }
}

pub(crate) async fn registries_with_two_schemas_share_nothing() {
    let server = PostgresServer::start().await;
    let first = connect(&server).await;
    let other = PostgresRegistry::builder(server.pool())
        .timeout(CALL)
        .schema("other");
    other.migrate().await.unwrap();
    let second = other.connect().await.unwrap();
    let session = sign_in(&first).await;
    assert_eq!(log_out(&second, &session).await.unwrap(), 0);
    sign_out(&first, &session).await.unwrap();
    let marker = sign_in(&second).await;
    sign_out(&second, &marker).await.unwrap();
    assert!(!is_ended(&second, &session) && !is_ended(&first, &marker));
}

pub(crate) async fn a_sign_in_that_is_given_up_leaves_nothing() {
    let server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let begun = async || {
        let count = "SELECT count(*) FROM cas_layer.begun";
        server.ask::<i64>(count).await
    };
    let id = new_id();
    registry.begin(id, Duration::from_secs(40)).await.unwrap();
    assert_eq!(begun().await, 1);
    registry.abandon(id);
    eventually("it is taken back", async || begun().await == 0).await;
}

pub(crate) async fn what_has_expired_is_forgotten_an_hour_later_and_with_what_was_kept() {
    let server = PostgresServer::start().await;
    let registry = connect(&server).await;
    let (open, ended) = (sign_in(&registry).await, sign_in(&registry).await);
    let sealed = Sealed::new(vec![7; 5_000]).unwrap();
    let storage = registry.storage().unwrap();
    let kept = storage.keep(open.id, Item::Attributes, sealed, now()).await;
    assert!(kept.unwrap());
    sign_out(&registry, &ended).await.unwrap();
    let counts = async || {
        let (opened, ended, kept): (i64, i64, i64) = (
            server.ask("SELECT count(*) FROM cas_layer.opened").await,
            server.ask("SELECT count(*) FROM cas_layer.ended").await,
            server.ask("SELECT count(*) FROM cas_layer.kept").await,
        );
        [opened, ended, kept]
    };
    let sweep = async |at: u64| {
        let sql = format!("SELECT cas_layer.sweep({at}, 100)");
        server.ask::<i64>(&sql).await
    };
    let hour = 3600;
    assert_eq!(sweep(open.expires_at + hour - 1).await, 0);
    assert_eq!(counts().await, [1, 1, 1]);
    assert_eq!(sweep(open.expires_at + hour + 60).await, 2);
    assert_eq!(counts().await, [0, 0, 0]);
    // The node knows it for as long as its own clock says.
    assert!(is_ended(&registry, &ended));
}

/// A node does not accept what it has been told to have ended, though it has not read that yet.
pub(crate) async fn what_postgres_says_to_have_ended_has_ended_at_once() {
    let server = PostgresServer::start().await;
    let node = connect(&server).await;
    let (named, opened) = (sign_in(&node).await, sign_in(&node).await);
    for (seq, session) in (1_000..).zip([&named, &opened]) {
        // Further on than anybody reads.
        server
            .run(&format!(
                "INSERT INTO cas_layer.ended (id, seq, expires_at, forget_at) VALUES ('\\x{}', {seq}, {1}, {1})",
                HEXLOWER.encode(session.id.as_bytes()),
                session.expires_at
            ))
            .await;
    }
    assert_eq!(log_out(&node, &named).await.unwrap(), 0);
    assert!(is_ended(&node, &named));

    node.begin(opened.id, LIMIT).await.unwrap();
    let again = node.open(opened.id, opened.expires_at, now()).await;
    assert_eq!(again.unwrap(), Opened::Ended);
    assert!(is_ended(&node, &opened));
}

/// Who reads what has ended one after another finds no session of the family live once one of them has ended.
pub(crate) async fn nodes_are_told_of_a_family_before_its_session() {
    let server = PostgresServer::start().await;
    let node = connect(&server).await;
    let (family, session, now) = (new_id(), new_id(), now());
    node.begin(session, LIMIT).await.unwrap();
    let opened = node.open_in(family, session, now + LIFETIME, now).await;
    assert!(matches!(opened, Ok(Opened::Live { .. })));
    let ended = node.end_if_opened(vec![session], sender(), now).await;
    assert_eq!(ended.unwrap(), [session]);
    let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM cas_layer.ended ORDER BY seq")
        .fetch_all(&server.pool())
        .await
        .unwrap();
    assert_eq!(ids, [family, session].map(|id| id.as_bytes().to_vec()));
}
