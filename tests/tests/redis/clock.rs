//! The clock of Redis jumps, and with it goes what expires.

use cas_layer::registry::Registry as _;
use cas_layer_tests::{
    checker::clock::{Clocks, ShiftedClock},
    listening::alone,
    redis::RedisServer,
};
use tempfile::TempDir;

use crate::{
    proxy::Proxy,
    support::{
        LIFETIME, Session, account, connect, connect_to, eventually, exists, is_back, is_ended,
        log_out, now, settle, settled, sign_in,
    },
};

/// In seconds. Longer than any session lasts here.
const JUMP: i64 = 20 * 3_600;

/// A Redis with a clock that can be moved, where that is possible.
async fn start() -> Option<(RedisServer, ShiftedClock, TempDir)> {
    let directory = tempfile::tempdir().unwrap();
    let clocks = Clocks::new(directory.path());
    if !clocks.can_move() {
        println!("left out: the clock of Redis cannot be moved here");
        return None;
    }
    let clock = clocks.clock("redis");
    let server = RedisServer::start_in(&[], clock.environment()).await;
    Some((server, clock, directory))
}

async fn expires(server: &RedisServer, session: &Session) {
    eventually("it expires", async || !exists(server, session).await).await;
}

/// Redis has forgotten the session, and it may still be open.
pub(crate) async fn a_logout_counts_though_redis_took_the_session_for_expired() {
    let Some((server, clock, _directory)) = start().await else {
        return;
    };
    let node = settled(&server).await;
    let session = sign_in(&node).await;
    clock.set(JUMP);
    // The first one may meet the connection that is replaced.
    eventually("it counts", async || log_out(&node, &session).await.is_ok()).await;
    assert!(is_ended(&node, &session));
}

pub(crate) async fn a_jump_that_nobody_saw_counts_too() {
    let Some((server, clock, _directory)) = start().await else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let node = connect_to(proxy.url()).await;
    settle(&server).await;
    let session = sign_in(&node).await;
    proxy.cut();
    clock.set(JUMP);
    expires(&server, &session).await;
    proxy.mend();
    is_back(&node).await;
    eventually("it counts", async || log_out(&node, &session).await.is_ok()).await;
    assert!(is_ended(&node, &session));
}

/// By its clock, the call is hours old. Which sessions were opened before it cannot be told, and the caller is told so.
pub(crate) async fn an_end_of_all_that_seems_to_come_late_fails_alone() {
    alone(async || {
        let Some((server, clock, _directory)) = start().await else {
            return;
        };
        let node = connect(&server).await;
        let mut ahead = 0;
        // A node may notice the jump before the call.
        eventually("it is late", async || {
            is_back(&node).await;
            ahead += JUMP;
            clock.set(ahead);
            let time = now();
            let session = Session::unknown();
            // Redis is told of both at once.
            let one = node.end(session.id, session.expires_at, time);
            let all = node.end_all(account("alice"), time + LIFETIME, time);
            let (one, all) = tokio::join!(one, all);
            one.is_ok() && all.is_err_and(|error| error.to_string().contains("too late"))
        })
        .await;
    });
}
