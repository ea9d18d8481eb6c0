//! What is kept for open sessions.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    proxies::grant,
    store::RegistryStore,
    support::{LIFETIME, NOW, VALIDATION, id, open, sign_in, sign_out, single_logout},
};
use crate::registry::{Item, Opened, Registry, Sealed, SessionStorage};

/// Most clauses are about one item. The others must not get in its way.
const ITEM: Item = Item::GrantingTicket;

fn storage(registry: &Arc<dyn Registry>) -> &dyn SessionStorage {
    registry.storage().unwrap()
}

pub(super) async fn keep(registry: &Arc<dyn Registry>, n: u64) -> bool {
    let kept = storage(registry).keep(id(n), ITEM, grant(n), *NOW);
    kept.await.unwrap()
}

pub(super) async fn kept(registry: &Arc<dyn Registry>, n: u64) -> Option<Sealed> {
    storage(registry).kept(id(n), ITEM, *NOW).await.unwrap()
}

pub(super) async fn what_is_kept_comes_back_byte_for_byte<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for n in 0..3 {
        sign_in(&*registry, n).await;
        assert_eq!(kept(&registry, n).await, None);
        assert!(keep(&registry, n).await);
    }
    for n in 0..3 {
        // As often as it is wanted.
        for _ in 0..2 {
            assert_eq!(kept(&registry, n).await, Some(grant(n)));
        }
    }
    let longest = Sealed::new(vec![b' '; Sealed::MAX_BYTES]).unwrap();
    for new in [longest, Sealed::new(Vec::new()).unwrap(), grant(7)] {
        let keeping = storage(&registry).keep(id(1), ITEM, new.clone(), *NOW);
        assert!(keeping.await.unwrap());
        assert_eq!(kept(&registry, 1).await, Some(new));
    }
    for _ in 0..2 {
        storage(&registry).forget(id(0), ITEM).await.unwrap();
        assert_eq!(kept(&registry, 0).await, None);
    }
    assert_eq!(kept(&registry, 2).await, Some(grant(2)));
    // The session goes on.
    assert_eq!(single_logout(&*registry, [0]).await, 1);
}

pub(super) async fn each_item_of_a_session_is_by_itself<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for n in 0..2 {
        sign_in(&*registry, n).await;
    }
    let at = async |n, item| storage(&registry).kept(id(n), item, *NOW).await.unwrap();
    for (index, item) in (10..).zip(Item::ALL.iter().copied()) {
        for n in 0..2 {
            assert_eq!(at(n, item).await, None);
            let keeping = storage(&registry).keep(id(n), item, grant(index + n), *NOW);
            assert!(keeping.await.unwrap());
        }
    }
    for (index, item) in (10..).zip(Item::ALL.iter().copied()) {
        assert_eq!(at(0, item).await, Some(grant(index)), "{item:?}");
        storage(&registry).forget(id(0), item).await.unwrap();
        assert_eq!(at(0, item).await, None, "{item:?}");
    }
    sign_out(&*registry, 1).await;
    for &item in Item::ALL {
        assert_eq!(at(1, item).await, None, "{item:?}");
    }
}

pub(super) async fn nothing_is_kept_for_a_session_that_is_not_open<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    // Unknown, being validated, ended by its cookie, ended by a message, ended before it was open.
    registry.begin(id(2), VALIDATION).await.unwrap();
    for n in 3..5 {
        sign_in(&*registry, n).await;
    }
    sign_out(&*registry, 3).await;
    assert_eq!(single_logout(&*registry, [4]).await, 1);
    registry.begin(id(5), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [5]).await, 1);
    for n in 1..=5 {
        assert!(!keep(&registry, n).await, "{n}");
        assert_eq!(kept(&registry, n).await, None, "{n}");
        storage(&registry).forget(id(n), ITEM).await.unwrap();
    }
    // Nothing of it is there later.
    sign_in(&*registry, 2).await;
    assert_eq!(kept(&registry, 2).await, None);
    // Expired.
    sign_in(&*registry, 6).await;
    let late = *NOW + LIFETIME + 60;
    let keeping = storage(&registry).keep(id(6), ITEM, grant(6), late);
    assert!(!keeping.await.unwrap());
    assert_eq!(kept(&registry, 6).await, None);
}

pub(super) async fn what_is_kept_goes_with_its_session<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for n in 0..4 {
        sign_in(&*registry, n).await;
        assert!(keep(&registry, n).await);
    }
    sign_out(&*registry, 0).await;
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    for n in 0..2 {
        assert_eq!(kept(&registry, n).await, None);
    }
    let at = async |now| storage(&registry).kept(id(2), ITEM, now).await.unwrap();
    assert_eq!(at(*NOW + LIFETIME - 1).await, Some(grant(2)));
    assert_eq!(at(*NOW + LIFETIME + 60).await, None);
}

pub(super) async fn what_is_kept_at_the_time_of_a_sign_out_goes_too<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let registry = Arc::clone(&registry);
        tasks.spawn(async move {
            sign_in(&*registry, n).await;
            let keeping = {
                let registry = Arc::clone(&registry);
                tokio::spawn(async move { keep(&registry, n).await })
            };
            if n % 2 == 0 {
                sign_out(&*registry, n).await;
            } else {
                assert_eq!(single_logout(&*registry, [n]).await, 1);
            }
            keeping.await.unwrap();
            assert_eq!(kept(&registry, n).await, None);
            assert!(!keep(&registry, n).await);
        });
    }
    tasks.join_all().await;
}

pub(super) async fn a_second_callback_of_an_open_session_loses_nothing_that_is_kept<
    S: RegistryStore,
>(
    store: S,
) {
    let registry = store.node().await;
    sign_in(&*registry, 1).await;
    assert!(keep(&registry, 1).await);
    assert!(matches!(open(&*registry, 1).await, Opened::Live { .. }));
    assert_eq!(kept(&registry, 1).await, Some(grant(1)));
}

pub(super) async fn what_is_kept_is_there_after_a_restart_and_what_has_ended_is_not<
    S: RegistryStore,
>(
    store: S,
) {
    let registry = store.node().await;
    for n in 0..4 {
        sign_in(&*registry, n).await;
        assert!(keep(&registry, n).await);
    }
    sign_out(&*registry, 0).await;
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    storage(&registry).forget(id(2), ITEM).await.unwrap();
    drop(registry);
    let registry = store.node().await;
    for n in 0..3 {
        assert_eq!(kept(&registry, n).await, None, "{n}");
    }
    assert_eq!(kept(&registry, 3).await, Some(grant(3)));
    sign_out(&*registry, 3).await;
    drop(registry);
    let registry = store.node().await;
    assert_eq!(kept(&registry, 3).await, None);
}
