//! Request bodies reach the app as they came.

use std::time::Duration;

use axum::{Router, body::Body, extract::Request, routing::post};
use bytes::Bytes;
use cas_layer::CasInPlaceLayer;
use http::Response;
use http_body_util::channel::Channel;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{sign_in, whole};
use crate::{
    browser::Browser,
    single_logout::{FORM, form, message},
    site::Site,
};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_apps_own_posts_are_replayed() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    sign_in(&site, &mut browser, "/page").await;
    let request = form(&message(&["ST-1"]));
    let long = format!("{request}{}", "x".repeat(64 * 1024));
    for (kind, body) in [
        (FORM, "a=b&c=d"),
        (FORM, ""),
        (FORM, "l"),
        (FORM, "logoutRequest"),
        (FORM, "logoutRequests=1"),
        (FORM, "logoutRequest%3D=1"),
        (FORM, &format!("a=b&{request}")),
        (FORM, &long),
        ("application/x-www-form-urlencoded; charset=utf-8", "ä=ö"),
        ("application/json", "{\"logoutRequest\":1}"),
        ("application/json", &request),
        ("text/plain", &request),
        ("multipart/form-data; boundary=b", "--b\r\n\r\n--b--\r\n"),
    ] {
        let post = browser.request(Method::POST, &site.at("/echo"));
        let post = post.header("content-type", kind).body(body.to_owned());
        let answer = browser.send(post).await;
        assert_eq!(answer.status, 200, "{kind} {body:.30}");
        assert!(answer.body == body, "{kind} {body:.30}");
    }
    // And on a public path all of them are the app's own.
    let post = Browser::new().request(Method::POST, &site.at("/public/echo"));
    let post = post.header("content-type", FORM).body(request.clone());
    assert_eq!(Browser::new().send(post).await.body, request);
}

#[tokio::test]
async fn without_a_user_a_form_of_the_apps_is_refused_and_not_taken_for_a_logout() {
    let site = whole(|config| config).await;
    for (kind, body) in [
        (FORM, "a=b"),
        (FORM, "logoutRequest&="),
        ("text/plain", "a"),
    ] {
        let mut browser = Browser::new();
        let request = browser.request(Method::POST, &site.at("/echo"));
        let answer = browser.send(request.header("content-type", kind).body(body));
        assert_eq!(answer.await.status, 401, "{kind} {body}");
    }
}

/// Answers each piece of a body as soon as it comes.
async fn parrot(request: Request) -> Response<Body> {
    Response::new(Body::from_stream(request.into_body().into_data_stream()))
}

async fn parrots() -> Site {
    Site::axum("", |config| {
        let config = config.rule(
            cas_layer::Paths::exact("/parrot"),
            cas_layer::Access::optional(),
        );
        Router::new()
            .route("/parrot", post(parrot))
            .layer(CasInPlaceLayer::new(config.build().unwrap()))
    })
    .await
}

#[tokio::test]
async fn a_stream_is_answered_before_its_last_byte_is_sent() {
    let site = parrots().await;
    for kind in [FORM, "application/octet-stream"] {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let request = Browser::new()
            .request(Method::POST, &site.at("/parrot"))
            .header("content-type", kind)
            .body(reqwest::Body::wrap(body));
        let sending = tokio::spawn(request.send());
        sender
            .send_data(Bytes::from_static(b"first"))
            .await
            .unwrap();
        let mut answer = tokio::time::timeout(LIMIT, sending)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "first", "{kind}");
        let sent = tokio::spawn(async move {
            for _ in 0..64 {
                let piece = Bytes::from(vec![b'x'; 16 * 1024]);
                sender.send_data(piece).await.unwrap();
            }
        });
        let mut read = 0;
        while let Some(piece) = answer.chunk().await.unwrap() {
            read += piece.len();
        }
        sent.await.unwrap();
        assert_eq!(read, 1024 * 1024, "{kind}");
    }
}

#[tokio::test]
async fn a_form_that_comes_byte_by_byte_is_passed_on_when_it_can_be_told() {
    let site = parrots().await;
    for (sent, told) in [("logoutReq_", true), ("logoutReq", false)] {
        let mut socket = TcpStream::connect(site.address()).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let head = format!(
            "POST /parrot HTTP/1.1\r\nHost: app\r\nContent-Type: {FORM}\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        for byte in sent.bytes() {
            let chunk = [b'1', b'\r', b'\n', byte, b'\r', b'\n'];
            socket.write_all(&chunk).await.unwrap();
        }
        if !told {
            socket.write_all(b"0\r\n\r\n").await.unwrap();
        }
        // All that was sent comes back, though the first of the two never ends.
        let mut answer = String::new();
        let back = async {
            loop {
                let mut some = [0; 1024];
                let read = socket.read(&mut some).await.unwrap();
                assert_ne!(read, 0, "{answer}");
                answer.push_str(std::str::from_utf8(&some[..read]).unwrap());
                let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                let data = body.lines().skip(1).step_by(2).collect::<String>();
                if data == sent {
                    break;
                }
            }
        };
        tokio::time::timeout(LIMIT, back).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// Over 64 KiB a form is the app's own, whatever it begins with, and to the app it is a body like any other.
#[tokio::test]
async fn a_logout_request_without_end_goes_on_to_the_app_or_is_refused_with_its_first_64_kib() {
    let site = whole(|config| config).await;
    let mut alice = Browser::new();
    sign_in(&site, &mut alice, "/page").await;
    for (mut browser, status) in [(Browser::new(), 401), (alice, 200)] {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let request = browser.request(Method::POST, &site.at("/page"));
        let request = request
            .header("content-type", FORM)
            .body(reqwest::Body::wrap(body));
        let answer = tokio::spawn(async move { browser.send(request).await });
        let mut piece = Bytes::from("logoutRequest=".to_owned() + &"x".repeat(16 * 1024));
        // Ends when the other side no longer takes anything.
        let mut sent = 0;
        let endless = async {
            while sent < 10_000 && sender.send_data(piece.clone()).await.is_ok() {
                sent += 1;
                piece = Bytes::from(vec![b'x'; 16 * 1024]);
            }
        };
        tokio::time::timeout(LIMIT, endless).await.unwrap();
        assert!(sent < 10_000, "{status}");
        // The answer may be lost with the connection that it closes.
        if let Ok(answer) = answer.await {
            assert_eq!(answer.status, status);
        }
    }
}
