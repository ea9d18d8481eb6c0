//! Connections that something on the way has forgotten without a word.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::{Barrier, watch},
};

use super::server::{Answer, Server, ok, read_request};
use super::{ALICE, builder, validate};
use crate::{CasClient, ProxyGrantingTicket, ServiceUrl, ValidationErrorKind};

/// A third of it goes by before a silent connection is given up. The rest is plenty.
const LIMIT: Duration = Duration::from_secs(6);

const REFUSED: &str =
    "<serviceResponse><authenticationFailure code='INVALID_TICKET'/></serviceResponse>";

/// A firewall between a client and its server.
struct Firewall {
    url: String,
    /// How often it has forgotten everything.
    times: watch::Sender<usize>,
    connections: Arc<AtomicUsize>,
}

impl Firewall {
    async fn before(url: &str) -> Self {
        let address = url.strip_prefix("http://").unwrap();
        let address = address.strip_suffix("/cas").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/cas", listener.local_addr().unwrap());
        let (times, forgotten) = watch::channel(0);
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (address, mut forgotten) = (address.clone(), forgotten.clone());
                forgotten.mark_unchanged();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(address).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        // Both stay open, and nobody reads.
                        _ = forgotten.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self {
            url,
            times,
            connections,
        }
    }

    /// Forgets all connections without a word, and lets new ones through.
    fn forget(&self) {
        self.times.send_modify(|times| *times += 1);
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn client(&self) -> CasClient {
        builder(&self.url).timeout(LIMIT).build().unwrap()
    }
}

#[tokio::test]
async fn the_first_validation_after_a_connection_was_forgotten_succeeds() {
    let server = Server::with_body(ALICE).await;
    let firewall = Firewall::before(&server.url).await;
    let client = firewall.client();
    validate(&client).await.unwrap();
    firewall.forget();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
    assert_eq!(firewall.connections(), 2);
    assert_eq!(server.requests().len(), 2);
    // The new one is kept.
    validate(&client).await.unwrap();
    assert_eq!(firewall.connections(), 2);
}

#[tokio::test]
async fn so_does_the_first_proxy_ticket() {
    let ticket = "<serviceResponse><proxySuccess><proxyTicket>PT-1</proxyTicket></proxySuccess></serviceResponse>";
    let server = Server::with_body(ticket).await;
    let firewall = Firewall::before(&server.url).await;
    let client = firewall.client();
    let granting_ticket = ProxyGrantingTicket::parse("PGT-1-hidden").unwrap();
    let target = ServiceUrl::parse("https://mail.example.org/").unwrap();
    let get = async || client.proxy_ticket(&granting_ticket, &target).await;
    get().await.unwrap();
    firewall.forget();
    assert_eq!(get().await.unwrap().expose_secret(), "PT-1");
    assert_eq!(firewall.connections(), 2);
}

/// Answers the first requests when this many are there, so that each has a connection of its own.
async fn slow_server(together: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cas", listener.local_addr().unwrap());
    let all = Arc::new(Barrier::new(together));
    tokio::spawn(async move {
        for count in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                let _ = read_request(&mut stream).await;
                if count < together {
                    all.wait().await;
                }
                while stream.write_all(&ok(ALICE)).await.is_ok() {
                    if read_request(&mut stream).await.is_none() {
                        break;
                    }
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_dead_connection_is_not_followed_by_another() {
    const MANY: usize = 6;
    let firewall = Firewall::before(&slow_server(MANY).await).await;
    let client = firewall.client();
    all_at_once(&client, MANY).await;
    assert_eq!(firewall.connections(), MANY);
    firewall.forget();
    // One tries a dead connection. There are five more, and none of them is tried after it.
    validate(&client).await.unwrap();
}

#[tokio::test]
async fn a_slow_answer_over_a_kept_connection_counts_although_the_ticket_is_used_up_by_then() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cas", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut kept, _) = listener.accept().await.unwrap();
        for count in 0..2 {
            read_request(&mut kept).await.unwrap();
            if count == 1 {
                let (mut new, _) = listener.accept().await.unwrap();
                read_request(&mut new).await.unwrap();
                new.write_all(&ok(REFUSED)).await.unwrap();
                // The client has read that: it closes the connection, since it has been without work for long.
                assert!(new.read_u8().await.is_err());
            }
            kept.write_all(&ok(ALICE)).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    let client = builder(&url).timeout(LIMIT).build().unwrap();
    validate(&client).await.unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
}

#[tokio::test]
async fn over_a_new_connection_nothing_is_sent_again() {
    let server = Server::start(Answer::ThenSilence(Vec::new())).await;
    let client = builder(&server.url)
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let kind = validate(&client).await.unwrap_err().kind();
    assert_eq!(kind, ValidationErrorKind::TimedOut);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_forgotten_connection_of_http_2_is_noticed_too() {
    let routes = Router::new().route("/cas/p3/serviceValidate", get(async || ALICE));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cas", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let firewall = Firewall::before(&url).await;
    let client = builder(&firewall.url)
        .http_client(reqwest::ClientBuilder::http2_prior_knowledge)
        .timeout(LIMIT)
        .build()
        .unwrap();
    validate(&client).await.unwrap();
    validate(&client).await.unwrap();
    assert_eq!(firewall.connections(), 1);
    firewall.forget();
    // They come one after another, so that the connection, which they share, is never without work.
    let mut all = Vec::new();
    for _ in 0..8 {
        let client = client.clone();
        all.push(tokio::spawn(
            async move { validate(&client).await.map(drop) },
        ));
        tokio::time::sleep(LIMIT / 20).await;
    }
    for one in all {
        one.await.unwrap().unwrap();
    }
}

async fn all_at_once(client: &CasClient, count: usize) {
    let all: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { validate(&client).await.map(drop) })
        })
        .collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
}
