//! `reverse_proxy`

use std::time::Duration;

use axum::{
    Json, Router,
    body::Body,
    extract::{
        Request,
        ws::{Message as Said, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::IntoResponse,
    routing::{any, post},
};
use bytes::Bytes;
use cas_layer_tests::visitor::{Visitor, answer};
use http::Method;
use http_body_util::{Empty, channel::Channel};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    program::{Program, soon},
    socket::{Socket, refusal},
};

/// An upstream that shows the headers it gets. Gone when dropped.
struct Upstream {
    address: String,
    server: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn headers(request: Request) -> impl IntoResponse {
    let mut all = serde_json::Map::new();
    for (name, value) in request.headers() {
        let values = all.entry(name.as_str()).or_insert(json!([]));
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        values.as_array_mut().unwrap().push(value.into());
    }
    let seen = json!({ "headers": all, "uri": request.uri().to_string() });
    let hop_by_hop = [
        ("connection", "x-hop, keep-alive"),
        ("x-hop", "1"),
        ("x-end", "1"),
        ("keep-alive", "timeout=5"),
    ];
    (hop_by_hop, Json(seen))
}

async fn echo(headers: HeaderMap, upgrade: WebSocketUpgrade) -> impl IntoResponse {
    let user = headers
        .get("remote-user")
        .map(|user| user.to_str().unwrap().to_owned());
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(Said::Text(text))) = socket.recv().await {
            let text = format!("{user:?} says {text}");
            if socket.send(Said::text(text)).await.is_err() {
                return;
            }
        }
    })
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Router::new()
            .route("/socket", any(echo))
            .route("/public/socket", any(echo))
            .route(
                "/stream",
                post(async |request: Request| {
                    Body::from_stream(request.into_body().into_data_stream())
                }),
            )
            .fallback(headers);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, server }
    }

    async fn with_proxy() -> (Self, Program) {
        let upstream = Self::start().await;
        let program = upstream.proxy().await;
        (upstream, program)
    }

    async fn proxy(&self) -> Program {
        let url = format!("http://{}", self.address);
        Program::start("reverse_proxy", &[&url]).await
    }
}

/// Sends a request head, and reads until the connection is closed.
async fn raw(program: &Program, head: &str) -> String {
    let mut socket = TcpStream::connect(program.address()).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(socket.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn reverse_proxy_tells_the_upstream_who_has_signed_in_and_keeps_the_session_to_itself() {
    let (upstream, program) = Upstream::with_proxy().await;
    let visitor = Visitor::new();
    visitor.take_cookie(&program.at("/"), "theme", "dark");
    let page = program.sign_in(&visitor, "/some/page?a=b%20c").await;
    assert_eq!(page.status, 200);
    let seen = page.json();
    assert_eq!(seen["uri"], "/some/page?a=b%20c");
    let header = |name: &str| seen["headers"][name].clone();
    assert_eq!(header("remote-user"), json!(["casuser"]));
    assert_eq!(header("cookie"), json!(["theme=dark"]));
    assert_eq!(header("host"), json!([upstream.address]));
    assert_eq!(header("x-forwarded-host"), json!([program.address()]));
    assert_eq!(header("x-forwarded-proto"), json!(["http"]));
    assert_eq!(header("x-forwarded-for"), json!(["127.0.0.1"]));
    // What the upstream says to the proxy alone stays there.
    assert_eq!(page.header("x-end"), "1");
    assert_eq!((page.header("x-hop"), page.header("keep-alive")), ("", ""));
    assert_eq!(page.header("cache-control"), "private, no-store");
    assert!(visitor.cookies(&program.at("/")).len() > 1);
}

#[tokio::test]
async fn reverse_proxy_believes_nothing_that_a_client_says_about_itself() {
    let (_upstream, program) = Upstream::with_proxy().await;
    let head = "GET http://elsewhere.example/public/a HTTP/1.1\r\nHost: elsewhere.example\r\n\
        Remote-User: mallory\r\nRemote_Mail: m\r\nRemote-Name: m\r\n\
        Authorization: Basic bWFsbG9yeTpt\r\nProxy-Authorization: Basic bWFsbG9yeTpt\r\n\
        X-Forwarded-Email: m\r\nX_Forwarded-Preferred_Username: m\r\nX_Forwarded_User: m\r\nX-Forwarded-For: 10.0.0.1\r\n\
        X-Forwarded-Host: evil.example\r\nForwarded: for=10.0.0.1\r\nX-Hop: 1\r\nX-End: 1\r\n\
        TE: trailers\r\nKeep-Alive: timeout=1\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n\
        HTTP2-Settings: AAMAAABkAAQAAP__\r\n\
        Connection: close, X-Hop, Upgrade, HTTP2-Settings, X-Forwarded-For\r\n\r\n";
    let answer = raw(&program, head).await;
    let (status, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(status.starts_with("HTTP/1.1 200"), "{answer}");
    let seen: Value = serde_json::from_str(body).unwrap();
    assert_eq!(seen["uri"], "/public/a");
    let headers = seen["headers"].as_object().unwrap();
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "host",
            "x-end",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto"
        ]
    );
    assert_eq!(headers["x-forwarded-for"], json!(["127.0.0.1"]));
    assert_eq!(headers["x-forwarded-host"], json!([program.address()]));

    let answer = raw(
        &program,
        "CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn reverse_proxy_opens_no_tunnel_over_http2() {
    let (_upstream, program) = Upstream::with_proxy().await;
    let socket = TcpStream::connect(program.address()).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut client, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let mut ask = async |method, path| {
        let mut request = http::Request::builder()
            .method(&method)
            .uri(program.at(path))
            .header("sec-websocket-version", "13")
            .body(Empty::<Bytes>::new())
            .unwrap();
        if method == Method::CONNECT {
            let protocol = hyper::ext::Protocol::from_static("websocket");
            request.extensions_mut().insert(protocol);
        }
        soon(client.send_request(request)).await.unwrap().status()
    };
    // From its first answer the client knows what the server can do.
    assert_eq!(ask(Method::GET, "/public/a").await, 200);
    // RFC 8441: a WebSocket over HTTP/2.
    assert_eq!(ask(Method::CONNECT, "/public/socket").await, 501);
    assert_eq!(ask(Method::CONNECT, "/socket").await, 401);
    connection.abort();
}

#[tokio::test]
async fn reverse_proxy_passes_bodies_on_both_ways_as_they_arrive() {
    let (_upstream, program) = Upstream::with_proxy().await;
    let visitor = Visitor::new();
    program.sign_in(&visitor, "/").await;
    let (mut sender, body) = Channel::<Bytes, std::convert::Infallible>::new(1);
    sender.send_data(Bytes::from("first")).await.unwrap();
    let request = visitor.request(Method::POST, &program.at("/stream"));
    let request = request.body(reqwest::Body::wrap(body));
    let mut answer = soon(request.send()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(soon(answer.chunk()).await.unwrap().unwrap(), "first");
    sender.send_data(Bytes::from("second")).await.unwrap();
    assert_eq!(soon(answer.chunk()).await.unwrap().unwrap(), "second");
    drop(sender);
    assert_eq!(soon(answer.text()).await.unwrap(), "");
}

#[tokio::test]
async fn reverse_proxy_carries_a_websocket_until_its_session_ends() {
    let (_upstream, program) = Upstream::with_proxy().await;
    let (visitor, nobody) = (Visitor::new(), Visitor::new());
    assert_eq!(
        refusal(Socket::open(&program, &nobody, "/socket").await),
        401
    );

    program.sign_in(&visitor, "/").await;
    let mut socket = Socket::open(&program, &visitor, "/socket").await.unwrap();
    socket.say("hello").await;
    let heard = socket.hear().await;
    assert_eq!(heard, Some(Message::text("Some(\"casuser\") says hello")));
    let mut public = Socket::open(&program, &nobody, "/public/socket")
        .await
        .unwrap();

    program.cas.log_out("casuser").await;
    assert_eq!(socket.hear().await, None);
    // One without a session has nothing that could end.
    public.say("still here").await;
    let heard = public.hear().await;
    assert_eq!(heard, Some(Message::text("None says still here")));
}

#[tokio::test]
async fn reverse_proxy_answers_502_while_its_upstream_is_down() {
    let upstream = Upstream::start().await;
    let program = upstream.proxy().await;
    let visitor = Visitor::new();
    let up = visitor.get(&program.at("/public/a")).await;
    assert_eq!(up.status, 200);
    // Aborted, the listener is closed before the task can be seen to have ended.
    upstream.server.abort();
    let down = async || {
        let request = visitor.request(Method::GET, &program.at("/public/a"));
        answer(request.timeout(Duration::from_secs(30))).await
    };
    // A connection that was open may serve on.
    while down().await.status == 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(down().await.status, 502);
}

#[tokio::test]
async fn reverse_proxy_joins_the_cookies_that_http2_splits() {
    let (_upstream, program) = Upstream::with_proxy().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy();
    let request = client.build().unwrap().get(program.at("/public/a"));
    let seen = answer(request.header("cookie", "a=b").header("cookie", "c=d")).await;
    assert_eq!(seen.json()["headers"]["cookie"], json!(["a=b; c=d"]));
}
