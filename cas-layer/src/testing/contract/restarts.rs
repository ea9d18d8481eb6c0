//! What outlives its process.

use super::{
    store::RegistryStore,
    support::{
        CAS, LIFETIME, NOW, VALIDATION, end_account, id, is_ended, open, session, sign_in,
        sign_out, single_logout,
    },
};
use crate::registry::{AccountId, Opened};

pub(super) async fn what_has_ended_is_still_ended_after_a_restart<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    assert!(registry.outlives_process());
    let mut numbers = Vec::new();
    for n in 0..4 {
        numbers.push(sign_in(&*registry, n).await);
    }
    sign_out(&*registry, 0).await;
    single_logout(&*registry, [1]).await;
    sign_out(&*registry, 10).await;
    end_account(&*registry, "carol").await;
    drop(registry);
    for _ in 0..3 {
        let registry = store.node().await;
        for n in [0, 1, 10] {
            assert!(is_ended(&*registry, n), "{n}");
            assert_eq!(open(&*registry, n).await, Opened::Ended);
        }
        assert!(registry.is_ended(&session(2, numbers[2], "carol")));
        assert!(!registry.is_ended(&session(3, numbers[3], "alice")));
        drop(registry);
    }
    let registry = store.node().await;
    let later = sign_in(&*registry, 11).await;
    assert!(!registry.is_ended(&session(11, later, "carol")));
}

pub(super) async fn open_sessions_are_still_known_after_a_restart<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for n in 0..10 {
        sign_in(&*registry, n).await;
    }
    drop(registry);
    let registry = store.node().await;
    for n in 0..10 {
        assert!(!is_ended(&*registry, n));
        assert_eq!(single_logout(&*registry, [n]).await, 1);
        assert!(is_ended(&*registry, n));
    }
    // Found in the file and ended there.
    drop(registry);
    let registry = store.node().await;
    assert!((0..10).all(|n| is_ended(&*registry, n)));
}

pub(super) async fn a_start_with_a_clock_that_is_ahead_is_no_reason_to_forget<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    // By the clock with which the registry starts again, they expired two hours ago.
    let (now, expires_at) = (*NOW - 3 * 3600, *NOW - 2 * 3600);
    for n in 0..20 {
        registry.begin(id(n), VALIDATION).await.unwrap();
        registry.open(id(n), expires_at, now).await.unwrap();
    }
    for n in 0..10 {
        registry.end(id(n), expires_at, now).await.unwrap();
    }
    let carol = AccountId::of(CAS, "carol");
    registry.end_all(carol, expires_at, now).await.unwrap();
    drop(registry);
    let registry = store.node().await;
    for n in 0..10 {
        assert!(is_ended(&*registry, n), "{n}");
    }
    assert!(registry.is_ended(&session(30, 1, "carol")));
    assert_eq!(single_logout(&*registry, 10..20).await, 10);
}

pub(super) async fn a_ticket_under_validation_is_forgotten_by_a_restart<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    registry.begin(id(1), VALIDATION).await.unwrap();
    drop(registry);
    let registry = store.node().await;
    registry.abandon(id(1));
    store.forgets(id(1)).await;
    assert_eq!(single_logout(&*registry, [1]).await, 0);
    sign_in(&*registry, 1).await;
}

pub(super) async fn numbers_go_on_after_a_restart_with_a_clock_that_was_set_back<
    S: RegistryStore,
>(
    store: S,
) {
    let mut last = 0;
    for n in 0..4 {
        let registry = store.node().await;
        let now = *NOW - n * 3600;
        registry.begin(id(n), VALIDATION).await.unwrap();
        let opened = registry.open(id(n), *NOW + LIFETIME, now).await.unwrap();
        let Opened::Live { number } = opened else {
            panic!("ended by itself");
        };
        assert!(number > last, "{number} {last}");
        last = number;
        // Ends what was opened under the other clock, too.
        let account = AccountId::of(CAS, "alice");
        let ended = registry.end_all(account, *NOW + LIFETIME, now).await;
        ended.unwrap();
        assert!(registry.is_ended(&session(n, number, "alice")));
    }
}
