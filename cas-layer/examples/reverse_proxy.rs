//! A reverse proxy that signs visitors in and tells the upstream who they are, as `mod_auth_cas` and oauth2-proxy do.
//!
//! `cargo run --example reverse_proxy -- https://cas.example.org/cas http://127.0.0.1:9000`, then open
//! <http://127.0.0.1:8080>. The upstream has to be reachable through this proxy alone: it believes `Remote-User`.

use std::{error::Error, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse as _, Response},
};
use cas_layer::{CasConfig, CasLayer, CasUser, IdentityHeadersLayer, Key};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};

#[derive(Clone)]
struct Proxy {
    client: Client<HttpConnector, Body>,
    upstream: Uri,
    /// Host and port of the app as browsers see it.
    host: HeaderValue,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(cas_url), Some(upstream)) = (arguments.next(), arguments.next()) else {
        return Err("usage: reverse_proxy CAS_URL UPSTREAM_URL".into());
    };
    let upstream: Uri = upstream.parse()?;
    if upstream.scheme_str() != Some("http") || upstream.path() != "/" {
        return Err("UPSTREAM_URL is http://HOST:PORT".into());
    }
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let host = listener.local_addr()?.to_string();
    println!("Listening on http://{host}");

    let config = CasConfig::builder(cas_url, format!("http://{host}"))
        .key(Key::generate())
        .public_prefix("/public")
        .build()?;
    // Also takes out of requests whatever looks like one of these, every `Remote-` header, and the cookies of the
    // CasLayer. `X-Forwarded-User`, `-Groups`, `-Email` and `-Preferred-Username` are other proxies' names for a user.
    let identity = IdentityHeadersLayer::builder()
        .attribute("mail", "Remote-Mail")
        .attribute("memberOf", "Remote-Groups")
        .reserve_prefix("X-Forwarded-")
        .build()?;
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(Duration::from_secs(5)));
    let proxy = Proxy {
        client: Client::builder(TokioExecutor::new()).build(connector),
        upstream,
        host: HeaderValue::try_from(host)?,
    };
    let app = Router::new()
        .fallback(forward)
        .with_state(proxy)
        .layer(identity)
        .layer(CasLayer::new(config));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await?;
    Ok(())
}

async fn forward(
    State(proxy): State<Proxy>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    user: Option<CasUser>,
    mut request: Request,
) -> Response {
    // A WebSocket over HTTP/2 (RFC 8441) is a `CONNECT`, and a tunnel would be a direct connection to the upstream.
    if request.method() == Method::CONNECT {
        return StatusCode::NOT_IMPLEMENTED.into_response();
    }
    // Only the path and the query are the visitor's choice.
    let mut target = proxy.upstream.into_parts();
    target.path_and_query = request.uri().path_and_query().cloned();
    let Ok(target) = Uri::from_parts(target) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = target;
    *request.version_mut() = Version::HTTP_11;

    // The identity layer leaves no other offer than `websocket`.
    let offers = request.headers().contains_key(header::UPGRADE);
    let upgrade = offers.then(|| hyper::upgrade::on(&mut request));
    let headers = request.headers_mut();
    remove_hop_by_hop(headers);
    if upgrade.is_some() {
        ask_for_websocket(headers);
    }
    join_cookies(headers);
    // Only the headers of the layer tell the upstream which user has signed in.
    headers.remove(header::AUTHORIZATION);
    headers.remove(header::PROXY_AUTHORIZATION);
    // The client sets the upstream's.
    headers.remove(header::HOST);
    headers.remove(header::FORWARDED);
    headers.insert("x-forwarded-host", proxy.host);
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    if let Ok(address) = HeaderValue::try_from(peer.ip().to_string()) {
        headers.insert("x-forwarded-for", address);
    }

    let mut response = match proxy.client.request(request).await {
        Ok(response) => response,
        Err(error) => {
            eprintln!("no answer from the upstream: {error}");
            return StatusCode::BAD_GATEWAY.into_response();
        }
    };
    remove_hop_by_hop(response.headers_mut());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(browser) = upgrade else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let upstream = hyper::upgrade::on(&mut response);
        tokio::spawn(tunnel(browser, upstream, user));
        ask_for_websocket(response.headers_mut());
    }
    response.map(Body::new)
}

/// Carries bytes both ways, until one side is done or the session has ended.
async fn tunnel(browser: OnUpgrade, upstream: OnUpgrade, user: Option<CasUser>) {
    let (Ok(browser), Ok(upstream)) = tokio::join!(browser, upstream) else {
        return;
    };
    let (mut browser, mut upstream) = (TokioIo::new(browser), TokioIo::new(upstream));
    let ended = async {
        match user {
            Some(user) => user.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut browser, &mut upstream) => {}
        () = ended => {}
    }
}

/// Removes what is meant for this proxy alone (RFC 9110, section 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let fields = headers.get_all(header::CONNECTION).iter();
    let named: Vec<HeaderName> = fields
        .flat_map(|field| field.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
}

fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// HTTP/2 has a field for each cookie, HTTP/1 one for all (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies: Vec<&[u8]> = cookies.map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
        && cookies.len() > 1
    {
        headers.insert(header::COOKIE, joined);
    }
}
