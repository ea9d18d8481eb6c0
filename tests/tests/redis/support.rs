//! What the tests share.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

use cas_layer::{
    RedisRegistry, SessionId,
    registry::{AccountId, LogoutSender, Opened, RegisteredSession, Registry as _, RegistryError},
};
use cas_layer_tests::redis::RedisServer;
pub(crate) use cas_layer_tests::suite::eventually;
use tokio::time::timeout;

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

pub(crate) fn key(id: SessionId) -> String {
    format!("{{cas-layer}}:s:{id}")
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
    /// Nothing that Redis knows of.
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

pub(crate) async fn connect(server: &RedisServer) -> RedisRegistry {
    connect_to(server.url()).await
}

pub(crate) async fn connect_to(url: String) -> RedisRegistry {
    let builder = RedisRegistry::builder(url).timeout(CALL);
    builder.connect().await.unwrap()
}

/// A registry that is not new to this Redis: otherwise it would reckon with sessions of before.
pub(crate) async fn settled(server: &RedisServer) -> RedisRegistry {
    let registry = connect(server).await;
    settle(server).await;
    registry
}

/// Lets the time pass in which Redis reckons with sessions of before.
pub(crate) async fn settle(server: &RedisServer) {
    server
        .command::<()>(&["DEL", "{cas-layer}:recovering"])
        .await;
}

/// A sign-in.
pub(crate) async fn sign_in(registry: &RedisRegistry) -> Session {
    try_sign_in(registry).await.unwrap()
}

pub(crate) async fn try_sign_in(registry: &RedisRegistry) -> Result<Session, RegistryError> {
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
    registry: &RedisRegistry,
    session: &Session,
) -> Result<(), RegistryError> {
    registry.end(session.id, session.expires_at, now()).await
}

/// A message from the CAS server. How many sessions it ended.
pub(crate) async fn log_out(
    registry: &RedisRegistry,
    session: &Session,
) -> Result<usize, RegistryError> {
    log_out_by(registry, sender(), session).await
}

/// The same from somebody else, perhaps.
pub(crate) async fn log_out_by(
    registry: &RedisRegistry,
    sender: LogoutSender,
    session: &Session,
) -> Result<usize, RegistryError> {
    let ended = registry
        .end_if_opened(vec![session.id], sender, now())
        .await?;
    assert!(ended.iter().all(|&id| id == session.id));
    Ok(ended.len())
}

pub(crate) fn is_ended(registry: &RedisRegistry, session: &Session) -> bool {
    registry.is_ended(&session.of("alice"))
}

/// Waits until a node knows that a session has ended.
pub(crate) async fn ends(registry: &RedisRegistry, session: &Session) {
    let session = session.of("alice");
    timeout(LIMIT, registry.ended().wait_for(&session))
        .await
        .expect("a node that hears of it");
}

/// Waits until Redis can be written to through this registry.
pub(crate) async fn is_back(registry: &RedisRegistry) {
    eventually("Redis is back", async || {
        registry
            .begin(new_id(), Duration::from_secs(1))
            .await
            .is_ok()
    })
    .await;
}

pub(crate) async fn exists(server: &RedisServer, session: &Session) -> bool {
    server.command(&["EXISTS", &key(session.id)]).await
}
