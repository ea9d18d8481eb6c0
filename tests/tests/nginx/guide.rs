//! What the guide tells users of nginx to write, as it stands there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use axum::{
    Router,
    extract::ws::{Message as Said, WebSocketUpgrade},
    response::Response,
    routing::any,
};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, CasUser, Key, MemoryRegistry, SessionPlace,
    testing::{CasServer, User},
};
use cas_layer_tests::{
    flow::USER,
    groups::random,
    nginx::Nginx,
    tls::Authority,
    visitor::{Visitor, answer},
};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, StatusCode, Version};
use reqwest::{Certificate, Client, ClientBuilder};
use tempfile::TempDir;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use crate::{
    apps::work_together,
    groups::shows,
    support::{App, Port, config, member, server, sign_in},
};

macro_rules! snippet {
    ($name:literal) => {
        include_str!(concat!("../../../cas-layer/src/docs/guide/nginx/", $name))
    };
}

const SITE: &str = snippet!("site.conf");
const PREFIX: &str = snippet!("prefix.conf");
const STRIPPED: &str = snippet!("stripped.conf");
const NODES: &str = snippet!("nodes.conf");
const APPS: &str = snippet!("apps.conf");
pub(crate) const AUTH_REQUEST: &str = snippet!("auth_request.conf");
const COOKIES: &str = snippet!("cookies.conf");

/// Where the app is in the snippets.
pub(crate) const APP: &str = "127.0.0.1:8080";

/// A snippet with what is different here. Whatever is replaced has to be there.
pub(crate) fn fill(snippet: &str, here: &[(&str, &str)]) -> String {
    here.iter().fold(snippet.to_owned(), |text, (there, here)| {
        assert!(text.contains(there), "{there} is not in: {text}");
        text.replace(there, here)
    })
}

/// An nginx with the site of the guide, for https.
pub(crate) struct Front {
    pub(crate) nginx: Nginx,
    pub(crate) cas: CasServer,
    authority: Authority,
    _certificates: TempDir,
}

impl Front {
    /// `change` makes the guide's site one for the apps here.
    pub(crate) async fn start(user: User, change: impl FnOnce(&str) -> String) -> Self {
        let authority = Authority::new();
        let certificates = tempfile::tempdir().unwrap();
        let [certificate, key] = ["app.pem", "app.key"].map(|name| certificates.path().join(name));
        authority.certify(&certificate, &key);
        let site = change(&fill(
            SITE,
            &[
                ("listen 443 ssl", "listen 127.0.0.1:PORT ssl"),
                ("/etc/ssl/app.pem", certificate.to_str().unwrap()),
                ("/etc/ssl/app.key", key.to_str().unwrap()),
                // The page says so for another port.
                ("Host $host;", "Host $host:$server_port;"),
            ],
        ));
        let cas = CasServer::builder().user(user).ca(authority.pem());
        Self {
            nginx: Nginx::start(&site).await,
            cas: cas.start().await.unwrap(),
            authority,
            _certificates: certificates,
        }
    }

    /// Its public URL with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host())
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.nginx.port())
    }

    /// For an app under `path`, which knows its host among others.
    pub(crate) fn config(&self, path: &str) -> CasConfigBuilder {
        let other = format!("https://other.example.org{path}");
        config(self.cas.url(), &self.url(path)).host(other)
    }

    /// Somebody who trusts its certificate.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::with(self.client())
    }

    fn client(&self) -> ClientBuilder {
        let authority = Certificate::from_pem(self.authority.pem().as_bytes()).unwrap();
        Client::builder().tls_certs_only([authority])
    }
}

/// The site of the guide as it is, in front of one app.
async fn site(user: User) -> (Front, App) {
    let port = Port::free().await;
    let front = Front::start(user, |site| fill(site, &[(APP, &port.address())])).await;
    let app = port.serve(front.config(""));
    (front, app)
}

/// The site of the guide with other locations.
pub(crate) fn with_locations(site: &str, locations: &str) -> String {
    let (before, _) = site.split_once("    location / {").unwrap();
    format!("{before}{locations}}}\n")
}

pub(crate) async fn the_site_signs_in_and_out() {
    let (front, _app) = site(member(&[])).await;
    let visitor = front.visitor();
    let page = sign_in(&visitor, &front.url("/page?q=a%20b")).await;
    shows(&page, &[]);
    assert_eq!(page.url.as_str(), front.url("/page?q=a%20b"));
    let shown = page.json();
    assert_eq!(shown["uri"], "/page?q=a%20b");
    assert_eq!(shown["host"], front.host());
    let cookies = visitor.cookies(&front.url("/"));
    assert!(
        cookies.iter().all(|(name, _)| name.starts_with("__Host-")),
        "{cookies:?}"
    );

    let bye = visitor.open(&front.url("/logout")).await;
    assert_eq!(bye.url.as_str(), front.url("/logout_callback"));
    assert_eq!(bye.status, 200, "{}", bye.body);
    let after = visitor.open(&front.url("/page")).await;
    assert!(after.asks_for_password(), "{}", after.body);
}

pub(crate) async fn the_cas_server_reaches_the_app_through_the_site() {
    let (front, _app) = site(member(&[])).await;
    let visitor = front.visitor();
    shows(&sign_in(&visitor, &front.url("/page")).await, &[]);
    front.cas.log_out(USER).await;
    let after = visitor.open(&front.url("/page")).await;
    assert!(after.asks_for_password(), "{}", after.body);
}

pub(crate) async fn the_site_speaks_http2() {
    let (front, _app) = site(member(&[])).await;
    let visitor = front.visitor();
    shows(&sign_in(&visitor, &front.url("/page")).await, &[]);
    let request = visitor.request(Method::GET, &front.url("/page"));
    let page = request.send().await.unwrap();
    assert_eq!(
        (page.status(), page.version()),
        (StatusCode::OK, Version::HTTP_2)
    );
}

pub(crate) async fn the_site_tells_the_address_and_nobody_else_can() {
    let (front, _app) = site(member(&[])).await;
    let visitor = front.visitor();
    let page = sign_in(&visitor, &front.url("/page")).await;
    assert_eq!(page.json()["address"], "127.0.0.1");
    let request = visitor.request(Method::GET, &front.url("/page"));
    let page = answer(request.header("x-real-ip", "192.0.2.1")).await;
    assert_eq!(page.json()["address"], "127.0.0.1");
}

pub(crate) async fn the_site_logs_no_ticket() {
    let (front, _app) = site(member(&[])).await;
    let visitor = front.visitor();
    let page = sign_in(&visitor, &front.url("/page")).await;
    let ticket = page.hops.iter().find_map(|hop| {
        let mut query = hop.query_pairs();
        query.find_map(|(name, value)| (name == "ticket").then(|| value.into_owned()))
    });
    // A line is written once the answer has been sent, so before the next request of the connection.
    let page = visitor.get(&front.url("/other")).await;
    shows(&page, &[]);
    let log = front.nginx.log("app.log");
    assert!(log.contains("\"GET /login\" 302"), "{log}");
    assert!(!log.contains(&ticket.unwrap()), "{log}");
}

/// 13 such groups fill the cookie of a small session, and more go to the registry.
pub(crate) async fn the_site_has_room_for_the_largest_heads() {
    for count in [12, 13, 14, 45] {
        let groups = random(count);
        let (front, _app) = site(member(&groups)).await;
        let path = format!("/page?q={}", "a".repeat(1_000));
        let visitor = front.visitor();
        let page = sign_in(&visitor, &front.url(&path)).await;
        shows(&page, &groups);
        assert_eq!(page.url.as_str(), front.url(&path));
    }
}

/// 61 such groups fill the cookie to its last bytes.
pub(crate) async fn large_cookies_have_room_with_the_lines_for_them() {
    for count in [45, 58, 61] {
        let groups = random(count);
        let port = Port::free().await;
        let front = Front::start(member(&groups), |site| {
            let site = fill(site, &[(APP, &port.address())]);
            fill(
                &site,
                &[("    location", &format!("{COOKIES}    location"))],
            )
        })
        .await;
        let config = front.config("");
        let _app = port.serve(config.session(|session| session.place(SessionPlace::Cookie)));
        let path = format!("/page?q={}", "a".repeat(1_000));
        let visitor = front.visitor();
        let page = sign_in(&visitor, &front.url(&path)).await;
        shows(&page, &groups);
        assert_eq!(page.url.as_str(), front.url(&path));
    }
}

pub(crate) async fn the_site_carries_a_websocket() {
    let port = Port::free().await;
    let front = Front::start(member(&[]), |site| fill(site, &[(APP, &port.address())])).await;
    let app = Router::new()
        .route("/socket", any(echo))
        .fallback(async || "in")
        .layer(CasLayer::new(front.config("").build().unwrap()));
    let _app = port.serve_router(app);
    // WebSockets begin with HTTP/1.1.
    let visitor = Visitor::with(front.client().http1_only());
    let handshake = || {
        visitor
            .request(Method::GET, &front.url("/socket"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    assert_eq!(answer(handshake()).await.status, 401);

    sign_in(&visitor, &front.url("/")).await;
    let response = handshake().send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let upgraded = response.upgrade().await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await;
    socket.send(Message::text("hello")).await.unwrap();
    let heard = socket.next().await.unwrap().unwrap();
    assert_eq!(heard, Message::text("casuser says hello"));
}

async fn echo(user: CasUser, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(Said::Text(text))) = socket.recv().await {
            let text = format!("{} says {text}", user.name());
            if socket.send(Said::text(text)).await.is_err() {
                return;
            }
        }
    })
}

/// An app under `/portal` signs in and out; `uri` is what it gets for its page.
async fn works_under_portal(
    snippet: &str,
    uri: &str,
    configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
) {
    let port = Port::free().await;
    let location = fill(snippet, &[(APP, &port.address())]);
    let front = Front::start(member(&[]), |site| with_locations(site, &location)).await;
    let _app = port.serve(configure(front.config("/portal")));
    let visitor = front.visitor();
    let page = sign_in(&visitor, &front.url("/portal/page?q=a%20b")).await;
    assert_eq!(page.url.as_str(), front.url("/portal/page?q=a%20b"));
    shows(&page, &[]);
    assert_eq!(page.json()["uri"], uri);
    // Without the last slash nginx says where to go.
    shows(&visitor.open(&front.url("/portal")).await, &[]);
    let bye = visitor.open(&front.url("/portal/logout")).await;
    assert_eq!(bye.url.as_str(), front.url("/portal/logout_callback"));
    let after = visitor.open(&front.url("/portal/page")).await;
    assert!(after.asks_for_password(), "{}", after.body);
}

pub(crate) async fn an_app_under_a_path_gets_the_whole_path() {
    works_under_portal(PREFIX, "/portal/page?q=a%20b", |config| config).await;
}

pub(crate) async fn an_app_under_a_path_can_be_given_the_rest_of_it() {
    works_under_portal(STRIPPED, "/page?q=a%20b", |config| {
        config.endpoints(|endpoints| endpoints.prefix_stripped_by_proxy(true))
    })
    .await;
}

pub(crate) async fn nodes_with_one_key_share_the_sign_ins() {
    let ports = [Port::free().await, Port::free().await];
    let [a, b] = ports.each_ref().map(Port::address);
    let nodes = fill(NODES, &[(APP, &a), ("127.0.0.1:8081", &b)]);
    let front = Front::start(member(&[]), |site| {
        format!("{nodes}{}", fill(site, &[(APP, "app")]))
    })
    .await;
    let (key, registry) = (Key::generate(), MemoryRegistry::default());
    let _nodes = ports.map(|port| {
        let config = CasConfig::builder(front.cas.url(), front.url(""));
        port.serve(config.key(key.clone()).registry(registry.clone()))
    });
    let visitor = front.visitor();
    shows(&sign_in(&visitor, &front.url("/page")).await, &[]);
    for _ in 0..4 {
        shows(&visitor.get(&front.url("/page")).await, &[]);
    }
    visitor.open(&front.url("/logout")).await;
    for _ in 0..4 {
        let after = visitor.open(&front.url("/page")).await;
        assert!(after.asks_for_password(), "{}", after.body);
    }
}

pub(crate) async fn four_apps_of_one_host_have_room_for_their_cookies() {
    let server = |ports: &[Port]| server(&apps(ports));
    work_together(PATHS, random(13), SessionPlace::default(), server).await;
}

pub(crate) async fn four_apps_with_large_cookies_have_room_with_the_lines_for_them() {
    let server = |ports: &[Port]| server(&format!("{COOKIES}{}", apps(ports)));
    work_together(PATHS, random(40), SessionPlace::Cookie, server).await;
}

/// The paths of the apps in the guide.
const PATHS: [&str; 4] = ["/portal", "/wiki", "/shop", "/mail"];

/// The guide's locations, for the apps here.
fn apps(ports: &[Port]) -> String {
    let there = ["8080", "8081", "8082", "8083"].map(|port| format!("127.0.0.1:{port}"));
    let here: Vec<_> = ports.iter().map(Port::address).collect();
    let pairs = there.iter().zip(&here);
    let pairs: Vec<_> = pairs
        .map(|(there, here)| (there.as_str(), here.as_str()))
        .collect();
    fill(APPS, &pairs)
}

/// The page has no other text for nginx than the files that the tests above run.
pub(crate) async fn every_snippet_is_run_here() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cas-layer/src/docs/guide");
    let files = |directory: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut snippets: Vec<_> = files(&guide.join("nginx"))
        .into_iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut run = [APPS, AUTH_REQUEST, COOKIES, NODES, PREFIX, SITE, STRIPPED];
    snippets.sort_unstable();
    run.sort_unstable();
    assert_eq!(snippets, run);

    let mut pages = files(&guide.join("reverse_proxy"));
    pages.push(guide.join("reverse_proxy.md"));
    pages.push(guide.join("auth_request.md"));
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        assert!(!text.contains("```nginx"), "{}", page.display());
    }
}
