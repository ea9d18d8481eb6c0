//! An API whose every request brings a ticket.

use axum::{Json, Router, extract::OriginalUri, extract::Request, http::Uri};
use cas_layer::{
    CasApiLayer, CasConfig, CasConfigBuilder, CasUser, Key,
    testing::{CasServer, User},
};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) struct Api {
    pub(crate) url: String,
    server: JoinHandle<()>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) async fn cas() -> CasServer {
    let alice = User::new("alice", "rabbit-hole").attribute("memberOf", ["rabbits"]);
    CasServer::builder().user(alice).start().await.unwrap()
}

impl Api {
    /// An API that answers every path with what its handler sees.
    pub(crate) async fn start(
        cas: &CasServer,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
        layered: impl FnOnce(CasApiLayer) -> CasApiLayer,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = CasConfig::builder(cas.url(), &url).key(Key::generate());
        let config = configure(config).build().unwrap();
        let inner = Router::new().fallback(seen);
        let app = Router::new()
            .nest("/nested", inner.clone())
            .fallback(seen)
            .layer(layered(CasApiLayer::new(config)));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, server }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        client().get(self.at(path))
    }
}

/// One that keeps no cookies and follows nothing.
pub(crate) fn client() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn seen(
    user: Option<CasUser>,
    uri: Uri,
    OriginalUri(original): OriginalUri,
    request: Request,
) -> Json<Value> {
    let headers = request.headers();
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    Json(json!({
        "user": user.as_ref().map(CasUser::name),
        "uri": uri.to_string(),
        "original": original.path_and_query().map(ToString::to_string),
        "authorization": authorization,
    }))
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) challenge: Option<String>,
    pub(crate) cookies: Vec<String>,
    pub(crate) cache_control: String,
    pub(crate) body: Value,
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response: Response = request.send().await.unwrap();
    let field = |name: &str| {
        let value = response.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(field("location"), None, "nobody is redirected");
    let cookies = response.headers().get_all("set-cookie").iter();
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    let (status, challenge) = (response.status().as_u16(), field("www-authenticate"));
    let cache_control = field("cache-control").unwrap_or_default();
    let cookies = cookies.map(text).collect();
    let body = response.text().await.unwrap();
    Answer {
        status,
        challenge,
        cookies,
        cache_control,
        body: serde_json::from_str(&body).unwrap_or(Value::String(body)),
    }
}
