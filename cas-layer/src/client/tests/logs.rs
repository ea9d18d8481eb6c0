//! What the HTTP client writes to the log.

use std::io;
use std::sync::{Arc, Mutex};

use log::{LevelFilter, Log, Metadata, Record};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt;

use super::server::{Answer, Server};
use super::{ALICE, builder, or_hang, validate};
use crate::{Password, Protocol, ProxyGrantingTicket, ServiceUrl};

/// Keeps every line, of every test that runs meanwhile.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}", record.target(), record.args());
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

/// Keeps every event of this thread.
#[derive(Clone, Default)]
pub(super) struct Events(Arc<Mutex<Vec<u8>>>);

impl Events {
    /// Hears this thread until the guard is dropped.
    pub(super) fn listen(&self) -> DefaultGuard {
        let writer = self.clone();
        let subscriber = fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Events {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_ticket_is_logged_whatever_the_http_client_was_told() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let events = Events::default();
    // The runtime of a test has one thread.
    let _listening = events.listen();
    let server = Server::with_body(ALICE).await;
    let client = builder(&server.url)
        .http_client(|http| http.connection_verbose(true))
        .build()
        .unwrap();
    validate(&client).await.unwrap();
    // By a body, which no service response answers.
    let client = builder(&server.url)
        .protocol(Protocol::Saml1)
        .http_client(|http| http.connection_verbose(true))
        .build()
        .unwrap();
    validate(&client).await.unwrap_err();
    assert!(server.messages()[1].contains("hidden_ticket"));
    // A proxy-granting ticket in the URL, quoted in one answer, and a proxy ticket in the other.
    for answer in [
        "<proxySuccess><proxyTicket>PT-hidden</proxyTicket></proxySuccess>",
        "<proxyFailure code='INVALID_TICKET'>PGT-hidden for https://hidden.example/</proxyFailure>",
    ] {
        let server =
            Server::with_body(&format!("<serviceResponse>{answer}</serviceResponse>")).await;
        let client = builder(&server.url)
            .http_client(|http| http.connection_verbose(true))
            .build()
            .unwrap();
        let ticket = ProxyGrantingTicket::parse("PGT-hidden").unwrap();
        let target = ServiceUrl::parse("https://hidden.example/").unwrap();
        let result = or_hang(client.proxy_ticket(&ticket, &target)).await;
        assert_eq!(result.is_ok(), answer.contains("PT-hidden</"));
        assert!(server.messages()[0].contains("PGT-hidden"));
    }
    // A password in a body, a ticket-granting ticket in a field and in a URL.
    let created = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\
        Location: /cas/v1/tickets/TGT-hidden\r\n\r\n";
    let server = Server::start(Answer::Bytes(created.into())).await;
    let client = builder(&server.url)
        .http_client(|http| http.connection_verbose(true))
        .build()
        .unwrap();
    let password = Password::new("hidden");
    let session = or_hang(client.sign_in_with_password("hidden", &password)).await;
    or_hang(client.destroy(&session.unwrap()))
        .await
        .unwrap_err();
    assert!(server.messages()[0].contains("password=hidden"));
    assert!(server.messages()[1].contains("TGT-hidden"));

    tracing::trace!("the subscriber hears");
    let events = events.text();
    assert!(events.contains("the subscriber hears"));
    assert!(!events.contains("hidden"), "{events}");
    let lines = LINES.0.lock().unwrap().clone();
    assert!(lines.iter().any(|line| line.contains("127.0.0.1")));
    for line in lines {
        assert!(!line.contains("hidden"), "{line}");
    }
}
