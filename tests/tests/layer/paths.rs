//! Paths, hosts and return paths that want to be mistaken.

use std::sync::atomic::Ordering;

use cas_layer::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{browser::Browser, support::App};

/// Sends a request line as it stands: a client library would tidy it up.
async fn raw(app: &App, target: &str, extra: &str) -> String {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\n{extra}Connection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_is_not_public() {
    let app = App::start().await;
    for target in [
        "/public/%2e%2e/profile",
        "/public/%2E%2E/profile",
        "/public/../profile",
        "/public/./x",
        "/public/..%2fprofile",
        "/public%2fx",
        "/public/..%5cprofile",
        "/public//profile",
        "//public/x",
        "/public/..;/profile",
        "/public;x",
        "/%70ublic/x",
        "/public/%252e%252e/profile",
        "/public/%ff",
        "/public/%00",
        "/publicity",
        "/PUBLIC/x",
        "/profile?x=/public/",
        "/profile?/public/x",
    ] {
        let answer = raw(&app, target, "").await;
        assert!(answer.starts_with("HTTP/1.1 302"), "{target}: {answer}");
        assert!(answer.contains("/cas/login?service="), "{target}: {answer}");
    }
    assert_eq!(app.reached(), 0);
    let answer = raw(&app, "/public/x", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn hosts_and_forwarding_headers_have_no_effect() {
    let app = App::start().await;
    let service = |answer: &str| {
        let location = answer
            .lines()
            .find(|line| line.starts_with("location: "))
            .unwrap();
        let url = crate::browser::parameter(location, "service").unwrap();
        url.split('?').next().unwrap().to_owned()
    };
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    for extra in [
        "X-Forwarded-Host: evil.example\r\n",
        "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\n",
        "Forwarded: host=evil.example;proto=https\r\n",
        "X-Original-URL: /public/x\r\nX-Rewrite-URL: /public/x\r\n",
        "X-HTTP-Method-Override: POST\r\n",
    ] {
        let answer = raw(&app, "/profile", extra).await;
        assert_eq!(service(&answer), app.at("/login"), "{extra}");
    }
    let answer = raw(&app, "http://evil.example/profile", "").await;
    assert_eq!(service(&answer), app.at("/login"));
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = "GET /profile HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\n\
                   Connection: close\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert_eq!(service(&answer), app.at("/login"));
    assert_eq!(app.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_hostile_next_in_any_encoding_leads_to_the_landing_path() {
    let app = App::start().await;
    for next in [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "%2F%2Fevil.example",
        "%252F%252Fevil.example",
        "/%2525252Fevil.example",
        "/%25252525252525252Fevil.example",
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/%255Cevil.example",
        "/%09/evil.example",
        "%09//evil.example",
        "/%0D%0ASet-Cookie:%20a=b",
        "/%00",
        "%20/profile",
        "profile",
        "/login",
        "/logout",
        "",
        "%FF",
        "%",
    ] {
        let mut browser = Browser::new();
        let answer = app
            .sign_in(&mut browser, &format!("/login?next={next}"))
            .await;
        assert_eq!(answer.location(), "/home", "{next}");
        let again = browser.open(&app.at(&format!("/login?next={next}"))).await;
        assert_eq!(again.location(), "/home", "{next}, signed in");
    }
    // The same, hidden in the form in which return paths travel.
    for hidden in [
        "Ly9ldmlsLmV4YW1wbGU",
        "aHR0cHM6Ly9ldmlsLmV4YW1wbGU",
        "*",
        "____",
    ] {
        let mut browser = Browser::new();
        let answer = app
            .sign_in(&mut browser, &format!("/login?next64={hidden}"))
            .await;
        assert_eq!(answer.location(), "/home", "{hidden}");
    }
}

#[tokio::test]
async fn a_long_return_path_loses_its_query_and_a_longer_one_is_the_landing_path() {
    let app = App::start().await;
    let (long, longer) = ("a".repeat(2_040), "a".repeat(2_048));
    for (path, back) in [
        (format!("/profile?q={}", &long[..2_037]), None),
        (format!("/profile?q={long}"), Some("/profile")),
        (format!("/{long}?q={long}"), Some(&*format!("/{long}"))),
        (format!("/{longer}"), Some("/home")),
        // In the redirect to the CAS server this would be longer than most if it were not encoded.
        (format!("/profile{}", "/%41".repeat(500)), None),
    ] {
        let mut browser = Browser::new();
        let answer = app.sign_in(&mut browser, &path).await;
        assert_eq!(answer.location(), back.unwrap_or(&path), "{path}");
    }
}

#[tokio::test]
async fn the_head_of_a_redirect_to_the_cas_server_fits_into_4_kib() {
    for protocol in [Protocol::Cas3, Protocol::Saml1] {
        let app = App::with(|config| config.client(|client| client.protocol(protocol))).await;
        for path in [
            format!("/x?q={}", "a".repeat(2_043)),
            format!("/a?q={}", "/'*".repeat(600)),
            "/a".repeat(1_020),
            "/".to_owned() + &"a/".repeat(449),
            format!("/{}", "a".repeat(2_047)),
        ] {
            let head = raw(&app, &path, "").await;
            assert!(head.starts_with("HTTP/1.1 302"), "{head}");
            assert!(head.len() < 3_900, "{} bytes for {path}", head.len());
        }
    }
}

#[tokio::test]
async fn a_request_path_with_two_slashes_does_not_become_a_return_path() {
    let app = App::start().await;
    let answer = raw(&app, "//evil.example/", "").await;
    assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    assert!(!answer.contains("evil.example"), "{answer}");
}
