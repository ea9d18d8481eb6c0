//! A server that reads requests and then does as told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server does with each request.
#[derive(Clone)]
pub(super) enum Answer {
    /// Sends these bytes and waits for the next request.
    Bytes(Vec<u8>),
    /// Sends these bytes and closes the connection.
    ThenClose(Vec<u8>),
    /// Sends these bytes and nothing else, for ever.
    ThenSilence(Vec<u8>),
    /// Sends the first, then the second again and again.
    Repeat(Vec<u8>, Vec<u8>, Duration),
    /// Sends the first to requests with a proxy callback, and the second to others.
    ByCallback(Vec<u8>, Vec<u8>),
    /// Answers the first request with these bytes and closes the connection on the second.
    Once(Vec<u8>),
    /// The same, but the second request of a connection gets nothing, for ever.
    OnceThenSilence(Vec<u8>),
}

pub(super) struct Server {
    pub(super) url: String,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    requests: Vec<String>,
    messages: Vec<String>,
    bytes_sent: usize,
}

impl Server {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/cas", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Log::default()));
        let host = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), Arc::clone(&host)));
            }
        });
        Self { url, log }
    }

    /// A server that sends this body with status 200.
    pub(super) async fn with_body(body: &str) -> Self {
        Self::start(Answer::Bytes(ok(body))).await
    }

    /// The first lines of the requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().requests.clone()
    }

    /// The requests so far, heads and bodies.
    pub(super) fn messages(&self) -> Vec<String> {
        self.log.lock().unwrap().messages.clone()
    }

    pub(super) fn bytes_sent(&self) -> usize {
        self.log.lock().unwrap().bytes_sent
    }
}

pub(super) fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Ends with the first error: then the client has gone, which is its right.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: Answer,
    log: Arc<Mutex<Log>>,
) -> Option<()> {
    for count in 0.. {
        let request = read_request(&mut stream).await?;
        {
            let mut log = log.lock().unwrap();
            log.requests
                .extend(request.lines().next().map(str::to_owned));
            log.messages.push(request.clone());
        }
        match &answer {
            Answer::ByCallback(with, without) => {
                let is_with = request.contains("&pgtUrl=");
                let bytes = if is_with { with } else { without };
                send(&mut stream, bytes, &log).await?;
            }
            Answer::Bytes(bytes) => send(&mut stream, bytes, &log).await?,
            Answer::ThenClose(bytes) => {
                send(&mut stream, bytes, &log).await?;
                break;
            }
            Answer::ThenSilence(bytes) => {
                send(&mut stream, bytes, &log).await?;
                std::future::pending::<()>().await;
            }
            Answer::Repeat(first, then, pause) => {
                send(&mut stream, first, &log).await?;
                loop {
                    send(&mut stream, then, &log).await?;
                    tokio::time::sleep(*pause).await;
                }
            }
            Answer::Once(bytes) | Answer::OnceThenSilence(bytes) if count == 0 => {
                send(&mut stream, bytes, &log).await?;
            }
            Answer::Once(_) => break,
            Answer::OnceThenSilence(_) => std::future::pending().await,
        }
    }
    stream.shutdown().await.ok()
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    log: &Mutex<Log>,
) -> Option<()> {
    for part in bytes.chunks(16 * 1024) {
        stream.write_all(part).await.ok()?;
        log.lock().unwrap().bytes_sent += part.len();
    }
    stream.flush().await.ok()
}

/// Reads a request to its end.
pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(request.clone()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    request.append(&mut body);
    Some(String::from_utf8(request).unwrap())
}
