//! What ends on one node has ended on all.

use cas_layer_tests::visitor::Visitor;
use reqwest::Method;

use crate::cluster::{Cluster, copy_of, forgets, knows};

pub(crate) async fn a_session_opened_on_one_node_is_good_on_all() {
    let cluster = Cluster::start().await;
    let visitor = cluster.visitor().await;
    for node in &cluster.nodes {
        assert!(knows(node, &visitor).await);
    }
}

pub(crate) async fn a_single_logout_is_in_force_on_every_node() {
    let cluster = Cluster::start().await;
    let visitors = [cluster.visitor().await, cluster.visitor().await];
    let report = cluster.cas.log_out("casuser").await;
    assert_eq!((report.sent, report.accepted), (2, 2));
    for node in &cluster.nodes {
        for visitor in &visitors {
            forgets(node, visitor).await;
        }
    }
    // Whoever signs in afterwards is in.
    let later = cluster.visitor().await;
    for node in &cluster.nodes {
        assert!(knows(node, &later).await);
    }
}

pub(crate) async fn a_sign_out_on_one_node_is_in_force_on_every_node() {
    let cluster = Cluster::start().await;
    let (visitor, other) = (cluster.visitor().await, cluster.visitor().await);
    let thief = copy_of(&visitor, &cluster.nodes[0])();
    visitor.get(&cluster.nodes[1].own_url("/logout")).await;
    for node in &cluster.nodes {
        forgets(node, &thief).await;
        assert!(knows(node, &other).await);
    }
}

pub(crate) async fn all_devices_are_signed_out_on_every_node() {
    let cluster = Cluster::start().await;
    let (visitor, other) = (cluster.visitor().await, cluster.visitor().await);
    let thief = copy_of(&visitor, &cluster.nodes[0])();
    let url = cluster.nodes[2].own_url("/sign_out_everywhere");
    let answer = cas_layer_tests::visitor::answer(visitor.request(Method::POST, &url)).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.location().path(), "/logout");
    for node in &cluster.nodes {
        forgets(node, &thief).await;
        forgets(node, &other).await;
    }
    assert!(!knows(&cluster.nodes[0], &Visitor::new()).await);
}
