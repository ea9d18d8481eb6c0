//! The contract of `ProxyGrants`, for every registry.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cas_layer::registry::{Delivered, Expected, IouId, Opened, ProxyGrants, Registry, SealedGrant};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;
use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

use crate::{
    contract::Harness,
    support::{LIFETIME, NOW, VALIDATION, id, poll_once, sign_in, sign_out, single_logout},
};

/// Far longer than anything takes: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// So long that nothing ends by itself while somebody waits.
const LONG: Duration = Duration::from_secs(3_600);

macro_rules! trials {
    ($harness:ident, $registry:expr; $($name:ident,)*) => {
        vec![$(trial(format!("{}::grants::{}", $registry, stringify!($name)), $name::<$harness>)),*]
    };
}

/// What holds for every registry.
pub(crate) fn trials<H: Harness + 'static>(registry: &str) -> Vec<Trial> {
    trials![H, registry;
        a_pair_is_handed_out_once,
        a_pair_that_nobody_expects_is_not_kept,
        pairs_go_when_no_validation_is_expected_any_more,
        a_validation_is_not_expected_for_longer_than_it_lasts,
        a_pair_expires_though_others_are_expected,
        the_first_of_two_pairs_with_one_iou_stays,
        who_is_early_waits_for_the_pair_and_not_for_ever,
        a_wait_that_is_given_up_takes_no_pair_along,
        of_many_who_ask_at_once_one_gets_the_pair,
        pairs_that_race_those_who_wait_for_them_all_arrive,
        an_expectation_that_nobody_waits_for_is_none,
        a_flood_is_bounded_and_displaces_nothing,
        what_is_kept_comes_back_byte_for_byte,
        nothing_is_kept_for_a_session_that_is_not_open,
        what_is_kept_goes_with_its_session,
        what_is_kept_at_the_time_of_a_sign_out_goes_too,
        a_second_callback_of_an_open_session_loses_nothing_that_is_kept,
    ]
}

/// What holds for a registry that has no clock but the callers'.
pub(crate) fn clock_trials<H: Harness + 'static>(registry: &str) -> Vec<Trial> {
    trials![H, registry;
        pairs_and_validations_go_by_the_time_that_is_given,
    ]
}

/// What holds for a registry that outlives its process.
pub(crate) fn restart_trials<H: Harness + 'static>(registry: &str) -> Vec<Trial> {
    trials![H, registry;
        what_is_kept_is_there_after_a_restart_and_what_has_ended_is_not,
    ]
}

pub(crate) fn grants(registry: &Arc<dyn Registry>) -> &dyn ProxyGrants {
    registry.proxy_grants().unwrap()
}

/// The hash of an IOU. Spread as hashes are.
pub(crate) fn iou(n: u64) -> IouId {
    (*id(n).as_bytes()).into()
}

/// Sealed bytes, of every value.
pub(crate) fn grant(n: u64) -> SealedGrant {
    let mut bytes: Vec<u8> = (0..=255).rev().collect();
    bytes.extend(n.to_be_bytes());
    SealedGrant::new(bytes).unwrap()
}

async fn expect(registry: &Arc<dyn Registry>) -> Expected {
    grants(registry).expect(LONG, *NOW).await.unwrap()
}

pub(crate) async fn deliver(registry: &Arc<dyn Registry>, n: u64) -> Delivered {
    let delivered = grants(registry).deliver(iou(n), grant(n), *NOW);
    delivered.await.unwrap()
}

/// What is there now.
pub(crate) async fn collect(registry: &Arc<dyn Registry>, n: u64) -> Option<SealedGrant> {
    wait_for(registry, n, Duration::ZERO).await
}

async fn wait_for(registry: &Arc<dyn Registry>, n: u64, patience: Duration) -> Option<SealedGrant> {
    let collected = grants(registry).collect(iou(n), patience, *NOW);
    collected.await.unwrap()
}

async fn keep(registry: &Arc<dyn Registry>, n: u64) -> bool {
    let kept = grants(registry).keep(id(n), grant(n), *NOW);
    kept.await.unwrap()
}

async fn kept(registry: &Arc<dyn Registry>, n: u64) -> Option<SealedGrant> {
    grants(registry).kept(id(n), *NOW).await.unwrap()
}

/// Delivers something until it is what is expected: an end is not waited for by those who drop it.
async fn until(registry: &Arc<dyn Registry>, n: u64, expected: Delivered) {
    let comes = async {
        while deliver(registry, n).await != expected {
            yield_now().await;
        }
    };
    timeout(LIMIT, comes).await.expect("an end that comes");
}

async fn a_pair_is_handed_out_once<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    let _expected = expect(&registry).await;
    for n in 0..3 {
        assert_eq!(deliver(&registry, n).await, Delivered::Kept);
    }
    for n in [1, 0, 2] {
        assert_eq!(collect(&registry, n).await, Some(grant(n)));
        assert_eq!(collect(&registry, n).await, None);
    }
    assert_eq!(collect(&registry, 9).await, None);
    let longest = SealedGrant::new(vec![0xff; SealedGrant::MAX_BYTES]).unwrap();
    let delivered = grants(&registry).deliver(iou(4), longest.clone(), *NOW);
    assert_eq!(delivered.await.unwrap(), Delivered::Kept);
    assert_eq!(collect(&registry, 4).await, Some(longest));
}

async fn a_pair_that_nobody_expects_is_not_kept<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    assert_eq!(deliver(&registry, 1).await, Delivered::Unexpected);
    let _expected = expect(&registry).await;
    assert_eq!(collect(&registry, 1).await, None);
    assert_eq!(deliver(&registry, 1).await, Delivered::Kept);
}

async fn pairs_go_when_no_validation_is_expected_any_more<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn a_validation_is_not_expected_for_longer_than_it_lasts<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn a_pair_expires_though_others_are_expected<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn the_first_of_two_pairs_with_one_iou_stays<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    let _expected = expect(&registry).await;
    assert_eq!(deliver(&registry, 1).await, Delivered::Kept);
    // The same, as servers may repeat themselves, and another one.
    assert_eq!(deliver(&registry, 1).await, Delivered::Twice);
    let other = grants(&registry).deliver(iou(1), grant(2), *NOW);
    assert_eq!(other.await.unwrap(), Delivered::Twice);
    assert_eq!(collect(&registry, 1).await, Some(grant(1)));
}

async fn who_is_early_waits_for_the_pair_and_not_for_ever<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn a_wait_that_is_given_up_takes_no_pair_along<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    let _expected = expect(&registry).await;
    for n in 0..20 {
        poll_once(grants(&registry).collect(iou(n), VALIDATION, *NOW));
    }
    // What was asked on the way has been answered.
    collect(&registry, 100).await;
    for n in 0..20 {
        assert_eq!(deliver(&registry, n).await, Delivered::Kept);
        assert_eq!(collect(&registry, n).await, Some(grant(n)));
    }
}

async fn of_many_who_ask_at_once_one_gets_the_pair<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn pairs_that_race_those_who_wait_for_them_all_arrive<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn an_expectation_that_nobody_waits_for_is_none<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for _ in 0..20 {
        poll_once(grants(&registry).expect(LONG, *NOW));
    }
    until(&registry, 1, Delivered::Unexpected).await;
}

/// How many pairs a registry keeps.
const ROOM: std::ops::RangeInclusive<usize> = 512..=4_096;

async fn a_flood_is_bounded_and_displaces_nothing<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn what_is_kept_comes_back_byte_for_byte<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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
    let longest = SealedGrant::new(vec![b' '; SealedGrant::MAX_BYTES]).unwrap();
    for new in [longest, SealedGrant::new(Vec::new()).unwrap(), grant(7)] {
        let keeping = grants(&registry).keep(id(1), new.clone(), *NOW);
        assert!(keeping.await.unwrap());
        assert_eq!(kept(&registry, 1).await, Some(new));
    }
    for _ in 0..2 {
        grants(&registry).forget(id(0)).await.unwrap();
        assert_eq!(kept(&registry, 0).await, None);
    }
    assert_eq!(kept(&registry, 2).await, Some(grant(2)));
    // The session goes on.
    assert_eq!(single_logout(&*registry, [0]).await, 1);
}

async fn nothing_is_kept_for_a_session_that_is_not_open<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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
        grants(&registry).forget(id(n)).await.unwrap();
    }
    // Nothing of it is there later.
    sign_in(&*registry, 2).await;
    assert_eq!(kept(&registry, 2).await, None);
    // Expired.
    sign_in(&*registry, 6).await;
    let late = *NOW + LIFETIME + 60;
    let keeping = grants(&registry).keep(id(6), grant(6), late);
    assert!(!keeping.await.unwrap());
    assert_eq!(kept(&registry, 6).await, None);
}

async fn what_is_kept_goes_with_its_session<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for n in 0..4 {
        sign_in(&*registry, n).await;
        assert!(keep(&registry, n).await);
    }
    sign_out(&*registry, 0).await;
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    for n in 0..2 {
        assert_eq!(kept(&registry, n).await, None);
    }
    let at = async |now| grants(&registry).kept(id(2), now).await.unwrap();
    assert_eq!(at(*NOW + LIFETIME - 1).await, Some(grant(2)));
    assert_eq!(at(*NOW + LIFETIME + 60).await, None);
}

async fn what_is_kept_at_the_time_of_a_sign_out_goes_too<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn a_second_callback_of_an_open_session_loses_nothing_that_is_kept<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    sign_in(&*registry, 1).await;
    assert!(keep(&registry, 1).await);
    assert!(matches!(
        crate::support::open(&*registry, 1).await,
        Opened::Live { .. }
    ));
    assert_eq!(kept(&registry, 1).await, Some(grant(1)));
}

async fn pairs_and_validations_go_by_the_time_that_is_given<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn what_is_kept_is_there_after_a_restart_and_what_has_ended_is_not<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for n in 0..4 {
        sign_in(&*registry, n).await;
        assert!(keep(&registry, n).await);
    }
    sign_out(&*registry, 0).await;
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    grants(&registry).forget(id(2)).await.unwrap();
    drop(registry);
    let registry = harness.node().await;
    for n in 0..3 {
        assert_eq!(kept(&registry, n).await, None, "{n}");
    }
    assert_eq!(kept(&registry, 3).await, Some(grant(3)));
    sign_out(&*registry, 3).await;
    drop(registry);
    let registry = harness.node().await;
    assert_eq!(kept(&registry, 3).await, None);
}
