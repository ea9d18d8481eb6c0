//! What the tests share.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

use cas_layer::{
    PostgresRegistry, SessionId,
    registry::{
        AccountId, LogoutSender, Opened, RegisteredSession, Registry as _, RegistryError,
        RegistryErrorKind,
    },
};
use cas_layer_tests::postgres::PostgresServer;
pub(crate) use cas_layer_tests::suite::eventually;
use sqlx::{Postgres, Transaction};
use tokio::time::{sleep, timeout};

/// How long a call may take here. Longer than by default: the machine may be busy with something else.
pub(crate) const CALL: Duration = Duration::from_secs(5);

/// Far longer than anything takes: it decides between slow and stuck.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// How long sessions last here, in seconds.
pub(crate) const LIFETIME: u64 = 8 * 3600;

/// Of a message that came from anywhere.
pub(crate) fn sender() -> LogoutSender {
    LogoutSender::back_channel(None)
}

pub(crate) const CAS: &str = "https://cas.example.org/cas";

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The id of a session that no other test has.
pub(crate) fn new_id() -> SessionId {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let n = LAST.fetch_add(1, Ordering::Relaxed);
    let mut id = [0; 16];
    // Spread as a hash would be.
    id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    id[8..].copy_from_slice(&n.to_be_bytes());
    id.into()
}

pub(crate) fn account(user: &str) -> AccountId {
    AccountId::of(CAS, user)
}

/// A session that somebody shows a cookie of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) number: u64,
    pub(crate) expires_at: u64,
}

impl Session {
    /// Nothing that PostgreSQL knows of.
    pub(crate) fn unknown() -> Self {
        Self {
            id: new_id(),
            number: 0,
            expires_at: now() + LIFETIME,
        }
    }

    pub(crate) fn of<'s>(&self, user: &'s str) -> RegisteredSession<'s> {
        RegisteredSession::new(self.id, self.number, self.expires_at, CAS, user)
    }
}

/// A node, in a database that was set up if it was not.
pub(crate) async fn connect(server: &PostgresServer) -> PostgresRegistry {
    let pool = server.pool();
    PostgresRegistry::migrate(&pool).await.unwrap();
    let builder = PostgresRegistry::builder(pool).timeout(CALL);
    builder.connect().await.unwrap()
}

/// A sign-in. On a busy machine PostgreSQL may seem to be away for a moment.
pub(crate) async fn sign_in(registry: &PostgresRegistry) -> Session {
    let trying = async {
        loop {
            if let Ok(session) = try_sign_in(registry).await {
                return session;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LIMIT, trying).await.expect("a sign-in")
}

pub(crate) async fn try_sign_in(registry: &PostgresRegistry) -> Result<Session, RegistryError> {
    let (id, now) = (new_id(), now());
    registry.begin(id, Duration::from_secs(40)).await?;
    let expires_at = now + LIFETIME;
    match registry.open(id, expires_at, now).await? {
        Opened::Live { number } => Ok(Session {
            id,
            number,
            expires_at,
        }),
        Opened::Ended => panic!("ended before it was opened"),
    }
}

/// A sign-out of somebody who shows the cookie.
pub(crate) async fn sign_out(
    registry: &PostgresRegistry,
    session: &Session,
) -> Result<(), RegistryError> {
    registry.end(session.id, session.expires_at, now()).await
}

/// A message from the CAS server. How many sessions it ended.
pub(crate) async fn log_out(
    registry: &PostgresRegistry,
    session: &Session,
) -> Result<usize, RegistryError> {
    let ended = registry
        .end_if_opened(vec![session.id], sender(), now())
        .await?;
    assert!(ended.iter().all(|&id| id == session.id));
    Ok(ended.len())
}

pub(crate) fn is_ended(registry: &PostgresRegistry, session: &Session) -> bool {
    registry.is_ended(&session.of("alice"))
}

/// Waits until a node knows that a session has ended.
pub(crate) async fn ends(registry: &PostgresRegistry, session: &Session) {
    let session = session.of("alice");
    timeout(LIMIT, registry.ended().wait_for(&session))
        .await
        .expect("a node that hears of it");
}

/// Ends a session in PostgreSQL, and no node is notified.
pub(crate) async fn end_unheard(server: &PostgresServer, session: &Session) {
    server
        .run(&format!(
            "BEGIN; UPDATE cas_layer.state SET last_end = last_end + 1;
            INSERT INTO cas_layer.ended (id, seq, expires_at, forget_at)
                SELECT '\\x{}', last_end, {1}, {1} FROM cas_layer.state; COMMIT;",
            session.id, session.expires_at
        ))
        .await;
}

/// Locks a table until this is rolled back: whoever needs it waits.
pub(crate) async fn lock(server: &PostgresServer, table: &str) -> Transaction<'static, Postgres> {
    let mut lock = server.pool().begin().await.unwrap();
    sqlx::query(&format!("LOCK TABLE cas_layer.{table}"))
        .execute(&mut *lock)
        .await
        .unwrap();
    lock
}

/// Waits until PostgreSQL can be written to through this registry.
pub(crate) async fn is_back(registry: &PostgresRegistry) {
    eventually("PostgreSQL is back", async || {
        registry
            .begin(new_id(), Duration::from_secs(1))
            .await
            .is_ok()
    })
    .await;
}

/// Fails with this kind, and sooner than a caller that waits for ever.
pub(crate) async fn fails<T: std::fmt::Debug>(
    kind: RegistryErrorKind,
    call: impl Future<Output = Result<T, RegistryError>>,
) -> RegistryError {
    let error = timeout(LIMIT, call)
        .await
        .expect("an answer in time")
        .unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    error
}
