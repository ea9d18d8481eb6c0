//! A CAS server of two nodes: people sign in while one of them is down, and no ticket is shown to both.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use cas_layer::{CasConfigBuilder, testing::ManualClock};
use cas_layer_tests::{
    listening::{Listening, heard},
    tls::Authority,
};
use futures_util::future::join_all;
use metrics::set_default_local_recorder;
use metrics_util::debugging::DebuggingRecorder;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
};

use crate::{browser::Browser, metrics::counted, support::App};

/// How long a node rests.
const REST: Duration = Duration::from_secs(30);

/// A node that leads to the embedded server, once it is up.
#[derive(Clone)]
struct Node {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    /// Bound, so that nobody else gets its port, and refuses connections as long as it does not listen.
    socket: Mutex<Option<TcpSocket>>,
    server: OnceLock<SocketAddr>,
    manner: Mutex<Manner>,
    tickets: Mutex<Vec<String>>,
}

/// What a node does with a request that it has read.
#[derive(Clone, Copy)]
enum Manner {
    Answers,
    ClosesTheConnection,
    SaysNothing,
}

impl Node {
    fn down() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(State {
            socket: Mutex::new(Some(socket)),
            server: OnceLock::new(),
            manner: Mutex::new(Manner::Answers),
            tickets: Mutex::default(),
        });
        Self { address, state }
    }

    fn up(manner: Manner) -> Self {
        let node = Self::down();
        node.behaves(manner);
        node.start();
        node
    }

    fn behaves(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    fn start(&self) {
        let socket = self.state.socket.lock().unwrap().take().unwrap();
        let (listener, node) = (socket.listen(64).unwrap(), self.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let node = node.clone();
                tokio::spawn(async move { node.serve(stream).await });
            }
        });
    }

    fn url(&self) -> String {
        format!("http://{}/cas", self.address)
    }

    /// The tickets that were shown to it.
    fn tickets(&self) -> Vec<String> {
        self.state.tickets.lock().unwrap().clone()
    }

    /// Serves one request.
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.ok()?);
        }
        let text = String::from_utf8(request).unwrap();
        let ticket = text.split("ticket=").nth(1).unwrap();
        let ticket = ticket.split(['&', ' ']).next().unwrap().to_owned();
        self.state.tickets.lock().unwrap().push(ticket);
        let manner = *self.state.manner.lock().unwrap();
        match manner {
            Manner::Answers => {
                let mut server = TcpStream::connect(self.state.server.get()?).await.ok()?;
                // The next request comes over another connection, and is read here too.
                let request = text.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
                server.write_all(request.as_bytes()).await.ok()?;
                copy_bidirectional(&mut stream, &mut server).await.ok()?;
            }
            Manner::ClosesTheConnection => {}
            Manner::SaysNothing => std::future::pending().await,
        }
        Some(())
    }
}

/// An app that asks these nodes, which lead to one CAS server.
async fn app(
    main: &str,
    fallback: &str,
    nodes: &[&Node],
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> App {
    let app = App::with(|config| {
        configure(config.client(|client| client.internal_url(main).fallback_url(fallback)))
    })
    .await;
    assert!(app.cas.url().ends_with("/cas"));
    for node in nodes {
        node.state.server.set(app.cas.addr()).unwrap();
    }
    app
}

async fn two(
    first: &Node,
    second: &Node,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> App {
    app(&first.url(), &second.url(), &[first, second], configure).await
}

/// Somebody new signs in.
async fn signs_in(app: &App) {
    let mut browser = Browser::new();
    let answer = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(answer.location(), "/profile", "{}", answer.body);
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

/// Somebody new is told that it did not work, with this status.
async fn is_turned_away(app: &App, status: u16) {
    let mut browser = Browser::new();
    let answer = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(
        answer.body.contains("cannot be reached at the moment") || status == 504,
        "{}",
        answer.body
    );
    assert!(!browser.has_session());
}

/// The one line about a node with this state.
#[track_caller]
fn line(state: &str) -> String {
    let (text, state) = (heard(), format!("state=\"{state}\""));
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("event=\"cas-node\"") && line.contains(&state))
        .collect();
    let [line] = lines[..] else {
        panic!("{state}: {lines:?}");
    };
    line.to_owned()
}

#[tokio::test]
async fn people_sign_in_at_the_second_node_until_the_first_is_back() {
    let recorder = DebuggingRecorder::new();
    let _recording = set_default_local_recorder(&recorder);
    let _listening = Listening::start();
    let (first, second) = (Node::down(), Node::up(Manner::Answers));
    let clock = ManualClock::new();
    let app = two(&first, &second, |config| config.clock(clock.clone())).await;

    signs_in(&app).await;
    signs_in(&app).await;
    assert_eq!(second.tickets().len(), 2);
    let left = line("left");
    for part in [
        "WARN".to_owned(),
        "node=\"1\"".to_owned(),
        format!("cas_server=\"{}\"", first.address),
        "Connection refused".to_owned(),
    ] {
        assert!(left.contains(&part), "{left}");
    }

    // It rests, though it could be asked again.
    first.start();
    clock.advance(REST / 2);
    signs_in(&app).await;
    assert_eq!((first.tickets().len(), second.tickets().len()), (0, 3));
    clock.advance(REST / 2);
    signs_in(&app).await;
    signs_in(&app).await;
    assert_eq!((first.tickets().len(), second.tickets().len()), (2, 3));
    let back = line("back");
    assert!(
        back.contains("node=\"1\"") && back.contains("seconds=30"),
        "{back}"
    );
    let counts = counted(&recorder.snapshotter());
    for (name, count) in [
        ("cas_nodes_total node=1 state=left", 1),
        ("cas_nodes_total node=1 state=back", 1),
        ("validation_seconds result=ok", 5),
        ("sign_ins_total result=signed-in", 5),
    ] {
        assert_eq!(counts.get(name), Some(&count), "{name} in {counts:?}");
    }
}

#[tokio::test]
async fn a_ticket_that_was_sent_is_shown_to_no_other_node() {
    for (manner, status) in [
        (Manner::ClosesTheConnection, 502),
        (Manner::SaysNothing, 504),
    ] {
        let _listening = Listening::start();
        let (first, second) = (Node::up(manner), Node::up(Manner::Answers));
        let limit = |config: CasConfigBuilder| {
            config.client(|client| client.timeout(Duration::from_secs(2)))
        };
        let app = two(&first, &second, limit).await;
        is_turned_away(&app, status).await;
        assert_eq!(first.tickets().len(), 1);
        assert_eq!(second.tickets().len(), 0);
        assert_eq!(app.cas.validations(), 0);
        let asked = format!("cas_server=\"{}\"", first.address);
        let log = heard();
        let mut refused = log
            .lines()
            .filter(|line| line.contains("event=\"refused\""));
        assert!(refused.next().unwrap().contains(&asked), "{log}");
        // No ticket of anybody is in the log of the layer.
        for line in log.lines().filter(|line| line.contains(" cas_layer: ")) {
            assert!(!line.contains(&first.tickets()[0]), "{line}");
        }
        // But who comes next is not sent there.
        signs_in(&app).await;
        assert_eq!((first.tickets().len(), second.tickets().len()), (1, 1));
        assert!(line("left").contains(&asked));
    }
}

#[tokio::test]
async fn a_node_that_hangs_in_the_tls_handshake_leaves_time_for_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/cas", listener.local_addr().unwrap());
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let second = Node::up(Manner::Answers);
    // Of these 3 seconds it gets one.
    let limit = Duration::from_secs(3);
    let limits = |config: CasConfigBuilder| {
        config.client(|client| client.connect_timeout(limit).timeout(limit))
    };
    let app = app(&url, &second.url(), &[&second], limits).await;
    signs_in(&app).await;
    let [ticket] = &second.tickets()[..] else {
        panic!("one ticket");
    };
    let heard = silent.await.unwrap();
    assert!(!String::from_utf8_lossy(&heard).contains(ticket));
}

#[tokio::test]
async fn a_node_with_the_certificate_of_another_host_is_shown_no_ticket() {
    let _listening = Listening::start();
    let authority = Authority::new();
    let (wrong, second) = (Node::up(Manner::Answers), Node::up(Manner::Answers));
    // Its certificate is for 127.0.0.1, and trusted.
    let front = authority.front().await;
    front.pass_on_to(&wrong.address.to_string());
    let url = front.url("/cas");
    let trusted = |config: CasConfigBuilder| {
        config.client(|client| client.add_root_certificate_pem(authority.pem()))
    };
    let good = app(&url, &second.url(), &[&wrong, &second], trusted).await;
    signs_in(&good).await;
    assert_eq!((wrong.tickets().len(), second.tickets().len()), (1, 0));

    let url = url.replace("127.0.0.1", "localhost");
    let (wrong, second) = (Node::up(Manner::Answers), Node::up(Manner::Answers));
    let app = app(&url, &second.url(), &[&wrong, &second], trusted).await;
    signs_in(&app).await;
    signs_in(&app).await;
    assert_eq!((wrong.tickets().len(), second.tickets().len()), (0, 2));
    let left = line("left");
    assert!(left.contains("it is for another name"), "{left}");
}

#[tokio::test]
async fn where_no_node_is_up_people_are_told_so_and_sign_in_as_soon_as_one_is() {
    let _listening = Listening::start();
    let (first, second) = (Node::down(), Node::down());
    let app = two(&first, &second, |config| config).await;
    is_turned_away(&app, 502).await;
    is_turned_away(&app, 502).await;
    let log = heard();
    assert!(log.contains("reason=\"cas-unreachable\""), "{log}");
    assert!(!log.contains("event=\"cas-server\""), "{log}");
    let left = |node: u8| log.matches(&format!("node=\"{node}\"")).count();
    assert_eq!((left(1), left(2)), (1, 1), "{log}");
    // All rest, so all are asked.
    second.start();
    signs_in(&app).await;
    assert_eq!((first.tickets().len(), second.tickets().len()), (0, 1));
}

/// Five time-outs in a row, with no answer in between, are a server that is away. One node is not the server.
#[tokio::test]
async fn a_node_that_hangs_does_not_take_the_server_away() {
    let _listening = Listening::start();
    let (first, second) = (Node::up(Manner::SaysNothing), Node::up(Manner::Answers));
    let clock = ManualClock::new();
    let impatient = |config: CasConfigBuilder| {
        let config = config.client(|client| client.timeout(Duration::from_secs(4)));
        config.clock(clock.clone())
    };
    let app = two(&first, &second, impatient).await;
    // All of them come before the first has waited in vain.
    let hanging = (0..6).map(|_| is_turned_away(&app, 504));
    join_all(hanging).await;
    assert_eq!(first.tickets().len(), 6);
    signs_in(&app).await;
    assert!(!heard().contains("event=\"cas-server\""));
    line("left");
}
