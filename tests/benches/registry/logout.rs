//! How soon a logout is in force on three nodes.
//!
//! Three nodes, each with its own connections to one Redis that writes to the disk before it answers. The CAS server's
//! message goes to one. On each, somebody waits for the end of the session.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use cas_layer::RedisRegistry;
use cas_layer_tests::redis::RedisServer;
use tokio::{runtime::Runtime, sync::Semaphore, task::JoinSet};

use crate::{
    figures::print_times,
    site::{Site, answer, is_signed_in, logout_form, logout_request},
};

const NODES: usize = 3;
const LOGOUTS: usize = 100;

pub(crate) fn run() {
    if RedisServer::program().is_none() {
        println!("\nleft out, as there is no redis-server");
        return;
    }
    Runtime::new().unwrap().block_on(measure());
}

async fn measure() {
    let server = RedisServer::start().await;
    let site = Site::new().await;
    let waiting = Arc::new(Semaphore::new(0));
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        let registry = RedisRegistry::connect(server.url()).await.unwrap();
        nodes.push(site.node_that_counts(registry, Arc::clone(&waiting)));
    }

    let (mut reached, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..LOGOUTS {
        let visitor = site.sign_in(&nodes[0]).await;
        let mut ends = JoinSet::new();
        for node in nodes.clone() {
            let cookie = visitor.cookie.clone();
            ends.spawn(async move {
                let request = Request::get("/until_ended").header(header::COOKIE, cookie);
                let response = answer(&node, request, Body::empty()).await;
                assert_eq!(response.status(), StatusCode::OK);
                Instant::now()
            });
        }
        let all = waiting.acquire_many(u32::try_from(NODES).unwrap()).await;
        all.unwrap().forget();

        let form = Body::from(logout_form(&visitor.ticket));
        let started = Instant::now();
        let response = answer(&nodes[0], logout_request(), form).await;
        answered.push(started.elapsed());
        assert_eq!(response.status(), StatusCode::OK);
        let last = ends.join_all().await.into_iter().max().unwrap();
        reached.push(last - started);
        for node in &nodes {
            assert!(!is_signed_in(node, &visitor.cookie).await);
        }
    }
    println!();
    print_times("from the message until all three nodes refuse", reached);
    print_times("from the message until it is answered", answered);
}
