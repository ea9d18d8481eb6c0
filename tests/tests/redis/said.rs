//! What is said to the operator.

use std::time::Duration;

use cas_layer::{
    RedisRegistry,
    registry::{Opened, Registry as _},
};
use cas_layer_tests::{
    listening::{Listening, alone, heard},
    redis::RedisServer,
};
use tokio::time::sleep;

use crate::{
    proxy::Proxy,
    setup::{rights, user},
    support::{
        CALL, LIFETIME, Session, account, connect, connect_to, eventually, is_back, log_out, now,
        settle, sign_out,
    },
};

pub(crate) async fn what_happens_is_said_once_and_without_the_password() {
    let heard = alone(come_and_go);
    for said in [
        "lost touch with Redis",
        "in touch with Redis again",
        "may have lost sign-outs",
        "has all sign-outs that this node knows of",
    ] {
        assert_eq!(heard.matches(said).count(), 1, "{said}: {heard}");
    }
    assert!(heard.contains("no connection to Redis yet"), "{heard}");
    assert!(heard.contains("waiting: 0"), "{heard}");
    assert!(!heard.contains("is gone before"), "{heard}");
    for secret in ["s3cret", "%73"] {
        assert!(!heard.contains(secret), "{heard}");
    }
}

/// What is said, and what can be printed.
async fn come_and_go() -> String {
    let _listening = Listening::start();
    let mut server = RedisServer::start_with(&["--requirepass", "s3cret"]).await;
    let url = format!("redis://:%733cret@127.0.0.1:{}", server.port());
    let builder = RedisRegistry::builder(url).timeout(CALL);
    let printed = format!("{builder:?}");
    let node = builder.connect().await.unwrap();
    assert!(printed.contains("prefix: \"cas-layer\""), "{printed}");
    let shown = format!("{node:?}");
    assert!(shown.contains(&server.port().to_string()), "{shown}");
    settle(&server).await;
    // Ended while it was being opened. Redis knows, and has told nobody.
    let early = Session::unknown();
    node.begin(early.id, CALL).await.unwrap();
    log_out(&node, &early).await.unwrap();
    let opened = node.open(early.id, early.expires_at, now()).await;
    assert_eq!(opened.unwrap(), Opened::Ended);
    let time = now();
    node.end_all(account("alice"), time + LIFETIME, time)
        .await
        .unwrap();
    server.kill().await;
    for _ in 0..5 {
        let error = sign_out(&node, &Session::unknown()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
    server.restart().await;
    is_back(&node).await;
    eventually("everything is compared", async || {
        heard().contains("has all sign-outs")
    })
    .await;
    let printed = format!("{printed} {node:?}");
    drop(node);
    format!("{printed} {}", heard())
}

pub(crate) async fn what_redis_lacked_is_said() {
    for is_account in [false, true] {
        alone(async move || {
            let _listening = Listening::start();
            let server = RedisServer::start().await;
            let node = connect(&server).await;
            let time = now();
            if is_account {
                let ended = node.end_all(account("alice"), time + LIFETIME, time);
                ended.await.unwrap();
            } else {
                sign_out(&node, &Session::unknown()).await.unwrap();
            }
            server.command::<()>(&["FLUSHALL"]).await;
            eventually("it is said", async || {
                let heard = heard();
                let said = heard
                    .lines()
                    .find(|line| line.contains("Redis lacked sign-outs"));
                said.is_some_and(|line| line.contains("written=1"))
            })
            .await;
        });
    }
}

pub(crate) async fn sign_outs_that_redis_does_not_accept_are_said_once() {
    alone(async || {
        let _listening = Listening::start();
        let server = RedisServer::start().await;
        let node = connect(&server).await;
        let memory = async |bytes| {
            server
                .command::<()>(&["CONFIG", "SET", "maxmemory", bytes])
                .await;
        };
        memory("1").await;
        // The second one is tried with the first one once more.
        for _ in 0..2 {
            sign_out(&node, &Session::unknown()).await.unwrap_err();
        }
        memory("0").await;
        eventually("Redis has them", async || {
            heard().contains("Redis accepts sign-outs again")
        })
        .await;
        let said = "sign-outs wait, because Redis does not record them durably";
        assert_eq!(heard().matches(said).count(), 1, "{}", heard());
    });
}

pub(crate) async fn sign_outs_that_are_lost_with_the_registry_are_said() {
    alone(async || {
        let _listening = Listening::start();
        let mut server = RedisServer::start().await;
        let node = connect(&server).await;
        server.kill().await;
        sign_out(&node, &Session::unknown()).await.unwrap_err();
        assert!(format!("{node:?}").contains("waiting: 1"));
        drop(node);
        let heard = heard();
        let mut said = heard.lines().filter(|line| line.contains("is gone before"));
        assert!(said.any(|line| line.contains("lost=1")), "{heard}");
    });
}

/// The user has no right to `WAIT`.
pub(crate) async fn a_redis_that_does_not_wait_for_replicas_confirms_nothing() {
    alone(async || {
        let _listening = Listening::start();
        let server = user(&rights().replace("+wait ", "")).await;
        let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
        let builder = RedisRegistry::builder(url).timeout(CALL).min_replicas(1);
        let node = builder.connect().await.unwrap();
        for _ in 0..2 {
            let error = sign_out(&node, &Session::unknown()).await.unwrap_err();
            assert!(error.to_string().contains("replicas"), "{error}");
        }
        let heard = heard();
        assert!(
            heard.contains("Redis does not wait for its replicas"),
            "{heard}"
        );
        assert!(!heard.contains("lost touch"), "{heard}");
    });
}

pub(crate) async fn a_master_that_stays_is_not_left() {
    alone(async || {
        let _listening = Listening::start();
        let master = RedisServer::start().await;
        let sentinel = RedisServer::start_sentinel(&master, &[]).await;
        let _node = connect_to(format!(
            "redis+sentinel://127.0.0.1:{}/main",
            sentinel.port()
        ))
        .await;
        // The Sentinel is asked once a second.
        sleep(Duration::from_secs(3)).await;
        assert!(!heard().contains("another Redis has become"), "{}", heard());
    });
}

/// A balancer, say. What one of the two hears of, the other does not know.
pub(crate) async fn two_servers_behind_one_address_are_said_and_not_used() {
    alone(async || {
        let _listening = Listening::start();
        let (server, other) = (RedisServer::start().await, RedisServer::start().await);
        let proxy = Proxy::to(server.port()).await;
        let node = connect_to(proxy.url()).await;
        proxy.lead_to_each_of(&[server.port(), other.port()]);
        eventually("it is said", async || {
            heard().contains("two connections to Redis lead to two servers")
        })
        .await;
        sign_out(&node, &Session::unknown()).await.unwrap_err();
        proxy.lead_to(server.port());
        is_back(&node).await;
        sign_out(&node, &Session::unknown()).await.unwrap();
    });
}
