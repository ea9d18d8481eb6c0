//! How long something is remembered, where time is what callers say.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{
    store::RegistryStore,
    support::{
        CAS, LIFETIME, NOW, VALIDATION, end_account, id, is_ended, open_until, session, sign_out,
        single_logout,
    },
};
use crate::registry::{AccountId, RegisteredSession, Registry};

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

/// Time passes, by the clock that nobody can set.
fn pass(registry: &Arc<dyn Registry>, seconds: u64) {
    registry.ended().run_for(Duration::from_secs(seconds));
}

/// Signs so many in to sessions of an hour, whatever becomes of them.
async fn open_others(registry: &Arc<dyn Registry>, from: u64, count: u64, now: u64) {
    let mut tasks = JoinSet::new();
    for task in 0..64 {
        let registry = Arc::clone(registry);
        tasks.spawn(async move {
            for n in (from..from + count).skip(task).step_by(64) {
                registry.begin(id(n), VALIDATION).await.unwrap();
                registry.open(id(n), now + 3_600, now).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}

pub(super) async fn a_clock_that_was_ahead_for_a_while_is_no_reason_to_forget<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    open_others(&registry, 0, 100, *NOW).await;
    for n in 0..50 {
        registry.end(id(n), *NOW + 3_600, *NOW).await.unwrap();
    }
    let carol = AccountId::of(CAS, "carol");
    registry.end_all(carol, *NOW + 3_600, *NOW).await.unwrap();
    // Hours and days ahead, by which all of them expired long ago.
    for (n, ahead) in [(10_000, *NOW + 3 * 3_600), (20_000, *NOW + 30 * 86_400)] {
        open_others(&registry, n, 1_000, ahead).await;
        end_others(&registry, n + 5_000, 1_000, ahead).await;
        for n in n..n + 50 {
            let user = AccountId::of(CAS, &format!("user-{n}"));
            registry.end_all(user, ahead + 60, ahead).await.unwrap();
        }
    }
    // The clock is right again.
    for n in 0..50 {
        assert!(is_ended(&*registry, n), "{n}");
    }
    let session = RegisteredSession::new(id(99), 1, *NOW + 3_600, CAS, "carol");
    assert!(registry.is_ended(&session));
    assert_eq!(single_logout(&*registry, 50..100).await, 50);
}

pub(super) async fn a_session_that_is_opened_again_lasts_until_the_later_of_the_two_times<
    S: RegistryStore,
>(
    store: S,
) {
    let registry = store.node().await;
    for (n, times) in [(0, [600, LIFETIME]), (1, [LIFETIME, 600])] {
        for seconds in times {
            open_until(&*registry, n, *NOW + seconds).await;
        }
    }
    assert_eq!(single_logout(&*registry, [0, 1]).await, 2);
    pass(&registry, LIFETIME + 3_500);
    end_others(&registry, 1_000, 3_000, *NOW + LIFETIME + 3_500).await;
    assert!(is_ended(&*registry, 0) && is_ended(&*registry, 1));
}

pub(super) async fn an_end_is_forgotten_only_an_hour_after_the_session_expires<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    sign_out(&*registry, 0).await;
    end_account(&*registry, "alice").await;
    pass(&registry, LIFETIME + 3_500);
    let late = *NOW + LIFETIME + 3_500;
    end_others(&registry, 1_000, 3_000, late).await;
    assert!(is_ended(&*registry, 0));
    assert!(registry.is_ended(&session(1, 1, "alice")));
    // From now on it may go, and does so when there is something else to remember.
    pass(&registry, 3_800);
    let mut later = *NOW + LIFETIME + 7_300;
    let mut others = 10_000;
    while is_ended(&*registry, 0) {
        assert!(others < 100_000, "nothing is ever forgotten");
        end_others(&registry, others, 3_000, later).await;
        pass(&registry, 7_300);
        (others, later) = (others + 3_000, later + 7_300);
    }
}
