//! Several nodes of one CAS server. Each test says which node has seen a ticket, and which has not.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::logs::Events;
use super::server::{Answer, Server, ok, read_request};
use super::{ALICE, builder, failure, or_hang, validate};
use crate::{
    CasClient, CasClientBuilder, ConfigError, Password, Protocol, ProxyGrantingTicket,
    ProxyTicketErrorKind, RestErrorKind, ServiceUrl, ValidationErrorKind,
};

/// Plenty for who answers, and not long for who does not.
const LIMIT: Duration = Duration::from_secs(2);
/// Nothing listens there.
const DOWN: &str = "http://127.0.0.1:9/cas";
const REFUSED: &str =
    "<serviceResponse><authenticationFailure code='INVALID_TICKET'/></serviceResponse>";

fn client(main: &str, fallbacks: &[&str]) -> CasClient {
    let fallbacks = fallbacks.iter();
    let builder = fallbacks.fold(builder(main), |builder, &url| builder.fallback_url(url));
    builder.build().unwrap()
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// Takes connections, and never says a word of TLS.
struct Silent {
    url: String,
    /// Ends with what came over the first connection.
    heard: JoinHandle<Vec<u8>>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/cas", listener.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.unwrap();
            heard
        });
        Self { url, heard }
    }
}

#[tokio::test]
async fn a_ticket_goes_to_the_next_node_if_the_first_takes_no_connection() {
    for protocol in [
        Protocol::Cas1,
        Protocol::Cas2,
        Protocol::Cas3,
        Protocol::Saml1,
    ] {
        let refusal = match protocol {
            Protocol::Cas1 => "no\n\n",
            _ => REFUSED,
        };
        let second = Server::with_body(refusal).await;
        let third = Server::with_body(refusal).await;
        let client = builder(DOWN)
            .protocol(protocol)
            .fallback_url("http://127.0.0.1:19/cas")
            .fallback_url(&second.url)
            .fallback_url(&third.url)
            .build()
            .unwrap();
        let kind = failure(&client).await.kind();
        let is_answer = !matches!(
            kind,
            ValidationErrorKind::Unreachable | ValidationErrorKind::TimedOut
        );
        assert!(is_answer, "{protocol}: {kind:?}");
        // A refusal is an answer, so nobody else is asked.
        assert_eq!(second.requests().len(), 1, "{protocol}");
        assert_eq!(third.requests().len(), 0, "{protocol}");
    }
}

#[tokio::test]
async fn browsers_are_sent_to_the_main_url_whichever_node_is_up() {
    let second = Server::with_body(ALICE).await;
    let client = client(DOWN, &[&second.url]);
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    let login = client.login_url(&service);
    assert!(
        login.starts_with("http://127.0.0.1:9/cas/login?"),
        "{login}"
    );
    let logout = client.logout_url(None);
    assert!(
        logout.starts_with("http://127.0.0.1:9/cas/logout"),
        "{logout}"
    );
    assert_eq!(client.url(), DOWN);
}

#[tokio::test]
async fn a_ticket_that_may_have_reached_a_node_goes_to_no_other() {
    let html = "<html>502</html>";
    for (given, kind) in [
        // The connection ends, or nothing comes, or half of an answer.
        (
            Answer::ThenClose(Vec::new()),
            ValidationErrorKind::Unreachable,
        ),
        (
            Answer::ThenClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<".to_vec()),
            ValidationErrorKind::Unreachable,
        ),
        (
            Answer::ThenSilence(Vec::new()),
            ValidationErrorKind::TimedOut,
        ),
        // An answer of whatever kind.
        (
            Answer::Bytes(answer("503 Service Unavailable", html)),
            ValidationErrorKind::Unreadable,
        ),
        (
            Answer::Bytes(answer("404 Not Found", html)),
            ValidationErrorKind::Unreadable,
        ),
        (Answer::Bytes(ok(html)), ValidationErrorKind::Unreadable),
        (Answer::Bytes(ok(REFUSED)), ValidationErrorKind::Refused),
    ] {
        let (first, second) = (Server::start(given).await, Server::with_body(ALICE).await);
        let client = builder(&first.url)
            .fallback_url(&second.url)
            .timeout(LIMIT)
            .build()
            .unwrap();
        assert_eq!(failure(&client).await.kind(), kind);
        assert_eq!(first.requests().len(), 1, "{kind:?}");
        assert_eq!(second.requests().len(), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn a_node_that_is_down_slow_or_broken_rests_and_one_that_answers_does_not() {
    for (given, rests) in [
        (Answer::ThenClose(Vec::new()), true),
        (Answer::ThenSilence(Vec::new()), true),
        (Answer::Bytes(answer("503 Service Unavailable", "")), true),
        (Answer::Bytes(answer("404 Not Found", "")), false),
        (Answer::Bytes(ok(REFUSED)), false),
        (Answer::Bytes(ok("nonsense")), false),
    ] {
        let (first, second) = (Server::start(given).await, Server::with_body(ALICE).await);
        let client = builder(&first.url).fallback_url(&second.url).timeout(LIMIT);
        let client = client.build().unwrap();
        failure(&client).await;
        // Of clones, each knows what the others have found out.
        let next = validate(&client.clone()).await;
        assert_eq!(next.is_ok(), rests, "{:?}", first.requests());
        assert_eq!(second.requests().len(), usize::from(rests));
    }
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_leaves_time_for_the_next_node() {
    let first = Silent::start().await;
    let second = Server::with_body(ALICE).await;
    // The time to connect alone would be all of it.
    let limit = LIMIT;
    let client = builder(&first.url)
        .fallback_url(&second.url)
        .connect_timeout(limit)
        .timeout(limit)
        .build()
        .unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
    assert_eq!(second.requests().len(), 1);
    let heard = or_hang(first.heard).await.unwrap();
    assert!(!heard.is_empty());
    assert!(!String::from_utf8_lossy(&heard).contains("ticket"));
}

#[tokio::test]
async fn a_full_queue_of_connections_leaves_time_for_the_next_node() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    // The system takes some that nobody accepts, and then no more.
    let patience = Duration::from_millis(300);
    while let Ok(stream) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        waiting.push(stream);
        assert!(waiting.len() < 1_000, "the queue has no end");
    }
    let second = Server::with_body(ALICE).await;
    let client = builder(&format!("http://{address}/cas"))
        .fallback_url(&second.url)
        .timeout(LIMIT)
        .build()
        .unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
}

#[tokio::test]
async fn the_time_limit_is_for_all_nodes_together() {
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(Silent::start().await);
    }
    let last = Server::start(Answer::ThenSilence(Vec::new())).await;
    let limit = Duration::from_secs(6);
    let mut urls = silent.iter().map(|node| node.url.as_str());
    let builder = builder(urls.next().unwrap()).timeout(limit);
    let builder = urls.fold(builder, CasClientBuilder::fallback_url);
    let client = builder.fallback_url(&last.url).build().unwrap();
    let started = Instant::now();
    assert_eq!(failure(&client).await.kind(), ValidationErrorKind::TimedOut);
    // With a limit of their own, there would be 48 seconds.
    assert!(started.elapsed() < Duration::from_secs(40));
    assert!(last.requests().len() <= 1);
}

#[tokio::test]
async fn without_any_connection_the_error_is_the_one_of_a_single_node() {
    let single = failure(&client(DOWN, &[])).await;
    let several = failure(&client(DOWN, &["http://127.0.0.1:19/cas"])).await;
    assert_eq!(single.kind(), ValidationErrorKind::Unreachable);
    assert_eq!(several.kind(), single.kind());
    assert_eq!(several.to_string(), single.to_string());
    assert!(several.is_temporary());
    // Where somebody was made to wait, it is a time-out, wherever that was.
    for silent_first in [true, false] {
        let silent = Silent::start().await.url;
        let mut urls = [silent.as_str(), DOWN];
        if !silent_first {
            urls.reverse();
        }
        let client = builder(urls[0])
            .fallback_url(urls[1])
            .timeout(Duration::from_millis(600))
            .build()
            .unwrap();
        assert_eq!(failure(&client).await.kind(), ValidationErrorKind::TimedOut);
    }
}

#[tokio::test]
async fn a_ticket_that_was_refused_for_the_proxy_callback_goes_to_no_other_node() {
    let refusal =
        "<serviceResponse><authenticationFailure code='INVALID_PROXY_CALLBACK'/></serviceResponse>";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cas", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // It goes down as soon as it has refused.
        drop(listener);
        read_request(&mut stream).await.unwrap();
        let close = answer("200 OK\r\nConnection: close", refusal);
        stream.write_all(&close).await.unwrap();
    });
    let second = Server::with_body(ALICE).await;
    let client = builder(&url)
        .fallback_url(&second.url)
        .proxy_callback_url("https://app.example.org/cas/proxy")
        .build()
        .unwrap();
    let error = failure(&client).await;
    assert_eq!(error.kind(), ValidationErrorKind::Unreachable);
    assert_eq!(second.requests().len(), 0);
    // Nobody has that one's ticket yet.
    validate(&client).await.unwrap();
    assert_eq!(second.requests().len(), 1);
}

#[tokio::test]
async fn proxy_tickets_come_from_the_next_node_by_the_same_rule() {
    let body = "<serviceResponse><proxySuccess><proxyTicket>PT-1</proxyTicket></proxySuccess></serviceResponse>";
    let ticket = ProxyGrantingTicket::parse("PGT-1").unwrap();
    let target = ServiceUrl::parse("https://mail.example.org/").unwrap();
    let second = Server::with_body(body).await;
    let down = client(DOWN, &[&second.url]);
    or_hang(down.proxy_ticket(&ticket, &target)).await.unwrap();
    assert_eq!(second.requests().len(), 1);

    let first = Server::start(Answer::ThenClose(Vec::new())).await;
    let broken = client(&first.url, &[&second.url]);
    let error = or_hang(broken.proxy_ticket(&ticket, &target)).await;
    assert_eq!(error.unwrap_err().kind(), ProxyTicketErrorKind::Unreachable);
    assert_eq!(second.requests().len(), 1);
}

#[tokio::test]
async fn a_password_goes_to_the_main_node_alone() {
    let second = Server::with_body(ALICE).await;
    let client = client(DOWN, &[&second.url]);
    validate(&client).await.unwrap();
    let password = Password::new("Mellon");
    let error = or_hang(client.sign_in_with_password("ada", &password)).await;
    assert_eq!(error.unwrap_err().kind(), RestErrorKind::Unreachable);
    assert_eq!(second.requests().len(), 1);
}

#[tokio::test]
async fn a_client_without_a_layer_tells_the_log_which_node_is_left() {
    let events = Events::default();
    // The runtime of a test has one thread.
    let _listening = events.listen();
    let second = Server::with_body(ALICE).await;
    let client = client(DOWN, &[&second.url]);
    for _ in 0..3 {
        validate(&client).await.unwrap();
    }
    let text = events.text();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("event=\"cas-node\""))
        .collect();
    let [line] = lines[..] else {
        panic!("{lines:?}");
    };
    for part in [
        "WARN",
        "state=\"left\"",
        "node=\"1\"",
        "cas_server=\"127.0.0.1:9\"",
        "Connection refused",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!text.contains("hidden"), "{text}");
}

#[test]
fn each_node_is_checked_as_the_main_one_is() {
    let with = |urls: &[&str]| {
        let main = builder("https://cas.example.org/cas");
        urls.iter()
            .fold(main, |builder, &url| builder.fallback_url(url))
    };
    for url in [
        "http://cas2.example.org/cas",
        "cas2.example.org",
        "https://cas2.example.org/cas?x",
        "https://cas2.example.org/cas/login",
        "https://a:b@cas2.example.org/cas",
        // The same as the main one.
        "https://CAS.example.org:443/cas/",
    ] {
        let error = with(&[url]).build().unwrap_err().to_string();
        assert!(
            error.starts_with("fallback URL of the CAS server"),
            "{error}"
        );
        assert!(!error.contains("a:b"), "{error}");
    }
    let twice = [
        "https://cas2.example.org/cas",
        "https://cas2.example.org/cas/",
    ];
    let error = with(&twice).build().unwrap_err();
    assert!(matches!(error, ConfigError::InvalidUrl { reason, .. } if reason.contains("twice")));

    let many: Vec<String> = (2..11)
        .map(|n| format!("https://cas{n}.example.org/cas"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(with(&many[..8]).build().is_ok());
    let error = with(&many).build().unwrap_err().to_string();
    assert!(
        error.contains("cas10.example.org") && error.contains("more than 8"),
        "{error}"
    );
    // Where browsers go may be a node beside the one that the app asks first.
    let behind = with(&["https://cas.example.org/cas"]).internal_url("https://cas1.internal/cas");
    assert!(behind.build().is_ok());
    let insecure = with(&["http://cas2.internal/cas"]).allow_insecure_http(true);
    assert!(insecure.build().is_ok());
}

#[test]
fn debug_does_not_name_the_nodes() {
    let builder = builder("https://cas.example.org/cas").fallback_url("https://hidden.example/cas");
    let printed = format!("{builder:?}");
    let printed = format!("{printed} {:?}", builder.build().unwrap());
    assert!(printed.contains("fallbacks: 1"), "{printed}");
    assert!(!printed.contains("hidden"), "{printed}");
}
