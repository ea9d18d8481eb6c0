//! Any service behind the layer, on a port of its own, with a CAS server that it trusts.

use std::{convert::Infallible, net::SocketAddr};

use axum::extract::Request;
use bytes::Bytes;
use cas_layer::{CasConfig, CasConfigBuilder, testing::CasServer};
use http::Response;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::{Service, make::Shared};

use crate::{
    browser::{Answer, Browser},
    support::{alice, key},
};

pub(crate) struct Site {
    /// Scheme, host and port, and the path of the app.
    pub(crate) url: String,
    pub(crate) cas: CasServer,
    server: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Site {
    /// An app under `path`, served by axum: HTTP/1, and HTTP/2 to who begins with it.
    pub(crate) async fn axum<S>(path: &str, app: impl FnOnce(CasConfigBuilder) -> S) -> Self
    where
        S: Service<Request, Response = axum::response::Response, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        Self::start(path, app, async |listener, app| {
            axum::serve(listener, Shared::new(app)).await.unwrap();
        })
        .await
    }

    /// A service of hyper's own requests, served by hyper.
    pub(crate) async fn hyper<S, B>(app: impl FnOnce(CasConfigBuilder) -> S) -> Self
    where
        S: Service<http::Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        Self::start("", app, async |listener, app| {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let app = TowerToHyperService::new(app.clone());
                tokio::spawn(async move {
                    // A client that hangs up is no failure.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), app)
                        .await;
                });
            }
        })
        .await
    }

    /// Whatever `serve` does with the app that `make` made.
    pub(crate) async fn start<A, F>(
        path: &str,
        make: impl FnOnce(CasConfigBuilder) -> A,
        serve: impl FnOnce(TcpListener, A) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let cas = CasServer::builder().user(alice()).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let app = make(config(cas.url(), &url));
        let server = tokio::spawn(serve(listener, app));
        Self { url, cas, server }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let rest = self.url.strip_prefix("http://").unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// Signs alice in on the way to `path`; the answer is the callback's.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, path: &str) -> Answer {
        let begin = browser.open(&self.at(path)).await;
        let service = begin.location_parameter("service").unwrap();
        assert!(service.starts_with(&self.at("/login?")), "{service}");
        let ticket = self.cas.issue_ticket("alice", &service);
        browser.open(&format!("{service}&ticket={ticket}")).await
    }
}

/// A configuration that is complete, with a public path.
pub(crate) fn config(cas_url: &str, app_url: &str) -> CasConfigBuilder {
    CasConfig::builder(cas_url, app_url)
        .key(key(1))
        .sign_in(|sign_in| sign_in.landing_path("/home"))
        .public_prefix("/public")
}
