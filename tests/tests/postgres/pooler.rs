//! A PgBouncer between the registry and PostgreSQL.

use cas_layer::{PostgresRegistry, registry::RegistryErrorKind};
use cas_layer_tests::{pgbouncer::PgBouncer, postgres::PostgresServer};

use crate::support::{CALL, LIMIT, connect, ends, log_out, sign_in, sign_out};

pub(crate) async fn one_in_session_mode_is_as_good_as_none() {
    let server = PostgresServer::start().await;
    let direct = connect(&server).await;
    let bouncer = PgBouncer::start("session", server.port()).await;
    let registry = PostgresRegistry::builder(bouncer.pool())
        .timeout(CALL)
        .connect()
        .await
        .unwrap();
    let (first, second) = (sign_in(&registry).await, sign_in(&direct).await);
    sign_out(&direct, &second).await.unwrap();
    ends(&registry, &second).await;
    assert_eq!(log_out(&registry, &first).await.unwrap(), 1);
    ends(&direct, &first).await;
}

pub(crate) async fn one_in_transaction_mode_is_refused_by_name() {
    let server = PostgresServer::start().await;
    connect(&server).await;
    let bouncer = PgBouncer::start("transaction", server.port()).await;
    let connecting = PostgresRegistry::connect(bouncer.pool());
    let connecting = tokio::time::timeout(LIMIT, connecting).await;
    let error = connecting.expect("an answer").unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unusable, "{error:?}");
    assert!(error.to_string().contains("pool_mode"), "{error}");
}
