use std::{
    net::Ipv4Addr,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use super::*;

const NEVER: Duration = Duration::from_secs(3600);

fn times(fresh: Duration, patience: Duration) -> Times {
    Times {
        fresh,
        patience,
        usable: NEVER,
    }
}

fn address(last: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, last), 0).into()
}

/// A name server: each look-up waits for what it is to answer.
struct NameServer {
    answers: mpsc::Sender<io::Result<Vec<SocketAddr>>>,
    asked: Arc<AtomicUsize>,
    resolver: Resolver,
}

impl NameServer {
    fn with(times: Times) -> Self {
        let (answers, next) = mpsc::channel();
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, next) = (Arc::clone(&asked), Mutex::new(next));
        let resolver = Resolver::by(times, move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let next = next.lock().unwrap();
            // Without the other end, the test is over.
            next.recv().unwrap_or_else(|_| Ok(vec![address(0)]))
        });
        Self {
            answers,
            asked,
            resolver,
        }
    }

    fn answer(&self, answer: io::Result<Vec<SocketAddr>>) {
        self.answers.send(answer).unwrap();
    }

    fn resolve(&self) -> Resolving {
        self.resolver.resolve("cas.example.org".parse().unwrap())
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let resolved = timeout(Duration::from_secs(60), self.resolve());
        let resolved = resolved.await.expect("it hangs");
        resolved.map(Iterator::collect).map_err(|e| e.to_string())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn an_answer_counts_for_a_while() {
    let server = NameServer::with(times(NEVER, NEVER));
    server.answer(Ok(vec![address(1), address(2)]));
    for _ in 0..3 {
        let addresses = server.addresses().await;
        assert_eq!(addresses, Ok(vec![address(1), address(2)]));
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_name_is_looked_up_once_at_a_time_however_many_wait_and_go_away() {
    let server = NameServer::with(times(NEVER, NEVER));
    for _ in 0..100 {
        let gave_up = timeout(Duration::from_millis(1), server.resolve()).await;
        assert!(gave_up.is_err());
    }
    let waiting: Vec<_> = (0..100).map(|_| tokio::spawn(server.resolve())).collect();
    server.answer(Ok(vec![address(1)]));
    for waiting in waiting {
        let addresses = waiting.await.unwrap().unwrap();
        assert_eq!(addresses.collect::<Vec<_>>(), [address(1)]);
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn while_the_name_server_is_silent_or_fails_the_last_answer_is_used() {
    let server = NameServer::with(times(Duration::ZERO, Duration::from_millis(1)));
    server.answer(Ok(vec![address(1)]));
    assert_eq!(server.addresses().await, Ok(vec![address(1)]));
    // Silent.
    for _ in 0..100 {
        assert_eq!(server.addresses().await, Ok(vec![address(1)]));
    }
    assert_eq!(server.asked(), 2);
    // It fails, and then it has moved.
    let server = NameServer::with(times(Duration::ZERO, NEVER));
    server.answer(Ok(vec![address(1)]));
    assert_eq!(server.addresses().await, Ok(vec![address(1)]));
    for failure in [Err(io::Error::other("SERVFAIL")), Ok(Vec::new())] {
        server.answer(failure);
        assert_eq!(server.addresses().await, Ok(vec![address(1)]));
    }
    server.answer(Ok(vec![address(2)]));
    assert_eq!(server.addresses().await, Ok(vec![address(2)]));
}

#[tokio::test]
async fn an_answer_that_is_too_old_is_not_used() {
    let server = NameServer::with(Times {
        fresh: Duration::ZERO,
        patience: NEVER,
        usable: Duration::ZERO,
    });
    server.answer(Ok(vec![address(1)]));
    assert_eq!(server.addresses().await, Ok(vec![address(1)]));
    server.answer(Err(io::Error::other("SERVFAIL")));
    assert_eq!(server.addresses().await, Err("SERVFAIL".to_owned()));
}

#[tokio::test]
async fn a_failure_is_told_and_the_next_one_asks_again() {
    let server = NameServer::with(times(NEVER, NEVER));
    server.answer(Err(io::Error::other("NXDOMAIN")));
    assert_eq!(server.addresses().await, Err("NXDOMAIN".to_owned()));
    server.answer(Ok(vec![address(1)]));
    assert_eq!(server.addresses().await, Ok(vec![address(1)]));
}

#[tokio::test]
async fn names_are_looked_up_beside_each_other_and_one_that_panics_is_asked_again() {
    let count = AtomicUsize::new(0);
    let resolver = Resolver::by(times(NEVER, NEVER), move |name| match name {
        "silent.example.org" => loop {
            thread::park();
        },
        _ if count.fetch_add(1, Ordering::SeqCst) == 0 => panic!("as a test"),
        _ => Ok(vec![address(1)]),
    });
    let silent = resolver.resolve("silent.example.org".parse().unwrap());
    assert!(timeout(Duration::from_millis(1), silent).await.is_err());
    let other = || resolver.resolve("other.example.org".parse().unwrap());
    assert!(other().await.is_err());
    assert_eq!(other().await.unwrap().collect::<Vec<_>>(), [address(1)]);
}

/// The operating system's look-up blocks for as long as it likes: the runtime's threads for blocking work are not its.
#[test]
fn a_look_up_takes_no_thread_of_the_runtime_and_does_not_hold_up_its_end() {
    let server = NameServer::with(times(NEVER, NEVER));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        assert!(
            timeout(Duration::from_millis(1), server.resolve())
                .await
                .is_err()
        );
        let other = tokio::task::spawn_blocking(|| 1);
        assert_eq!(
            timeout(Duration::from_secs(60), other)
                .await
                .unwrap()
                .unwrap(),
            1
        );
    });
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        drop(runtime);
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(60)).unwrap();
}
