//! An app behind the layer, and people who sign in there.

use std::{
    net::{IpAddr, SocketAddr},
    thread,
};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use cas_layer::{CasConfig, CasLayer, CasUser, Key, registry::Registry, testing::CasServer};
use http::{Extensions, StatusCode, header};
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// Which says where a request comes from: all of them come from this machine.
pub(super) const FROM: &str = "x-from";

/// Where the CAS server is.
const SERVER: &str = "192.0.2.1";

pub(super) struct App {
    address: SocketAddr,
    /// Another one on the same threads.
    in_memory: SocketAddr,
    url: String,
    key: Key,
    cas: CasServer,
    client: reqwest::Client,
    /// The runtime of the app goes on as long as this is there.
    _stop: oneshot::Sender<()>,
}

pub(super) struct SignedIn {
    cookie: String,
    ticket: String,
}

impl App {
    pub(super) async fn start(registry: impl Registry, knows_addresses: bool) -> Self {
        let cas = CasServer::start().await.unwrap();
        Self::over(registry, knows_addresses, cas, Key::generate(), None).await
    }

    /// Another node.
    pub(super) async fn another(&self, registry: impl Registry) -> Self {
        let cas = CasServer::start().await.unwrap();
        let url = Some((self.url.clone(), self.cas.url().to_owned()));
        Self::over(registry, false, cas, self.key.clone(), url).await
    }

    async fn over(
        registry: impl Registry,
        knows_addresses: bool,
        cas: CasServer,
        key: Key,
        as_other: Option<(String, String)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (url, cas_url) =
            as_other.unwrap_or_else(|| (format!("http://{address}"), cas.url().to_owned()));
        let in_memory = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let in_memory_address = in_memory.local_addr().unwrap();
        let memory = CasConfig::builder(&cas_url, &url)
            .key(Key::generate())
            .build();
        let memory = Router::new().layer(CasLayer::new(memory.unwrap()));
        let mut config = CasConfig::builder(cas_url, &url)
            .key(key.clone())
            .registry(registry);
        if knows_addresses {
            config = config.peer_address(|e: &Extensions| e.get::<IpAddr>().copied());
        }
        let layer = CasLayer::new(config.build().unwrap());
        let router = Router::new()
            .route(
                "/profile",
                get(async |user: CasUser| user.name().to_owned()),
            )
            .layer(layer)
            .layer(from_fn(note_address));
        let stop = serve([(listener, router), (in_memory, memory)]);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            address,
            in_memory: in_memory_address,
            url,
            key,
            cas,
            client,
            _stop: stop,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The other app.
    pub(super) fn in_memory(&self) -> SocketAddr {
        self.in_memory
    }

    /// Somebody comes, is sent to the CAS server, and comes back.
    ///
    /// # Errors
    /// Another answer than the redirect to their page.
    pub(super) async fn sign_in(&self) -> Result<SignedIn, StatusCode> {
        let to_cas = self.client.get(format!("{}/login", self.url));
        let to_cas = to_cas.send().await.unwrap();
        let location = to_cas.headers()[header::LOCATION].to_str().unwrap();
        let (_, query) = location.split_once('?').unwrap();
        let service = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "service")
            .map(|(_, value)| value.into_owned())
            .unwrap();
        let ticket = self.cas.issue_ticket("casuser", &service);
        let callback = self.client.get(format!("{service}&ticket={ticket}"));
        let callback = callback.header(header::COOKIE, cookies(&to_cas));
        let back = callback.send().await.unwrap();
        if back.status() != StatusCode::FOUND {
            return Err(back.status());
        }
        let cookie = cookies(&back);
        Ok(SignedIn { cookie, ticket })
    }

    /// The CAS server signs somebody out, itself or through a browser.
    pub(super) async fn log_out(&self, session: &SignedIn, n: usize) -> StatusCode {
        if n.is_multiple_of(2) {
            return self.log_out_by_server(session).await;
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("logoutRequest", &message([&*session.ticket]))
            .finish();
        let request = self
            .client
            .get(format!("http://{}/login?{query}", self.address));
        let response = request.header(FROM, format!("192.0.2.{}", 100 + n % 100));
        response.send().await.unwrap().status()
    }

    /// The CAS server itself signs somebody out.
    pub(super) async fn log_out_by_server(&self, session: &SignedIn) -> StatusCode {
        let request = self.client.post(format!("http://{}/login", self.address));
        let request = request.form(&[("logoutRequest", message([&*session.ticket]))]);
        let response = request.header(FROM, SERVER).send().await;
        response.unwrap().status()
    }

    /// How many of them are signed in.
    pub(super) async fn count_live(&self, sessions: impl IntoIterator<Item = &SignedIn>) -> usize {
        let mut live = 0;
        for session in sessions {
            let request = self.client.get(format!("http://{}/profile", self.address));
            let request = request.header(header::COOKIE, &session.cookie);
            live += usize::from(request.send().await.unwrap().status() == StatusCode::OK);
        }
        live
    }
}

async fn note_address(mut request: Request, next: Next) -> Response {
    let from = request.headers().get(FROM);
    let from: Option<IpAddr> = from.and_then(|from| from.to_str().ok()?.parse().ok());
    if let Some(from) = from {
        request.extensions_mut().insert(from);
    }
    next.run(request).await
}

/// On threads of its own, as an app has.
fn serve(apps: [(TcpListener, Router); 2]) -> oneshot::Sender<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    let apps = apps.map(|(listener, router)| (listener.into_std().unwrap(), router));
    thread::spawn(move || {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        for (listener, router) in apps {
            runtime.spawn(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        }
        // Ends when the app is dropped.
        let _ = runtime.block_on(stopped);
        runtime.shutdown_background();
    });
    stop
}

pub(super) fn message<'t>(tickets: impl IntoIterator<Item = &'t str>) -> String {
    let indexes = tickets.into_iter().fold(String::new(), |all, ticket| {
        all + "<l:SessionIndex>" + ticket + "</l:SessionIndex>"
    });
    format!(
        r#"<l:LogoutRequest xmlns:l="urn:oasis:names:tc:SAML:2.0:protocol" ID="LR-1" Version="2.0" IssueInstant="2026-11-25T10:00:00Z">{indexes}</l:LogoutRequest>"#
    )
}

/// All that an answer sets, as a browser sends them back.
fn cookies(response: &reqwest::Response) -> String {
    let set = response.headers().get_all(header::SET_COOKIE).iter();
    let pairs = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    let pairs: Vec<&str> = pairs.filter(|pair| !pair.ends_with('=')).collect();
    pairs.join("; ")
}
