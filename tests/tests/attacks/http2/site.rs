//! An app with two public hosts, behind one port.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, routing::get};
use cas_layer::{
    Access, CasConfig, CasLayer, CasUser, Key, Paths,
    testing::{CasServer, User},
};
use cas_layer_tests::visitor::Visitor;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

pub(super) struct Site {
    pub(super) cas: CasServer,
    pub(super) address: SocketAddr,
    pub(super) hosts: [Host; 2],
    pub(super) slow: Slow,
    counted: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

/// One of the public hosts, and alice's session there.
pub(super) struct Host {
    pub(super) url: String,
    pub(super) authority: String,
    /// Name and value.
    pub(super) cookie: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Site {
    pub(super) async fn start() -> Self {
        let alice = User::new("alice", "rabbit-hole");
        let cas = CasServer::builder().user(alice).start().await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let urls =
            ["127.0.0.1", "localhost"].map(|name| format!("http://{name}:{}", address.port()));
        let config = CasConfig::builder(cas.url(), &urls[0])
            .host(&urls[1])
            .key(Key::generate())
            .public("/healthz")
            .public("/count")
            .rule(Paths::exact("/optional"), Access::optional())
            .build()
            .unwrap();
        let counted = Arc::new(AtomicUsize::new(0));
        let slow = Slow::default();
        let (count, work) = (Arc::clone(&counted), slow.clone());
        let app = Router::new()
            .route("/healthz", get(async || "ok"))
            .route(
                "/count",
                get(async move || {
                    count.fetch_add(1, Relaxed);
                    "counted"
                }),
            )
            .route("/slow", get(async move || work.clone().without_end().await))
            .fallback(who)
            .layer(CasLayer::new(config));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let [one, other] = urls;
        let hosts = [
            Host::signed_in(&cas, one).await,
            Host::signed_in(&cas, other).await,
        ];
        Self {
            cas,
            address,
            hosts,
            slow,
            counted,
            server,
        }
    }

    /// How many requests for `/count` came to the app.
    pub(super) fn counted(&self) -> usize {
        self.counted.load(Relaxed)
    }
}

/// Requests for `/slow`, which the app never answers.
#[derive(Clone, Default)]
pub(super) struct Slow {
    pub(super) begun: Count,
    /// Of those begun, those that nobody works on any more.
    pub(super) ended: Count,
}

impl Slow {
    async fn without_end(self) {
        struct AtWork(Count);
        impl Drop for AtWork {
            fn drop(&mut self) {
                self.0.add();
            }
        }
        let _at_work = AtWork(self.ended);
        self.begun.add();
        std::future::pending::<()>().await;
    }
}

#[derive(Clone, Default)]
pub(super) struct Count(Arc<watch::Sender<u32>>);

impl Count {
    fn add(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(super) async fn wait_for(&self, wanted: u32) {
        let mut count = self.0.subscribe();
        let reached = count.wait_for(|count| *count >= wanted);
        let reached = timeout(Duration::from_secs(120), reached).await;
        assert!(reached.is_ok(), "{} of {wanted}", *self.0.borrow());
    }
}

impl Host {
    async fn signed_in(cas: &CasServer, url: String) -> Self {
        let visitor = Visitor::new();
        let login = visitor.get(&format!("{url}/login")).await;
        let location = login.location();
        let mut pairs = location.query_pairs();
        let (_, service) = pairs.find(|(name, _)| name == "service").unwrap();
        let ticket = cas.issue_ticket("alice", &service);
        let answer = visitor.get(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(answer.status, 302, "{}", answer.body);
        let cookies = visitor.cookies(&url);
        let session = cookies.iter().find(|(name, _)| name.ends_with("session"));
        let (name, value) = session.unwrap();
        let cookie = format!("{name}={value}");
        Self {
            authority: url.trim_start_matches("http://").to_owned(),
            url,
            cookie,
        }
    }
}

async fn who(user: Option<CasUser>) -> String {
    match user {
        Some(user) => format!("{} at {}", user.name(), user.app_url()),
        None => "nobody".to_owned(),
    }
}
