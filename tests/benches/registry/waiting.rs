//! What 10,000 connections cost that wait for the end of their sessions, and nothing happens.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, header},
};
use cas_layer::MemoryRegistry;
use rustix::time::{ClockId, clock_gettime};
use tokio::{runtime, sync::Semaphore, task::JoinSet, time::sleep};

use crate::site::{Site, answer};

const WAITING: u32 = 10_000;

const QUIET: Duration = Duration::from_secs(20);

pub(crate) fn run() {
    let runtime = runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let site = Site::new().await;
        let waits = Arc::new(Semaphore::new(0));
        let node = site.node_that_counts(MemoryRegistry::default(), Arc::clone(&waits));
        let cookie = site.sign_in(&node).await.cookie;
        let mut waiting = JoinSet::new();
        for _ in 0..WAITING {
            let (node, cookie) = (node.clone(), cookie.clone());
            waiting.spawn(async move {
                let request = Request::get("/until_ended").header(header::COOKIE, cookie);
                answer(&node, request, Body::empty()).await
            });
        }
        let _all = waits.acquire_many(WAITING).await.unwrap();
        // They begin to wait just after they have counted.
        sleep(Duration::from_secs(1)).await;
        let before = worked();
        sleep(QUIET).await;
        let worked = worked().saturating_sub(before);
        println!(
            "\n{WAITING} wait: {:.3} % of a core in {QUIET:?}",
            100.0 * worked.as_secs_f64() / QUIET.as_secs_f64()
        );
        waiting.shutdown().await;
    });
}

/// How long this process has worked.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}
