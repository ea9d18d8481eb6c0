//! How long something is remembered, where time is what callers say.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    store::RegistryStore,
    support::{
        LIFETIME, NOW, end_account, id, is_ended, open_until, session, sign_out, single_logout,
    },
};
use crate::registry::Registry;

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
    end_others(&registry, 1_000, 3_000, *NOW + LIFETIME + 3_500).await;
    assert!(is_ended(&*registry, 0) && is_ended(&*registry, 1));
}

pub(super) async fn an_end_is_forgotten_only_an_hour_after_the_session_expires<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
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
