//! An app behind the layer and the CAS server that it trusts, each on a port of its own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::Request,
    routing::{get, post},
};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasInPlaceLayer, CasLayer, CasUser, Key,
    testing::{CasServer, CasServerBuilder, User},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::browser::{Answer, Browser};

pub(crate) struct App {
    pub(crate) url: String,
    pub(crate) cas: CasServer,
    /// How many requests reached the app behind the layer.
    pub(crate) reached: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A key that is the same in every test that asks for it by number.
pub(crate) fn key(number: u8) -> Key {
    Key::from(
        (0..64)
            .map(|n: u8| n.wrapping_mul(number) ^ number)
            .collect::<Vec<u8>>(),
    )
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Self {
        Self::against(CasServer::builder().user(alice()), configure).await
    }

    /// With tickets that come back at each page.
    pub(crate) async fn in_place() -> Self {
        let under = |app: Router, config| app.layer(CasInPlaceLayer::new(config));
        Self::under(CasServer::builder().user(alice()), |it| it, under).await
    }

    pub(crate) async fn against(
        cas: CasServerBuilder,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let under = |app: Router, config| app.layer(CasLayer::new(config));
        Self::under(cas, configure, under).await
    }

    /// The routes under a layer of the caller's choice.
    pub(crate) async fn under(
        cas: CasServerBuilder,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
        under: impl FnOnce(Router, CasConfig) -> Router,
    ) -> Self {
        let cas = cas.start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = CasConfig::builder(cas.url(), &url)
            .key(key(1))
            .sign_in(|sign_in| sign_in.landing_path("/home"))
            .public("/")
            .public_prefix("/public");
        let config = configure(config).build().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let app = under(routes(Arc::clone(&reached)), config);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            cas,
            reached,
            server,
        }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The URL where an answer leads without a click, if it does.
    pub(crate) async fn onward(&self, answer: &Answer) -> Option<String> {
        let onward = answer.onward().await?;
        let is_path = onward.starts_with('/');
        Some(if is_path { self.at(&onward) } else { onward })
    }

    pub(crate) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    /// Opens `path` without a session and comes as far as the service URL that the CAS server gets.
    pub(crate) async fn begin(&self, browser: &mut Browser, path: &str) -> String {
        let answer = browser.open(&self.at(path)).await;
        assert!(
            answer.location().starts_with(self.cas.url()),
            "{}",
            answer.location()
        );
        answer.location_parameter("service").unwrap()
    }

    /// The callback's URL with a ticket for alice.
    pub(crate) fn callback(&self, service: &str) -> String {
        format!(
            "{service}&ticket={}",
            self.cas.issue_ticket("alice", service)
        )
    }

    /// Signs alice in on the way to `path`; the answer is the callback's.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, path: &str) -> Answer {
        let service = self.begin(browser, path).await;
        browser.open(&self.callback(&service)).await
    }

    /// Who the app says is signed in.
    pub(crate) async fn whoami(&self, browser: &mut Browser) -> Value {
        let answer = browser.open(&self.at("/public/whoami")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str::<Value>(&answer.body).unwrap()["user"].clone()
    }
}

pub(crate) fn alice() -> User {
    User::new("alice", "rabbit-hole")
        .attribute("mail", ["alice@wonderland.example"])
        .attribute("memberOf", ["rabbits", "cats & hatters", "猫"])
}

async fn whoami(user: Option<CasUser>) -> Json<Value> {
    Json(json!({
        "user": user.as_ref().map(CasUser::name),
        "attributes": user.as_ref().map(|user| json!(user.attributes())),
    }))
}

async fn everywhere(user: CasUser) -> &'static str {
    user.end_all_sessions().await.unwrap();
    "signed out of all devices"
}

pub(crate) fn routes(reached: Arc<AtomicUsize>) -> Router {
    let echo = |request: Request| async move {
        let body = axum::body::to_bytes(request.into_body(), usize::MAX)
            .await
            .unwrap();
        String::from_utf8_lossy(&body).into_owned()
    };
    Router::new()
        .route("/", get(async || "welcome"))
        .route("/home", get(whoami))
        .route("/profile", get(whoami).post(echo))
        .route("/everywhere", post(everywhere))
        .route("/public/whoami", get(whoami))
        .route(
            "/public/echo",
            get(async |request: Request| request.uri().to_string()).post(echo),
        )
        .fallback(async |request: Request| request.uri().to_string())
        .layer(axum::middleware::map_request(move |request: Request| {
            reached.fetch_add(1, Ordering::SeqCst);
            async move { request }
        }))
}
