//! Sessions to try a registry with.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cas_layer::{
    SessionId,
    registry::{
        Delivered, IouId, LogoutSender, Opened, ProxyGrants, RegisteredSession, Registry, Sealed,
    },
};

/// Of a message that came from anywhere.
pub(crate) fn sender() -> LogoutSender {
    LogoutSender::back_channel(None)
}

pub(crate) const CAS: &str = "https://cas.example.org/cas";

/// How long a session lasts here.
pub(crate) const LIFETIME: u64 = 8 * 3600;

/// How long a call may take. Longer than by default: the machine may be busy with something else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a ticket may be validated.
pub(crate) const VALIDATION: Duration = Duration::from_secs(40);

/// The time at which most of this happens. It is that of the system: a registry that starts looks at it.
pub(crate) static NOW: LazyLock<u64> = LazyLock::new(|| {
    #[allow(clippy::disallowed_methods, reason = "the time that the registry sees")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
});

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

/// What is in the cookie of a session that began at [`NOW`].
pub(crate) fn session(n: u64, number: u64, user: &str) -> RegisteredSession<'_> {
    RegisteredSession::new(id(n), number, *NOW + LIFETIME, CAS, user)
}

/// Whether the session is refused by itself: its number is beyond that of any account that is ended here.
pub(crate) fn is_ended(registry: &dyn Registry, n: u64) -> bool {
    let number = (*NOW + 100 * LIFETIME) * 1_000_000;
    registry.is_ended(&session(n, number, "alice"))
}

/// A sign-in from beginning to end.
pub(crate) async fn open(registry: &dyn Registry, n: u64) -> Opened {
    registry.begin(id(n), VALIDATION).await.unwrap();
    finish(registry, n).await
}

/// The CAS server vouches for a ticket that has begun.
pub(crate) async fn finish(registry: &dyn Registry, n: u64) -> Opened {
    registry.open(id(n), *NOW + LIFETIME, *NOW).await.unwrap()
}

/// A sign-in that is not ended by anybody. Returns its number.
pub(crate) async fn sign_in(registry: &dyn Registry, n: u64) -> u64 {
    match open(registry, n).await {
        Opened::Live { number } => number,
        Opened::Ended => panic!("session {n} has ended"),
    }
}

/// Somebody shows the cookie and signs out.
pub(crate) async fn sign_out(registry: &dyn Registry, n: u64) {
    registry.end(id(n), *NOW + LIFETIME, *NOW).await.unwrap();
}

/// A message from the CAS server. How many sessions it ended.
pub(crate) async fn single_logout(
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

pub(crate) fn grants(registry: &Arc<dyn Registry>) -> &dyn ProxyGrants {
    registry.proxy_grants().unwrap()
}

/// The hash of an IOU. Spread as hashes are.
pub(crate) fn iou(n: u64) -> IouId {
    (*id(n).as_bytes()).into()
}

/// Sealed bytes, of every value.
pub(crate) fn grant(n: u64) -> Sealed {
    let mut bytes: Vec<u8> = (0..=255).rev().collect();
    bytes.extend(n.to_be_bytes());
    Sealed::new(bytes).unwrap()
}

pub(crate) async fn deliver(registry: &Arc<dyn Registry>, n: u64) -> Delivered {
    let delivered = grants(registry).deliver(iou(n), grant(n), *NOW);
    delivered.await.unwrap()
}

/// What is there now.
pub(crate) async fn collect(registry: &Arc<dyn Registry>, n: u64) -> Option<Sealed> {
    let collected = grants(registry).collect(iou(n), Duration::ZERO, *NOW);
    collected.await.unwrap()
}
