//! Identity headers in front of a backend: nothing that a client sends is taken for one, on the wire.

use std::convert::Infallible;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use cas_layer::{CasConfig, CasConfigBuilder, CasInPlaceLayer, CasLayer, IdentityHeadersLayer};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{browser::Browser, site::Site, support::key};

/// Spellings of the names that the layers below set, in the form in which they are sent.
const SPELLINGS: [&str; 11] = [
    "Remote-User",
    "REMOTE-USER",
    "remote_user",
    "Remote.User",
    "rEMOTE~uSER",
    "Remote_Mail",
    "remote-groups",
    "Remote-Email",
    "REMOTE_NAME",
    "X-CAS-Mail",
    "x_cas_anything",
];

/// A backend that answers every request with its bytes as they came, head and body. Takes one request of a
/// connection.
async fn backend() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                while !is_complete(&bytes) {
                    if socket.read_buf(&mut bytes).await.unwrap() == 0 {
                        return;
                    }
                }
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    bytes.len()
                );
                socket.write_all(head.as_bytes()).await.unwrap();
                socket.write_all(&bytes).await.unwrap();
            });
        }
    });
    address
}

/// Whether a head, and the chunks and trailers that it announces, are there.
fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let is_chunked = head.contains("transfer-encoding: chunked");
    !is_chunked || (body.contains("0\r\n") && body.ends_with("\r\n\r\n"))
}

#[derive(Clone)]
struct Proxy {
    client: Client<HttpConnector, Body>,
    backend: String,
    /// What the backend speaks.
    version: Version,
}

/// Passes on whatever is left of a request, as a careless proxy would.
async fn forward(State(proxy): State<Proxy>, mut request: Request) -> Response {
    let path = request.uri().path_and_query().unwrap().as_str();
    let uri = format!("http://{}{path}", proxy.backend);
    *request.uri_mut() = uri.parse::<Uri>().unwrap();
    *request.version_mut() = proxy.version;
    match proxy.client.request(request).await {
        Ok(response) => response.map(Body::new).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn site() -> Site {
    let client = Client::builder(TokioExecutor::new());
    site_before(client.build_http(), backend().await, Version::HTTP_11).await
}

async fn site_before(
    client: Client<HttpConnector, Body>,
    backend: String,
    version: Version,
) -> Site {
    site_with(client, backend, version, |config| config).await
}

async fn site_with(
    client: Client<HttpConnector, Body>,
    backend: String,
    version: Version,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> Site {
    let proxy = Proxy {
        client,
        backend,
        version,
    };
    Site::axum("", |config: CasConfigBuilder| {
        let identity = IdentityHeadersLayer::builder()
            .attribute("mail", "Remote-Mail")
            .attribute("memberOf", "Remote-Groups")
            .attribute("title", "Remote-Title")
            .reserve_prefix("X-CAS-")
            .build()
            .unwrap();
        Router::new()
            .fallback(forward)
            .with_state(proxy)
            .layer(identity)
            .layer(CasLayer::new(configure(config).build().unwrap()))
    })
    .await
}

/// Sends bytes, and reads until the connection is closed.
async fn raw(site: &Site, request: &str) -> String {
    let mut socket = TcpStream::connect(site.address()).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses a request may reset the connection.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// The status, and what the backend got, in lines.
fn seen(answer: &str) -> (&str, Vec<&str>) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status, body.lines().collect())
}

/// The lines that a backend could take for an identity, whatever it makes of names.
fn identity<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let is_one = |line: &&&str| {
        let name = line.split(':').next().unwrap().to_ascii_lowercase();
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        name.starts_with("remote_") || name.starts_with("x_cas_")
    };
    lines.iter().filter(is_one).copied().collect()
}

const ALICE: [&str; 3] = [
    "remote-user: alice",
    "remote-mail: alice@wonderland.example",
    "remote-groups: rabbits,cats & hatters,%E7%8C%AB",
];

/// Nobody on a public path, and alice with her cookies on both kinds of path.
async fn visitors(site: &Site) -> Vec<(&'static str, String, &'static [&'static str])> {
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    let cookie = format!("Cookie: theme=dark; {}\r\n", browser.cookie_fields("/")[0]);
    vec![
        ("/public/a", String::new(), &[]),
        ("/public/a", cookie.clone(), &ALICE),
        ("/profile", cookie, &ALICE),
    ]
}

#[tokio::test]
async fn no_header_of_a_client_is_taken_for_an_identity_over_http1() {
    let site = site().await;
    for (path, cookie, expected) in visitors(&site).await {
        for name in SPELLINGS {
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\n{name}: mallory\r\nX-Other: kept\r\n{cookie}\
                 {name}:\teve\r\nConnection: x-unknown, {name}\r\nConnection: close\r\n\r\n"
            );
            let answer = raw(&site, &head).await;
            let (status, lines) = seen(&answer);
            assert_eq!(status, "200", "{answer}");
            assert_eq!(identity(&lines), expected, "{name}");
            assert!(lines.contains(&"x-other: kept"), "{answer}");
            assert!(lines.contains(&"connection: x-unknown"), "{answer}");
            assert!(!answer.contains("-session="), "{answer}");
            assert_eq!(
                lines.contains(&"cookie: theme=dark"),
                !cookie.is_empty(),
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn no_trailer_of_a_client_is_taken_for_an_identity_over_http1() {
    let site = site().await;
    for (path, cookie, expected) in visitors(&site).await {
        for name in SPELLINGS {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{cookie}\
                 Trailer: X-Sum, {name}\r\nTrailer: {name}\r\nConnection: close\r\n\r\n\
                 4\r\ndata\r\n0\r\n{name}: mallory\r\nX-Sum: 7\r\n{name}: eve\r\n\r\n"
            );
            let answer = raw(&site, &request).await;
            let (status, lines) = seen(&answer);
            assert_eq!(status, "200", "{answer}");
            assert_eq!(identity(&lines), expected, "{name}: {answer}");
            assert!(lines.contains(&"trailer: X-Sum"), "{answer}");
            assert!(lines.ends_with(&["data", "0", "x-sum: 7", ""]), "{answer}");
        }
    }
}

#[tokio::test]
async fn what_is_no_name_or_continues_a_line_never_gets_to_the_backend() {
    let site = site().await;
    for line in [
        "Remote-User : mallory",
        "Remote User: mallory",
        "Remote-User\0: mallory",
        "X-A: b\r\n Remote-User: mallory",
        "X-A: b\r\n\tRemote-User: mallory",
        "\u{a0}Remote-User: mallory",
        "Rémote-User: mallory",
        ": mallory",
        "Remote-User\r: mallory",
        "X-A: b\rRemote-User: mallory",
    ] {
        let head =
            format!("GET /public/a HTTP/1.1\r\nHost: x\r\n{line}\r\nConnection: close\r\n\r\n");
        let answer = raw(&site, &head).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{line:?}: {answer}");
    }
    // A bare line feed ends a line too (RFC 9112, section 2.2), so this is a header like any other.
    let answer = raw(
        &site,
        "GET /public/a HTTP/1.1\nHost: x\nX-A: b\nRemote_User: mallory\nConnection: close\n\n",
    )
    .await;
    let (status, lines) = seen(&answer);
    assert_eq!((status, identity(&lines)), ("200", vec![]), "{answer}");
    assert!(lines.contains(&"x-a: b"), "{answer}");
}

#[tokio::test]
async fn nobody_talks_another_http_to_the_backend() {
    let site = site().await;
    let answer = raw(
        &site,
        "GET /public/a HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\
         Connection: Upgrade, HTTP2-Settings, close\r\n\r\n",
    )
    .await;
    let (status, lines) = seen(&answer);
    assert_eq!(status, "200");
    assert!(lines.contains(&"connection: close"), "{answer}");
    let text = lines.join("\n").to_ascii_lowercase();
    assert!(
        !text.contains("upgrade") && !text.contains("http2"),
        "{text}"
    );
}

#[tokio::test]
async fn neither_headers_nor_trailers_are_taken_for_an_identity_over_http2() {
    let site = site().await;
    let mut browser = Browser::over_http2();
    site.sign_in(&mut browser, "/profile").await;
    browser.cookies.push(cookie::Cookie::new("theme", "dark"));
    for (path, cookies, expected) in [
        ("/public/a", vec![], &[][..]),
        ("/profile", browser.cookie_fields("/"), &ALICE[..]),
    ] {
        let mut headers = HeaderMap::new();
        for name in SPELLINGS {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(&name, HeaderValue::from_static("mallory"));
            headers.append(&name, HeaderValue::from_static("eve"));
        }
        headers.insert("x-sum", HeaderValue::from_static("7"));
        let frames = [
            Ok::<_, Infallible>(Frame::data(Bytes::from("data"))),
            Ok(Frame::trailers(headers.clone())),
        ];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let mut request = browser
            .request(Method::POST, &site.at(path))
            .headers(headers)
            .header("trailer", format!("x-sum, {}", SPELLINGS.join(", ")))
            .body(reqwest::Body::wrap(body));
        for field in &cookies {
            request = request.header("cookie", field);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        let text = answer.text().await.unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(identity(&lines), expected, "{text}");
        assert!(lines.contains(&"trailer: x-sum"), "{text}");
        assert!(lines.ends_with(&["data", "0", "x-sum: 7", ""]), "{text}");
        let cookie_lines = lines.iter().filter(|line| line.starts_with("cookie:"));
        let expected = usize::from(!cookies.is_empty());
        assert_eq!(cookie_lines.count(), expected, "{text}");
    }
}

#[tokio::test]
async fn the_backend_gets_no_cookie_of_another_host_of_the_app() {
    // Browsers do not know ports: they send the cookies of both hosts to both.
    let other = "http://127.0.0.1:1";
    let client = Client::builder(TokioExecutor::new()).build_http();
    let with_other = |config: CasConfigBuilder| config.host(other);
    let site = site_with(client, backend().await, Version::HTTP_11, with_other).await;
    let alone = CasConfig::builder(site.cas.url(), other).key(key(1));
    let session = alone.build().unwrap().cookie_name().to_owned();
    let login = session.replace("-session", "-login");
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    let own = &browser.cookie_fields("/")[0];
    for (path, host) in [
        ("/profile", site.address().to_string()),
        ("/public/a", site.address().to_string()),
        ("/public/a", "127.0.0.1:1".to_owned()),
    ] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Cookie: {session}=a; theme=dark; {own}; {login}=b\r\n\r\n"
        );
        let answer = raw(&site, &head).await;
        let (status, lines) = seen(&answer);
        assert_eq!(status, "200", "{answer}");
        let cookies: Vec<_> = lines.iter().filter(|l| l.starts_with("cookie:")).collect();
        assert_eq!(cookies, [&"cookie: theme=dark"], "{path} {host}");
    }
}

/// HTTP/1 sends only trailers that were announced, HTTP/2 sends all.
#[tokio::test]
async fn no_trailer_that_was_not_announced_is_taken_for_an_identity_by_an_http2_backend() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = Router::new().fallback(async |request: Request| {
        let body = request.into_body().collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let names: Vec<_> = trailers.keys().map(HeaderName::as_str).collect();
        names.join(" ")
    });
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut client = Client::builder(TokioExecutor::new());
    let client = client.http2_only(true).build_http();
    let site = site_before(client, address, Version::HTTP_2).await;
    for name in SPELLINGS {
        let request = format!(
            "POST /public/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
             4\r\ndata\r\n0\r\n{name}: mallory\r\nX-Sum: 7\r\n\r\n"
        );
        let answer = raw(&site, &request).await;
        assert_eq!(seen(&answer), ("200", vec!["x-sum"]), "{name}: {answer}");
    }
    server.abort();
}

#[tokio::test]
async fn under_a_callback_in_place_the_backend_is_told_the_same_and_gets_forms_as_they_came() {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let proxy = Proxy {
        client,
        backend: backend().await,
        version: Version::HTTP_11,
    };
    let site = Site::axum("", |config| {
        let identity = IdentityHeadersLayer::builder()
            .attribute("mail", "Remote-Mail")
            .attribute("memberOf", "Remote-Groups")
            .reserve_prefix("X-CAS-")
            .build()
            .unwrap();
        Router::new()
            .fallback(forward)
            .with_state(proxy)
            .layer(identity)
            .layer(CasInPlaceLayer::new(config.build().unwrap()))
    })
    .await;
    let mut browser = Browser::new();
    let begin = browser.open(&site.at("/profile")).await;
    let service = begin.location_parameter("service").unwrap();
    let ticket = site.cas.issue_ticket("alice", &service);
    browser.open(&format!("{service}&ticket={ticket}")).await;
    let cookie = format!("Cookie: theme=dark; {}\r\n", browser.cookie_fields("/")[0]);
    for (path, cookie, expected) in [
        ("/public/a", "", &[][..]),
        ("/public/a", &cookie, &ALICE[..]),
        ("/profile", &cookie, &ALICE[..]),
    ] {
        for name in SPELLINGS {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\n{name}: mallory\r\n{cookie}\
                 Content-Type: application/x-www-form-urlencoded\r\n\
                 Transfer-Encoding: chunked\r\nTrailer: {name}\r\nConnection: close\r\n\r\n\
                 9\r\nlogoutReq\r\n4\r\n_=ab\r\n0\r\n{name}: eve\r\n\r\n"
            );
            let answer = raw(&site, &request).await;
            let (status, lines) = seen(&answer);
            assert_eq!(status, "200", "{answer}");
            assert_eq!(identity(&lines), expected, "{name}: {answer}");
            assert!(!answer.contains("-session="), "{answer}");
            let data = lines.iter().filter(|line| "logoutReq_=ab".contains(**line));
            let data: String = data.copied().collect();
            assert_eq!(data, "logoutReq_=ab", "{answer}");
        }
    }
}
