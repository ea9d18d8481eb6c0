//! The end of all sessions of an account.

use super::{
    store::RegistryStore,
    support::{NOW, end_account, session, sign_in},
};

pub(super) async fn ending_an_account_ends_what_it_has_opened_and_nothing_else<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
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

pub(super) async fn an_account_can_be_ended_again<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    for n in 0..3 {
        let number = sign_in(&*registry, n).await;
        assert!(!registry.is_ended(&session(n, number, "alice")));
        end_account(&*registry, "alice").await;
        assert!(registry.is_ended(&session(n, number, "alice")));
    }
}

pub(super) async fn cookies_of_an_earlier_run_end_with_their_account<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    // Opened a second ago, in a run of which this registry knows nothing.
    let number = (*NOW - 1) * 1_000_000 + 17;
    end_account(&*registry, "alice").await;
    assert!(registry.is_ended(&session(1, number, "alice")));
    assert!(!registry.is_ended(&session(1, number, "bob")));
}
