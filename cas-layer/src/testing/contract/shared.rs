//! What nodes on one store know of each other.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    families::has_ended,
    kept::{keep, kept},
    proxies::{LIMIT, collect, deliver, expect, grant, wait_for},
    store::RegistryStore,
    support::{
        LIFETIME, VALIDATION, end_account, finish, id, open, session, sign_in, sign_in_family,
        sign_out, single_logout,
    },
};
use crate::registry::{Delivered, Opened, Registry};

/// Waits until a node knows that a session has ended.
async fn ends(node: &Arc<dyn Registry>, n: u64, number: u64, user: &str) {
    let session = session(n, number, user);
    let waiting = node.ended().wait_for(&session);
    let known = timeout(LIMIT, waiting).await;
    assert!(
        known.is_ok(),
        "a node never heard of the end of session {n}"
    );
}

pub(super) async fn what_one_node_ends_has_ended_on_all<S: RegistryStore>(store: S) {
    let (here, there) = (store.node().await, store.node().await);
    let mut numbers = Vec::new();
    for n in 0..3 {
        numbers.push(sign_in(&*here, n).await);
    }
    sign_out(&*here, 0).await;
    // A message may reach any node.
    assert_eq!(single_logout(&*there, [1]).await, 1);
    assert_eq!(single_logout(&*here, [0, 1]).await, 0);
    for node in [&here, &there] {
        for n in [0, 1] {
            ends(node, n, u64::MAX, "alice").await;
            assert_eq!(open(&**node, n).await, Opened::Ended);
        }
        assert!(!node.is_ended(&session(2, numbers[2], "alice")));
    }
    // One that starts now knows it at once.
    let new = store.node().await;
    for n in [0, 1] {
        assert!(new.is_ended(&session(n, u64::MAX, "alice")));
    }
}

pub(super) async fn a_message_to_one_node_ends_a_family_on_all<S: RegistryStore>(store: S) {
    let (here, there) = (store.node().await, store.node().await);
    for (n, family) in [(0, 100), (1, 100), (2, 101)] {
        sign_in_family(&*here, n, family, LIFETIME).await;
    }
    assert_eq!(single_logout(&*there, [1]).await, 1);
    assert!(has_ended(&*there, 0, 100), "before it was answered");
    let shown = session(0, u64::MAX, "alice").in_family(Some(id(100)));
    let waiting = here.ended().wait_for(&shown);
    assert!(timeout(LIMIT, waiting).await.is_ok());
    for node in [&here, &there, &store.node().await] {
        assert!(has_ended(&**node, 0, 100) && !has_ended(&**node, 2, 101));
    }
}

pub(super) async fn a_logout_at_one_node_reaches_a_sign_in_at_another<S: RegistryStore>(store: S) {
    let (here, there) = (store.node().await, store.node().await);
    here.begin(id(1), VALIDATION).await.unwrap();
    assert_eq!(single_logout(&*there, [1]).await, 1);
    assert_eq!(finish(&*here, 1).await, Opened::Ended);
    // One ticket at two nodes, of which one gives up.
    here.begin(id(2), VALIDATION).await.unwrap();
    there.begin(id(2), VALIDATION).await.unwrap();
    here.abandon(id(2));
    assert_eq!(single_logout(&*here, [2]).await, 1);
    assert_eq!(finish(&*there, 2).await, Opened::Ended);
}

pub(super) async fn of_nodes_that_end_a_session_at_once_one_is_told<S: RegistryStore>(store: S) {
    let (here, there) = (store.node().await, store.node().await);
    for n in 0..50 {
        sign_in(&*here, n).await;
        let (first, second) = tokio::join!(single_logout(&*here, [n]), single_logout(&*there, [n]));
        assert_eq!(first + second, 1, "{n}");
    }
}

pub(super) async fn numbers_grow_from_node_to_node<S: RegistryStore>(store: S) {
    let nodes = [store.node().await, store.node().await];
    let mut last = 0;
    for n in 0..20 {
        let number = sign_in(&*nodes[usize::from(n % 3 == 0)], n).await;
        assert!(number > last, "{number} {last}");
        last = number;
    }
}

pub(super) async fn the_end_of_an_account_covers_the_sessions_of_all_nodes<S: RegistryStore>(
    store: S,
) {
    let (here, there) = (store.node().await, store.node().await);
    let (first, second) = (sign_in(&*here, 1).await, sign_in(&*there, 2).await);
    end_account(&*here, "alice").await;
    for node in [&here, &there] {
        ends(node, 1, first, "alice").await;
        ends(node, 2, second, "alice").await;
        assert!(!node.is_ended(&session(2, second, "bob")));
    }
    let later = sign_in(&*there, 3).await;
    for node in [&here, &there] {
        assert!(!node.is_ended(&session(3, later, "alice")));
    }
}

pub(super) async fn a_pair_meets_its_sign_in_on_any_node<S: RegistryStore>(store: S) {
    let (here, there) = (store.node().await, store.node().await);
    let _expected = expect(&here).await;
    assert_eq!(deliver(&there, 1).await, Delivered::Kept);
    assert_eq!(collect(&here, 1).await, Some(grant(1)));
    assert_eq!(collect(&there, 1).await, None);
    // It comes later, too.
    let late = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        deliver(&there, 2).await
    };
    let (waited, delivered) = tokio::join!(wait_for(&here, 2, LIMIT), late);
    assert_eq!((waited, delivered), (Some(grant(2)), Delivered::Kept));
}

pub(super) async fn what_one_node_keeps_is_there_on_all<S: RegistryStore>(store: S) {
    let (here, there) = (store.node().await, store.node().await);
    sign_in(&*here, 1).await;
    assert!(keep(&there, 1).await);
    assert_eq!(kept(&here, 1).await, Some(grant(1)));
    sign_out(&*there, 1).await;
    assert_eq!(kept(&here, 1).await, None);
    assert!(!keep(&here, 1).await);
}
