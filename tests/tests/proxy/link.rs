//! An API in a chain of services, which may call the next one.

use axum::{Json, Router, extract::State, routing::get};
use cas_layer::{CasApiLayer, CasConfig, CasConfigBuilder, CasUser, Key, ProxyChain};
use cas_layer_tests::visitor::answer;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::portal::CALLBACK;

pub(crate) struct Link {
    url: String,
    server: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Link {
    pub(crate) async fn start(
        cas_url: &str,
        chains: impl IntoIterator<Item = ProxyChain>,
        next: Option<String>,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, cas_url, chains, next, configure)
    }

    /// On a socket of one's own.
    pub(crate) fn on(
        listener: TcpListener,
        cas_url: &str,
        chains: impl IntoIterator<Item = ProxyChain>,
        next: Option<String>,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let url = url_of(&listener);
        let config = CasConfig::builder(cas_url, &url)
            .key(Key::generate())
            .client(|client| client.accept_proxies(chains));
        let config = configure(config).build().unwrap();
        let app = Router::new()
            .route("/records", get(records))
            .route("/secrets", get(records))
            .with_state(next)
            .layer(CasApiLayer::new(config));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, server }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn callback(&self) -> String {
        self.at(CALLBACK)
    }

    /// What it answers to a ticket.
    pub(crate) async fn call(&self, path: &str, ticket: &str) -> (u16, Value) {
        call(&self.at(path), ticket).await
    }
}

/// The URL of what will be served there.
pub(crate) fn url_of(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

async fn call(url: &str, ticket: &str) -> (u16, Value) {
    let request = Client::new()
        .get(url)
        .header("authorization", format!("CAS {ticket}"));
    let got = answer(request).await;
    (got.status.as_u16(), got.json())
}

/// Who is asking, by which way, and what the next one says of that.
async fn records(user: CasUser, State(next): State<Option<String>>) -> Json<Value> {
    let next = match next {
        None => Value::Null,
        Some(url) => match user.proxy_ticket(&url).await {
            Ok(ticket) => call(&url, ticket.expose_secret()).await.1,
            Err(error) => json!(format!("{:?}", error.kind())),
        },
    };
    Json(json!({ "user": user.name(), "proxies": user.proxies(), "next": next }))
}
