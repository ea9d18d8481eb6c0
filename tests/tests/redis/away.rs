//! Redis is away, or says nothing.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cas_layer::{
    RedisRegistry,
    registry::{LogoutSender, Registry as _, RegistryError, RegistryErrorKind, SourceId},
};
use cas_layer_tests::redis::RedisServer;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    proxy::Proxy,
    support::{
        CALL, LIFETIME, LIMIT, Session, account, connect, connect_to, ends, eventually, is_back,
        is_ended, log_out, log_out_by, new_id, now, sender, settle, settled, sign_in, sign_out,
        try_sign_in,
    },
};

/// The kind of the error of a call that has to end soon. How soon is not measured here: a busy machine
/// says little about it.
async fn error_of<T: std::fmt::Debug>(
    call: impl Future<Output = Result<T, RegistryError>>,
) -> RegistryErrorKind {
    let result = timeout(LIMIT / 4, call).await.expect("an answer in time");
    result.expect_err("an error").kind()
}

pub(crate) async fn a_kill_and_a_restart_lose_nothing() {
    let mut server = RedisServer::start().await;
    let node = connect(&server).await;
    let mut ended = Vec::new();
    let mut live = Vec::new();
    for _ in 0..3 {
        for _ in 0..20 {
            let (one, two) = (sign_in(&node).await, sign_in(&node).await);
            sign_out(&node, &one).await.unwrap();
            assert_eq!(log_out(&node, &two).await.unwrap(), 1);
            ended.extend([one, two]);
            live.push(sign_in(&node).await);
        }
        server.kill().await;
        server.restart().await;
        is_back(&node).await;
        let new = connect(&server).await;
        for node in [&node, &new] {
            assert!(ended.iter().all(|session| is_ended(node, session)));
            assert!(!live.iter().any(|session| is_ended(node, session)));
        }
    }
    let new = connect(&server).await;
    for session in &live {
        assert_eq!(log_out(&new, session).await.unwrap(), 1);
        ends(&node, session).await;
    }
}

pub(crate) async fn nothing_is_lost_and_nobody_ended_through_kills_and_hangs() {
    let mut server = RedisServer::start().await;
    let nodes = [
        connect(&server).await,
        connect(&server).await,
        connect(&server).await,
    ];
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..6)
        .map(|n| {
            let (nodes, stop) = (nodes.clone(), Arc::clone(&stop));
            tokio::spawn(async move { come_and_leave(&nodes, n, &stop).await })
        })
        .collect();
    for round in 0..6 {
        let before = nodes[0].ended().len();
        eventually("people come and leave", async || {
            nodes[0].ended().len() > before + 20
        })
        .await;
        if round % 2 == 0 {
            server.kill().await;
            server.restart().await;
        } else {
            server.hang();
            eventually("the hang is noticed", async || {
                let begun = nodes[0].begin(new_id(), Duration::from_secs(1)).await;
                begun.is_err()
            })
            .await;
            server.go_on();
        }
        is_back(&nodes[0]).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut live, mut ended, mut answered) = (Vec::new(), Vec::new(), Vec::new());
    for worker in workers {
        let left = worker.await.unwrap();
        live.extend(left.live);
        ended.extend(left.ended);
        answered.extend(left.answered);
    }
    println!(
        "{} live, {} ended, {} of them answered",
        live.len(),
        ended.len() + answered.len(),
        answered.len()
    );
    let new = connect(&server).await;
    assert!(answered.iter().all(|session| is_ended(&new, session)));
    for node in nodes.iter().chain([&new]) {
        // Those that were answered with an error have ended all the same, some time.
        for session in ended.iter().chain(&answered) {
            ends(node, session).await;
        }
        for session in &live {
            assert!(!is_ended(node, session));
        }
    }
}

#[derive(Default)]
struct Left {
    live: Vec<Session>,
    /// Without certainty.
    ended: Vec<Session>,
    answered: Vec<Session>,
}

/// Signs in at one node and out at another, or not at all, for as long as it may.
async fn come_and_leave(nodes: &[RedisRegistry; 3], worker: usize, stop: &AtomicBool) -> Left {
    let mut left = Left::default();
    for n in worker.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // People are not that fast, least of all while nothing works.
        sleep(Duration::from_millis(2)).await;
        let (here, there) = (&nodes[n % 3], &nodes[(n / 3) % 3]);
        let Ok(session) = try_sign_in(here).await else {
            continue;
        };
        let result = match n % 4 {
            0 => sign_out(there, &session).await.is_ok(),
            1 | 2 => match log_out(there, &session).await {
                Ok(count) => {
                    assert_eq!(count, 1);
                    true
                }
                Err(_) => false,
            },
            _ => {
                left.live.push(session);
                continue;
            }
        };
        if result {
            left.answered.push(session);
        } else {
            left.ended.push(session);
        }
    }
    left
}

pub(crate) async fn sign_outs_wait_for_redis_and_are_told() {
    let mut server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let sessions = [
        sign_in(&one).await,
        sign_in(&one).await,
        sign_in(&one).await,
    ];
    let [shown, named, whole] = &sessions;
    let kept = sign_in(&one).await;
    server.kill().await;

    let unavailable = RegistryErrorKind::Unavailable;
    assert_eq!(error_of(sign_out(&one, shown)).await, unavailable);
    assert_eq!(error_of(log_out(&one, named)).await, unavailable);
    let now = now();
    let all = one.end_all(account("bob"), now + LIFETIME, now);
    assert_eq!(error_of(all).await, unavailable);
    assert_eq!(error_of(try_sign_in(&one)).await, unavailable);
    // On this node they have ended.
    assert!(is_ended(&one, shown) && one.is_ended(&whole.of("bob")));
    eventually("a message that waits is in force", async || {
        is_ended(&one, named)
    })
    .await;
    assert!(!is_ended(&one, &kept) && !is_ended(&one, whole));

    server.restart().await;
    ends(&two, shown).await;
    ends(&two, named).await;
    eventually("the end of an account arrives", async || {
        two.is_ended(&whole.of("bob"))
    })
    .await;
    // Who signs in now is not among them.
    is_back(&one).await;
    let later = sign_in(&one).await;
    for node in [&one, &two] {
        assert!(!node.is_ended(&later.of("bob")) && !is_ended(node, &kept));
    }
}

pub(crate) async fn a_redis_that_hangs_holds_nobody_up() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let (shown, named, whole) = (
        sign_in(&one).await,
        sign_in(&one).await,
        sign_in(&one).await,
    );
    let begun = Session::unknown();
    one.begin(begun.id, Duration::from_secs(40)).await.unwrap();
    server.hang();
    let now = now();
    // All at once, the first to notice, and later ones, who know.
    for _ in 0..2 {
        let kinds = tokio::join!(
            error_of(one.begin(new_id(), Duration::from_secs(40))),
            error_of(one.open(begun.id, begun.expires_at, now)),
            error_of(sign_out(&one, &shown)),
            error_of(log_out(&one, &named)),
            error_of(one.end_all(account("bob"), now + LIFETIME, now)),
        );
        let unavailable = RegistryErrorKind::Unavailable;
        assert_eq!(
            kinds,
            (
                unavailable,
                unavailable,
                unavailable,
                unavailable,
                unavailable
            )
        );
    }
    one.abandon(begun.id);
    assert!(is_ended(&one, &shown) && one.is_ended(&whole.of("bob")));
    assert_eq!(
        error_of(RedisRegistry::connect(server.url())).await,
        RegistryErrorKind::Unavailable
    );
    server.go_on();
    ends(&two, &shown).await;
    ends(&two, &named).await;
    is_back(&one).await;
}

pub(crate) async fn a_redis_without_memory_is_tried_again() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let (shown, named) = (sign_in(&one).await, sign_in(&one).await);
    server
        .command::<()>(&["CONFIG", "SET", "maxmemory", "1"])
        .await;
    let unavailable = RegistryErrorKind::Unavailable;
    assert_eq!(error_of(try_sign_in(&one)).await, unavailable);
    // It answers, so nobody waits until the time is up.
    let refused = "Redis does not accept it";
    eventually("a sign-out is refused", async || {
        let error = sign_out(&one, &shown).await.unwrap_err();
        error.to_string().contains(refused)
    })
    .await;
    eventually("a logout is refused", async || {
        let error = log_out(&one, &named).await.unwrap_err();
        error.to_string().contains(refused)
    })
    .await;
    server
        .command::<()>(&["CONFIG", "SET", "maxmemory", "0"])
        .await;
    ends(&two, &shown).await;
    ends(&two, &named).await;
    sign_in(&one).await;
}

/// It has ended here, and Redis is told of it when the two are compared.
pub(crate) async fn a_sign_out_that_found_no_room_is_told_later() {
    let server = RedisServer::start().await;
    let builder = RedisRegistry::builder(server.url()).timeout(CALL).queue(2);
    let node = builder.connect().await.unwrap();
    let (first, second) = (sign_in(&node).await, sign_in(&node).await);
    server.hang();
    let unavailable = RegistryErrorKind::Unavailable;
    assert_eq!(error_of(sign_out(&node, &first)).await, unavailable);
    let full = RegistryErrorKind::Full;
    assert_eq!(error_of(sign_out(&node, &second)).await, full);
    server.go_on();
    let other = connect(&server).await;
    ends(&other, &first).await;
    ends(&other, &second).await;
}

/// A node tries again and again, and leaves nothing behind.
pub(crate) async fn a_redis_that_is_silent_has_few_connections() {
    let server = RedisServer::start().await;
    let proxy = Proxy::to(server.port()).await;
    let builder = RedisRegistry::builder(proxy.url()).timeout(Duration::from_secs(2));
    let node = builder.connect().await.unwrap();
    server.hang();
    let before = proxy.accepted();
    eventually("it is tried again", async || proxy.accepted() >= before + 8).await;
    // Two that are being made, and one or two that are being closed.
    let open = proxy.open();
    assert!(open < 6, "{open}");
    server.go_on();
    is_back(&node).await;
}

/// Each connection breaks at once.
pub(crate) async fn a_redis_that_turns_away_is_tried_with_pauses() {
    let server = RedisServer::start().await;
    let proxy = Proxy::to(server.port()).await;
    let node = connect_to(proxy.url()).await;
    proxy.cut();
    let (before, start) = (proxy.accepted(), Instant::now());
    eventually("it is tried again and again", async || {
        proxy.accepted() >= before + 10
    })
    .await;
    // Without pauses that would be milliseconds.
    assert!(start.elapsed() > Duration::from_secs(1));
    proxy.mend();
    is_back(&node).await;
}

pub(crate) async fn a_full_queue_turns_away() {
    let server = RedisServer::start().await;
    let builder = RedisRegistry::builder(server.url()).timeout(CALL).queue(2);
    let node = builder.connect().await.unwrap();
    let sessions = [
        sign_in(&node).await,
        sign_in(&node).await,
        sign_in(&node).await,
        sign_in(&node).await,
    ];
    server.hang();
    let [first, second, third, fourth] = &sessions;
    let unavailable = RegistryErrorKind::Unavailable;
    assert_eq!(error_of(sign_out(&node, first)).await, unavailable);
    assert_eq!(error_of(log_out(&node, second)).await, unavailable);
    // One message has 64 ids at most, and for that there is always room.
    let strangers = (0..63).map(|_| new_id()).collect();
    let ended = node.end_if_opened(strangers, sender(), now()).await;
    assert_eq!(ended.unwrap_err().kind(), unavailable);
    assert_eq!(
        error_of(sign_out(&node, third)).await,
        RegistryErrorKind::Full
    );
    assert_eq!(
        error_of(log_out(&node, fourth)).await,
        RegistryErrorKind::Full
    );
    // Who showed a cookie has signed out here. A stranger's message fills nothing.
    assert!(is_ended(&node, third) && !is_ended(&node, fourth));

    server.go_on();
    let other = connect(&server).await;
    ends(&other, first).await;
    ends(&other, second).await;
    // It had no place in the queue, but this node has not forgotten it.
    ends(&other, third).await;
    assert!(!is_ended(&node, fourth) && !is_ended(&other, fourth));
    // There is room again, once Redis has been told of what waited last.
    eventually("there is room again", async || {
        match sign_out(&node, fourth).await {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.kind(), RegistryErrorKind::Full);
                false
            }
        }
    })
    .await;
    ends(&other, fourth).await;
}

pub(crate) async fn strangers_take_no_room_of_others_while_redis_is_away() {
    let server = RedisServer::start().await;
    // Of these, 200 are for listed sources, and 100 each for the two channels.
    let node = RedisRegistry::builder(server.url())
        .timeout(CALL)
        .queue(800);
    let node = node.connect().await.unwrap();
    settle(&server).await;
    let source = |n: u32| Some(SourceId::of(&n));
    let senders = [
        LogoutSender::front_channel(source(1)),
        LogoutSender::back_channel(source(1)),
        LogoutSender::listed(source(1)),
    ];
    let mut real = Vec::new();
    for n in 0..45 {
        real.push((senders[n % 3], sign_in(&node).await));
    }
    server.hang();
    // A call may fail earlier than the connection is given up. What the app names counts here from then on.
    let told = node.end_if_opened(vec![new_id()], LogoutSender::app(), now());
    assert_eq!(error_of(told).await, RegistryErrorKind::Unavailable);
    eventually("the hang is noticed", async || node.ended().len() == 1).await;
    // From a few addresses, over both channels.
    let mut flood = JoinSet::new();
    for n in 0..2_000 {
        let node = node.clone();
        let source = source(2 + n % 5);
        let sender = if n % 2 == 0 {
            LogoutSender::front_channel(source)
        } else {
            LogoutSender::back_channel(source)
        };
        flood.spawn(async move {
            let ids = (0..=n % 32).map(|_| new_id()).collect();
            node.end_if_opened(ids, sender, now()).await
        });
    }
    let told = flood.join_all().await.into_iter();
    let kinds = told.map(|ended| ended.unwrap_err().kind());
    assert!(
        kinds
            .filter(|kind| *kind == RegistryErrorKind::Full)
            .count()
            > 1_000
    );
    // One is the app's.
    assert!(node.ended().len() <= 201, "{}", node.ended().len());
    for (sender, session) in &real {
        let ended = log_out_by(&node, *sender, session).await;
        assert_eq!(ended.unwrap_err().kind(), RegistryErrorKind::Unavailable);
        assert!(is_ended(&node, session), "{sender:?}");
    }
    server.go_on();
    let other = connect(&server).await;
    for (_, session) in &real {
        ends(&other, session).await;
    }
    eventually("what strangers named is forgotten", async || {
        node.ended().len() == real.len()
    })
    .await;
}

pub(crate) async fn a_logout_of_an_unknown_session_is_forgotten_when_redis_is_back() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let known = sign_in(&node).await;
    server.hang();
    let unknown: Vec<_> = (0..50).map(|_| Session::unknown()).collect();
    let mut calls = Vec::new();
    for session in unknown.iter().chain([&known]) {
        let node = node.clone();
        let id = session.id;
        calls.push(tokio::spawn(async move {
            node.end_if_opened(vec![id], sender(), now()).await
        }));
    }
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
    eventually("all of them are in force", async || {
        node.ended().len() == unknown.len() + 1
    })
    .await;
    server.go_on();
    eventually("the unknown ones are forgotten", async || {
        node.ended().len() == 1
    })
    .await;
    assert!(is_ended(&node, &known));
}

pub(crate) async fn shutdown_tells_redis_what_waits() {
    let server = RedisServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let session = sign_in(&one).await;
    server.hang();
    let unavailable = RegistryErrorKind::Unavailable;
    assert_eq!(error_of(sign_out(&one, &session)).await, unavailable);
    let shutdown = tokio::spawn({
        let one = one.clone();
        async move { one.shutdown().await }
    });
    server.go_on();
    shutdown.await.unwrap().unwrap();
    ends(&two, &session).await;
    assert_eq!(error_of(try_sign_in(&one)).await, unavailable);
}

pub(crate) async fn shutdown_without_redis_says_so() {
    let mut server = RedisServer::start().await;
    let node = connect(&server).await;
    node.shutdown().await.unwrap();
    let node = connect(&server).await;
    server.kill().await;
    let unavailable = RegistryErrorKind::Unavailable;
    assert_eq!(
        error_of(sign_out(&node, &Session::unknown())).await,
        unavailable
    );
    assert_eq!(error_of(node.shutdown()).await, unavailable);
}

pub(crate) async fn a_node_that_is_cut_off_says_so() {
    let server = RedisServer::start().await;
    let limit = Duration::from_secs(3);
    let builder = RedisRegistry::builder(server.url())
        .timeout(CALL)
        .fail_closed_after(limit);
    let strict = builder.connect().await.unwrap();
    let lenient = connect(&server).await;
    // Also while nothing happens for longer than that.
    sleep(limit + Duration::from_secs(1)).await;
    eventually("the node is current", async || strict.is_current()).await;
    server.hang();
    eventually("the node is not current", async || !strict.is_current()).await;
    assert!(lenient.is_current());
    server.go_on();
    eventually("the node is current again", async || strict.is_current()).await;
}
