//! Sessions from their beginning to their end.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    store::RegistryStore,
    support::{
        LIFETIME, NOW, VALIDATION, end_account, finish, id, is_ended, open, open_until, session,
        sign_in, sign_out, single_logout,
    },
};
use crate::registry::Opened;

pub(super) async fn a_session_is_live_from_its_opening_to_its_end<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    assert!(registry.is_current());
    sign_in(&*registry, 1).await;
    sign_in(&*registry, 2).await;
    assert!(!is_ended(&*registry, 1));
    sign_out(&*registry, 1).await;
    assert!(is_ended(&*registry, 1));
    assert_eq!(single_logout(&*registry, [2]).await, 1);
    assert!(is_ended(&*registry, 2));
}

pub(super) async fn a_ticket_that_was_refused_leaves_no_trace<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    registry.begin(id(1), VALIDATION).await.unwrap();
    registry.abandon(id(1));
    store.forgets(id(1)).await;
    assert_eq!(single_logout(&*registry, [1]).await, 0);
    assert!(registry.ended().is_empty());
    // One that was logged out meanwhile, too.
    registry.begin(id(2), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [2]).await, 1);
    registry.abandon(id(2));
    sign_in(&*registry, 3).await;
}

pub(super) async fn each_callback_with_a_ticket_is_opened_or_abandoned_by_itself<
    S: RegistryStore,
>(
    store: S,
) {
    let registry = store.node().await;
    for _ in 0..3 {
        registry.begin(id(1), VALIDATION).await.unwrap();
    }
    registry.abandon(id(1));
    let Opened::Live { number: first } = finish(&*registry, 1).await else {
        panic!("ended by itself");
    };
    // The session stays open, whatever the others come to.
    registry.abandon(id(1));
    assert!(!is_ended(&*registry, 1));
    let Opened::Live { number: second } = open(&*registry, 1).await else {
        panic!("ended by itself");
    };
    assert!(second > first);
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    assert!(is_ended(&*registry, 1));
}

pub(super) async fn a_session_that_is_opened_again_is_one_and_ends_as_one<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    for n in [1, 2] {
        let Opened::Live { number } = open_until(&*registry, n, *NOW + 600).await else {
            panic!("ended");
        };
        // A logout in between.
        if n == 2 {
            assert_eq!(single_logout(&*registry, [n]).await, 1);
            assert_eq!(open(&*registry, n).await, Opened::Ended);
        } else {
            assert!(sign_in(&*registry, n).await >= number);
            assert_eq!(single_logout(&*registry, [n]).await, 1);
        }
        assert!(is_ended(&*registry, n));
        assert_eq!(single_logout(&*registry, [n]).await, 0);
    }
}

pub(super) async fn an_end_is_recorded_for_a_session_that_nobody_opened<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    sign_out(&*registry, 1).await;
    assert!(is_ended(&*registry, 1));
    assert_eq!(open(&*registry, 1).await, Opened::Ended);
}

pub(super) async fn an_end_counts_whatever_the_clock_says_of_the_session<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    for (n, expires_at) in [(1, *NOW - 1), (2, 0), (3, *NOW + 3 * LIFETIME)] {
        registry.end(id(n), expires_at, *NOW).await.unwrap();
        assert!(is_ended(&*registry, n));
        assert_eq!(open(&*registry, n).await, Opened::Ended);
    }
}

pub(super) async fn an_ended_session_never_opens_again<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for n in 0..2 {
        sign_in(&*registry, n).await;
    }
    sign_out(&*registry, 0).await;
    single_logout(&*registry, [1]).await;
    for n in 0..2 {
        for _ in 0..3 {
            assert_eq!(open(&*registry, n).await, Opened::Ended);
            assert!(is_ended(&*registry, n));
        }
    }
}

pub(super) async fn numbers_only_grow_through_a_clock_that_goes_back<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let mut last = 0;
    for (n, now) in (0..).zip([*NOW, *NOW, *NOW + 5, *NOW - 7_200, *NOW + 6]) {
        registry.begin(id(n), VALIDATION).await.unwrap();
        let opened = registry.open(id(n), *NOW + LIFETIME, now).await.unwrap();
        let Opened::Live { number } = opened else {
            panic!("ended by itself");
        };
        assert!(number > last, "{number} {last}");
        last = number;
    }
}

pub(super) async fn who_waits_for_an_end_is_woken<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let mut numbers = Vec::new();
    for n in 0..4 {
        numbers.push(sign_in(&*registry, n).await);
    }
    let wait = |n: u64, user: &'static str| {
        let (registry, number) = (Arc::clone(&registry), numbers[usize::try_from(n).unwrap()]);
        let waiting = async move { registry.ended().wait_for(&session(n, number, user)).await };
        tokio::spawn(timeout(Duration::from_secs(10), waiting))
    };
    let waiting = [wait(0, "a"), wait(1, "a"), wait(2, "alice")];
    let other = wait(3, "bob");
    sign_out(&*registry, 0).await;
    single_logout(&*registry, [1]).await;
    end_account(&*registry, "alice").await;
    for waiting in waiting {
        waiting.await.unwrap().expect("nobody woke it");
    }
    assert!(!other.is_finished());
    other.abort();
}
