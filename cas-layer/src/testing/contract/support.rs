//! Sessions to try a registry with.

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Waker},
    time::Duration,
};

use crate::{
    clock::Clock,
    registry::{AccountId, LogoutSender, Opened, RegisteredSession, Registry},
    session::SessionId,
};

/// Of a message that came from anywhere.
pub(super) fn sender() -> LogoutSender {
    LogoutSender::back_channel(None)
}

pub(super) const CAS: &str = "https://cas.example.org/cas";

/// How long a session lasts here.
pub(super) const LIFETIME: u64 = 8 * 3600;

/// How long a ticket may be validated.
pub(super) const VALIDATION: Duration = Duration::from_secs(40);

/// The time at which most of this happens. It is that of the system: a registry that starts looks at it.
pub(super) static NOW: LazyLock<u64> = LazyLock::new(|| Clock::System.now());

/// The id of a session. Spread as hashes of tickets are.
pub(super) fn id(n: u64) -> SessionId {
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

/// What is in the cookie of a session that began at [`NOW`].
pub(super) fn session(n: u64, number: u64, user: &str) -> RegisteredSession<'_> {
    RegisteredSession::new(id(n), number, *NOW + LIFETIME, CAS, user)
}

/// Whether the session is refused by itself: its number is beyond that of any account that is ended here.
pub(super) fn is_ended(registry: &dyn Registry, n: u64) -> bool {
    let number = (*NOW + 100 * LIFETIME) * 1_000_000;
    registry.is_ended(&session(n, number, "alice"))
}

/// A sign-in from beginning to end.
pub(super) async fn open(registry: &dyn Registry, n: u64) -> Opened {
    registry.begin(id(n), VALIDATION).await.unwrap();
    finish(registry, n).await
}

/// The CAS server vouches for a ticket that has begun.
pub(super) async fn finish(registry: &dyn Registry, n: u64) -> Opened {
    registry.open(id(n), *NOW + LIFETIME, *NOW).await.unwrap()
}

/// A sign-in that is not ended by anybody. Returns its number.
pub(super) async fn sign_in(registry: &dyn Registry, n: u64) -> u64 {
    match open(registry, n).await {
        Opened::Live { number } => number,
        Opened::Ended => panic!("session {n} has ended"),
    }
}

/// The same for a session of a family, which lasts for so many seconds.
pub(super) async fn sign_in_family(registry: &dyn Registry, n: u64, family: u64, seconds: u64) {
    registry.begin(id(n), VALIDATION).await.unwrap();
    let families = registry.families().unwrap();
    let opened = families.open_in(id(family), id(n), *NOW + seconds, *NOW);
    assert!(
        matches!(opened.await.unwrap(), Opened::Live { .. }),
        "session {n} has ended"
    );
}

/// Somebody shows the cookie and signs out.
pub(super) async fn sign_out(registry: &dyn Registry, n: u64) {
    registry.end(id(n), *NOW + LIFETIME, *NOW).await.unwrap();
}

/// A message from the CAS server. How many sessions it ended.
pub(super) async fn single_logout(
    registry: &dyn Registry,
    n: impl IntoIterator<Item = u64>,
) -> usize {
    let ids = n.into_iter().map(id).collect();
    registry
        .end_if_opened(ids, sender(), *NOW)
        .await
        .unwrap()
        .len()
}

/// Begins something and goes away.
pub(super) fn poll_once<F: Future>(future: F) {
    let mut context = Context::from_waker(Waker::noop());
    let _ = pin!(future).as_mut().poll(&mut context);
}

/// A sign-in to a session that lasts until then.
pub(super) async fn open_until(registry: &dyn Registry, n: u64, expires_at: u64) -> Opened {
    registry.begin(id(n), VALIDATION).await.unwrap();
    registry.open(id(n), expires_at, *NOW).await.unwrap()
}

/// Everybody of this name is signed out.
pub(super) async fn end_account(registry: &dyn Registry, user: &str) {
    let account = AccountId::of(CAS, user);
    let ended = registry.end_all(account, *NOW + LIFETIME, *NOW).await;
    ended.unwrap();
}
