//! The node of a Redis Cluster that has the keys.

use cas_layer::RedisRegistry;
use cas_layer_tests::redis::RedisServer;

use crate::support::{
    connect_to, ends, eventually, is_back, is_ended, key, log_out, new_id, settle, sign_in,
    sign_out, try_sign_in,
};

/// Three nodes that agree on who has what.
async fn cluster() -> Vec<RedisServer> {
    let nodes = RedisServer::start_cluster(3).await;
    agree(&nodes, 3).await;
    nodes
}

async fn agree(nodes: &[RedisServer], count: usize) {
    for node in nodes {
        eventually("the nodes know each other", async || {
            let info: String = node.command(&["CLUSTER", "INFO"]).await;
            info.contains("cluster_state:ok")
                && info.contains(&format!("cluster_known_nodes:{count}"))
        })
        .await;
    }
}

fn url(nodes: &[RedisServer]) -> String {
    let ports = nodes.iter().map(RedisServer::port);
    let servers: Vec<_> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
    format!("redis+cluster://{}", servers.join(","))
}

async fn connect(nodes: &[RedisServer]) -> RedisRegistry {
    connect_to(url(nodes)).await
}

async fn slot(node: &RedisServer) -> String {
    let slot: u32 = node.command(&["CLUSTER", "KEYSLOT", &key(new_id())]).await;
    slot.to_string()
}

/// Which of the nodes has the keys.
async fn owner(nodes: &[RedisServer]) -> usize {
    let slot = slot(&nodes[0]).await;
    let mut owners = Vec::new();
    for node in nodes {
        let count: u32 = node.command(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).await;
        owners.push(count > 0);
    }
    let mut owners = owners.iter().enumerate().filter(|(_, has)| **has);
    let (owner, _) = owners.next().unwrap();
    assert_eq!(owners.next(), None);
    owner
}

pub(crate) async fn any_node_shows_the_way_to_the_keys() {
    let nodes = cluster().await;
    let mut registries = Vec::new();
    for node in &nodes {
        registries.push(connect(std::slice::from_ref(node)).await);
    }
    let session = sign_in(&registries[0]).await;
    assert_eq!(log_out(&registries[1], &session).await.unwrap(), 1);
    ends(&registries[2], &session).await;
}

pub(crate) async fn keys_that_move_to_another_node_are_followed() {
    let nodes = cluster().await;
    let (one, two) = (connect(&nodes).await, connect(&nodes).await);
    let (live, out) = (sign_in(&one).await, sign_in(&one).await);
    sign_out(&one, &out).await.unwrap();
    let from = owner(&nodes).await;
    let to = (from + 1) % nodes.len();
    settle(&nodes[from]).await;
    let slot = slot(&nodes[0]).await;
    let mut ids = Vec::new();
    for node in &nodes {
        ids.push(node.command::<String>(&["CLUSTER", "MYID"]).await);
    }
    nodes[to]
        .command::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[from]])
        .await;
    nodes[from]
        .command::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[to]])
        .await;
    let port = nodes[to].port().to_string();
    loop {
        let keys: Vec<String> = nodes[from]
            .command(&["CLUSTER", "GETKEYSINSLOT", &slot, "3"])
            .await;
        if keys.is_empty() {
            break;
        }
        let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        migrate.extend(keys.iter().map(String::as_str));
        nodes[from].command::<String>(&migrate).await;
        // In the middle of it nothing is answered that does not hold.
        let _ = try_sign_in(&one).await;
    }
    for node in [to, from] {
        nodes[node]
            .command::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &ids[to]])
            .await;
    }
    is_back(&one).await;
    is_back(&two).await;
    assert_eq!(owner(&nodes).await, to);
    assert!(is_ended(&two, &out) && !is_ended(&two, &live));
    assert_eq!(log_out(&two, &live).await.unwrap(), 1);
    ends(&one, &live).await;
}

pub(crate) async fn a_replica_that_takes_over_is_found() {
    let mut nodes = cluster().await;
    let from = {
        connect(&nodes).await;
        owner(&nodes).await
    };
    let replica = RedisServer::start_cluster_node().await;
    nodes[0].meet(&replica).await;
    agree(&nodes, 4).await;
    agree(std::slice::from_ref(&replica), 4).await;
    let id: String = nodes[from].command(&["CLUSTER", "MYID"]).await;
    replica.command::<()>(&["CLUSTER", "REPLICATE", &id]).await;
    eventually("the replica follows", async || {
        let info: String = nodes[from].command(&["INFO", "replication"]).await;
        info.contains("state=online")
    })
    .await;
    let (one, two) = (connect(&nodes).await, connect(&nodes).await);
    let (live, out) = (sign_in(&one).await, sign_in(&one).await);
    sign_out(&one, &out).await.unwrap();
    eventually("the replica has all", async || {
        let slot = slot(&replica).await;
        let count = async |node: &RedisServer| -> u32 {
            node.command(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).await
        };
        count(&replica).await == count(&nodes[from]).await
    })
    .await;
    nodes[from].kill().await;
    is_back(&one).await;
    is_back(&two).await;
    assert!(is_ended(&two, &out) && !is_ended(&two, &live));
    assert_eq!(log_out(&two, &live).await.unwrap(), 1);
    ends(&one, &live).await;
}
