//! The layer under other servers and over other services than axum's, over HTTP/1 and HTTP/2.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{
        Request,
        ws::{Message, WebSocketUpgrade},
    },
    response::IntoResponse,
    routing::{any, post},
};
use bytes::Bytes;
use cas_layer::{CasLayer, CasUser};
use futures_util::StreamExt as _;
use http::{HeaderMap, Method, Response, Version, header};
use http_body_util::{Full, channel::Channel};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest as _};
use tonic::{Code, Status, transport::server::TcpIncoming};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_client::HealthClient,
    health_server::{Health, HealthServer},
};
use tower::{Layer as _, ServiceBuilder, service_fn};
use tower_http::map_response_body::MapResponseBodyLayer;

use crate::{browser::Browser, site::Site};

/// What the apps below say about a request: who, how, and in how many pieces the cookies came.
fn seen(version: Version, headers: &HeaderMap, user: Option<&CasUser>) -> String {
    let fields = headers.get_all(header::COOKIE).iter().count();
    let user = user.map_or("nobody", CasUser::name);
    format!("{user} over {version:?}, {fields} cookie fields")
}

fn seen_in<B>(request: &http::Request<B>) -> String {
    seen(
        request.version(),
        request.headers(),
        request.extensions().get(),
    )
}

async fn hyper_site() -> Site {
    Site::hyper(|config| {
        let app = service_fn(async |request: http::Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(seen_in(&request)))))
        });
        CasLayer::new(config.build().unwrap()).layer(app)
    })
    .await
}

async fn axum_site() -> Site {
    Site::axum("", |config| {
        Router::new()
            .fallback(async |request: Request| seen_in(&request))
            .layer(CasLayer::new(config.build().unwrap()))
    })
    .await
}

/// Signs in, is seen, and signs out. The browser has another cookie before and one behind ours.
async fn flow(site: &Site, mut browser: Browser, expected: &str) {
    browser.cookies.push(cookie::Cookie::new("theme", "dark"));
    assert_eq!(
        site.sign_in(&mut browser, "/profile?a=b").await.location(),
        "/profile?a=b"
    );
    browser.cookies.push(cookie::Cookie::new("size", "large"));
    assert_eq!(browser.cookies.len(), 4, "{:?}", browser.cookies);
    assert_eq!(
        browser.open(&site.at("/profile?a=b")).await.body,
        format!("alice over {expected}")
    );
    let out = browser.open(&site.at("/logout")).await;
    assert!(out.location().starts_with(site.cas.url()));
    assert!(!browser.has_session());
    let again = browser.open(&site.at("/profile")).await;
    assert!(again.location().starts_with(site.cas.url()));
}

#[tokio::test]
async fn plain_hyper_over_http1() {
    flow(
        &hyper_site().await,
        Browser::new(),
        "HTTP/1.1, 1 cookie fields",
    )
    .await;
}

#[tokio::test]
async fn plain_hyper_over_http2_with_a_field_for_each_cookie() {
    flow(
        &hyper_site().await,
        Browser::over_http2(),
        "HTTP/2.0, 4 cookie fields",
    )
    .await;
}

#[tokio::test]
async fn axum_over_http2_with_a_field_for_each_cookie() {
    flow(
        &axum_site().await,
        Browser::over_http2(),
        "HTTP/2.0, 4 cookie fields",
    )
    .await;
}

#[tokio::test]
async fn a_request_body_is_passed_on_as_it_arrives() {
    let site = Site::axum("", |config| {
        Router::new()
            .route(
                "/echo",
                post(async |request: Request| {
                    Body::from_stream(request.into_body().into_data_stream())
                }),
            )
            .layer(CasLayer::new(config.build().unwrap()))
    })
    .await;
    for mut browser in [Browser::new(), Browser::over_http2()] {
        site.sign_in(&mut browser, "/profile").await;
        let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
        sender.send_data(Bytes::from("first")).await.unwrap();
        let mut request = browser
            .request(Method::POST, &site.at("/echo"))
            .body(reqwest::Body::wrap(body));
        for field in browser.cookie_fields("/echo") {
            request = request.header("cookie", field);
        }
        // What was sent comes back before the rest is sent: nobody collects the body on the way.
        let mut answer = soon(request.send()).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(soon(answer.chunk()).await.unwrap().unwrap(), "first");
        sender.send_data(Bytes::from("second")).await.unwrap();
        assert_eq!(soon(answer.chunk()).await.unwrap().unwrap(), "second");
        drop(sender);
        assert_eq!(soon(answer.text()).await.unwrap(), "");
    }
}

/// Fails a test that would wait for ever.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("it hangs")
}

async fn greet(user: CasUser, upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(async move |mut socket| {
        let name = Message::text(user.name());
        socket.send(name).await.unwrap();
    })
}

#[tokio::test]
async fn a_websocket_opens_for_a_user_and_for_nobody_else() {
    let site = Site::axum("", |config| {
        Router::new()
            .route("/socket", any(greet))
            .layer(CasLayer::new(config.build().unwrap()))
    })
    .await;
    let handshake = |cookies: Vec<String>| {
        let url = format!("ws://{}/socket", site.address());
        let mut request = url.into_client_request().unwrap();
        for field in cookies {
            let field = field.parse().unwrap();
            request.headers_mut().append(header::COOKIE, field);
        }
        async {
            let socket = TcpStream::connect(site.address()).await.unwrap();
            tokio_tungstenite::client_async(request, socket).await
        }
    };
    let tungstenite::Error::Http(refused) = handshake(Vec::new()).await.unwrap_err() else {
        panic!("no HTTP answer");
    };
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "CAS");
    assert!(!refused.headers().contains_key("set-cookie"));
    assert!(!refused.headers().contains_key("grpc-status"));

    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    let (mut socket, answer) = handshake(browser.cookie_fields("/socket")).await.unwrap();
    assert_eq!(answer.status(), 101);
    let message = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(message.to_text().unwrap(), "alice");
}

/// Says the user's name, and that the session has ended when it has.
async fn accompany(user: CasUser, upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(async move |mut socket| {
        let ended = user.ended();
        socket.send(Message::text(user.name())).await.unwrap();
        ended.await;
        socket.send(Message::text("signed out")).await.unwrap();
    })
}

#[tokio::test]
async fn a_websocket_learns_that_its_session_has_ended() {
    let site = Site::axum("", |config| {
        Router::new()
            .route("/socket", any(accompany))
            .layer(CasLayer::new(config.build().unwrap()))
    })
    .await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    let url = format!("ws://{}/socket", site.address());
    let mut request = url.into_client_request().unwrap();
    for field in browser.cookie_fields("/socket") {
        let field = field.parse().unwrap();
        request.headers_mut().append(header::COOKIE, field);
    }
    let socket = TcpStream::connect(site.address()).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, socket)
        .await
        .unwrap();
    let message = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(message.to_text().unwrap(), "alice");
    browser.open(&site.at("/logout")).await;
    let message = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(message.to_text().unwrap(), "signed out");
}

/// A gRPC service that says who is calling.
struct WhoAmI;

#[tonic::async_trait]
impl Health for WhoAmI {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        let user = request
            .extensions()
            .get::<CasUser>()
            .map_or("nobody", CasUser::name);
        let mut response = tonic::Response::new(HealthCheckResponse { status: 1 });
        let name = user.parse().unwrap();
        response.metadata_mut().insert("user", name);
        Ok(response)
    }

    type WatchStream = futures_util::stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

#[tokio::test]
async fn a_grpc_call_needs_a_user_and_its_service_sees_who_it_is() {
    let site = Site::start(
        "",
        |config| {
            ServiceBuilder::new()
                .layer(CasLayer::new(config.build().unwrap()))
                .layer(MapResponseBodyLayer::new(Body::new))
                .into_inner()
        },
        async |listener, layer| {
            tonic::transport::Server::builder()
                .layer(layer)
                .add_service(HealthServer::new(WhoAmI))
                .serve_with_incoming(TcpIncoming::from(listener))
                .await
                .unwrap();
        },
    )
    .await;
    let channel = tonic::transport::Endpoint::new(site.url.clone())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = HealthClient::new(channel);
    let refused = client.check(HealthCheckRequest::default()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.message(), "sign-in needed");
    let answer = Browser::over_http2();
    let answer = answer.request(Method::POST, &site.at("/grpc.health.v1.Health/Check"));
    let answer = answer.header("content-type", "application/grpc").send();
    assert_eq!(answer.await.unwrap().status(), 401);

    let mut browser = Browser::over_http2();
    site.sign_in(&mut browser, "/profile").await;
    let mut request = tonic::Request::new(HealthCheckRequest::default());
    for field in browser.cookie_fields("/grpc.health.v1.Health/Check") {
        let field = field.parse().unwrap();
        request.metadata_mut().append("cookie", field);
    }
    let answer = client.check(request).await.unwrap();
    assert_eq!(answer.metadata().get("user").unwrap(), "alice");
    assert_eq!(answer.get_ref().status, 1);
}
