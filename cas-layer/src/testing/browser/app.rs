//! The app, whatever its type.

use std::{
    error::Error,
    future::poll_fn,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tower::Service;

pub(in crate::testing) type BoxError = Box<dyn Error + Send + Sync>;

type Answering = Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

/// A service, which is cloned for each request as servers do.
pub(super) struct App(Box<dyn Fn(Request<Bytes>) -> Answering + Send + Sync>);

impl App {
    pub(super) fn of<B, S, R>(service: S) -> Self
    where
        B: From<Bytes>,
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        R: Body<Data: Send, Error: Into<BoxError>> + Send,
    {
        // A service need not be `Sync`.
        let service = Mutex::new(service);
        Self(Box::new(move |request| {
            let service = service.lock().unwrap_or_else(PoisonError::into_inner);
            let mut service = S::clone(&service);
            Box::pin(async move {
                let ready = poll_fn(|context| service.poll_ready(context)).await;
                ready.map_err(Into::into)?;
                let answer = service.call(request.map(B::from)).await;
                let (parts, body) = answer.map_err(Into::into)?.into_parts();
                let body = body.collect().await.map_err(Into::into)?.to_bytes();
                Ok(Response::from_parts(parts, body))
            })
        }))
    }

    /// Asks the app, as from an address of loopback.
    pub(super) async fn answer(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, BoxError> {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        request.extensions_mut().insert(ConnectInfo(peer));
        (self.0)(request).await
    }
}
