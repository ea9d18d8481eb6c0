//! An app of a test's own, for what the demo has no option for.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Json, Router, http::Uri, routing::get};
use cas_layer::{CasConfig, CasConfigBuilder, CasLayer, CasUser, Key};
use cas_layer_tests::tls::{Authority, HttpsFront};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) struct App {
    url: String,
    server: JoinHandle<()>,
    _front: Option<HttpsFront>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl App {
    /// On a free port of 127.0.0.1.
    pub(crate) async fn start(
        cas_url: &str,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        Self::at_host("127.0.0.1", cas_url, configure).await
    }

    /// Under another name of this machine, or at another of its addresses.
    pub(crate) async fn at_host(
        host: &str,
        cas_url: &str,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://{host}:{port}");
        Self::on(listener, url, None, cas_url, configure)
    }

    /// Over https, with a certificate of that authority.
    pub(crate) async fn over_https(
        authority: &Authority,
        cas_url: &str,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = authority.front().await;
        front.pass_on_to(&listener.local_addr().unwrap().to_string());
        Self::on(listener, front.url(""), Some(front), cas_url, configure)
    }

    fn on(
        listener: TcpListener,
        url: String,
        front: Option<HttpsFront>,
        cas_url: &str,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let config = CasConfig::builder(cas_url, &url).key(Key::generate());
        let config = configure(config).build().unwrap();
        let app = Router::new()
            .route("/me", get(me))
            .route("/page/{number}", get(page))
            .layer(CasLayer::new(config));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            server,
            _front: front,
        }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// All that the layer knows of the user.
async fn me(user: CasUser) -> Json<Value> {
    Json(json!({
        "user": user.name(),
        "attributes": user.attributes(),
        "authentication_date": user.authentication_date().map(seconds),
        "credentials_given_at": user.credentials_given_at().map(seconds),
        "is_from_new_login": user.is_from_new_login(),
        "remembered": user.long_term_authentication_request_token_used(),
    }))
}

async fn page(uri: Uri) -> String {
    uri.path().to_owned()
}
