//! Posts to the login path that sign nobody in.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cas_layer::RefusedReason;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Site, assert_sent_on};
use crate::{
    browser::Browser,
    single_logout::{FORM, form, message},
};

/// A site, and why it turned somebody away.
async fn observed() -> (Site, Arc<Mutex<Vec<RefusedReason>>>) {
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&reasons);
    let note = move |reason| noted.lock().unwrap().push(reason);
    let site = Site::with(|c| {
        c.sign_in(|sign_in| sign_in.tickets_by_post(true))
            .on_refused(move |who| note(who.reason()))
    })
    .await;
    (site, reasons)
}

/// Sends the head of a form and this body to the login path, says no more, and reads the answer to its end.
async fn raw(site: &Site, fields: &str, body: &[u8]) -> String {
    let address = site.behind.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: app.example\r\nContent-Type: {FORM}\r\n{fields}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    let mut answer = String::new();
    let read = socket.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(60), read)
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn what_is_neither_a_ticket_nor_a_logout_request_is_refused() {
    let (site, reasons) = observed().await;
    let mut browser = Browser::new();
    let service = site.begin(&mut browser, "/profile").await;
    let ticket = site.cas.issue_ticket("alice", &service);
    let good = format!("ticket={ticket}");
    let long = format!("{good}&x={}", "x".repeat(1024 * 1024));
    let logout = form(&message(&[&ticket]));
    let both = format!("{good}&{logout}");
    let with_ticket = format!("{service}&{good}");
    let with_logout = format!("{service}&logoutRequest=x");
    let with_other = format!("{service}&ticket=ST-other");
    let wrong_type = "application/json";
    let (plain, multipart) = ("text/plain", "multipart/form-data; boundary=x");
    for (url, content_type, body, status) in [
        (&service, wrong_type, good.as_str(), 400),
        (&service, plain, &good, 400),
        (&service, multipart, &good, 400),
        (&service, "", &good, 400),
        (&service, FORM, "", 400),
        (&service, FORM, "x=y", 400),
        (&with_ticket, FORM, "", 400),
        (&with_other, FORM, &good, 400),
        (&service, FORM, &long, 413),
        // What asks to end a session is a logout request, if a broken one.
        (&service, FORM, &both, 400),
        (&with_ticket, FORM, &logout, 400),
        (&with_logout, FORM, &good, 400),
    ] {
        let request = browser
            .request(Method::POST, &site.at(url))
            .header("content-type", content_type)
            .body(body.to_owned());
        let answer = browser.send(request).await;
        let sent = &body[..body.len().min(60)];
        assert_eq!(answer.status, status, "{url} {content_type} {sent}");
        assert!(!answer.body.is_empty(), "{url} {content_type} {sent}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let is_logout = body.contains("logoutRequest") || url.contains("logoutRequest");
        let expected = (!is_logout).then_some(RefusedReason::InvalidTicket);
        let told = std::mem::take(&mut *reasons.lock().unwrap());
        assert_eq!(
            told,
            Vec::from_iter(expected),
            "{url} {content_type} {sent}"
        );
    }
    let prefetch = browser
        .request(Method::POST, &site.at(&service))
        .header("content-type", FORM)
        .header("sec-purpose", "prefetch")
        .body(good.clone());
    assert_eq!(browser.send(prefetch).await.status, 503);
    // None of this used up the login or the ticket.
    assert_eq!(site.cas.validations(), 0);
    let charset = browser
        .request(Method::POST, &site.at(&service))
        .header("content-type", format!("{FORM}; charset=UTF-8"))
        .body(good);
    assert_sent_on(&browser.send(charset).await, "/profile");
}

#[tokio::test]
async fn a_form_without_end_is_cut_off() {
    let (site, reasons) = observed().await;
    // One byte too many, and none behind it: what is not read could take the answer away with the connection.
    let too_long = 64 * 1024 + 1;
    let mut chunk = format!("{too_long:x}\r\n").into_bytes();
    chunk.resize(chunk.len() + too_long, b'x');
    let answer = raw(&site, "Transfer-Encoding: chunked", &chunk).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(*reasons.lock().unwrap(), [RefusedReason::InvalidTicket]);
}

#[tokio::test]
async fn a_form_that_is_never_finished_is_given_up() {
    let (site, reasons) = observed().await;
    let fields = "Connection: close\r\nContent-Length: 100";
    let answer = raw(&site, fields, b"ticket=").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(*reasons.lock().unwrap(), [RefusedReason::InvalidTicket]);
}
