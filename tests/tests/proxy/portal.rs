//! An app that acts for its users.

use axum::{Json, Router, http::Uri, routing::get};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, CasUser, Key,
    testing::{CasServer, CasServerBuilder, User},
};
use cas_layer_tests::visitor::{Answer, Visitor};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) const CALLBACK: &str = "/cas/proxy";

pub(crate) struct Portal {
    pub(crate) url: String,
    server: JoinHandle<()>,
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A CAS server that calls back by plain http.
pub(crate) fn cas() -> CasServerBuilder {
    let alice = User::new("alice", "rabbit-hole").attribute("memberOf", ["rabbits"]);
    CasServer::builder().user(alice).allow_http_callbacks(true)
}

/// As a portal is configured as a rule.
pub(crate) fn in_cookie(config: CasConfigBuilder) -> CasConfigBuilder {
    config
        .session(|session| session.encrypted(true))
        .proxy(|proxy| proxy.callback_path(CALLBACK))
}

/// Tickets are kept in the registry.
pub(crate) fn in_registry(config: CasConfigBuilder) -> CasConfigBuilder {
    config.proxy(|proxy| {
        proxy
            .callback_path(CALLBACK)
            .granting_tickets_in_registry(true)
    })
}

impl Portal {
    pub(crate) async fn start(
        cas: &CasServer,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, cas.url(), configure)
    }

    /// On a socket of one's own.
    pub(crate) fn on(
        listener: TcpListener,
        cas_url: &str,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = CasConfig::builder(cas_url, &url).key(Key::generate());
        let config = configure(config).build().unwrap();
        let app = Router::new()
            .route("/me", get(me))
            .route("/attributes", get(attributes))
            .route("/ticket", get(ticket))
            .route("/leave", get(leave))
            .layer(CasLayer::new(config));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, server }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn callback(&self) -> String {
        self.at(CALLBACK)
    }

    /// The callback of a login that this visitor begins, with a ticket for alice in it.
    pub(crate) async fn callback_of_login(&self, cas: &CasServer, visitor: &Visitor) -> String {
        let service = service(&visitor.get(&self.at("/me")).await);
        format!("{service}&ticket={}", cas.issue_ticket("alice", &service))
    }

    pub(crate) async fn sign_in(&self, cas: &CasServer) -> Visitor {
        let visitor = Visitor::new();
        let url = self.at("/me");
        let me = cas.sign_in_as(visitor.client(), &url, "alice").await;
        assert_eq!(me.unwrap().status(), 200);
        visitor
    }

    /// A proxy ticket for a target, or the kind of error.
    pub(crate) async fn ticket(&self, visitor: &Visitor, target: &str) -> Result<String, String> {
        self.ticket_at("/ticket", visitor, target).await
    }

    /// The same from a route that does something else first.
    pub(crate) async fn ticket_at(
        &self,
        path: &str,
        visitor: &Visitor,
        target: &str,
    ) -> Result<String, String> {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("target", target)
            .finish();
        let answer = visitor.get_json(&self.at(&format!("{path}?{query}"))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text = |name: &str| answer.json()[name].as_str().map(str::to_owned);
        text("ticket").ok_or_else(|| text("error").unwrap())
    }
}

/// The service URL that a redirect to the CAS server names.
pub(crate) fn service(answer: &Answer) -> String {
    let location = answer.location();
    let mut pairs = location.query_pairs();
    let (_, service) = pairs.find(|(name, _)| name == "service").unwrap();
    service.into_owned()
}

/// Holds the user beyond the end of the session, as a job might.
async fn leave(user: CasUser, uri: Uri) -> Json<Value> {
    user.end_all_sessions().await.unwrap();
    ticket(user, uri).await
}

async fn me(user: CasUser) -> Json<Value> {
    Json(json!({ "user": user.name(), "proxies": user.proxies() }))
}

async fn attributes(user: CasUser) -> Json<Value> {
    Json(json!(user.attributes()))
}

async fn ticket(user: CasUser, uri: Uri) -> Json<Value> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let (_, target) = form_urlencoded::parse(query).next().unwrap();
    Json(match user.proxy_ticket(&target).await {
        Ok(ticket) => json!({ "ticket": ticket.expose_secret() }),
        Err(error) => json!({ "error": format!("{:?}", error.kind()), "text": error.to_string() }),
    })
}
