//! Redis dies in the flood. No times are compared.

use std::time::Duration;

use cas_layer::{RedisRegistry, registry::Registry};
use cas_layer_tests::{redis::RedisServer, suite::eventually};
use tokio::time::sleep;

use super::{
    LOGOUTS,
    app::App,
    flood::{CONNECTIONS, Flood, Target},
    phase,
};

pub(super) async fn a_redis_that_dies_in_the_flood_loses_no_single_logout() {
    let mut server = RedisServer::start().await;
    let registry = RedisRegistry::builder(server.url())
        .timeout(Duration::from_secs(5))
        .connect()
        .await
        .unwrap();
    let app = App::start(registry.clone(), true).await;
    let flood = Flood::start(app.address(), app.in_memory()).await;
    flood.aim(Target::App);
    let mut before = phase(&app, Duration::from_secs(5)).await;
    while before.signed_in.len() < LOGOUTS {
        before.sign_in(&app).await;
    }
    let mut live = before.signed_in.split_off(LOGOUTS / 2);
    let mut signed_out = before.signed_in;

    server.kill().await;
    while app.sign_in().await.is_ok() {}
    // The flood has taken all the room that it finds before the first of them comes: more of it is turned away than what was
    // under way, and what waits for as long as it may.
    let before = flood.turned_away();
    eventually("the flood is turned away", async || {
        flood.turned_away() > before + 2 * u64::from(CONNECTIONS)
    })
    .await;
    for session in &signed_out {
        let status = app.log_out_by_server(session).await;
        assert_eq!(status, 503, "what waits for Redis is no success");
    }
    sleep(Duration::from_secs(3)).await;
    server.restart().await;
    eventually("somebody can sign in", async || app.sign_in().await.is_ok()).await;

    let after = phase(&app, Duration::from_secs(5)).await;
    assert_eq!(after.failed, 0, "of {} sign-ins", after.times.len());
    for (n, session) in live.drain(..LOGOUTS / 2).enumerate() {
        app.log_out(&session, n).await;
        signed_out.push(session);
    }
    let sent = flood.stop();
    println!("\n{sent:?}");
    live.extend(after.signed_in);
    // On a node that knows nothing but what Redis has, too.
    let other = RedisRegistry::builder(server.url())
        .timeout(Duration::from_secs(5))
        .connect()
        .await
        .unwrap();
    let other = app.another(other).await;
    for node in [&app, &other] {
        assert_eq!(node.count_live(&signed_out).await, 0);
        assert_eq!(node.count_live(&live).await, live.len());
    }
    assert!(registry.is_current());
}
