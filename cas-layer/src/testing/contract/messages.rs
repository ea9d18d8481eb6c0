//! What messages of the CAS server end.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    store::RegistryStore,
    support::{NOW, VALIDATION, finish, id, is_ended, sender, sign_in, sign_out, single_logout},
};
use crate::registry::{LogoutSender, Opened, SourceId};

pub(super) async fn a_logout_that_overtakes_the_validation_wins<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    registry.begin(id(1), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [1]).await, 1);
    assert_eq!(finish(&*registry, 1).await, Opened::Ended);
    // Signing out with a cookie does it, too.
    registry.begin(id(2), VALIDATION).await.unwrap();
    sign_out(&*registry, 2).await;
    assert_eq!(finish(&*registry, 2).await, Opened::Ended);
}

pub(super) async fn a_logout_reaches_every_callback_with_its_ticket<S: RegistryStore>(store: S) {
    let registry = store.node().await;
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

pub(super) async fn a_message_about_an_unknown_session_does_nothing<S: RegistryStore>(store: S) {
    let registry = store.node().await;
    assert_eq!(single_logout(&*registry, [1]).await, 0);
    assert_eq!(single_logout(&*registry, []).await, 0);
    assert!(!is_ended(&*registry, 1));
    // A ticket that comes later is a new one.
    sign_in(&*registry, 1).await;
    assert!(!is_ended(&*registry, 1));
}

pub(super) async fn a_repeated_message_ends_nothing_more<S: RegistryStore>(store: S) {
    let registry = store.node().await;
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

pub(super) async fn a_message_ends_nothing_of_an_ended_session_whose_ticket_begins_again<
    S: RegistryStore,
>(
    store: S,
) {
    let registry = store.node().await;
    sign_in(&*registry, 1).await;
    sign_out(&*registry, 1).await;
    sign_in(&*registry, 2).await;
    assert_eq!(single_logout(&*registry, [2]).await, 1);
    sign_out(&*registry, 3).await;
    registry.begin(id(4), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*registry, [4]).await, 1);
    assert_eq!(finish(&*registry, 4).await, Opened::Ended);
    for n in 1..=4 {
        registry.begin(id(n), VALIDATION).await.unwrap();
        assert_eq!(single_logout(&*registry, [n]).await, 0, "{n}");
        assert_eq!(finish(&*registry, n).await, Opened::Ended, "{n}");
    }
}

pub(super) async fn a_message_ends_all_that_it_names_and_says_which_those_were<S: RegistryStore>(
    store: S,
) {
    let registry = store.node().await;
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

pub(super) async fn a_message_ends_the_same_whoever_sends_it<S: RegistryStore>(store: S) {
    let registry = store.node().await;
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

pub(super) async fn of_many_messages_at_once_one_ends_the_session<S: RegistryStore>(store: S) {
    let registry = store.node().await;
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

pub(super) async fn a_flood_of_unknown_ids_leaves_nothing<S: RegistryStore>(store: S) {
    let registry = store.node().await;
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
