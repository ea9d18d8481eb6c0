//! The nodes, and what is between them.

use std::{fs, time::Duration};

use cas_layer::testing::{CasServer, User};
use cas_layer_tests::{
    balancer::Balancer,
    demo::Demo,
    flow::{PASSWORD, USER, sign_in},
    redis::RedisServer,
    visitor::Visitor,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// Far longer than anything takes: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// 66 bytes.
pub(crate) const KEY: &str =
    "q83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83v";

pub(crate) struct Cluster {
    pub(crate) redis: RedisServer,
    pub(crate) cas: CasServer,
    pub(crate) balancer: Balancer,
    pub(crate) nodes: Vec<Demo>,
    directory: TempDir,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let mut cluster = Self {
            redis: RedisServer::start().await,
            cas: CasServer::builder()
                .user(User::new(USER, PASSWORD))
                .start()
                .await
                .unwrap(),
            balancer: Balancer::start().await,
            nodes: Vec::new(),
            directory: TempDir::new().unwrap(),
        };
        fs::write(cluster.key_file(), KEY).unwrap();
        for _ in 0..3 {
            let node = cluster.new_node().await;
            cluster.nodes.push(node);
        }
        cluster.balance();
        cluster
    }

    /// Another node, which the balancer does not know yet.
    pub(crate) async fn new_node(&self) -> Demo {
        let key_file = self.key_file();
        Demo::start(&[
            "--app-url",
            self.balancer.url(),
            "--cas-url",
            self.cas.url(),
            "--key-file",
            &key_file,
            "--registry",
            &self.redis.url(),
        ])
        .await
    }

    /// Tells the balancer which nodes there are.
    pub(crate) fn balance(&self) {
        self.balancer
            .set_nodes(self.nodes.iter().map(|node| node.own_url("")));
    }

    fn key_file(&self) -> String {
        self.directory.path().join("key").display().to_string()
    }

    /// Somebody who has signed in through the balancer.
    pub(crate) async fn visitor(&self) -> Visitor {
        let visitor = Visitor::new();
        let profile = sign_in(&visitor, &self.nodes[0], "/profile").await;
        assert_eq!(profile.text_of("#user").as_deref(), Some(USER));
        visitor
    }
}

/// Whether the node takes the visitor's session.
pub(crate) async fn knows(node: &Demo, visitor: &Visitor) -> bool {
    let answer = visitor.get(&node.own_url("/profile")).await;
    assert!(
        [200, 302].contains(&answer.status.as_u16()),
        "{} {}",
        answer.status,
        answer.body
    );
    answer.status == 200
}

/// Waits until the node no longer takes the visitor's session. The visitor keeps the cookie, as a thief would.
pub(crate) async fn forgets(node: &Demo, visitor: &Visitor) {
    let copy = copy_of(visitor, node);
    until(async || !knows(node, &copy()).await).await;
}

/// Makes visitors with the cookies that this one has now.
pub(crate) fn copy_of(visitor: &Visitor, node: &Demo) -> impl Fn() -> Visitor + use<> {
    let url = node.own_url("/");
    let cookies = visitor.cookies(&url);
    move || {
        let copy = Visitor::new();
        for (name, value) in &cookies {
            copy.take_cookie(&url, name, value);
        }
        copy
    }
}

pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let met = async {
        while !condition().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LIMIT, met).await.expect("it happens in time");
}
