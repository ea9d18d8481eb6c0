//! Apps behind the layer, and people who have signed in there through the embedded CAS server.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderValue, Request, Response, StatusCode, header},
    routing::get,
};
use cas_layer::{CasConfig, CasLayer, CasUser, Key, registry::Registry, testing::CasServer};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

const APP_URL: &str = "http://127.0.0.1:8080";
const USER: &str = "casuser";

pub(crate) struct Site {
    cas: CasServer,
    key: Key,
}

/// Somebody who has signed in.
pub(crate) struct SignedIn {
    pub(crate) cookie: HeaderValue,
    pub(crate) ticket: String,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self {
            cas: CasServer::start().await.unwrap(),
            key: Key::generate(),
        }
    }

    /// A node of the app. A session of one is good at all.
    pub(crate) fn node(&self, registry: impl Registry) -> Router {
        self.node_that_counts(registry, Arc::new(Semaphore::new(0)))
    }

    /// A node that adds to `waiting` when a request begins to wait for the end of its session.
    pub(crate) fn node_that_counts(
        &self,
        registry: impl Registry,
        waiting: Arc<Semaphore>,
    ) -> Router {
        let config = CasConfig::builder(self.cas.url(), APP_URL)
            .key(self.key.clone())
            .registry(registry)
            .build()
            .unwrap();
        Router::new()
            .route(
                "/profile",
                get(|user: CasUser| async move { user.name().to_owned() }),
            )
            .route("/until_ended", get(until_ended))
            .with_state(waiting)
            .layer(CasLayer::new(config))
    }

    pub(crate) async fn sign_in(&self, node: &Router) -> SignedIn {
        let page = Request::get("/profile").header(header::ACCEPT, "text/html");
        let to_cas = answer(node, page, Body::empty()).await;
        let service = service_url(&to_cas);
        let ticket = self.cas.issue_ticket(USER, &service);
        let callback = service.strip_prefix(APP_URL).unwrap();
        let request = Request::get(format!("{callback}&ticket={ticket}"))
            .header(header::COOKIE, cookie_set_by(&to_cas, "-login"));
        let response = answer(node, request, Body::empty()).await;
        let cookie = cookie_set_by(&response, "-session");
        assert!(is_signed_in(node, &cookie).await);
        SignedIn { cookie, ticket }
    }
}

/// As a page with a long-lived connection does.
async fn until_ended(State(waiting): State<Arc<Semaphore>>, user: CasUser) -> &'static str {
    waiting.add_permits(1);
    user.ended().await;
    "ended"
}

pub(crate) async fn is_signed_in(node: &Router, cookie: &HeaderValue) -> bool {
    let request = Request::get("/profile").header(header::COOKIE, cookie);
    answer(node, request, Body::empty()).await.status() == StatusCode::OK
}

pub(crate) async fn answer(
    node: &Router,
    request: axum::http::request::Builder,
    body: Body,
) -> Response<Body> {
    let Ok(response) = node.clone().oneshot(request.body(body).unwrap()).await;
    response
}

/// The form that a CAS server posts when the session of a ticket is over.
pub(crate) fn logout_form(ticket: &str) -> String {
    let message = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"LR-1\" Version=\"2.0\" \
         IssueInstant=\"2026-01-01T00:00:00Z\"><saml:NameID \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{USER}</saml:NameID>\
         <samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    form_urlencoded::Serializer::new(String::new())
        .append_pair("logoutRequest", &message)
        .finish()
}

/// The request that brings it.
pub(crate) fn logout_request() -> axum::http::request::Builder {
    Request::post("/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

fn service_url(redirect: &Response<Body>) -> String {
    let location = redirect.headers()[header::LOCATION].to_str().unwrap();
    let (_, query) = location.split_once('?').unwrap();
    let service = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "service");
    service.unwrap().1.into_owned()
}

/// The `name=value` of the cookie whose name ends in `name`.
fn cookie_set_by(response: &Response<Body>, name: &str) -> HeaderValue {
    let cookies = response.headers().get_all(header::SET_COOKIE).into_iter();
    let mut pairs = cookies.filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
    let pair = pairs.find(|pair| {
        let (own, value) = pair.split_once('=').unwrap();
        own.ends_with(name) && !value.is_empty()
    });
    pair.expect("a cookie of this name").parse().unwrap()
}
