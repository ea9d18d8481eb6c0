//! An app behind nginx, and the CAS server that it trusts.

use axum::{
    Json, Router,
    http::{HeaderMap, Uri},
};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, CasUser, Key,
    testing::{CasServer, User},
};
use cas_layer_tests::{
    flow::{PASSWORD, USER},
    nginx::Nginx,
    visitor::{Answer, Visitor},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// The port of an app. Nginx has to be told of it before the app can be told of nginx.
pub(crate) struct Port(TcpListener);

/// An app that runs. Gone when it is dropped.
pub(crate) struct App(JoinHandle<()>);

/// An app, the nginx in front of it, and its CAS server.
pub(crate) struct Site {
    pub(crate) nginx: Nginx,
    _cas: CasServer,
    _app: App,
}

impl Port {
    pub(crate) async fn free() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Starts an app that shows its user on every page.
    pub(crate) fn serve(self, config: CasConfigBuilder) -> App {
        let app = Router::new().fallback(page);
        self.serve_router(app.layer(CasLayer::new(config.build().unwrap())))
    }

    pub(crate) fn serve_router(self, app: Router) -> App {
        App(tokio::spawn(async move {
            axum::serve(self.0, app).await.unwrap();
        }))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Site {
    /// Everything passed on as it is, with nginx' default settings.
    pub(crate) async fn start(
        user: User,
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let cas = CasServer::builder().user(user).start().await.unwrap();
        let port = Port::free().await;
        let nginx = Nginx::start(&server(&location("/", &port))).await;
        let config = configure(config(cas.url(), &nginx.url("")));
        Self {
            _app: port.serve(config),
            _cas: cas,
            nginx,
        }
    }
}

async fn page(user: CasUser, uri: Uri, headers: HeaderMap) -> Json<Value> {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    Json(json!({
        "user": user.name(),
        "groups": user.attributes().all("memberOf"),
        "uri": uri.to_string(),
        "host": header("host"),
        "address": header("x-real-ip"),
    }))
}

/// A configuration that is complete.
pub(crate) fn config(cas_url: &str, app_url: &str) -> CasConfigBuilder {
    CasConfig::builder(cas_url, app_url).key(Key::generate())
}

/// The text of a site with these locations.
pub(crate) fn server(locations: &str) -> String {
    format!("server {{\n listen 127.0.0.1:PORT;\n{locations}}}\n")
}

/// A location that passes everything on as it is.
pub(crate) fn location(path: &str, port: &Port) -> String {
    let address = port.address();
    format!(
        "location {path} {{ proxy_pass http://{address}; proxy_set_header Host $http_host; }}\n"
    )
}

/// The user of the tests, in these groups.
pub(crate) fn member(groups: &[String]) -> User {
    User::new(USER, PASSWORD).attribute("memberOf", groups)
}

/// Opens a page, signs in at the CAS server on the way, and comes back.
pub(crate) async fn sign_in(visitor: &Visitor, url: &str) -> Answer {
    let form = visitor.open(url).await;
    assert!(form.asks_for_password(), "{}: {}", form.url, form.body);
    let fields = [("username", USER), ("password", PASSWORD)];
    let sent = visitor.send_form(&form, &fields).await;
    visitor.follow(sent).await
}
