//! Visitors who sign in at an app: a client of reqwest over sockets, and a browser without.

mod browser;
mod refused;
mod signing_in;

use axum::{
    Router,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, ClientBuilder, redirect::Policy};
use tokio::net::TcpListener;

use crate::{
    Access, CasConfig, CasConfigBuilder, CasLayer, CasUser, Key, Paths,
    testing::{CasServer, CasServerBuilder, User},
};

const APP: &str = "https://app.example.org";

/// An app without a socket, and its CAS server.
struct Site {
    cas: CasServer,
    app: Router,
}

fn alice() -> User {
    User::new("alice", "rabbit-hole").attribute("memberOf", ["admin"])
}

/// Two users.
fn server() -> CasServerBuilder {
    let bob = User::new("bob", "<wonder> & \"land\"");
    CasServer::builder().user(alice()).user(bob)
}

fn handlers() -> Router {
    let head = async |headers: HeaderMap| {
        let shown = headers.iter().filter(|(name, _)| *name != header::COOKIE);
        let lines = shown.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        lines.collect::<Vec<_>>().join("\n")
    };
    Router::new()
        .route("/", get(async || "welcome"))
        .route(
            "/profile",
            get(async |user: CasUser| format!("Hello {}", user.name())),
        )
        .route("/admin", get(async || "for admins"))
        .route(
            "/own",
            get(async || (StatusCode::CONFLICT, "the app's own")),
        )
        .route(
            "/circle",
            get(async || axum::response::Redirect::to("/circle")),
        )
        .route("/api", get(async || "for programs"))
        .route("/head", get(head).post(head))
        .route("/echo", post(async |form: String| form))
        .route(
            "/away",
            get(async || axum::response::Redirect::to("https://other.example.org/a?ticket=ST-1")),
        )
}

fn configure(config: CasConfigBuilder) -> CasConfigBuilder {
    config
        .key(Key::generate())
        .public("/")
        .public("/circle")
        .rule(Paths::exact("/api"), Access::required().no_redirect())
        .rule(
            Paths::exact("/admin"),
            Access::required().any_of("memberOf", ["admin"]),
        )
}

impl Site {
    async fn start() -> Self {
        Self::with(|config| config).await
    }

    async fn with(change: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Self {
        let cas = server().start().await.unwrap();
        let config = configure(CasConfig::builder(cas.url(), APP));
        let layer = CasLayer::new(change(config).build().unwrap());
        let app = handlers().layer(layer);
        Self { cas, app }
    }
}

/// An app that listens, with its URL.
async fn listen(
    cas_url: &str,
    change: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = change(configure(CasConfig::builder(cas_url, &url)));
    let app = handlers().layer(CasLayer::new(config.build().unwrap()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn client() -> Client {
    build(Client::builder().cookie_store(true))
}

/// A client that leaves it to others to follow redirects.
fn client_that_follows_nothing() -> Client {
    build(
        Client::builder()
            .cookie_store(true)
            .redirect(Policy::none()),
    )
}

fn build(client: ClientBuilder) -> Client {
    client.no_proxy().build().unwrap()
}
