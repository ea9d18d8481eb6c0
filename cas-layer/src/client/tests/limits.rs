//! Time and size.

use std::time::Duration;

use super::server::{Answer, Server, ok};
use super::{ALICE, builder, client, failure, failure_kind, validate};
use crate::{CasClient, ValidationErrorKind};

const MIB: usize = 1024 * 1024;
const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(3600);

/// A client with a short limit that its function on the HTTP client tries to lift.
fn impatient(server: &Server) -> CasClient {
    builder(&server.url)
        .timeout(SHORT)
        .http_client(|http| http.timeout(LONG).read_timeout(LONG).connect_timeout(LONG))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_server_that_stops_answering_meets_the_time_limit() {
    for start in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<serviceResponse>",
    ] {
        let server = Server::start(Answer::ThenSilence(start.into())).await;
        let kind = failure_kind(&impatient(&server)).await;
        assert_eq!(kind, ValidationErrorKind::TimedOut, "{start:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_trickles_meets_the_time_limit() {
    let pause = Duration::from_millis(20);
    for (start, then) in [
        ("HTTP/1.1 200 OK\r\n", "X-More: x\r\n"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", " "),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1\r\n \r\n",
        ),
    ] {
        let server = Server::start(Answer::Repeat(start.into(), then.into(), pause)).await;
        let kind = failure_kind(&impatient(&server)).await;
        assert_eq!(kind, ValidationErrorKind::TimedOut, "{start:?}");
    }
}

#[tokio::test]
async fn with_a_status_of_an_error_only_a_short_answer_is_read() {
    let refusal = "<serviceResponse><authenticationFailure code='X'/></serviceResponse>";
    for (length, kind) in [
        (64 * 1024, ValidationErrorKind::Refused),
        (64 * 1024 + 1, ValidationErrorKind::Unreadable),
    ] {
        let body = refusal.to_owned() + &" ".repeat(length - refusal.len());
        let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n");
        let server = Server::start(Answer::ThenClose((head + &body).into())).await;
        assert_eq!(failure_kind(&client(&server)).await, kind, "{length}");
    }
}

#[tokio::test]
async fn the_http_client_cannot_be_told_a_shorter_limit_either() {
    let server = Server::with_body(ALICE).await;
    let instant = Duration::from_nanos(1);
    let client = builder(&server.url)
        .http_client(move |http| {
            http.timeout(instant)
                .read_timeout(instant)
                .connect_timeout(instant)
        })
        .build()
        .unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
}

#[tokio::test]
async fn the_limit_for_a_connection_covers_the_tls_handshake() {
    // Accepts, reads, and never says a word of TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let held = tokio::spawn(async move {
        let mut streams = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            streams.push(stream);
        }
    });
    let client = builder(&url)
        .connect_timeout(SHORT)
        .timeout(Duration::from_secs(300))
        .http_client(|http| http.connect_timeout(LONG))
        .build()
        .unwrap();
    assert_eq!(failure_kind(&client).await, ValidationErrorKind::TimedOut);
    held.abort();
}

#[tokio::test]
async fn an_answer_of_one_mebibyte_is_read_and_one_more_byte_is_too_many() {
    let padded = |length: usize| ALICE.to_owned() + &" ".repeat(length - ALICE.len());
    let chunked = |length: usize| {
        let body = padded(length);
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        )
        .into_bytes()
    };
    for answer in [ok(&padded(MIB)), chunked(MIB)] {
        let server = Server::start(Answer::Bytes(answer)).await;
        assert_eq!(validate(&client(&server)).await.unwrap().user(), "alice");
    }
    for answer in [ok(&padded(MIB + 1)), chunked(MIB + 1)] {
        let server = Server::start(Answer::Bytes(answer)).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable);
        assert!(error.to_string().contains("1 MiB"), "{error}");
    }
}

#[tokio::test]
async fn forty_megabytes_are_not_read() {
    let length = 40_000_000;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let mut answer = head.into_bytes();
    answer.resize(answer.len() + length, b' ');
    let server = Server::start(Answer::Bytes(answer)).await;
    assert_eq!(
        failure_kind(&client(&server)).await,
        ValidationErrorKind::Unreadable
    );
    // What the server could send is what fits into the buffers of the system.
    assert!(server.bytes_sent() < length / 2, "{}", server.bytes_sent());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let part = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let server = Server::start(Answer::Repeat(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        part.into_bytes(),
        Duration::ZERO,
    ))
    .await;
    assert_eq!(
        failure_kind(&client(&server)).await,
        ValidationErrorKind::Unreadable
    );
}

#[tokio::test]
async fn a_content_length_that_lies_does_not_help() {
    // Shorter than what comes: the rest is not part of the answer.
    let short = format!("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{ALICE}");
    let server = Server::start(Answer::ThenClose(short.into_bytes())).await;
    assert_eq!(
        failure_kind(&client(&server)).await,
        ValidationErrorKind::Unreadable
    );
    // Longer than what comes: the answer is not whole.
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n{ALICE}");
    let server = Server::start(Answer::ThenClose(long.into_bytes())).await;
    assert_eq!(
        failure_kind(&client(&server)).await,
        ValidationErrorKind::Unreachable
    );
    // Out of this world: nothing is reserved for it.
    let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n{ALICE}");
    let server = Server::start(Answer::ThenClose(huge.into_bytes())).await;
    assert_eq!(
        failure_kind(&client(&server)).await,
        ValidationErrorKind::Unreachable
    );
}
