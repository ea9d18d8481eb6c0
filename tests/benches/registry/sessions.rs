//! Sessions to fill a registry with.

use std::{
    ops::Range,
    time::{Duration, UNIX_EPOCH},
};

use cas_layer::{
    SessionId,
    registry::{Opened, Registry},
};
use tokio::task::JoinSet;

const LIFETIME: u64 = 8 * 3600;

/// How many are opened or ended at the same time.
const AT_ONCE: usize = 1_000;

pub(crate) fn now() -> u64 {
    UNIX_EPOCH.elapsed().expect("a time after 1970").as_secs()
}

pub(crate) fn expires_at() -> u64 {
    now() + LIFETIME
}

/// The id of a session. Spread as hashes of tickets are.
pub(crate) fn id(n: u64) -> SessionId {
    let mut mixed = n;
    let mut bytes = [0; 16];
    for half in bytes.chunks_exact_mut(8) {
        mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = mixed;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        half.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.into()
}

/// One sign-in.
pub(crate) async fn open_one(registry: &impl Registry, n: u64) {
    registry
        .begin(id(n), Duration::from_secs(40))
        .await
        .unwrap();
    let opened = registry.open(id(n), expires_at(), now()).await.unwrap();
    assert!(matches!(opened, Opened::Live { .. }));
}

/// One sign-out.
pub(crate) async fn end_one(registry: &impl Registry, n: u64) {
    registry.end(id(n), expires_at(), now()).await.unwrap();
}

pub(crate) async fn open<R: Registry + Clone>(registry: &R, sessions: Range<u64>) {
    each(sessions, |n| {
        let registry = registry.clone();
        async move { open_one(&registry, n).await }
    })
    .await;
}

pub(crate) async fn end<R: Registry + Clone>(registry: &R, sessions: Range<u64>) {
    each(sessions, |n| {
        let registry = registry.clone();
        async move { end_one(&registry, n).await }
    })
    .await;
}

async fn each<F>(sessions: Range<u64>, task: impl Fn(u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut sessions = sessions.peekable();
    while sessions.peek().is_some() {
        let tasks: JoinSet<()> = sessions.by_ref().take(AT_ONCE).map(&task).collect();
        tasks.join_all().await;
    }
}
