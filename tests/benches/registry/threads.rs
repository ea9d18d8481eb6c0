//! What a request costs when many threads ask at once, of one node and so of one cache of cookies.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
};
use cas_layer::MemoryRegistry;
use tokio::{runtime, task::coop::unconstrained};
use tower::ServiceExt as _;

use crate::{figures::median, http::worked, site::Site};

const ROUNDS: usize = 20;
const REQUESTS: u32 = 100_000;
const THREADS: [usize; 3] = [1, 2, 8];

pub(crate) fn run() {
    let runtime = runtime::Runtime::new().unwrap();
    let (node, cookies) = runtime.block_on(async {
        let site = Site::new().await;
        let node = site.node(MemoryRegistry::default());
        let mut cookies = Vec::new();
        for _ in 0..8 {
            cookies.push(site.sign_in(&node).await.cookie);
        }
        (node, cookies)
    });
    for (whose, cookies) in [
        ("one session", &cookies[..1]),
        ("a session each", &cookies[..]),
    ] {
        let mut times = THREADS.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (count, times) in THREADS.iter().zip(&mut times) {
                times.push(round(*count, &node, cookies));
            }
        }
        println!("\n{whose}: CPU per request, medians of {ROUNDS} rounds in turn\n");
        println!("| threads | ns | of one thread's |");
        println!("| --- | ---: | ---: |");
        let medians = times.map(|mut times| median(&mut times));
        for (count, time) in THREADS.iter().zip(medians) {
            println!("| {count} | {time:.0} | {:.2} |", time / medians[0]);
        }
    }
}

/// The nanoseconds of CPU that each request takes, if so many threads ask at once.
fn round(threads: usize, node: &Router, cookies: &[HeaderValue]) -> f64 {
    let start = Arc::new(Barrier::new(threads));
    let asking: Vec<_> = (0..threads)
        .map(|thread| {
            let (node, start) = (node.clone(), Arc::clone(&start));
            let cookie = cookies[thread % cookies.len()].clone();
            thread::spawn(move || ask(&node, &cookie, &start))
        })
        .collect();
    let each = asking.into_iter().map(|thread| thread.join().unwrap());
    let all: u64 = each.sum();
    let requests = u32::try_from(threads).unwrap() * REQUESTS;
    f64::from(u32::try_from(all / u64::from(requests / 1_000)).unwrap()) / 1_000.0
}

fn ask(node: &Router, cookie: &HeaderValue, start: &Barrier) -> u64 {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(unconstrained(async {
        start.wait();
        let before = worked();
        for _ in 0..REQUESTS {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = axum::http::Uri::from_static("/profile");
            request.headers_mut().insert(header::COOKIE, cookie.clone());
            let Ok(response) = node.clone().oneshot(request).await;
            assert_eq!(response.status(), 200);
        }
        worked() - before
    }))
}
