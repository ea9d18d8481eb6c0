//! Pairs of IOU and proxy-granting ticket, on their way to their sign-ins.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

use super::{
    proxies::{LIMIT, LONG, collect, deliver, expect, grant, grants, iou, until, wait_for},
    store::RegistryStore,
    support::{NOW, VALIDATION, poll_once},
};
use crate::registry::{Delivered, Sealed};

pub(super) async fn a_pair_is_handed_out_once<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let _expected = expect(&registry).await;
    for n in 0..3 {
        assert_eq!(deliver(&registry, n).await, Delivered::Kept);
    }
    for n in [1, 0, 2] {
        assert_eq!(collect(&registry, n).await, Some(grant(n)));
        assert_eq!(collect(&registry, n).await, None);
    }
    assert_eq!(collect(&registry, 9).await, None);
    let longest = Sealed::new(vec![0xff; 1024]).unwrap();
    let delivered = grants(&registry).deliver(iou(4), longest.clone(), *NOW);
    assert_eq!(delivered.await.unwrap(), Delivered::Kept);
    assert_eq!(collect(&registry, 4).await, Some(longest));
}

pub(super) async fn a_pair_that_nobody_expects_is_not_kept<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    assert_eq!(deliver(&registry, 1).await, Delivered::Unexpected);
    let _expected = expect(&registry).await;
    assert_eq!(collect(&registry, 1).await, None);
    assert_eq!(deliver(&registry, 1).await, Delivered::Kept);
}

pub(super) async fn pairs_go_when_no_validation_is_expected_any_more<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let (first, second) = (expect(&registry).await, expect(&registry).await);
    assert_eq!(deliver(&registry, 1).await, Delivered::Kept);
    drop(first);
    assert_eq!(deliver(&registry, 2).await, Delivered::Kept);
    assert_eq!(collect(&registry, 2).await, Some(grant(2)));
    drop(second);
    until(&registry, 3, Delivered::Unexpected).await;
    let _third = expect(&registry).await;
    assert_eq!(collect(&registry, 1).await, None);
    assert_eq!(collect(&registry, 3).await, None);
}

pub(super) async fn a_validation_is_not_expected_for_longer_than_it_lasts<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    // By the clock of the registry or, where it has none, by what it is told.
    let expected = grants(&registry).expect(Duration::from_millis(300), *NOW);
    let _expected = expected.await.unwrap();
    let started = Instant::now();
    let late = async {
        loop {
            let now = *NOW + 1 + started.elapsed().as_secs();
            let delivered = grants(&registry).deliver(iou(1), grant(1), now);
            if delivered.await.unwrap() == Delivered::Unexpected {
                break;
            }
            yield_now().await;
        }
    };
    timeout(LIMIT, late).await.expect("an end");
    assert_eq!(collect(&registry, 1).await, None);
}

pub(super) async fn a_pair_expires_though_others_are_expected<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let short = grants(&registry).expect(Duration::from_millis(300), *NOW);
    let _short = short.await.unwrap();
    assert_eq!(deliver(&registry, 1).await, Delivered::Kept);
    let _long = expect(&registry).await;
    let started = Instant::now();
    // Twice, until there is none any more.
    let expires = async {
        loop {
            let now = *NOW + 1 + started.elapsed().as_secs();
            let delivered = grants(&registry).deliver(iou(1), grant(2), now);
            if delivered.await.unwrap() == Delivered::Kept {
                break;
            }
            yield_now().await;
        }
    };
    timeout(LIMIT, expires).await.expect("an expiry");
    assert_eq!(collect(&registry, 1).await, Some(grant(2)));
}

pub(super) async fn the_first_of_two_pairs_with_one_iou_stays<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let _expected = expect(&registry).await;
    assert_eq!(deliver(&registry, 1).await, Delivered::Kept);
    // The same, as servers may repeat themselves, and another one.
    assert_eq!(deliver(&registry, 1).await, Delivered::Twice);
    let other = grants(&registry).deliver(iou(1), grant(2), *NOW);
    assert_eq!(other.await.unwrap(), Delivered::Twice);
    assert_eq!(collect(&registry, 1).await, Some(grant(1)));
}

pub(super) async fn who_is_early_waits_for_the_pair_and_not_for_ever<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let _expected = expect(&registry).await;
    let waiting = {
        let registry = Arc::clone(&registry);
        tokio::spawn(async move { wait_for(&registry, 1, 10 * LIMIT).await })
    };
    // Waits by now, most likely, and is served in either case.
    for n in 10..20 {
        assert_eq!(deliver(&registry, n).await, Delivered::Kept);
    }
    assert!(!waiting.is_finished());
    assert_eq!(deliver(&registry, 1).await, Delivered::Kept);
    let collected = timeout(LIMIT, waiting).await.expect("somebody wakes it");
    assert_eq!(collected.unwrap(), Some(grant(1)));
    // Others wait meanwhile, and have what they ask for.
    let started = Instant::now();
    let patience = Duration::from_millis(200);
    let (none, some) = tokio::join!(wait_for(&registry, 2, patience), collect(&registry, 10));
    assert_eq!((none, some), (None, Some(grant(10))));
    assert!(started.elapsed() >= patience);
}

pub(super) async fn a_wait_that_is_given_up_takes_no_pair_along<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let _expected = expect(&registry).await;
    for n in 0..20 {
        poll_once(grants(&registry).collect(iou(n), VALIDATION, *NOW));
    }
    for n in 0..20 {
        assert_eq!(deliver(&registry, n).await, Delivered::Kept);
        // One of those may be under way still, and brings back what it finds.
        assert_eq!(wait_for(&registry, n, LIMIT).await, Some(grant(n)));
    }
}

pub(super) async fn of_many_who_ask_at_once_one_gets_the_pair<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let _expected = expect(&registry).await;
    for n in 0..50 {
        assert_eq!(deliver(&registry, n).await, Delivered::Kept);
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            let registry = Arc::clone(&registry);
            asking.spawn(async move { collect(&registry, n).await });
        }
        let got: Vec<_> = asking.join_all().await.into_iter().flatten().collect();
        assert_eq!(got, [grant(n)]);
    }
}

pub(super) async fn pairs_that_race_those_who_wait_for_them_all_arrive<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let mut tasks = JoinSet::new();
    for task in 0..32 {
        let registry = Arc::clone(&registry);
        tasks.spawn(async move {
            for n in (0..640).skip(task).step_by(32) {
                let expected = expect(&registry).await;
                let delivering = {
                    let registry = Arc::clone(&registry);
                    tokio::spawn(async move {
                        for _ in 0..n % 5 {
                            yield_now().await;
                        }
                        deliver(&registry, n).await
                    })
                };
                let waiting = wait_for(&registry, n, LIMIT);
                let collected = timeout(LIMIT, waiting).await.expect("a pair that comes");
                assert_eq!(collected, Some(grant(n)));
                assert_eq!(delivering.await.unwrap(), Delivered::Kept);
                drop(expected);
            }
        });
    }
    tasks.join_all().await;
    until(&registry, 1_000, Delivered::Unexpected).await;
}

pub(super) async fn an_expectation_that_nobody_waits_for_is_none<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for _ in 0..20 {
        poll_once(grants(&registry).expect(LONG, *NOW));
    }
    until(&registry, 1, Delivered::Unexpected).await;
}

/// How many pairs a registry keeps.
const ROOM: std::ops::RangeInclusive<usize> = 512..=4_096;

pub(super) async fn a_flood_is_bounded_and_displaces_nothing<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let _expected = expect(&registry).await;
    assert_eq!(deliver(&registry, 0).await, Delivered::Kept);
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let registry = Arc::clone(&registry);
        tasks.spawn(async move {
            let mut kept = Vec::new();
            for n in (1..=20_000).skip(task).step_by(16) {
                match deliver(&registry, n).await {
                    Delivered::Kept => kept.push(n),
                    Delivered::Full => {}
                    other => panic!("{other:?}"),
                }
            }
            kept
        });
    }
    let kept: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(ROOM.contains(&(1 + kept.len())), "{}", kept.len());
    assert_eq!(deliver(&registry, 0).await, Delivered::Twice);
    assert_eq!(collect(&registry, 0).await, Some(grant(0)));
    // Room for one, and for no other.
    assert_eq!(deliver(&registry, 30_000).await, Delivered::Kept);
    assert_eq!(deliver(&registry, 30_001).await, Delivered::Full);
    for n in kept {
        assert_eq!(collect(&registry, n).await, Some(grant(n)));
    }
}

pub(super) async fn pairs_and_validations_go_by_the_time_that_is_given<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    let grants = grants(&registry);
    let seconds = VALIDATION.as_secs();
    let _first = grants.expect(VALIDATION, *NOW).await.unwrap();
    let deliver = async |n, now| grants.deliver(iou(n), grant(n), now).await.unwrap();
    let collect = async |n, now| {
        let collected = grants.collect(iou(n), Duration::ZERO, now).await;
        collected.unwrap()
    };
    assert_eq!(deliver(1, *NOW).await, Delivered::Kept);
    assert_eq!(deliver(2, *NOW + seconds).await, Delivered::Kept);
    assert_eq!(collect(1, *NOW + seconds).await, Some(grant(1)));
    // It lives no longer than the last validation that it could belong to.
    let _second = grants.expect(VALIDATION, *NOW + seconds).await.unwrap();
    assert_eq!(collect(2, *NOW + seconds + 1).await, None);
    assert_eq!(deliver(3, *NOW + seconds).await, Delivered::Kept);
    assert_eq!(
        deliver(4, *NOW + 2 * seconds + 1).await,
        Delivered::Unexpected
    );
    assert_eq!(collect(3, *NOW + seconds).await, None);
}
