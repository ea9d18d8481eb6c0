//! The contract of `Registry`, for every registry.
//!
//! A registry joins by a [`Harness`] and by adding [`trials`] of it in `main`, [`clock_trials`] if it tells the time
//! by its callers alone, and [`restart_trials`] if it outlives its process.

use std::{sync::Arc, time::Duration};

use cas_layer::registry::{AccountId, LogoutSender, Opened, Registry, SourceId};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;
use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

use crate::support::{
    CAS, LIFETIME, NOW, VALIDATION, finish, id, is_ended, open, poll_once, sender, session,
    sign_in, sign_out, single_logout,
};

/// A store that is empty at first, and dropped with everything in it.
pub(crate) trait Harness {
    async fn new() -> Self;

    /// A node on the store. Another one with each call, if several can be there at once or if the one before was
    /// dropped.
    async fn node(&self) -> Arc<dyn Registry>;

    /// Returns when what was abandoned is forgotten: [`Registry::abandon`] does not wait for that.
    async fn forgets(&self, _n: u64) {}
}

macro_rules! trials {
    ($harness:ident, $registry:expr; $($name:ident,)*) => {
        vec![$(trial(format!("{}::{}", $registry, stringify!($name)), $name::<$harness>)),*]
    };
}

/// What holds for every registry.
pub(crate) fn trials<H: Harness + 'static>(registry: &str) -> Vec<Trial> {
    trials![H, registry;
        a_session_is_live_from_its_opening_to_its_end,
        a_ticket_that_was_refused_leaves_no_trace,
        a_logout_that_overtakes_the_validation_wins,
        each_callback_with_a_ticket_is_opened_or_abandoned_by_itself,
        a_logout_reaches_every_callback_with_its_ticket,
        a_message_about_an_unknown_session_does_nothing,
        a_repeated_message_ends_nothing_more,
        a_message_ends_all_that_it_names_and_says_which_those_were,
        of_many_messages_at_once_one_ends_the_session,
        a_session_that_is_opened_again_is_one_and_ends_as_one,
        a_message_ends_the_same_whoever_sends_it,
        an_end_is_recorded_for_a_session_that_nobody_opened,
        an_ended_session_never_opens_again,
        numbers_only_grow_through_a_clock_that_goes_back,
        ending_an_account_ends_what_it_has_opened_and_nothing_else,
        an_account_can_be_ended_again,
        cookies_of_an_earlier_run_end_with_their_account,
        who_waits_for_an_end_is_woken,
        a_future_that_is_dropped_has_done_its_work_or_nothing,
        a_logout_and_a_sign_in_at_once_never_leave_the_session_live,
        a_flood_of_unknown_ids_leaves_nothing,
    ]
}

/// What holds for a registry that has no clock but the callers'.
pub(crate) fn clock_trials<H: Harness + 'static>(registry: &str) -> Vec<Trial> {
    trials![H, registry;
        an_end_is_forgotten_only_an_hour_after_the_session_expires,
        a_session_that_is_opened_again_lasts_until_the_later_of_the_two_times,
    ]
}

/// What holds for a registry that outlives its process.
pub(crate) fn restart_trials<H: Harness + 'static>(registry: &str) -> Vec<Trial> {
    trials![H, registry;
        what_has_ended_is_still_ended_after_a_restart,
        open_sessions_are_still_known_after_a_restart,
        a_ticket_under_validation_is_forgotten_by_a_restart,
        numbers_go_on_after_a_restart_with_a_clock_that_was_set_back,
    ]
}

async fn a_session_is_live_from_its_opening_to_its_end<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    assert!(registry.is_current());
    sign_in(&*registry, 1).await;
    sign_in(&*registry, 2).await;
    assert!(!is_ended(&*registry, 1));
    sign_out(&*registry, 1).await;
    assert!(is_ended(&*registry, 1));
    assert_eq!(single_logout(&*registry, [2]).await, 1);
    assert!(is_ended(&*registry, 2));
}

async fn a_ticket_that_was_refused_leaves_no_trace<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    registry.begin(id(1), VALIDATION).await.unwrap();
    registry.abandon(id(1));
    harness.forgets(1).await;
    assert_eq!(single_logout(&*registry, [1]).await, 0);
    assert!(registry.ended().is_empty());
    // One that was logged out meanwhile, too.
    registry.begin(id(2), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [2]).await, 1);
    registry.abandon(id(2));
    sign_in(&*registry, 3).await;
}

async fn a_logout_that_overtakes_the_validation_wins<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    registry.begin(id(1), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    assert_eq!(finish(&*registry, 1).await, Opened::Ended);
    // Signing out with a cookie does it, too.
    registry.begin(id(2), VALIDATION).await.unwrap();
    sign_out(&*registry, 2).await;
    assert_eq!(finish(&*registry, 2).await, Opened::Ended);
}

async fn each_callback_with_a_ticket_is_opened_or_abandoned_by_itself<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn a_logout_reaches_every_callback_with_its_ticket<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for _ in 0..3 {
        registry.begin(id(1), VALIDATION).await.unwrap();
    }
    registry.abandon(id(1));
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    assert_eq!(finish(&*registry, 1).await, Opened::Ended);
    assert_eq!(finish(&*registry, 1).await, Opened::Ended);
    // One has opened the session, and another is on its way.
    registry.begin(id(2), VALIDATION).await.unwrap();
    registry.begin(id(2), VALIDATION).await.unwrap();
    assert!(matches!(finish(&*registry, 2).await, Opened::Live { .. }));
    assert_eq!(single_logout(&*registry, [2]).await, 1);
    assert!(is_ended(&*registry, 2));
    assert_eq!(finish(&*registry, 2).await, Opened::Ended);
}

async fn a_message_about_an_unknown_session_does_nothing<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    assert_eq!(single_logout(&*registry, [1]).await, 0);
    assert_eq!(single_logout(&*registry, []).await, 0);
    assert!(!is_ended(&*registry, 1));
    // A ticket that comes later is a new one.
    sign_in(&*registry, 1).await;
    assert!(!is_ended(&*registry, 1));
}

async fn a_repeated_message_ends_nothing_more<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    sign_in(&*registry, 1).await;
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    for _ in 0..3 {
        assert_eq!(single_logout(&*registry, [1]).await, 0);
        assert!(is_ended(&*registry, 1));
    }
    sign_in(&*registry, 2).await;
    sign_out(&*registry, 2).await;
    sign_out(&*registry, 2).await;
    assert_eq!(single_logout(&*registry, [2]).await, 0);
    assert!(is_ended(&*registry, 2));
    assert_eq!(single_logout(&*registry, [3]).await, 0);
    // One that is not open yet, too.
    registry.begin(id(4), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [4]).await, 1);
    assert_eq!(single_logout(&*registry, [4]).await, 0);
    assert_eq!(finish(&*registry, 4).await, Opened::Ended);
}

async fn a_message_ends_all_that_it_names_and_says_which_those_were<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for n in 0..10 {
        sign_in(&*registry, n).await;
    }
    registry.begin(id(20), VALIDATION).await.unwrap();
    sign_out(&*registry, 5).await;
    let named = [1, 99, 3, 5, 20, 98].map(id).to_vec();
    let ended = registry.end_if_opened(named, sender(), *NOW).await.unwrap();
    assert_eq!(ended, [1, 3, 20].map(id));
    for n in 0..10 {
        assert_eq!(is_ended(&*registry, n), [1, 3, 5].contains(&n), "{n}");
    }
    assert_eq!(finish(&*registry, 20).await, Opened::Ended);
}

async fn a_message_ends_the_same_whoever_sends_it<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    let here = Some(SourceId::of("192.0.2.7"));
    let senders = [
        LogoutSender::app(),
        LogoutSender::listed(here),
        LogoutSender::back_channel(None),
        LogoutSender::back_channel(here),
        LogoutSender::front_channel(None),
        LogoutSender::front_channel(here),
    ];
    for (n, sender) in (0..).zip(senders) {
        sign_in(&*registry, n).await;
        registry.begin(id(100 + n), VALIDATION).await.unwrap();
        for expected in [2, 0] {
            let named = [n, 100 + n, 200 + n].map(id).to_vec();
            let ended = registry.end_if_opened(named, sender, *NOW).await;
            assert_eq!(ended.unwrap().len(), expected, "{sender:?}");
        }
        assert!(is_ended(&*registry, n));
        assert_eq!(finish(&*registry, 100 + n).await, Opened::Ended);
    }
}

async fn of_many_messages_at_once_one_ends_the_session<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for n in 0..100 {
        if n % 2 == 0 {
            sign_in(&*registry, n).await;
        } else {
            registry.begin(id(n), VALIDATION).await.unwrap();
        }
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let registry = Arc::clone(&registry);
            tasks.spawn(async move { single_logout(&*registry, [n, 1_000 + n]).await });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 1);
    }
}

async fn an_end_is_recorded_for_a_session_that_nobody_opened<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    sign_out(&*registry, 1).await;
    assert!(is_ended(&*registry, 1));
    assert_eq!(open(&*registry, 1).await, Opened::Ended);
}

async fn an_ended_session_never_opens_again<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn numbers_only_grow_through_a_clock_that_goes_back<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn end_account(registry: &dyn Registry, user: &str) {
    let account = AccountId::of(CAS, user);
    let ended = registry.end_all(account, *NOW + LIFETIME, *NOW).await;
    ended.unwrap();
}

async fn ending_an_account_ends_what_it_has_opened_and_nothing_else<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    let first = sign_in(&*registry, 1).await;
    let second = sign_in(&*registry, 2).await;
    end_account(&*registry, "alice").await;
    let later = sign_in(&*registry, 3).await;
    assert!(registry.is_ended(&session(1, first, "alice")));
    assert!(registry.is_ended(&session(2, second, "alice")));
    assert!(!registry.is_ended(&session(3, later, "alice")));
    // The account, not the time, is what counts.
    assert!(!registry.is_ended(&session(1, first, "bob")));
}

async fn an_account_can_be_ended_again<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for n in 0..3 {
        let number = sign_in(&*registry, n).await;
        assert!(!registry.is_ended(&session(n, number, "alice")));
        end_account(&*registry, "alice").await;
        assert!(registry.is_ended(&session(n, number, "alice")));
    }
}

async fn cookies_of_an_earlier_run_end_with_their_account<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    // Opened a second ago, in a run of which this registry knows nothing.
    let number = (*NOW - 1) * 1_000_000 + 17;
    end_account(&*registry, "alice").await;
    assert!(registry.is_ended(&session(1, number, "alice")));
    assert!(!registry.is_ended(&session(1, number, "bob")));
}

/// Ends so many sessions of which nobody has heard, 64 at a time.
async fn end_others(registry: &Arc<dyn Registry>, from: u64, count: u64, now: u64) {
    let mut tasks = JoinSet::new();
    for task in 0..64 {
        let registry = Arc::clone(registry);
        tasks.spawn(async move {
            for n in (from..from + count).skip(task).step_by(64) {
                registry.end(id(n), now + 60, now).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}

async fn open_until(registry: &dyn Registry, n: u64, expires_at: u64) -> Opened {
    registry.begin(id(n), VALIDATION).await.unwrap();
    registry.open(id(n), expires_at, *NOW).await.unwrap()
}

async fn a_session_that_is_opened_again_is_one_and_ends_as_one<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn a_session_that_is_opened_again_lasts_until_the_later_of_the_two_times<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for (n, times) in [(0, [600, LIFETIME]), (1, [LIFETIME, 600])] {
        for seconds in times {
            open_until(&*registry, n, *NOW + seconds).await;
        }
    }
    assert_eq!(single_logout(&*registry, [0, 1]).await, 2);
    end_others(&registry, 1_000, 3_000, *NOW + LIFETIME + 3_500).await;
    assert!(is_ended(&*registry, 0) && is_ended(&*registry, 1));
}

async fn an_end_is_forgotten_only_an_hour_after_the_session_expires<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    sign_out(&*registry, 0).await;
    end_account(&*registry, "alice").await;
    let late = *NOW + LIFETIME + 3_500;
    end_others(&registry, 1_000, 3_000, late).await;
    assert!(is_ended(&*registry, 0));
    assert!(registry.is_ended(&session(1, 1, "alice")));
    // From now on it may go, and does so when there is something else to remember.
    let mut later = *NOW + LIFETIME + 7_300;
    let mut others = 10_000;
    while is_ended(&*registry, 0) {
        assert!(others < 100_000, "nothing is ever forgotten");
        end_others(&registry, others, 3_000, later).await;
        (others, later) = (others + 3_000, later + 7_300);
    }
}

async fn who_waits_for_an_end_is_woken<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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

async fn a_future_that_is_dropped_has_done_its_work_or_nothing<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    // A sign-in whose browser goes away is known or not, and can be ended for good in both cases.
    for n in 0..20 {
        poll_once(registry.begin(id(n), VALIDATION));
        poll_once(registry.open(id(n), *NOW + LIFETIME, *NOW));
        registry.abandon(id(n));
        let found = single_logout(&*registry, [n]).await;
        let opened = open(&*registry, n).await;
        assert_eq!(opened == Opened::Ended, found == 1, "{n}: {opened:?}");
    }
    // One that never was on its way does not count for the others.
    drop(registry.open(id(100), *NOW + LIFETIME, *NOW));
    registry.begin(id(100), VALIDATION).await.unwrap();
    poll_once(registry.begin(id(100), VALIDATION));
    registry.abandon(id(100));
    // Whether the beginning that nobody waited for counts is open; a logout that was heard holds.
    if single_logout(&*registry, [100]).await == 1 {
        assert_eq!(finish(&*registry, 100).await, Opened::Ended);
    }
    // A logout that is not waited for ends the session or leaves it as it was.
    for n in 200..220 {
        let number = sign_in(&*registry, n).await;
        match n % 3 {
            0 => poll_once(registry.end(id(n), *NOW + LIFETIME, *NOW)),
            1 => poll_once(registry.end_if_opened(vec![id(n)], sender(), *NOW)),
            _ => {
                let account = AccountId::of(CAS, "carol");
                poll_once(registry.end_all(account, *NOW + LIFETIME, *NOW));
            }
        }
        let found = single_logout(&*registry, [n]).await;
        let ended = registry.is_ended(&session(n, number, "carol"));
        assert!(ended, "{n} is live although {found} were found");
    }
}

async fn a_logout_and_a_sign_in_at_once_never_leave_the_session_live<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    let mut tasks = JoinSet::new();
    for task in 0..64 {
        let registry = Arc::clone(&registry);
        tasks.spawn(async move {
            for n in (0..1_000).skip(task).step_by(64) {
                race(&registry, n).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn race(registry: &Arc<dyn Registry>, n: u64) {
    // Of most sessions the logout finds something in any case.
    let has_begun = !n.is_multiple_of(4);
    if has_begun {
        registry.begin(id(n), VALIDATION).await.unwrap();
    }
    let signs_in = {
        let registry = Arc::clone(registry);
        tokio::spawn(async move {
            if !has_begun {
                registry.begin(id(n), VALIDATION).await.unwrap();
            }
            finish(&*registry, n).await
        })
    };
    let logs_out = {
        let registry = Arc::clone(registry);
        tokio::spawn(async move {
            for _ in 0..n % 3 {
                yield_now().await;
            }
            single_logout(&*registry, [n]).await
        })
    };
    let (opened, found) = (signs_in.await.unwrap(), logs_out.await.unwrap());
    if has_begun || found > 0 {
        assert_eq!(found, 1);
        assert!(opened == Opened::Ended || is_ended(&**registry, n), "{n}");
    } else {
        assert!(matches!(opened, Opened::Live { .. }));
        assert!(!is_ended(&**registry, n), "{n}");
        assert_eq!(single_logout(&**registry, [n]).await, 1);
    }
    assert_eq!(open(&**registry, n).await, Opened::Ended);
}

async fn a_flood_of_unknown_ids_leaves_nothing<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    sign_in(&*registry, 0).await;
    let mut tasks = JoinSet::new();
    for task in 1..=64 {
        let registry = Arc::clone(&registry);
        tasks.spawn(async move {
            for n in 0..100 {
                let unknown = (task * 1_000 + n * 3)..(task * 1_000 + n * 3 + 3);
                assert_eq!(single_logout(&*registry, unknown).await, 0);
            }
        });
    }
    tasks.join_all().await;
    assert!(registry.ended().is_empty());
    assert_eq!(single_logout(&*registry, [0]).await, 1);
}

async fn what_has_ended_is_still_ended_after_a_restart<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
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
        let registry = harness.node().await;
        for n in [0, 1, 10] {
            assert!(is_ended(&*registry, n), "{n}");
            assert_eq!(open(&*registry, n).await, Opened::Ended);
        }
        assert!(registry.is_ended(&session(2, numbers[2], "carol")));
        assert!(!registry.is_ended(&session(3, numbers[3], "alice")));
        drop(registry);
    }
    let registry = harness.node().await;
    let later = sign_in(&*registry, 11).await;
    assert!(!registry.is_ended(&session(11, later, "carol")));
}

async fn open_sessions_are_still_known_after_a_restart<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    for n in 0..10 {
        sign_in(&*registry, n).await;
    }
    drop(registry);
    let registry = harness.node().await;
    for n in 0..10 {
        assert!(!is_ended(&*registry, n));
        assert_eq!(single_logout(&*registry, [n]).await, 1);
        assert!(is_ended(&*registry, n));
    }
    // Found in the file and ended there.
    drop(registry);
    let registry = harness.node().await;
    assert!((0..10).all(|n| is_ended(&*registry, n)));
}

async fn a_ticket_under_validation_is_forgotten_by_a_restart<H: Harness>() {
    let harness = H::new().await;
    let registry = harness.node().await;
    registry.begin(id(1), VALIDATION).await.unwrap();
    drop(registry);
    let registry = harness.node().await;
    registry.abandon(id(1));
    assert_eq!(single_logout(&*registry, [1]).await, 0);
    sign_in(&*registry, 1).await;
}

async fn numbers_go_on_after_a_restart_with_a_clock_that_was_set_back<H: Harness>() {
    let harness = H::new().await;
    let mut last = 0;
    for n in 0..4 {
        let registry = harness.node().await;
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
