//! Sessions that end together.

use super::{
    store::RegistryStore,
    support::{
        LIFETIME, NOW, VALIDATION, id, is_ended, session, sign_in, sign_in_family, sign_out,
        single_logout,
    },
};
use crate::registry::Registry;

/// Whether a session of this family is refused, though nobody has named it.
pub(super) fn has_ended(registry: &dyn Registry, n: u64, family: u64) -> bool {
    registry.is_ended(&session(n, u64::MAX, "alice").in_family(Some(id(family))))
}

pub(super) async fn a_message_ends_the_families_of_the_sessions_that_it_ends<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    for (n, family) in [(0, 100), (1, 100), (2, 101), (3, 102)] {
        sign_in_family(&*registry, n, family, LIFETIME).await;
    }
    sign_in(&*registry, 4).await;
    // Nobody has opened the first, and no family is counted.
    assert_eq!(single_logout(&*registry, [9, 1, 2, 4]).await, 3);
    for (n, family, expected) in [(0, 100, true), (5, 101, true), (3, 102, false)] {
        assert_eq!(has_ended(&*registry, n, family), expected, "{n}");
    }
    assert!(!is_ended(&*registry, 0), "the session itself has not ended");
    // Nothing has opened under the name of a family.
    assert_eq!(single_logout(&*registry, [102]).await, 0);
    assert!(!has_ended(&*registry, 3, 102));
}

pub(super) async fn a_session_that_ends_by_itself_leaves_its_family_alone<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    for n in 0..2 {
        sign_in_family(&*registry, n, 100, LIFETIME).await;
    }
    sign_out(&*registry, 0).await;
    assert!(is_ended(&*registry, 0) && !has_ended(&*registry, 1, 100));
    assert_eq!(single_logout(&*registry, [0]).await, 0);
    assert!(!has_ended(&*registry, 1, 100));
    sign_out(&*registry, 100).await;
    assert!(has_ended(&*registry, 1, 100) && !is_ended(&*registry, 1));
}

pub(super) async fn a_family_that_has_ended_keeps_nobody_from_signing_in<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    sign_out(&*registry, 100).await;
    sign_in_family(&*registry, 1, 100, LIFETIME).await;
    assert!(!is_ended(&*registry, 1));
    assert_eq!(single_logout(&*registry, [1]).await, 1);
}

pub(super) async fn a_session_that_is_opened_again_joins_the_family_of_its_last_opening<
    S: RegistryStore,
>(
    store: S,
) {
    let registry = store.node().await;
    sign_in(&*registry, 0).await;
    sign_in_family(&*registry, 0, 100, LIFETIME).await;
    sign_in_family(&*registry, 1, 101, LIFETIME).await;
    // This one says nothing of a family.
    sign_in(&*registry, 1).await;
    assert_eq!(single_logout(&*registry, [0, 1]).await, 2);
    assert!(has_ended(&*registry, 2, 100) && has_ended(&*registry, 2, 101));
}

pub(super) async fn a_family_ends_for_as_long_as_its_longest_session_lasts<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
    sign_in_family(&*registry, 0, 100, 10 * LIFETIME).await;
    sign_in_family(&*registry, 1, 100, 60).await;
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    // Makes room for itself where that is done in passing.
    for n in 1_000..3_000 {
        let later = *NOW + 10 * LIFETIME;
        registry.end(id(n), later + 60, later).await.unwrap();
    }
    assert!(has_ended(&*registry, 0, 100));
}

pub(super) async fn families_are_still_known_after_a_restart<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for (n, family) in [(0, 100), (1, 100), (2, 101), (3, 101)] {
        sign_in_family(&*registry, n, family, LIFETIME).await;
    }
    assert_eq!(single_logout(&*registry, [0]).await, 1);
    drop(registry);
    let registry = store.node().await;
    assert!(has_ended(&*registry, 1, 100) && !has_ended(&*registry, 2, 101));
    registry.begin(id(9), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [2]).await, 1);
    assert!(has_ended(&*registry, 3, 101));
    drop(registry);
    let registry = store.node().await;
    assert!(has_ended(&*registry, 1, 100) && has_ended(&*registry, 3, 101));
}
