//! What is set up, and what is refused.

use std::time::Duration;

use cas_layer::{
    CasSettings, PostgresRegistry, SettingsRegistry,
    registry::{Delivered, Item, Registry as _, RegistryErrorKind, Sealed},
};
use cas_layer_tests::postgres::{PostgresServer, new_schema, options_at, pool_to};
use sqlx::postgres::PgPoolOptions;

use crate::support::{
    CALL, LIMIT, account, connect, ends, eventually, fails, is_ended, log_out, now, sign_in,
    sign_out,
};

const SQL: &str = include_str!("../../../cas-layer/src/registry/postgres/schema.sql");

/// Those of the documentation.
const RIGHTS: &str = "
    CREATE ROLE app LOGIN;
    GRANT USAGE ON SCHEMA cas_layer TO app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cas_layer TO app;
    GRANT SELECT, UPDATE, USAGE ON ALL SEQUENCES IN SCHEMA cas_layer TO app;
";

pub(crate) async fn a_schema_that_is_missing_is_named() {
    let server = PostgresServer::start().await;
    let builder = PostgresRegistry::builder(server.pool());
    assert!(format!("{builder:?}").contains("\"cas_layer\""));
    let error = fails(
        RegistryErrorKind::Unusable,
        PostgresRegistry::connect(server.pool()),
    )
    .await;
    let said = error.to_string();
    assert!(
        said.contains("cas_layer") && said.contains("migrate"),
        "{said}"
    );
    PostgresRegistry::migrate(&server.pool()).await.unwrap();
    server.run("UPDATE cas_layer.state SET version = 99").await;
    let error = fails(
        RegistryErrorKind::Unusable,
        PostgresRegistry::connect(server.pool()),
    )
    .await;
    let said = error.to_string();
    assert!(
        said.contains("version 99") && said.contains("newer"),
        "{said}"
    );
    server.run("UPDATE cas_layer.state SET version = 0").await;
    let error = fails(
        RegistryErrorKind::Unusable,
        PostgresRegistry::connect(server.pool()),
    )
    .await;
    let said = error.to_string();
    assert!(
        said.contains("version 0") && said.contains("migrate"),
        "{said}"
    );
}

pub(crate) async fn settings_open_the_registry_that_they_name() {
    let server = PostgresServer::start().await;
    server
        .run("CREATE ROLE app LOGIN; GRANT ALL ON DATABASE postgres TO app")
        .await;
    let settings = |migrate: bool, parameters: &str| {
        let port = server.port();
        let url = format!("postgres://app:secret@127.0.0.1:{port}/postgres?{parameters}");
        let postgres = serde_json::json!({ "schema": "portal", "migrate": migrate });
        CasSettings::read(serde_json::json!({ "registry": url, "postgres": postgres })).unwrap()
    };
    let refused = async |settings: CasSettings| {
        let error = settings.registry().await.unwrap_err();
        assert_eq!(error.key(), "registry");
        let text = format!("{error} {error:?} {settings:?}");
        assert!(!text.contains("secret"), "{text}");
        error.to_string()
    };
    let text = refused(settings(false, "sslmode=prefer")).await;
    assert!(
        text.contains("portal") && text.contains("migrate"),
        "{text}"
    );
    let opened = settings(true, "").registry().await.unwrap();
    let SettingsRegistry::Postgres(node) = &opened else {
        panic!("{opened:?}");
    };
    let same = PostgresRegistry::builder(server.pool())
        .timeout(CALL)
        .schema("portal");
    let same = same.connect().await.unwrap();
    let session = sign_in(node).await;
    sign_out(node, &session).await.unwrap();
    ends(&same, &session).await;
    opened.shutdown().await.unwrap();
    let gone = sign_out(node, &sign_in(&same).await).await;
    assert!(gone.is_err(), "it has disconnected");
    // Nobody is let in without TLS who asked for it.
    refused(settings(true, "sslmode=require")).await;
}

pub(crate) async fn several_nodes_may_set_up_the_schema_at_once_and_again() {
    let server = PostgresServer::start().await;
    let nodes = [(); 4].map(|()| {
        let pool = server.pool();
        tokio::spawn(async move {
            PostgresRegistry::migrate(&pool).await?;
            PostgresRegistry::builder(pool)
                .timeout(CALL)
                .connect()
                .await
        })
    });
    let mut registries = Vec::new();
    for node in nodes {
        registries.push(node.await.unwrap().unwrap());
    }
    let session = sign_in(&registries[0]).await;
    sign_out(&registries[0], &session).await.unwrap();
    PostgresRegistry::migrate(&server.pool()).await.unwrap();
    assert!(is_ended(&connect(&server).await, &session));
}

pub(crate) async fn the_sql_of_the_documentation_and_its_rights_are_enough() {
    let server = PostgresServer::start().await;
    server.run(&format!("BEGIN; {SQL}; COMMIT; {RIGHTS}")).await;
    let pool = pool_to(server.options().username("app"));
    let registry = PostgresRegistry::builder(pool.clone())
        .timeout(CALL)
        .connect()
        .await
        .unwrap();
    let (first, second, third) = (
        sign_in(&registry).await,
        sign_in(&registry).await,
        sign_in(&registry).await,
    );
    let storage = registry.storage().unwrap();
    let sealed = Sealed::new(vec![7; 100_000]).unwrap();
    for session in [first, third] {
        let kept = storage.keep(session.id, Item::Attributes, sealed.clone(), now());
        assert!(kept.await.unwrap());
    }
    let kept = storage.kept(first.id, Item::Attributes, now()).await;
    assert_eq!(kept.unwrap(), Some(sealed.clone()));
    storage.forget(third.id, Item::Attributes).await.unwrap();
    sign_out(&registry, &first).await.unwrap();
    assert_eq!(log_out(&registry, &second).await.unwrap(), 1);
    let ended = registry.end_all(account("alice"), now() + 60, now()).await;
    ended.unwrap();
    assert!(is_ended(&registry, &third));
    let grants = registry.proxy_grants().unwrap();
    let expected = grants.expect(LIMIT, now()).await.unwrap();
    let small = Sealed::new(vec![7; 100]).unwrap();
    let iou = [7; 16].into();
    let delivered = grants.deliver(iou, small.clone(), now()).await.unwrap();
    assert_eq!(delivered, Delivered::Kept);
    let collected = grants.collect(iou, Duration::ZERO, now()).await.unwrap();
    assert_eq!(collected, Some(small));
    drop(expected);
    registry.shutdown().await.unwrap();
    let swept = sqlx::query("SELECT cas_layer.sweep(0, 10)")
        .execute(&pool)
        .await;
    swept.unwrap();
    // It is no owner, and there is nothing to do.
    PostgresRegistry::migrate(&pool).await.unwrap();
    let other = PostgresRegistry::builder(pool).schema(new_schema());
    fails(RegistryErrorKind::Unusable, other.migrate()).await;
}

pub(crate) async fn settings_that_make_no_sense_are_refused() {
    let server = PostgresServer::start().await;
    let pool = server.pool();
    PostgresRegistry::migrate(&pool).await.unwrap();
    for name in [
        "",
        "1a",
        "A",
        "a-b",
        "a\"b",
        "a;b",
        "pg_a",
        "ä",
        &"a".repeat(49),
    ] {
        let builder = PostgresRegistry::builder(pool.clone()).schema(name);
        fails(RegistryErrorKind::Unusable, builder.migrate()).await;
        fails(RegistryErrorKind::Unusable, builder.connect()).await;
    }
    let builder = PostgresRegistry::builder(pool.clone());
    let builder = builder.fail_closed_after(Duration::from_secs(2));
    fails(RegistryErrorKind::Unusable, builder.connect()).await;
    let small = PgPoolOptions::new().max_connections(3);
    let small = small.connect_lazy_with(server.options());
    let error = fails(
        RegistryErrorKind::Unusable,
        PostgresRegistry::connect(small),
    )
    .await;
    assert!(error.to_string().contains("3 connections"), "{error}");
    let enough = PgPoolOptions::new().max_connections(4);
    let enough = PostgresRegistry::builder(enough.connect_lazy_with(server.options()));
    let registry = enough.timeout(CALL).connect().await.unwrap();
    sign_out(&registry, &sign_in(&registry).await)
        .await
        .unwrap();
    let strict = [("default_transaction_isolation", "serializable")];
    let strict = pool_to(server.options().options(strict));
    let error = fails(
        RegistryErrorKind::Unusable,
        PostgresRegistry::connect(strict),
    )
    .await;
    assert!(error.to_string().contains("serializable"), "{error}");
    // What is answered is on the disk all the same.
    let lazy = pool_to(server.options().options([("synchronous_commit", "off")]));
    let registry = PostgresRegistry::builder(lazy)
        .timeout(CALL)
        .connect()
        .await
        .unwrap();
    let session = sign_in(&registry).await;
    sign_out(&registry, &session).await.unwrap();
    let mut server = server;
    server.kill().await;
    server.restart().await;
    assert!(is_ended(&connect(&server).await, &session));
}

pub(crate) async fn nodes_share_the_longest_lifetime() {
    let server = PostgresServer::start().await;
    let hours = |hours: u64| Duration::from_secs(3_600 * hours);
    let longest = async || {
        let sql = "SELECT longest FROM cas_layer.state";
        let seconds = u64::try_from(server.ask::<i64>(sql).await).unwrap();
        Duration::from_secs(seconds)
    };
    let node = connect(&server).await;
    assert_eq!(longest().await, hours(8));
    // The clock of the one who ends a session may be wrong.
    let session = sign_in(&node).await;
    node.end(session.id, session.expires_at, 1).await.unwrap();
    assert_eq!(longest().await, hours(8));
    for (own, of_all) in [(1, 8), (24, 24)] {
        let builder = PostgresRegistry::builder(server.pool()).timeout(CALL);
        let builder = builder.longest_lifetime(hours(own));
        builder.connect().await.unwrap();
        assert_eq!(longest().await, hours(of_all));
    }
    // Nobody knows what those had lost. So they reckon with earlier sessions for that long.
    let left = "SELECT recovering_until - extract(epoch FROM now())::bigint FROM cas_layer.state";
    assert!(server.ask::<i64>(left).await >= 24 * 3_600);
    // And bring it back to tables that were made anew.
    let node = connect(&server).await;
    server.run("DROP SCHEMA cas_layer CASCADE").await;
    connect(&server).await;
    eventually("it is told", async || longest().await == hours(24)).await;
    drop(node);
}

pub(crate) async fn a_server_that_is_not_there_or_refuses_the_user_is_said() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let away = PostgresRegistry::connect(pool_to(options_at(port)));
    let error = tokio::time::timeout(LIMIT, away)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unavailable);
    let server = PostgresServer::start().await;
    let stranger = pool_to(server.options().username("nobody"));
    fails(
        RegistryErrorKind::Unusable,
        PostgresRegistry::connect(stranger),
    )
    .await;
}

pub(crate) async fn a_node_that_starts_knows_a_hundred_thousand_ends() {
    const MANY: usize = 100_000;
    let server = PostgresServer::start().await;
    let pool = server.pool();
    PostgresRegistry::migrate(&pool).await.unwrap();
    server
        .run(&format!(
            "INSERT INTO cas_layer.ended (id, seq, expires_at, forget_at)
                SELECT decode(md5(n::text), 'hex'), n, {0}, {0} + 3600 FROM generate_series(1, {MANY}) n;
            UPDATE cas_layer.state SET last_end = {MANY};",
            now() + 3600
        ))
        .await;
    let started = std::time::Instant::now();
    let registry = PostgresRegistry::builder(pool)
        .timeout(CALL)
        .connect()
        .await
        .unwrap();
    println!("a node starts with {MANY} ends in {:?}", started.elapsed());
    assert_eq!(registry.ended().len(), MANY);
    let session = sign_in(&registry).await;
    assert_eq!(log_out(&registry, &session).await.unwrap(), 1);
    ends(&connect(&server).await, &session).await;
}
