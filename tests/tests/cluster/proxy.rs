//! A portal on several nodes acts for its users.

use std::fs;

use cas_layer::testing::{CasServer, User};
use cas_layer_tests::{
    demo::Demo,
    flow::{PASSWORD, USER},
    redis::RedisServer,
    visitor::Visitor,
};
use serde_json::json;
use tempfile::TempDir;

use crate::cluster::KEY;

/// The CAS server calls the second node, whatever node signs the user in.
pub(crate) async fn a_callback_on_another_node_finds_its_sign_in() {
    let redis = RedisServer::start().await;
    let cas = CasServer::builder()
        .user(User::new(USER, PASSWORD))
        .allow_http_callbacks(true)
        .start()
        .await
        .unwrap();
    let directory = TempDir::new().unwrap();
    let key_file = directory.path().join("key").display().to_string();
    fs::write(&key_file, KEY).unwrap();
    let redis_url = redis.url();
    let common = [
        "--cas-url",
        cas.url(),
        "--key-file",
        &key_file,
        "--registry",
        &redis_url,
        "--proxy",
    ];
    let second = Demo::start(&common).await;
    let callback = second.own_url("/cas/proxy");
    let app_url = second.own_url("");
    let arguments = [
        &common[..],
        &["--app-url", &app_url, "--proxy-callback-url", &callback],
    ]
    .concat();
    let first = Demo::start(&arguments).await;

    // The visitor signs in by way of the first node alone, under the name that both have.
    let visitor = Visitor::new();
    let to_cas = visitor.get(&first.own_url("/proxied")).await;
    let form = visitor.open(to_cas.location().as_str()).await;
    let back = visitor
        .send_form(&form, &[("username", USER), ("password", PASSWORD)])
        .await;
    let callback_of_login = back.location();
    let on_first = format!(
        "{}?{}",
        first.own_url("/login"),
        callback_of_login.query().unwrap()
    );
    assert_eq!(visitor.get(&on_first).await.status, 302);
    for node in [&first, &second] {
        let answer = visitor.get_json(&node.own_url("/proxied")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["answer"]["user"], USER);
        assert_eq!(answer.json()["answer"]["proxies"], json!([callback]));
    }
    assert!(
        second.log().contains("proxy-callback"),
        "it came to the second node"
    );
    assert!(!first.log().contains("proxy-callback"));
}
