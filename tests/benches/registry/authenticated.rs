//! What a request of somebody who has signed in costs, by what the registry knows.
//!
//! All nodes answer the same requests, in turn, in blocks; times are compared within a round alone.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
};
use cas_layer::{
    MemoryRegistry,
    registry::{AccountId, Registry as _},
};
use tokio::{runtime, task::coop::unconstrained};
use tower::ServiceExt as _;

use crate::{
    figures::{median, quantile},
    sessions::{end_one, expires_at, now, open_one},
    site::{Site, is_signed_in},
};

/// Of each node, in each comparison.
const REQUESTS: usize = 2_000_000;

/// A block is each session once, but not less than this.
const LEAST: usize = 1_000;

/// So many that neither the cookies nor their places in the registry stay in the fastest cache.
const SESSIONS: usize = 10_000;

const OPENED: u64 = 1_000_000;
const ENDED: u64 = 100_000;

pub(crate) fn run() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(unconstrained(measure()));
}

async fn measure() {
    let site = Site::new().await;
    let account = registry_with(0, ENDED).await;
    account
        .end_all(
            AccountId::of("https://cas", "somebody else"),
            expires_at(),
            now(),
        )
        .await
        .unwrap();
    let nodes = [
        ("empty", site.node(MemoryRegistry::default())),
        ("empty, a second one", site.node(MemoryRegistry::default())),
        (
            "1,000,000 opened, 100,000 ended",
            site.node(registry_with(OPENED, ENDED).await),
        ),
        (
            "100,000 ended, and an account as a whole",
            site.node(account),
        ),
    ];
    let mut cookies = Vec::with_capacity(SESSIONS);
    for _ in 0..SESSIONS {
        cookies.push(site.sign_in(&nodes[0].1).await.cookie);
    }
    for (_, node) in &nodes {
        assert!(is_signed_in(node, &cookies[0]).await);
    }
    compare("one session, over and over", &nodes, &cookies[..1]).await;
    compare("10,000 sessions, in turn", &nodes, &cookies).await;
}

async fn registry_with(opened: u64, ended: u64) -> MemoryRegistry {
    let registry = MemoryRegistry::default();
    // Mixed, as they come.
    let every = opened.max(ended) / ended;
    for n in 0..opened.max(ended) {
        if opened > 0 {
            open_one(&registry, n).await;
        }
        if n % every == 0 {
            end_one(&registry, OPENED + n).await;
        }
    }
    assert_eq!(registry.ended().len() as u64, ended);
    registry
}

async fn compare(whose: &str, nodes: &[(&str, Router)], cookies: &[HeaderValue]) {
    let size = cookies.len().max(LEAST);
    let rounds = REQUESTS / size;
    for (_, node) in nodes {
        block(node, cookies, size).await;
    }
    let mut nanoseconds = vec![Vec::with_capacity(rounds); nodes.len()];
    for round in 0..rounds {
        for turn in 0..nodes.len() {
            let index = (round + turn) % nodes.len();
            let took = block(&nodes[index].1, cookies, size).await;
            let each = took / u32::try_from(size).unwrap();
            nanoseconds[index].push(f64::from(u32::try_from(each.as_nanos()).unwrap()));
        }
    }

    println!("\n{whose}: {rounds} rounds of {size} requests each; medians; ns per request\n");
    println!("| the registry knows | ns | of empty | (quartiles) |");
    println!("| --- | ---: | ---: | ---: |");
    for (index, (name, _)) in nodes.iter().enumerate() {
        let pairs = nanoseconds[index].iter().zip(&nanoseconds[0]);
        let mut ratios: Vec<f64> = pairs.map(|(own, empty)| own / empty).collect();
        let [lower, middle, upper] = [250, 500, 750].map(|at| quantile(&mut ratios, at));
        println!(
            "| {name} | {:.0} | {middle:.3} | {lower:.3} … {upper:.3} |",
            median(&mut nanoseconds[index].clone())
        );
    }
}

async fn block(node: &Router, cookies: &[HeaderValue], size: usize) -> Duration {
    let start = Instant::now();
    for cookie in cookies.iter().cycle().take(size) {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = axum::http::Uri::from_static("/profile");
        request.headers_mut().insert(header::COOKIE, cookie.clone());
        // A clone per request is what `axum::serve` does.
        let Ok(response) = node.clone().oneshot(request).await;
        black_box(response);
    }
    start.elapsed()
}
