//! What comes at once, and what is given up half-way.

use std::sync::Arc;

use tokio::task::{JoinSet, yield_now};

use super::{
    store::RegistryStore,
    support::{
        CAS, LIFETIME, NOW, VALIDATION, finish, id, is_ended, open, poll_once, sender, session,
        sign_in, single_logout,
    },
};
use crate::registry::{AccountId, Opened, Registry};

pub(super) async fn a_future_that_is_dropped_has_done_its_work_or_nothing<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
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

pub(super) async fn a_logout_and_a_sign_in_at_once_never_leave_the_session_live<
    S: RegistryStore,
>(
    store: S,
) {
    let registry = store.node().await;
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
