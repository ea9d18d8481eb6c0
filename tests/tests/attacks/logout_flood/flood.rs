//! The strangers. Every request is made before the first is sent.

use std::{
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use flate2::{Compression, write::DeflateEncoder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime,
    task::JoinSet,
    time::{sleep, sleep_until},
};

use super::app::{FROM, message};

pub(super) const CONNECTIONS: u32 = 100;

/// Which part of the requests that the app could answer they send, and how many a second at most.
const PART: u32 = 4;
const A_SECOND: u32 = 2_000;

/// How many are sent to find out what the app can answer.
const TRIED: u64 = 400;

/// How many different requests there are of each kind.
const DIFFERENT: u64 = 1_024;

/// Where the requests go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Nowhere,
    /// The app whose registry is in memory.
    InMemory,
    App,
}

/// What was sent to the app, by its answer.
#[derive(Debug, Default)]
#[allow(dead_code, reason = "printed")]
pub(super) struct Sent {
    /// 200.
    pub(super) heard: u64,
    /// 400.
    refused: u64,
    /// 503.
    turned_away: u64,
}

pub(super) struct Flood {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

struct Shared {
    app: SocketAddr,
    in_memory: SocketAddr,
    pace: Mutex<Duration>,
    target: Mutex<Option<Target>>,
    requests: [Vec<Vec<u8>>; 3],
    tried: AtomicU64,
    heard: AtomicU64,
    refused: AtomicU64,
    turned_away: AtomicU64,
}

impl Flood {
    /// Connects, and finds the pace.
    pub(super) async fn start(app: SocketAddr, in_memory: SocketAddr) -> Self {
        let kinds: [fn(u64) -> Vec<u8>; 3] =
            [|n| front(n, 32), |n| back(n, 32), |n| front(n, 1_000)];
        let shared = Arc::new(Shared {
            app,
            in_memory,
            pace: Mutex::new(Duration::ZERO),
            target: Mutex::new(Some(Target::Nowhere)),
            requests: kinds.map(|kind| (0..DIFFERENT).map(kind).collect()),
            tried: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || run(&shared))
        };
        let flood = Self { shared, thread };
        flood.find_pace().await;
        flood
    }

    /// Finds out what the app can answer on this machine as it is now. How many a second are sent from here on.
    pub(super) async fn find_pace(&self) -> u128 {
        let shared = &self.shared;
        *shared.pace.lock().unwrap() = Duration::ZERO;
        self.aim(Target::InMemory);
        let tried = async |count| {
            let from = shared.tried.load(Ordering::SeqCst);
            while shared.tried.load(Ordering::SeqCst) < from + count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        // Until all of them are there.
        tried(TRIED).await;
        let started = Instant::now();
        tried(TRIED).await;
        let each = started.elapsed() / u32::try_from(TRIED).unwrap();
        let each = (each * PART).max(Duration::from_secs(1) / A_SECOND);
        *shared.pace.lock().unwrap() = each * CONNECTIONS;
        self.aim(Target::Nowhere);
        Duration::from_secs(1).as_nanos() / each.as_nanos()
    }

    pub(super) fn aim(&self, target: Target) {
        *self.shared.target.lock().unwrap() = Some(target);
    }

    /// How many were answered with 503 so far.
    pub(super) fn turned_away(&self) -> u64 {
        self.shared.turned_away.load(Ordering::SeqCst)
    }

    pub(super) fn stop(self) -> Sent {
        *self.shared.target.lock().unwrap() = None;
        self.thread.join().unwrap();
        let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
        Sent {
            heard: count(&self.shared.heard),
            refused: count(&self.shared.refused),
            turned_away: count(&self.shared.turned_away),
        }
    }
}

/// On one thread, so that half of a small machine is left to the app.
fn run(shared: &Arc<Shared>) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let mut connections = JoinSet::new();
        for n in 0..CONNECTIONS {
            connections.spawn(send(Arc::clone(shared), n.into()));
        }
        connections.join_all().await;
    });
}

async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn send(shared: Arc<Shared>, connection: u64) {
    let mut app = connect(shared.app).await;
    let mut in_memory = connect(shared.in_memory).await;
    let mut answer = Vec::new();
    let mut next = Instant::now();
    for n in connection.. {
        let pace = *shared.pace.lock().unwrap();
        // What could not be sent in time is not made up for. And not all send at once.
        next = (next + pace).max(Instant::now());
        sleep_until((next + pace / CONNECTIONS * u32::try_from(connection).unwrap()).into()).await;
        let target = *shared.target.lock().unwrap();
        let stream = match target {
            None => return,
            Some(Target::App) => &mut app,
            Some(Target::InMemory) => &mut in_memory,
            Some(Target::Nowhere) => {
                sleep(Duration::from_millis(5)).await;
                continue;
            }
        };
        // Each connection sends all kinds. The pace follows from those that are worth reading.
        let kinds = if pace.is_zero() { 2 } else { 3 };
        let kind = usize::try_from(n % kinds).unwrap();
        let number = usize::try_from((n * 37 + connection * 10) % DIFFERENT).unwrap();
        stream
            .write_all(&shared.requests[kind][number])
            .await
            .unwrap();
        let status = read_answer(stream, &mut answer).await;
        shared.tried.fetch_add(1, Ordering::SeqCst);
        if target == Some(Target::App) {
            let count = match status {
                200 => &shared.heard,
                400 => &shared.refused,
                503 => &shared.turned_away,
                other => panic!("a logout request was answered {other}"),
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Reads an answer to its end. Its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> u16 {
    answer.clear();
    loop {
        assert!(stream.read_buf(answer).await.unwrap() > 0, "an answer");
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .map_or(0, |length| length.trim().parse().unwrap());
        if answer.len() >= end + 4 + length {
            let status = head.split(' ').nth(1).unwrap();
            return status.parse().unwrap();
        }
    }
}

fn tickets(n: u64, count: u64) -> String {
    let tickets: Vec<String> = (0..count)
        .map(|i| {
            let random = (n * 1_000 + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            if count > 100 {
                // Of a length with which a thousand fit into 8 KB, and that no bound of inflation refuses.
                format!("{:06x}", random >> 40)
            } else {
                format!("ST-{i}-{random:016x}-cas")
            }
        })
        .collect();
    message(tickets.iter().map(String::as_str))
}

/// Through a browser, in a query.
fn front(n: u64, count: u64) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(tickets(n, count).as_bytes()).unwrap();
    let request = BASE64_STANDARD.encode(encoder.finish().unwrap());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", &request)
        .finish();
    format!(
        "GET /login?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{FROM}: {}\r\n\r\n",
        address(n)
    )
    .into_bytes()
}

/// As a CAS server does, in a form.
fn back(n: u64, count: u64) -> Vec<u8> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("logoutRequest", &tickets(n, count))
        .finish();
    format!(
        "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n{FROM}: {}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        address(n),
        form.len()
    )
    .into_bytes()
}

/// They have a few addresses.
fn address(n: u64) -> String {
    format!("198.51.100.{}", n % 8)
}
