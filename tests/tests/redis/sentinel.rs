//! A master that Sentinels name, and another one after a failover.

use std::{cell::Cell, time::Duration};

use cas_layer::{
    RedisRegistry,
    registry::{Registry as _, RegistryErrorKind},
};
use cas_layer_tests::redis::RedisServer;

use crate::{
    replicas::follow,
    setup::refused,
    support::{
        CALL, LIMIT, Session, connect_to, ends, eventually, is_back, is_ended, log_out, settle,
        sign_in, sign_out, try_sign_in,
    },
};

/// A master with replicas, watched by three Sentinels: two of them can agree on a new master.
struct Watched {
    master: RedisServer,
    replicas: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl Watched {
    async fn start(replicas: usize) -> Self {
        let master = RedisServer::start().await;
        let mut all = Vec::new();
        for _ in 0..replicas {
            let replica = RedisServer::start().await;
            follow(&master, &replica).await;
            all.push(replica);
        }
        let sentinel = async || RedisServer::start_sentinel(&master, &[]).await;
        let sentinels = vec![sentinel().await, sentinel().await, sentinel().await];
        let watched = Self {
            master,
            replicas: all,
            sentinels,
        };
        watched.knows_each_other(replicas).await;
        watched
    }

    /// A Sentinel that does not know a replica cannot make it the master.
    async fn knows_each_other(&self, replicas: usize) {
        for sentinel in &self.sentinels {
            eventually("a Sentinel knows everybody", async || {
                let about: Vec<String> = sentinel.command(&["SENTINEL", "MASTER", "main"]).await;
                let value = |name: &str| {
                    let at = about.iter().position(|word| word == name)?;
                    about.get(at + 1)?.parse::<usize>().ok()
                };
                value("num-slaves") == Some(replicas) && value("num-other-sentinels") == Some(2)
            })
            .await;
        }
    }

    fn url(&self) -> String {
        let ports = self.sentinels.iter().map(RedisServer::port);
        let servers: Vec<_> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/main", servers.join(","))
    }

    async fn connect(&self, min_replicas: u32) -> RedisRegistry {
        let builder = RedisRegistry::builder(self.url())
            .timeout(CALL)
            .min_replicas(min_replicas);
        builder.connect().await.unwrap()
    }

    /// The server that the Sentinels name by now, if it is not the first one.
    async fn new_master(&self) -> &RedisServer {
        let sentinel = self.sentinels.last().unwrap();
        let mut new = None;
        eventually("another server is the master", async || {
            let (_, port): (String, u16) = sentinel
                .command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"])
                .await;
            new = self.replicas.iter().find(|replica| replica.port() == port);
            new.is_some()
        })
        .await;
        new.unwrap()
    }
}

/// With a replica that confirms, a failover in the middle of everything loses nothing that was answered.
pub(crate) async fn a_failover_loses_nothing_that_was_confirmed() {
    let mut watched = Watched::start(2).await;
    let (one, two) = (watched.connect(1).await, watched.connect(1).await);
    settle(&watched.master).await;
    // Sign-ins and sign-outs of both kinds, and what each was answered.
    let (stop, stopped) = tokio::sync::watch::channel(false);
    // How many are signed in by now, and how many signed out.
    let (lives, outs) = (Cell::new(0), Cell::new(0));
    let work = async |node: &RedisRegistry| {
        let (mut live, mut out) = (Vec::new(), Vec::new());
        for at in 0.. {
            if *stopped.borrow() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            let Ok(session) = try_sign_in(node).await else {
                continue;
            };
            match at % 3 {
                0 => live.push(session),
                1 => out.extend(log_out(node, &session).await.ok().map(|_| session)),
                _ => out.extend(sign_out(node, &session).await.ok().map(|()| session)),
            }
            lives.set(lives.get().max(live.len()));
            outs.set(outs.get().max(out.len()));
        }
        (live, out)
    };
    let failover = async {
        let is_busy = async |node: &RedisRegistry| sign_in_soon(node).await;
        is_busy(&one).await;
        is_busy(&two).await;
        eventually("some are signed in, and some signed out", async || {
            lives.get() > 0 && outs.get() > 0
        })
        .await;
        watched.master.kill().await;
        watched.new_master().await;
        // Both go on at the new one.
        is_busy(&one).await;
        is_busy(&two).await;
        stop.send_replace(true);
    };
    let (at_one, at_two, ()) = tokio::join!(work(&one), work(&two), failover);
    let (live, out): (Vec<Session>, Vec<Session>) =
        ([at_one.0, at_two.0].concat(), [at_one.1, at_two.1].concat());
    assert!(!live.is_empty() && !out.is_empty());
    let late = watched.connect(1).await;
    for node in [&one, &two, &late] {
        for session in &out {
            ends(node, session).await;
        }
        assert!(!live.iter().any(|session| is_ended(node, session)));
    }
    // Those who are signed in can be signed out by anybody.
    for session in &live {
        eventually("a logout is answered", async || {
            log_out(&two, session).await.is_ok()
        })
        .await;
        ends(&one, session).await;
    }
}

/// Also one that comes while there is no master.
pub(crate) async fn a_logout_is_in_force_on_every_node_after_a_failover() {
    let mut watched = Watched::start(2).await;
    let nodes = [
        watched.connect(1).await,
        watched.connect(1).await,
        watched.connect(1).await,
    ];
    settle(&watched.master).await;
    let (during, after) = (sign_in(&nodes[0]).await, sign_in(&nodes[0]).await);
    watched.master.kill().await;
    // A 503, as nobody can say that it is done.
    let _ = log_out(&nodes[1], &during).await;
    watched.new_master().await;
    for node in &nodes {
        ends(node, &during).await;
    }
    assert!(!nodes.iter().any(|node| is_ended(node, &after)));
    eventually("a logout is answered", async || {
        log_out(&nodes[2], &after).await.is_ok()
    })
    .await;
    let late = watched.connect(1).await;
    for node in nodes.iter().chain([&late]) {
        ends(node, &during).await;
        ends(node, &after).await;
    }
}

async fn sign_in_soon(node: &RedisRegistry) {
    eventually("somebody can sign in", async || {
        try_sign_in(node).await.is_ok()
    })
    .await;
}

/// A server that hangs keeps its connections. And one of the Sentinels is away.
pub(crate) async fn a_master_that_hangs_is_left_for_the_new_one() {
    let mut watched = Watched::start(1).await;
    let (one, two) = (watched.connect(0).await, watched.connect(0).await);
    let session = sign_in(&one).await;
    watched.sentinels[0].kill().await;
    watched.master.hang();
    let new = watched.new_master().await;
    is_back(&one).await;
    is_back(&two).await;
    let other = sign_in(&one).await;
    sign_out(&one, &session).await.unwrap();
    assert_eq!(log_out(&two, &other).await.unwrap(), 1);
    ends(&two, &session).await;
    ends(&one, &other).await;
    assert!(is_ended(&connect_to(new.url()).await, &other));
    watched.master.go_on();
}

/// The connection to a master that was replaced need not break.
pub(crate) async fn a_master_that_was_replaced_in_silence_is_left() {
    let watched = Watched::start(1).await;
    let node = watched.connect(0).await;
    for sentinel in &watched.sentinels {
        // What the Sentinels say is all that changes: the old master would go on.
        sentinel
            .command::<()>(&["SENTINEL", "REMOVE", "main"])
            .await;
    }
    let replica = &watched.replicas[0];
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    let port = replica.port().to_string();
    for sentinel in &watched.sentinels {
        sentinel
            .command::<()>(&["SENTINEL", "MONITOR", "main", "127.0.0.1", &port, "1"])
            .await;
    }
    eventually("sessions are opened at the new master", async || {
        let Ok(session) = try_sign_in(&node).await else {
            return false;
        };
        crate::support::exists(replica, &session).await
    })
    .await;
}

pub(crate) async fn sentinels_have_a_password_of_their_own() {
    let master = RedisServer::start_with(&["--requirepass", "of-redis"]).await;
    let options = ["--requirepass", "of-sentinel"];
    let sentinel = RedisServer::start_sentinel(&master, &options).await;
    sentinel
        .command::<()>(&["SENTINEL", "SET", "main", "auth-pass", "of-redis"])
        .await;
    let url = format!(
        "redis+sentinel://:of-redis@127.0.0.1:{}/main",
        sentinel.port()
    );
    let (kind, text) = refused(url.clone()).await;
    assert_eq!(kind, RegistryErrorKind::Unusable, "{text}");
    assert!(text.contains("password"), "{text}");
    let builder = |password| {
        RedisRegistry::builder(url.clone())
            .timeout(CALL)
            .sentinel_login("", password)
    };
    let error = builder("wrong").connect().await.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unusable, "{error}");
    assert!(!format!("{error:?} {:?}", builder("wrong")).contains("of-redis"));
    let node = builder("of-sentinel").connect().await.unwrap();
    sign_in(&node).await;
    assert!(!format!("{node:?}").contains("of-"));
}

pub(crate) async fn a_url_of_another_kind_is_named() {
    let master = RedisServer::start().await;
    let sentinel = RedisServer::start_sentinel(&master, &[]).await;
    let node = RedisServer::start_cluster_node().await;
    for (scheme, server, path, words) in [
        ("redis", &sentinel, "", "redis+sentinel://"),
        ("redis", &node, "", "redis+cluster://"),
        ("redis+sentinel", &master, "/main", "is no Sentinel"),
        ("redis+sentinel", &sentinel, "/other", "other"),
        // What one server says is more than that another one is away.
        ("redis+sentinel", &sentinel, ",127.0.0.1:1/other", "other"),
        ("redis+cluster", &master, "", "redis://"),
        ("redis+cluster", &sentinel, "", "redis+sentinel://"),
    ] {
        let url = format!("{scheme}://127.0.0.1:{}{path}", server.port());
        let (kind, text) = refused(url).await;
        assert_eq!(kind, RegistryErrorKind::Unusable, "{text}");
        assert!(text.contains(words), "{text}");
    }
}

/// For an app that starts before there is a master.
pub(crate) async fn a_registry_that_connects_later_waits_for_a_master() {
    let mut master = RedisServer::start().await;
    let sentinel = RedisServer::start_sentinel(&master, &[]).await;
    let session = sign_in(&connect_to(master.url()).await).await;
    master.kill().await;
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port());
    let node = RedisRegistry::builder(url)
        .timeout(CALL)
        .connect_lazily()
        .unwrap();
    assert!(!node.is_current());
    master.restart().await;
    tokio::time::timeout(LIMIT, is_back(&node)).await.unwrap();
    assert!(node.is_current());
    assert_eq!(log_out(&node, &session).await.unwrap(), 1);
}
