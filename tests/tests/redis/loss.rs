//! Redis comes back without something that it knew.

use std::time::Duration;

use cas_layer::{
    RedisRegistry,
    registry::{LogoutSender, Registry as _, RegistryErrorKind, SourceId},
};
use cas_layer_tests::redis::RedisServer;
use tokio::time::sleep;

use crate::{
    numbers::NUMBER,
    proxy::Proxy,
    replicas::follow,
    support::{
        LIFETIME, Session, account, connect, connect_to, ends, eventually, exists, is_back,
        is_ended, key, log_out, new_id, now, settle, settled, sign_in, sign_out, try_sign_in,
    },
};

const EPOCH: &str = "{cas-layer}:epoch";

/// Waits until Redis knows that these have ended, so that a node that starts knows it too.
async fn has_ended(server: &RedisServer, sessions: &[Session]) {
    for session in sessions {
        eventually("what has ended is written again", async || {
            exists(server, session).await
        })
        .await;
    }
    let new = connect(server).await;
    assert!(sessions.iter().all(|session| is_ended(&new, session)));
}

pub(crate) async fn an_empty_redis_gets_back_what_the_nodes_know() {
    let mut server = RedisServer::start().await;
    let (one, two) = (settled(&server).await, connect(&server).await);
    let mut ended = Vec::new();
    for _ in 0..600 {
        ended.push(Session::unknown());
    }
    for session in &ended {
        // Not waited for: they go in one batch.
        drop(one.end(session.id, session.expires_at, now()));
    }
    let now = now();
    let expires_at = now + LIFETIME;
    one.end_all(account("bob"), expires_at, now).await.unwrap();
    for session in &ended {
        ends(&two, session).await;
    }
    server.kill().await;
    server.empty();
    server.restart().await;
    has_ended(&server, &ended).await;
    eventually("the end of an account is written again", async || {
        let new = connect(&server).await;
        new.is_ended(&Session::unknown().of("bob"))
    })
    .await;
    // And who signs in now is not ended by it.
    is_back(&one).await;
    let later = sign_in(&one).await;
    for node in [&one, &two] {
        assert!(!node.is_ended(&later.of("bob")));
        assert!(ended.iter().all(|session| is_ended(node, session)));
    }
}

pub(crate) async fn an_emptied_database_is_noticed_at_the_next_call() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let (ended, live) = (sign_in(&node).await, sign_in(&node).await);
    sign_out(&node, &ended).await.unwrap();
    server.command::<()>(&["FLUSHALL"]).await;
    // Never 200 for something that is forgotten: an error, or done.
    // Redis may know of it by then or not.
    let _ = log_out(&node, &live).await;
    eventually("the logout is in force", async || is_ended(&node, &live)).await;
    has_ended(&server, &[ended, live]).await;
}

/// And it is another Redis than before for every node, also for those that notice later.
pub(crate) async fn an_emptied_database_is_noticed_without_a_call() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let session = sign_in(&node).await;
    sign_out(&node, &session).await.unwrap();
    let epoch: String = server.command(&["GET", EPOCH]).await;
    server.command::<()>(&["FLUSHALL"]).await;
    has_ended(&server, &[session]).await;
    let next: String = server.command(&["GET", EPOCH]).await;
    assert!(!next.is_empty() && next != epoch, "{next}");
}

pub(crate) async fn an_older_copy_gets_back_what_it_lacks() {
    let mut server = RedisServer::start().await;
    let proxy = Proxy::to(server.port()).await;
    let node = connect_to(proxy.url()).await;
    let (early, late) = (sign_in(&node).await, sign_in(&node).await);
    sign_out(&node, &early).await.unwrap();
    let copy = server.copy();
    sign_out(&node, &late).await.unwrap();
    let time = now();
    node.end_all(account("bob"), time + LIFETIME, time)
        .await
        .unwrap();
    let of_bob = late.of("bob");
    let unseen = sign_in(&node).await;

    proxy.cut();
    server.kill().await;
    server.restore(&copy);
    server.restart().await;
    // Another node goes on before this one looks: the stream is longer than ever.
    let other = connect(&server).await;
    assert!(is_ended(&other, &early) && !is_ended(&other, &late));
    let news = [sign_in(&other).await, sign_in(&other).await];
    for session in &news {
        sign_out(&other, session).await.unwrap();
    }
    assert!(!other.is_ended(&of_bob));
    proxy.mend();
    ends(&other, &late).await;
    eventually("the other node hears of bob's end", async || {
        other.is_ended(&of_bob)
    })
    .await;
    for session in &news {
        ends(&node, session).await;
    }
    has_ended(&server, &[early, late, news[0], news[1]]).await;
    // Opened in the time that was lost, and logged out before anybody saw its cookie again.
    assert_eq!(log_out(&other, &unseen).await.unwrap(), 0, "nobody knows");
    ends(&node, &unseen).await;
}

pub(crate) async fn cookies_that_are_seen_are_opened_again() {
    let mut server = RedisServer::start().await;
    let (one, two) = (settled(&server).await, connect(&server).await);
    let sessions = [sign_in(&one).await, sign_in(&one).await];
    server.kill().await;
    server.empty();
    server.restart().await;
    for session in &sessions {
        eventually("a session is known again", async || {
            assert!(!is_ended(&one, session));
            exists(&server, session).await
        })
        .await;
    }
    // So they are known even when unknown ones are not kept any more.
    is_back(&two).await;
    settle(&server).await;
    assert_eq!(log_out(&two, &Session::unknown()).await.unwrap(), 0);
    for session in &sessions {
        assert_eq!(log_out(&two, session).await.unwrap(), 1);
        ends(&one, session).await;
    }
}

pub(crate) async fn logouts_of_unknown_sessions_are_kept_after_a_loss() {
    let mut server = RedisServer::start().await;
    let (one, two) = (settled(&server).await, connect(&server).await);
    let session = sign_in(&one).await;
    server.kill().await;
    server.empty();
    server.restart().await;
    is_back(&two).await;
    assert_eq!(log_out(&two, &session).await.unwrap(), 0, "nobody knows");
    ends(&one, &session).await;
    has_ended(&server, &[session]).await;
    // No more of them than there is room for.
    server
        .command::<()>(&["SET", "{cas-layer}:kept", "100000"])
        .await;
    let error = log_out(&two, &Session::unknown()).await.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Full);
}

/// Names so many sessions that nobody has, and counts those that the node takes for ended from then on. Nobody is told that
/// a session has ended by it.
async fn keep(
    node: &RedisRegistry,
    sender: LogoutSender,
    count: u32,
) -> Result<usize, RegistryErrorKind> {
    let sessions: Vec<_> = (0..count).map(|_| Session::unknown()).collect();
    let ids = sessions.iter().map(|session| session.id).collect();
    let ended = node.end_if_opened(ids, sender, now()).await;
    assert_eq!(ended.map_err(|error| error.kind())?, []);
    Ok(sessions.iter().filter(|it| is_ended(node, it)).count())
}

pub(crate) async fn a_flood_after_a_loss_leaves_others_the_room_of_their_share() {
    let server = RedisServer::start().await;
    // New to the registry, so anybody may have signed in before.
    let node = connect(&server).await;
    let source = |n: u32| Some(SourceId::of(&n));
    let full = Err(RegistryErrorKind::Full);
    let named = async |sender, count: u32| keep(&node, sender, count).await;
    // One browser has one message, and a server without a list has many.
    let stranger = LogoutSender::front_channel(source(1));
    assert_eq!(named(stranger, 64).await, Ok(64));
    for _ in 0..3 {
        assert_eq!(named(stranger, 1).await, full);
    }
    let server_without_list = LogoutSender::back_channel(source(1));
    assert_eq!(named(server_without_list, 40).await, Ok(40));
    // The share of all browsers is full, and that of the back channel.
    for key in ["{cas-layer}:kept-front", "{cas-layer}:kept"] {
        server.command::<()>(&["SET", key, "50000"]).await;
    }
    let known = sign_in(&node).await;
    for sender in [
        LogoutSender::front_channel(source(2)),
        LogoutSender::back_channel(source(2)),
    ] {
        assert_eq!(named(sender, 1).await, full);
        // Next to one that is known the answer is the same, and that one has ended.
        let session = sign_in(&node).await;
        let ids = vec![new_id(), session.id];
        let ended = node.end_if_opened(ids, sender, now()).await;
        assert_eq!(ended.unwrap_err().kind(), RegistryErrorKind::Full);
        assert!(is_ended(&node, &session));
    }
    let listed = LogoutSender::listed(source(2));
    assert_eq!(named(listed, 32).await, Ok(32));
    assert_eq!(log_out(&node, &known).await.unwrap(), 1);
}

/// Otherwise each loss would give strangers the same room again.
pub(crate) async fn what_was_kept_before_another_loss_counts_still() {
    let mut server = RedisServer::start().await;
    let node = connect(&server).await;
    let browser = LogoutSender::front_channel(Some(SourceId::of(&1)));
    let named = async |count: u32| keep(&node, browser, count).await;
    let had = async |server: &RedisServer, count: &str| {
        server
            .command::<()>(&["SET", "{cas-layer}:kept-front", count])
            .await;
    };
    assert_eq!(named(64).await, Ok(64));
    assert_eq!(named(64).await, Err(RegistryErrorKind::Full));
    server.kill().await;
    server.empty();
    server.restart().await;
    is_back(&node).await;
    assert_eq!(named(64).await, Err(RegistryErrorKind::Full));
    eventually("the count is back", async || {
        let count: Option<u32> = server.command(&["GET", "{cas-layer}:kept-front"]).await;
        count == Some(64)
    })
    .await;
    // Redis has room for one of them. What it does not keep is not counted.
    let other = LogoutSender::front_channel(Some(SourceId::of(&2)));
    had(&server, "49999").await;
    assert_eq!(keep(&node, other, 64).await, Err(RegistryErrorKind::Full));
    had(&server, "0").await;
    assert_eq!(keep(&node, other, 64).await, Ok(64));
}

pub(crate) async fn a_sign_in_that_began_before_a_restart_is_not_opened() {
    let mut server = RedisServer::start().await;
    let node = settled(&server).await;
    let session = Session::unknown();
    node.begin(session.id, Duration::from_secs(40))
        .await
        .unwrap();
    let copy = server.copy();
    // Answered 200, and then lost.
    assert_eq!(log_out(&node, &session).await.unwrap(), 1);
    server.kill().await;
    server.restore(&copy);
    server.restart().await;
    is_back(&node).await;
    let opened = node.open(session.id, session.expires_at, now()).await;
    assert_eq!(opened.unwrap_err().kind(), RegistryErrorKind::Unavailable);
    // The next try is as good as ever.
    let next = new_id();
    node.begin(next, Duration::from_secs(40)).await.unwrap();
    node.open(next, session.expires_at, now()).await.unwrap();
}

/// A node that talks to a master that was replaced is told that nobody knows the session.
pub(crate) async fn a_logout_that_an_old_master_did_not_know_is_told_to_the_new_one() {
    let (old, new) = (RedisServer::start().await, RedisServer::start().await);
    let way = Proxy::to(old.port()).await;
    let node = connect_to(way.url()).await;
    settle(&old).await;
    let other = settled(&new).await;
    let session = sign_in(&other).await;
    // Far from a loss, nothing is remembered of sessions that nobody has.
    assert_eq!(log_out(&node, &session).await.unwrap(), 0);
    assert!(!is_ended(&other, &session));
    way.lead_to(new.port());
    ends(&other, &session).await;
    ends(&node, &session).await;
}

/// Some nodes may not have heard of a failover yet. The new master may have everything of the old one or nothing, and the node
/// that comes to it first may have been at the old one or not.
pub(crate) async fn an_end_of_all_ends_what_an_old_master_has_opened_meanwhile() {
    for (is_replica, is_new) in [(true, false), (true, true), (false, false)] {
        let (old, new) = (RedisServer::start().await, RedisServer::start().await);
        // Far ahead of the clock, as after its clock was wrong.
        let ahead = (now() + 3_600) * 1_000_000;
        old.command::<()>(&["SET", NUMBER, &ahead.to_string()])
            .await;
        let (way, other_way) = (Proxy::to(old.port()).await, Proxy::to(old.port()).await);
        let behind = connect_to(way.url()).await;
        let mut other = connect_to(other_way.url()).await;
        sign_in(&behind).await;
        if is_replica {
            follow(&old, &new).await;
            eventually("the replica has the last number", async || {
                let number: Option<String> = old.command(&["GET", NUMBER]).await;
                number == new.command(&["GET", NUMBER]).await
            })
            .await;
        }
        // It takes a moment until the other one takes over. The numbers have to go on all the same.
        sleep(Duration::from_secs(3)).await;
        new.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
        if is_new {
            other = connect(&new).await;
        } else {
            other_way.lead_to(new.port());
            eventually("the other node is at the new master", async || {
                let session = try_sign_in(&other).await;
                matches!(session, Ok(session) if exists(&new, &session).await)
            })
            .await;
        }
        let session = sign_in(&behind).await;
        // What it takes to tell the new master how far the old one is, it may be behind.
        sleep(Duration::from_secs(1)).await;
        let now = now();
        other
            .end_all(account("alice"), now + LIFETIME, now)
            .await
            .unwrap();
        assert!(is_ended(&other, &session), "{is_replica} {is_new}");
        way.lead_to(new.port());
        ends(&behind, &session).await;
    }
}

/// It was the node that opened the longest session, and no configuration says how long that lasts.
pub(crate) async fn redis_learns_again_how_long_sessions_last() {
    let server = RedisServer::start().await;
    let node = connect(&server).await;
    let (id, time) = (new_id(), now());
    let day = 24 * 3_600;
    node.begin(id, Duration::from_secs(40)).await.unwrap();
    node.open(id, time + day, time).await.unwrap();
    server.command::<()>(&["FLUSHALL"]).await;
    let longest = async || {
        let longest: Option<u64> = server.command(&["GET", "{cas-layer}:longest"]).await;
        longest.unwrap_or_default()
    };
    eventually("it is told", async || longest().await == day).await;
    // By a clock that is wrong, a session could last for decades.
    is_back(&node).await;
    node.end(id, time + day, 1).await.unwrap();
    assert_eq!(longest().await, day);
    let ttl: u64 = server.command(&["TTL", &key(id)]).await;
    assert!(ttl >= day, "{ttl}");
}

pub(crate) async fn a_cookie_tells_redis_nothing_while_nothing_is_lost() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    // The node has to hear first that a loss is over.
    eventually("Redis is told nothing", async || {
        let session = Session::unknown();
        assert!(!is_ended(&node, &session));
        for _ in 0..30 {
            if exists(&server, &session).await {
                return false;
            }
            sleep(Duration::from_millis(10)).await;
        }
        true
    })
    .await;
}
