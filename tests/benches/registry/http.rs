//! What the layer costs an app that is asked over HTTP: two servers in one run, one of them behind the layer.

use std::{net::SocketAddr, sync::mpsc, thread, time::Instant};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
    routing::get,
};
use cas_layer::MemoryRegistry;
use rustix::time::{ClockId, clock_gettime};
use tokio::{net::TcpListener, runtime, task::JoinSet};

use crate::{
    client::Connection,
    figures::{median, quantile},
    site::Site,
};

const ROUNDS: usize = 100;

/// Requests of a block, over all connections.
const BLOCK: usize = 8_000;

const CONNECTIONS: usize = 8;

pub(crate) fn run() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let site = Site::new().await;
    let node = site.node(MemoryRegistry::default());
    let cookie = site.sign_in(&node).await.cookie;
    let bare = Router::new().route("/profile", get(async || "casuser".to_owned()));
    let servers = [serve(bare), serve(node)];
    let mut blocks = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for turn in 0..servers.len() {
            let index = (round + turn) % servers.len();
            let block = Block::send(servers[index], &cookie).await;
            // The first round warms up.
            if round > 0 {
                blocks[index].push(block);
            }
        }
    }

    println!("\n{ROUNDS} rounds of {BLOCK} requests each over {CONNECTIONS} connections\n");
    println!("| server | requests per second (median) | CPU of the server per request |");
    println!("| --- | ---: | ---: |");
    for (name, blocks) in ["bare router", "behind the layer"].iter().zip(&blocks) {
        let rate = median(&mut blocks.iter().map(|it| it.rate).collect::<Vec<_>>());
        let cpu = median(&mut blocks.iter().map(|it| it.cpu).collect::<Vec<_>>());
        println!("| {name} | {rate:.0} | {cpu:.0} ns |");
    }
    let [bare, protected] = &blocks;
    let pairs = bare.iter().zip(protected);
    let mut rates: Vec<f64> = pairs.map(|(bare, own)| own.rate / bare.rate).collect();
    let [lower, middle, upper] = [250, 500, 750].map(|at| quantile(&mut rates, at));
    println!("\nrequests per second, of the bare router's: {middle:.3} ({lower:.3} … {upper:.3})");
}

struct Block {
    /// Requests per second.
    rate: f64,
    /// Nanoseconds of the server's thread for each request.
    cpu: f64,
}

impl Block {
    async fn send(server: SocketAddr, cookie: &HeaderValue) -> Self {
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS {
            connections.spawn(Connection::to(server));
        }
        let mut connections = connections.join_all().await;
        let before = connections[0].number(get_from("/cpu", cookie)).await;
        let started = Instant::now();
        let mut sending = JoinSet::new();
        for mut connection in connections.drain(..) {
            let cookie = cookie.clone();
            sending.spawn(async move {
                for _ in 0..BLOCK / CONNECTIONS {
                    let status = connection.send(get_from("/profile", &cookie)).await;
                    assert_eq!(status, 200);
                }
                connection
            });
        }
        connections = sending.join_all().await;
        let seconds = started.elapsed().as_secs_f64();
        let after = connections[0].number(get_from("/cpu", cookie)).await;
        let requests = f64::from(u32::try_from(BLOCK).unwrap());
        Self {
            rate: requests / seconds,
            cpu: (after - before) / requests,
        }
    }
}

fn get_from(path: &'static str, cookie: &HeaderValue) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = axum::http::Uri::from_static(path);
    request.headers_mut().insert(header::COOKIE, cookie.clone());
    request
}

/// Serves an app on a thread of its own, which says at `/cpu` for how many nanoseconds it has worked.
fn serve(app: Router) -> SocketAddr {
    let app = app.route("/cpu", get(async || worked().to_string()));
    let (sender, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    address.recv().unwrap()
}

/// For how many nanoseconds this thread has worked.
pub(crate) fn worked() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap()
}
