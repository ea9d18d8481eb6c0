//! What 2,000 logout requests a second for sessions that nobody opened do to those who have signed in.
//!
//! Over sockets of this machine. Phases with and without the flood take turns, so that both see the same machine.

use std::{
    fs,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
};
use cas_layer::{MemoryRegistry, RedisRegistry, registry::Registry};
use cas_layer_tests::redis::RedisServer;
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    task::JoinSet,
    time::{Interval, interval},
};

use crate::{
    client::Connection,
    figures::{median, quantile, ratio},
    site::{SignedIn, Site, logout_form, logout_request},
};

const PHASE: Duration = Duration::from_secs(2);
const ROUNDS: usize = 9;

/// Connections of people, who ask again when they are answered.
const PEOPLE: usize = 4;

/// Connections of the flood.
const SENDERS: u32 = 8;
const A_SECOND: u32 = 2_000;

pub(crate) fn run() {
    println!(
        "\n{ROUNDS} phases of {PHASE:?} each, {PEOPLE} connections; µs per request; medians of the phases\n"
    );
    println!(
        "| registry | requests/s | median | p99 | requests/s, flooded | median | p99 | median, ratio | p99, ratio \
         | logout requests/s | memory before | after |"
    );
    println!("| --- |{}", " ---: |".repeat(11));
    let runtime = Runtime::new().unwrap();
    let site = runtime.block_on(Site::new());
    measure("memory", &runtime, &site, &MemoryRegistry::default());
    if RedisServer::program().is_none() {
        println!("\nleft out: Redis, as there is no redis-server");
        return;
    }
    let server = runtime.block_on(RedisServer::start());
    let registry = runtime.block_on(async {
        // A new Redis keeps unknown logouts for some hours, as they may be among those that it lost.
        drop(RedisRegistry::connect(server.url()).await.unwrap());
        server
            .command::<()>(&["DEL", "{cas-layer}:recovering"])
            .await;
        RedisRegistry::connect(server.url()).await.unwrap()
    });
    measure("Redis", &runtime, &site, &registry);
}

fn measure(name: &str, server: &Runtime, site: &Site, registry: &(impl Registry + Clone)) {
    let node = site.node(registry.clone());
    let (visitor, address) = server.block_on(async {
        let visitor = site.sign_in(&node).await;
        (visitor, serve(node).await)
    });
    let mut flood = Flood { address, next: 0 };
    // Everything has been used once before memory is looked at.
    phase(address, &visitor, None);
    phase(address, &visitor, Some(&mut flood));
    let before = resident();

    let (mut quiet, mut flooded) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            quiet.push(phase(address, &visitor, None));
            flooded.push(phase(address, &visitor, Some(&mut flood)));
        } else {
            flooded.push(phase(address, &visitor, Some(&mut flood)));
            quiet.push(phase(address, &visitor, None));
        }
    }
    let after = resident();
    assert!(registry.ended().is_empty());

    let of = |phases: &[Phase], figure: fn(&Phase) -> f64| {
        let mut figures: Vec<f64> = phases.iter().map(figure).collect();
        median(&mut figures)
    };
    let ratio_of = |figure: fn(&Phase) -> f64| {
        let pairs = flooded.iter().zip(&quiet);
        let mut ratios: Vec<f64> = pairs
            .map(|(with, without)| figure(with) / figure(without))
            .collect();
        median(&mut ratios)
    };
    print!("| {name} |");
    for phases in [&quiet, &flooded] {
        for figure in [
            |p: &Phase| p.a_second,
            |p: &Phase| p.median,
            |p: &Phase| p.p99,
        ] {
            print!(" {:.0} |", of(phases, figure));
        }
    }
    println!(
        " {:.2} | {:.2} | {:.0} | {} | {} |",
        ratio_of(|phase| phase.median),
        ratio_of(|phase| phase.p99),
        of(&flooded, |phase| phase.flood_a_second),
        before.as_deref().unwrap_or("?"),
        after.as_deref().unwrap_or("?"),
    );
}

async fn serve(node: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, node).await });
    address
}

/// How one phase went for people.
struct Phase {
    a_second: f64,
    median: f64,
    p99: f64,
    flood_a_second: f64,
}

struct Flood {
    address: SocketAddr,
    /// The number of a ticket that was not sent yet, nor any after it.
    next: u32,
}

/// People on one thread, the flood on another.
fn phase(address: SocketAddr, visitor: &SignedIn, flood: Option<&mut Flood>) -> Phase {
    let until = Instant::now() + PHASE;
    let (mut times, sent) = thread::scope(|threads| {
        let flood = flood.map(|flood| threads.spawn(move || on_this_thread(flood.run(until))));
        let times = on_this_thread(people(address, &visitor.cookie, until));
        (times, flood.map_or(0, |flood| flood.join().unwrap()))
    });
    let count = i64::try_from(times.len()).unwrap();
    Phase {
        a_second: ratio(count, 1) / PHASE.as_secs_f64(),
        median: median(&mut times),
        p99: quantile(&mut times, 990),
        flood_a_second: f64::from(sent) / PHASE.as_secs_f64(),
    }
}

fn on_this_thread<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// How many microseconds each request took.
async fn people(address: SocketAddr, cookie: &HeaderValue, until: Instant) -> Vec<f64> {
    let mut people = JoinSet::new();
    for _ in 0..PEOPLE {
        let cookie = cookie.clone();
        people.spawn(async move {
            let mut connection = Connection::to(address).await;
            let mut times = Vec::new();
            while Instant::now() < until {
                let request = Request::get("/profile").header(header::COOKIE, &cookie);
                let request = request.body(Body::empty()).unwrap();
                let started = Instant::now();
                let status = connection.send(request).await;
                times.push(started.elapsed().as_secs_f64() * 1e6);
                assert_eq!(status, StatusCode::OK);
            }
            times
        });
    }
    people.join_all().await.concat()
}

impl Flood {
    /// Sends requests at an even pace, none of them twice. How many there were.
    async fn run(&mut self, until: Instant) -> u32 {
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            let (address, from) = (self.address, self.next + sender);
            senders.spawn(async move {
                let mut connection = Connection::to(address).await;
                let mut pace: Interval = interval(Duration::from_secs(1) * SENDERS / A_SECOND);
                let mut sent = 0;
                while Instant::now() < until {
                    pace.tick().await;
                    let ticket = format!("ST-{}-nobodyHasEverUsedThis-cas", from + sent * SENDERS);
                    let request = logout_request().body(Body::from(logout_form(&ticket)));
                    let status = connection.send(request.unwrap()).await;
                    assert_eq!(status, StatusCode::OK);
                    sent += 1;
                }
                sent
            });
        }
        let sent = senders.join_all().await;
        self.next += sent.iter().max().unwrap() * SENDERS;
        sent.iter().sum()
    }
}

/// The memory of this process, as the system says it.
fn resident() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map(|size| size.trim().to_owned())
}
