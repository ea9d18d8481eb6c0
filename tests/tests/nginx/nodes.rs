//! Nodes of one app behind nginx, which gives each request to the next of them.

use std::time::Duration;

use cas_layer::{CasConfig, Key, RedisRegistry, testing::CasServer};
use cas_layer_tests::{groups::numbered, nginx::Nginx, redis::RedisServer, visitor::Visitor};

use crate::{
    groups::shows,
    support::{Port, member, sign_in},
};

pub(crate) async fn nodes_with_one_redis_share_sessions_of_any_size() {
    let groups = numbered(10_000);
    let cas = CasServer::builder()
        .user(member(&groups))
        .start()
        .await
        .unwrap();
    let redis = RedisServer::start().await;
    let ports = [Port::free().await, Port::free().await];
    let servers = ports
        .each_ref()
        .map(|port| format!("server {};", port.address()));
    let nginx = Nginx::start(&format!(
        "upstream nodes {{ {} }}\nserver {{ listen 127.0.0.1:PORT; location / {{ proxy_pass http://nodes; \
         proxy_set_header Host $http_host; }} }}",
        servers.join(" ")
    ))
    .await;
    let key = Key::generate();
    let mut nodes = Vec::new();
    for port in ports {
        let registry = RedisRegistry::builder(redis.url()).timeout(Duration::from_secs(5));
        let registry = registry.connect().await.unwrap();
        let config = CasConfig::builder(cas.url(), nginx.url("")).key(key.clone());
        nodes.push(port.serve(config.registry(registry)));
    }
    let visitor = Visitor::new();
    shows(&sign_in(&visitor, &nginx.url("/page")).await, &groups);
    for _ in 0..4 {
        shows(&visitor.get(&nginx.url("/page")).await, &groups);
    }
    let out = visitor.get(&nginx.url("/logout")).await;
    assert!(out.status.is_redirection(), "{}", out.body);
    for _ in 0..2 {
        let page = visitor.get(&nginx.url("/page")).await;
        assert!(page.status.is_redirection(), "{}", page.body);
    }
}
