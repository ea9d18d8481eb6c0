//! Requests for a proxy ticket, and what is made of answers.

use std::error::Error;
use std::time::Duration;

use super::server::{Answer, Server, ok};
use super::{builder, client, or_hang};
use crate::{
    CasClient, ProxyGrantingTicket, ProxyTicket, ProxyTicketError, ProxyTicketErrorKind, ServiceUrl,
};

const GRANTED: &str = "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>\
    <cas:proxySuccess><cas:proxyTicket>PT-1-hidden_pt</cas:proxyTicket></cas:proxySuccess>\
    </cas:serviceResponse>";

async fn ask(client: &CasClient) -> Result<ProxyTicket, ProxyTicketError> {
    let ticket = ProxyGrantingTicket::parse("PGT-1-hidden_pgt.cas~01").unwrap();
    let target = ServiceUrl::parse("https://mail.example.org/hidden?a=%20b&c=d").unwrap();
    or_hang(client.proxy_ticket(&ticket, &target)).await
}

/// The failure, after a look that nothing in it must be hidden.
async fn failure(client: &CasClient) -> ProxyTicketError {
    let error = ask(client).await.unwrap_err();
    let mut printed = vec![format!("{error} {error:?} {error:#?}")];
    let mut source = error.source();
    while let Some(cause) = source {
        printed.push(format!("{cause} {cause:?}"));
        source = cause.source();
    }
    let printed = printed.join("\n");
    for hidden in ["hidden", "PGT-1", "PT-1", "mail.example.org"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    error
}

fn with_status(status: u16, body: &str) -> Answer {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
    Answer::Bytes(answer.into_bytes())
}

fn refusal(code: &str, text: &str) -> String {
    format!("<serviceResponse><proxyFailure code='{code}'>{text}</proxyFailure></serviceResponse>")
}

#[tokio::test]
async fn a_proxy_ticket_is_asked_for_by_exactly_this_ticket_and_target() {
    let query = "pgt=PGT-1-hidden_pgt.cas~01\
                 &targetService=https%3A%2F%2Fmail.example.org%2Fhidden%3Fa%3D%2520b%26c%3Dd";
    let json = r#"{"serviceResponse":{"proxySuccess":{"proxyTicket":"PT-1-hidden_pt"}}}"#;
    for body in [GRANTED, json] {
        let server = Server::with_body(body).await;
        let ticket = ask(&client(&server)).await.unwrap();
        assert_eq!(ticket.expose_secret(), "PT-1-hidden_pt");
        assert!(!format!("{ticket:?} {ticket:#?}").contains("hidden"));
        let elsewhere = builder(&server.url).proxy_path("/v4/pt").build().unwrap();
        ask(&elsewhere).await.unwrap();
        assert_eq!(
            server.requests(),
            ["/cas/proxy", "/cas/v4/pt"].map(|path| format!("GET {path}?{query} HTTP/1.1"))
        );
    }
}

#[tokio::test]
async fn the_kind_of_a_refusal_follows_its_code() {
    use ProxyTicketErrorKind::{Expired, Refused, Unauthorized};
    for (code, kind) in [
        ("INVALID_TICKET", Expired),
        ("BAD_PGT", Expired),
        ("UNAUTHORIZED_SERVICE", Unauthorized),
        ("UNAUTHORIZED_SERVICE_PROXY", Unauthorized),
        ("UNAUTHORIZED_USER", Unauthorized),
        ("INVALID_SERVICE", Unauthorized),
        ("INVALID_REQUEST", Refused),
        ("INTERNAL_ERROR", Refused),
        ("OF_THIS_SERVER", Refused),
    ] {
        let json =
            format!(r#"{{"serviceResponse":{{"authenticationFailure":{{"code":"{code}"}}}}}}"#);
        for body in [refusal(code, "x"), json] {
            // RubyCAS answers with 422, SimpleSAMLphp with 400.
            for status in [200, 400, 401, 422, 500] {
                let server = Server::start(with_status(status, &body)).await;
                let error = failure(&client(&server)).await;
                assert_eq!(error.kind(), kind, "{status} {code}");
                assert_eq!(error.code(), Some(code));
                assert_eq!(server.requests().len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_that_quotes_the_ticket_is_told_without_it() {
    let text = "PGT PGT-1-hidden_pgt.cas~01 for https://mail.example.org/hidden not found";
    for (status, code, kind, message) in [
        (
            200,
            "INVALID_TICKET",
            ProxyTicketErrorKind::Expired,
            "the CAS server gave no proxy ticket: INVALID_TICKET: PGT … for … not found",
        ),
        (
            500,
            "PGT-1-hidden_pgt.cas~01",
            ProxyTicketErrorKind::Refused,
            "the CAS server gave no proxy ticket: PGT … for … not found",
        ),
    ] {
        let server = Server::start(with_status(status, &refusal(code, text))).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), kind);
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn a_ticket_that_looks_like_a_word_is_not_repeated_either() {
    for (code, message) in [
        (
            "X",
            "the CAS server gave no proxy ticket: X: ticket … unknown",
        ),
        (
            "NO_hiddenword",
            "the CAS server gave no proxy ticket: ticket … unknown",
        ),
    ] {
        let server = Server::with_body(&refusal(code, "ticket 'hiddenword' unknown")).await;
        let ticket = ProxyGrantingTicket::parse("hiddenword").unwrap();
        let target = ServiceUrl::parse("https://mail.example.org/").unwrap();
        let error = or_hang(client(&server).proxy_ticket(&ticket, &target))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(!format!("{error:?}").contains("hidden"));
    }
}

#[tokio::test]
async fn a_success_without_a_ticket_is_a_refusal_without_a_code() {
    let server = Server::with_body("<serviceResponse><proxySuccess/></serviceResponse>").await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ProxyTicketErrorKind::Refused);
    assert_eq!(error.code(), None);
    assert_eq!(error.to_string(), "the CAS server gave no proxy ticket");
}

#[tokio::test]
async fn a_ticket_counts_only_with_a_2xx_status() {
    for status in [300, 304, 400, 404, 422, 500, 503] {
        let body = if status == 304 { "" } else { GRANTED };
        let server = Server::start(with_status(status, body)).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ProxyTicketErrorKind::Unreadable, "{status}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
}

#[tokio::test]
async fn an_error_page_is_the_status_it_came_with() {
    for body in [
        "",
        "<!DOCTYPE html><html>PGT-1-hidden_pgt</html>",
        "<html/>",
        "oops",
    ] {
        for status in [200, 404, 500, 503] {
            let server = Server::start(with_status(status, body)).await;
            let error = failure(&client(&server)).await;
            assert_eq!(error.kind(), ProxyTicketErrorKind::Unreadable, "{body}");
            assert_eq!(error.to_string().contains("status"), status != 200);
        }
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_nothing_is_sent_twice() {
    for status in [301, 302, 303, 307, 308] {
        let target = Server::with_body(GRANTED).await;
        let answer = format!(
            "HTTP/1.1 {status} X\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
            target.url
        );
        let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ProxyTicketErrorKind::Unreadable);
        assert_eq!(server.requests().len(), 1);
        assert!(target.requests().is_empty());
    }
    // On a connection of its own, and on one that has served before.
    let server = Server::start(Answer::ThenClose(Vec::new())).await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ProxyTicketErrorKind::Unreachable);
    assert_eq!(server.requests().len(), 1);
    let server = Server::start(Answer::Once(ok(GRANTED))).await;
    let client = client(&server);
    ask(&client).await.unwrap();
    let error = failure(&client).await;
    assert_eq!(error.kind(), ProxyTicketErrorKind::Unreachable);
    assert!(error.source().is_some());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_server_that_stops_answering_meets_the_time_limit() {
    for start in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<serviceResponse>",
    ] {
        let server = Server::start(Answer::ThenSilence(start.into())).await;
        let client = builder(&server.url)
            .timeout(Duration::from_millis(200))
            .build()
            .unwrap();
        let error = failure(&client).await;
        assert_eq!(error.kind(), ProxyTicketErrorKind::TimedOut, "{start:?}");
    }
}

#[tokio::test]
async fn an_answer_over_1_mib_is_not_read() {
    let padding = " ".repeat(1024 * 1024);
    for status in [200, 500] {
        let body = refusal("INVALID_TICKET", "x") + &padding;
        let server = Server::start(with_status(status, &body)).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ProxyTicketErrorKind::Unreadable, "{status}");
    }
    let server = Server::with_body(&(GRANTED.to_owned() + &padding)).await;
    let error = failure(&client(&server)).await;
    assert!(error.to_string().contains("1 MiB"), "{error}");
}
