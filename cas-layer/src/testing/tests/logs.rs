//! What logouts and proxy callbacks write to the log.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing_subscriber::fmt;

use super::super::FrontChannel;
use super::{Browser, CasServer, Receiver, SERVICE, StatusCode, get, url};

thread_local! {
    static HEARD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is said on the thread, at every level. The runtime of a test has one thread.
fn listen() {
    static INSTALLED: Once = Once::new();
    // One for the whole process: callsites remember for all threads whether anybody listens.
    INSTALLED.call_once(|| {
        let subscriber = fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(|| Heard)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        tracing::callsite::rebuild_interest_cache();
    });
    HEARD.take();
}

fn heard() -> String {
    String::from_utf8(HEARD.take()).unwrap()
}

struct Heard;

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_logout_that_a_service_does_not_take_is_logged_without_the_ticket() {
    listen();
    let cas = CasServer::start().await.unwrap();
    let refusing = Receiver::answering(|| std::future::ready(StatusCode::IM_A_TEAPOT)).await;
    let gone = Receiver::start().await.url.clone();
    let path = "/a?secret=1#ST-old";
    let services = [
        refusing.at(path),
        format!("{gone}{path}"),
        format!("https://app.example.org{path}"),
        "secret=1".to_owned(),
    ];
    let mut tickets: Vec<String> = services
        .iter()
        .map(|service| cas.issue_ticket("casuser", service))
        .collect();
    cas.log_out("casuser").await;
    cas.set_front_channel(Some(FrontChannel::Redirects));
    let mut browser = Browser::new();
    let at = refusing.at(path);
    let params = [("service", &*at)];
    tickets.push(browser.sign_in(&cas, &params).await.ticket());
    browser.get(url(&cas, "/logout", &[])).await.location();

    let heard = heard();
    for line in [
        format!("a service did not accept a logout request service=\"{}/a\" status=418", refusing.url),
        format!("a logout request was not answered service=\"{gone}/a\" error=\""),
        "a service that is not on loopback gets no logout request service=\"https://app.example.org/a\"".to_owned(),
        "a service that is not on loopback gets no logout request service=\"no URL\"".to_owned(),
    ] {
        assert!(heard.contains(&line), "{line}\n{heard}");
    }
    assert!(heard.contains("refused"), "{heard}");
    for secret in tickets
        .iter()
        .map(String::as_str)
        .chain(["secret", "ST-", "TGT-"])
    {
        assert!(!heard.contains(secret), "{heard}");
    }
}

#[tokio::test]
async fn a_proxy_callback_is_logged_when_it_fails_and_without_the_tickets() {
    listen();
    let builder = CasServer::builder().allow_http_callbacks(true);
    let cas = builder.start().await.unwrap();
    let taking = Receiver::start().await;
    let refusing = Receiver::replying(|uri| {
        let probe = !uri.contains("pgtId");
        std::future::ready(if probe {
            StatusCode::OK
        } else {
            StatusCode::IM_A_TEAPOT
        })
    })
    .await;
    let gone = Receiver::start().await.url.clone();
    let path = "/pgt?secret=1#ST-old";
    for pgt_url in [
        taking.at(path),
        refusing.at(path),
        format!("{gone}{path}"),
        format!("https://app.example.org{path}"),
        "secret=1".to_owned(),
    ] {
        let ticket = cas.issue_ticket("casuser", SERVICE);
        let params = [
            ("service", SERVICE),
            ("ticket", &ticket),
            ("pgtUrl", &pgt_url),
        ];
        get(url(&cas, "/serviceValidate", &params)).await;
    }
    let pgt = cas.issue_proxy_granting_ticket("casuser", &taking.at("/pgt"));
    for pgt in [&*pgt, "PGT-unknown"] {
        let params = [("pgt", pgt), ("targetService", SERVICE)];
        get(url(&cas, "/proxy", &params)).await;
    }

    let heard = heard();
    let not_called = "a pgtUrl that is not on loopback or not on https is not called";
    for line in [
        format!(
            "a proxy did not take a callback service=\"{}/pgt\" status=418",
            refusing.url
        ),
        format!("a proxy callback was not answered service=\"{gone}/pgt\" error=\""),
        format!("{not_called} service=\"https://app.example.org/pgt\""),
        format!("{not_called} service=\"no URL\""),
    ] {
        assert!(heard.contains(&line), "{line}\n{heard}");
    }
    for secret in ["secret", "ST-", "PT-", "PGT-", "PGTIOU-"] {
        assert!(!heard.contains(secret), "{heard}");
    }
}
