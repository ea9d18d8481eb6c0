//! A connection to a server on this machine.

use std::net::SocketAddr;

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) struct Connection(SendRequest<Body>);

impl Connection {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a request and reads all of its answer.
    pub(crate) async fn send(&mut self, request: Request<Body>) -> StatusCode {
        self.answer(request).await.0
    }

    /// Sends a request whose answer is a number.
    pub(crate) async fn number(&mut self, request: Request<Body>) -> f64 {
        let (_, text) = self.answer(request).await;
        str::from_utf8(&text).unwrap().parse().unwrap()
    }

    async fn answer(&mut self, mut request: Request<Body>) -> (StatusCode, Bytes) {
        let host = header::HeaderValue::from_static("127.0.0.1");
        request.headers_mut().insert(header::HOST, host);
        self.0.ready().await.unwrap();
        let response = self.0.send_request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap();
        (status, body.to_bytes())
    }
}
