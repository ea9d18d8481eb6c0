//! What the validation endpoints answer instead of the truth.

use std::time::Duration;

use super::super::Fault;
use super::{Answer, Browser, CasServer, SERVICE, client, get, header, url, validate};

async fn with(fault: Fault) -> CasServer {
    let cas = CasServer::start().await.unwrap();
    cas.set_fault(Some(fault));
    cas
}

async fn ask(cas: &CasServer) -> Answer {
    validate(cas, "/p3/serviceValidate", SERVICE, "ST-1").await
}

/// Begins to ask, and returns once the server has the request.
async fn begin(
    cas: &CasServer,
    ticket: &str,
) -> tokio::task::JoinHandle<Result<reqwest::Response, reqwest::Error>> {
    let before = cas.validations();
    let url = url(
        cas,
        "/p3/serviceValidate",
        &[("service", SERVICE), ("ticket", ticket)],
    );
    let asking = tokio::spawn(client().get(url).send());
    while cas.validations() == before {
        tokio::task::yield_now().await;
    }
    asking
}

#[tokio::test]
async fn a_fault_concerns_validation_alone_keeps_the_ticket_and_can_be_taken_away() {
    let cas = with(Fault::Status(503)).await;
    let ticket = Browser::new()
        .sign_in(&cas, &[("service", SERVICE)])
        .await
        .ticket();
    for path in [
        "/validate",
        "/serviceValidate",
        "/proxyValidate",
        "/p3/serviceValidate",
        "/p3/proxyValidate",
    ] {
        assert_eq!(validate(&cas, path, SERVICE, &ticket).await.status, 503);
    }
    assert_eq!(cas.validations(), 5);
    cas.set_fault(None);
    assert_eq!(
        validate(&cas, "/validate", SERVICE, &ticket).await.body,
        "yes\ncasuser\n"
    );
}

#[tokio::test]
async fn a_status_that_is_none_becomes_500() {
    assert_eq!(ask(&with(Fault::Status(404)).await).await.status, 404);
    assert_eq!(ask(&with(Fault::Status(7)).await).await.status, 500);
}

#[tokio::test]
async fn redirect() {
    let answer = ask(&with(Fault::Redirect("http://other.example/".to_owned())).await).await;
    assert_eq!(answer.location(), "http://other.example/");
}

#[tokio::test]
async fn html() {
    let answer = ask(&with(Fault::Html).await).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header(header::CONTENT_TYPE)
            .unwrap()
            .starts_with("text/html")
    );
    assert!(answer.body.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn garbage() {
    let cas = with(Fault::Garbage).await;
    let response = client()
        .get(url(&cas, "/validate", &[]))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let bytes = response.bytes().await.unwrap();
    assert!(std::str::from_utf8(&bytes).is_err());
}

#[tokio::test]
async fn empty() {
    let answer = ask(&with(Fault::Empty).await).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn oversized() {
    let cas = with(Fault::Oversized).await;
    let mut response = client()
        .get(url(&cas, "/validate", &[]))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.content_length(), None);
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        bytes += chunk.len();
    }
    assert!(bytes > 40_000_000, "{bytes}");
}

#[tokio::test]
async fn truncated() {
    let cas = with(Fault::Truncated).await;
    let mut response = client()
        .get(url(&cas, "/validate", &[]))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let chunk = response.chunk().await.unwrap().unwrap();
    assert!(chunk.starts_with(b"<cas:serviceResponse"));
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn hang_answers_nothing_until_the_server_stops() {
    let cas = with(Fault::Hang).await;
    let asking = begin(&cas, "ST-1").await;
    // A request that is being answered is answered to its end before the server stops.
    cas.shutdown().await;
    assert!(asking.await.unwrap().is_err());
}

#[tokio::test]
async fn hang_in_body_sends_the_beginning_until_the_server_stops() {
    let cas = with(Fault::HangInBody).await;
    let mut response = begin(&cas, "ST-1").await.await.unwrap().unwrap();
    let chunk = response.chunk().await.unwrap().unwrap();
    assert!(chunk.starts_with(b"<cas:serviceResponse"));
    cas.shutdown().await;
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn slow_tells_the_truth_after_the_delay_and_not_before() {
    let cas = with(Fault::Slow(Duration::from_secs(50))).await;
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let asking = begin(&cas, &ticket).await;
    let_pass(&cas, 51).await;
    let answer = asking.await.unwrap().unwrap().text().await.unwrap();
    assert!(answer.contains("<cas:user>casuser</cas:user>"));

    // Looked at before the delay is over, this ticket would still be good.
    cas.set_fault(Some(Fault::Slow(Duration::from_secs(70))));
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let asking = begin(&cas, &ticket).await;
    let_pass(&cas, 20).await;
    let_pass(&cas, 51).await;
    let answer = asking.await.unwrap().unwrap().text().await.unwrap();
    assert!(answer.contains("The ticket has expired"));
}

/// Lets the clock jump, and the server do what is due.
async fn let_pass(cas: &CasServer, seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
    get(url(cas, "/login", &[])).await;
}

#[tokio::test]
async fn close_connection_answers_not_a_byte() {
    let cas = with(Fault::CloseConnection).await;
    let stream = tokio::net::TcpStream::connect(cas.addr()).await.unwrap();
    stream.writable().await.unwrap();
    stream
        .try_write(b"GET /cas/validate HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut buffer = [0; 64];
    let read = loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            other => break other,
        }
    };
    // The end of the stream, or a reset.
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert_eq!(cas.validations(), 1);
}

#[tokio::test]
async fn body() {
    let fault = Fault::Body {
        content_type: "text/x-odd".to_owned(),
        body: "yes\nadmin\n".to_owned(),
    };
    let answer = ask(&with(fault).await).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), Some("text/x-odd"));
    assert_eq!(answer.body, "yes\nadmin\n");

    let fault = Fault::Body {
        content_type: "\n".to_owned(),
        body: String::new(),
    };
    let answer = get(url(&with(fault).await, "/validate", &[])).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), None);
}
