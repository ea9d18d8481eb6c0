//! What the layer does when its registry fails, and what it does with the end of sessions.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, routing::get};
use cas_layer::{
    CasConfig, CasLayer, CasUser, MemoryRegistry, SessionId,
    registry::{
        AccountId, Delivered, EndedSessions, Expected, IouId, Item, LogoutSender, Opened,
        ProxyGrants, Registry, RegistryError, RegistryErrorKind, RegistryFuture, Sealed,
        SessionStorage,
    },
};
use reqwest::Method;
use tokio::sync::Notify;

use crate::{browser::Browser, site::Site, support::App};

/// A registry in memory, parts of which can be put out of order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moody(Arc<Moods>);

#[derive(Debug, Default)]
struct Moods {
    inner: MemoryRegistry,
    broken: Mutex<Option<&'static str>>,
    is_behind: AtomicBool,
    senders: Mutex<Vec<LogoutSender>>,
    reads: AtomicUsize,
    /// Sessions that had begun, and did not open.
    abandoned: AtomicUsize,
    /// Sessions that were to open.
    opened: AtomicUsize,
    asked: Notify,
    goes_on: Notify,
}

impl Moody {
    pub(crate) fn set_broken(&self, part: Option<&'static str>) {
        *self.0.broken.lock().unwrap() = part;
    }

    /// How many sessions had begun and did not open, and how many were to open.
    pub(crate) fn begun(&self) -> (usize, usize) {
        let [abandoned, opened] =
            [&self.0.abandoned, &self.0.opened].map(|count| count.load(Ordering::SeqCst));
        (abandoned, opened)
    }

    /// Who named sessions.
    pub(crate) fn senders(&self) -> Vec<LogoutSender> {
        self.0.senders.lock().unwrap().clone()
    }

    /// How often somebody asked what is kept.
    pub(crate) fn reads(&self) -> usize {
        self.0.reads.load(Ordering::SeqCst)
    }

    /// Returns when somebody names sessions, or asks what is kept, while it is slow.
    pub(crate) async fn is_asked(&self) {
        self.0.asked.notified().await;
    }

    /// Lets them go on.
    pub(crate) fn go_on(&self) {
        self.0.goes_on.notify_one();
    }

    pub(crate) fn set_behind(&self, behind: bool) {
        self.0.is_behind.store(behind, Ordering::SeqCst);
    }

    /// The part does its work, as far as it can, and says that it is not sure of it.
    fn unless_broken<'a, T: Send + 'a>(
        &self,
        part: &'static str,
        done: RegistryFuture<'a, T>,
    ) -> RegistryFuture<'a, T> {
        let broken = *self.0.broken.lock().unwrap() == Some(part);
        Box::pin(async move {
            let done = done.await;
            if broken {
                let message = "out of order";
                return Err(RegistryError::new(RegistryErrorKind::Unavailable, message));
            }
            done
        })
    }
}

impl Registry for Moody {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        self.unless_broken("begin", self.0.inner.begin(id, lasts))
    }

    fn abandon(&self, id: SessionId) {
        self.0.inner.abandon(id);
        self.0.abandoned.fetch_add(1, Ordering::SeqCst);
    }

    fn open(&self, id: SessionId, expires_at: u64, now: u64) -> RegistryFuture<'_, Opened> {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        let overtaken = *self.0.broken.lock().unwrap() == Some("overtaken");
        let opened = async move {
            if overtaken {
                // A logout that came a moment before.
                let sender = LogoutSender::app();
                self.0.inner.end_if_opened(vec![id], sender, now).await?;
            }
            self.0.inner.open(id, expires_at, now).await
        };
        self.unless_broken("open", Box::pin(opened))
    }

    fn end(&self, id: SessionId, expires_at: u64, now: u64) -> RegistryFuture<'_, ()> {
        self.unless_broken("end", self.0.inner.end(id, expires_at, now))
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: u64,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        self.0.senders.lock().unwrap().push(sender);
        if *self.0.broken.lock().unwrap() == Some("slow") {
            return Box::pin(async move {
                self.0.asked.notify_one();
                self.0.goes_on.notified().await;
                self.0.inner.end_if_opened(ids, sender, now).await
            });
        }
        self.unless_broken(
            "end_if_opened",
            self.0.inner.end_if_opened(ids, sender, now),
        )
    }

    fn end_all(&self, account: AccountId, expires_at: u64, now: u64) -> RegistryFuture<'_, ()> {
        self.unless_broken("end_all", self.0.inner.end_all(account, expires_at, now))
    }

    fn ended(&self) -> &EndedSessions {
        self.0.inner.ended()
    }

    fn is_current(&self) -> bool {
        !self.0.is_behind.load(Ordering::SeqCst)
    }

    fn storage(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }

    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        Some(self)
    }
}

impl Moody {
    fn grants(&self) -> &dyn ProxyGrants {
        self.0.inner.proxy_grants().unwrap()
    }
}

impl ProxyGrants for Moody {
    fn expect(&self, lasts: Duration, now: u64) -> RegistryFuture<'_, Expected> {
        self.unless_broken("expect", self.grants().expect(lasts, now))
    }

    fn deliver(&self, iou: IouId, grant: Sealed, now: u64) -> RegistryFuture<'_, Delivered> {
        self.grants().deliver(iou, grant, now)
    }

    fn collect(
        &self,
        iou: IouId,
        patience: Duration,
        now: u64,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        self.grants().collect(iou, patience, now)
    }
}

impl SessionStorage for Moody {
    fn keep(
        &self,
        session: SessionId,
        item: Item,
        sealed: Sealed,
        now: u64,
    ) -> RegistryFuture<'_, bool> {
        self.unless_broken("keep", self.0.inner.keep(session, item, sealed, now))
    }

    fn kept(&self, session: SessionId, item: Item, now: u64) -> RegistryFuture<'_, Option<Sealed>> {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        let kept = self.unless_broken("kept", self.0.inner.kept(session, item, now));
        if *self.0.broken.lock().unwrap() == Some("hangs") {
            return Box::pin(std::future::pending());
        }
        if *self.0.broken.lock().unwrap() == Some("gone") {
            return Box::pin(std::future::ready(Ok(None)));
        }
        if *self.0.broken.lock().unwrap() == Some("slow to read") {
            return Box::pin(async move {
                self.0.asked.notify_one();
                self.0.goes_on.notified().await;
                kept.await
            });
        }
        kept
    }

    fn forget(&self, session: SessionId, item: Item) -> RegistryFuture<'_, ()> {
        self.0.inner.forget(session, item)
    }
}

async fn moody_app() -> (App, Moody) {
    let registry = Moody::default();
    let app = App::with(|c| c.registry(registry.clone())).await;
    (app, registry)
}

#[tokio::test]
async fn without_its_registry_nobody_is_signed_in_and_no_ticket_is_wasted_on_it() {
    let (app, registry) = moody_app().await;
    for (part, validations) in [("begin", 0), ("open", 1)] {
        let before = app.cas.validations();
        registry.set_broken(Some(part));
        let mut browser = Browser::new();
        let answer = app.sign_in(&mut browser, "/profile").await;
        assert_eq!(answer.status, 503, "{part}");
        assert!(!answer.header("retry-after").is_empty(), "{part}");
        assert!(
            answer.body.contains("/login?next=%2Fprofile"),
            "{}",
            answer.body
        );
        assert!(!browser.has_session(), "{part}");
        assert_eq!(app.cas.validations() - before, validations, "{part}");
        registry.set_broken(None);
        assert_eq!(
            app.sign_in(&mut browser, "/profile").await.location(),
            "/profile"
        );
    }
}

#[tokio::test]
async fn a_registry_that_is_full_is_told_from_one_that_is_away() {
    let full = App::with(|c| c.registry(MemoryRegistry::with_capacity(1))).await;
    full.sign_in(&mut Browser::new(), "/profile").await;
    let (away, registry) = moody_app().await;
    registry.set_broken(Some("open"));
    for (app, reason) in [(full, "busy"), (away, "registry-unavailable")] {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let program = browser.request(Method::GET, &app.callback(&service));
        let program = program.header("accept", "application/json");
        let answer = browser.send(program).await;
        assert_eq!(answer.status, 503);
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["reason"], reason);
    }
}

#[tokio::test]
async fn a_browser_signs_out_whatever_its_registry_says() {
    let (app, registry) = moody_app().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let mut copy = browser.clone();
    registry.set_broken(Some("end"));
    let answer = browser.open(&app.at("/logout")).await;
    assert!(answer.location().starts_with(app.cas.url()));
    assert!(!browser.has_session());
    assert_eq!(app.whoami(&mut copy).await, serde_json::Value::Null);
}

#[tokio::test]
async fn a_single_logout_that_may_be_forgotten_is_not_answered_as_done() {
    let (app, registry) = moody_app().await;
    registry.set_broken(Some("end_if_opened"));
    let message = r#"<l:LogoutRequest xmlns:l="urn:oasis:names:tc:SAML:2.0:protocol"><l:SessionIndex>ST-1</l:SessionIndex></l:LogoutRequest>"#;
    let mut browser = Browser::new();
    let request = browser
        .request(Method::POST, &app.at("/login"))
        .form(&[("logoutRequest", message)]);
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 503);
    assert!(!answer.header("retry-after").is_empty());
}

/// The CAS server's page waits for the call, or the browser for the next app.
#[tokio::test]
async fn one_through_the_browser_that_may_be_forgotten_calls_nothing_and_goes_on_to_the_next_app() {
    let (app, registry) = moody_app().await;
    let message = r#"<l:LogoutRequest xmlns:l="urn:oasis:names:tc:SAML:2.0:protocol"><l:SessionIndex>ST-1</l:SessionIndex></l:LogoutRequest>"#;
    for (part, calls) in [(Some("end_if_opened"), false), (None, true)] {
        registry.set_broken(part);
        for (name, status) in [
            ("callback", if calls { 200 } else { 503 }),
            ("RelayState", 302),
        ] {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("logoutRequest", message)
                .append_pair(name, "done")
                .finish();
            let url = app.at(&format!("/login?{query}"));
            let answer = Browser::new().open(&url).await;
            assert_eq!(answer.status, status, "{name} {}", answer.body);
            assert_eq!(answer.body == "done();", calls && name == "callback");
        }
    }
}

#[tokio::test]
async fn while_it_is_not_known_who_has_signed_out_sessions_wait() {
    let (app, registry) = moody_app().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    registry.set_behind(true);
    for path in ["/profile", "/profile?a=b", "/login", "/login?ticket=ST-1"] {
        let reached = app.reached();
        let answer = browser.open(&app.at(path)).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(!answer.header("retry-after").is_empty(), "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
        assert_eq!(app.reached(), reached, "{path}");
    }
    let program = browser.request(Method::GET, &app.at("/profile"));
    let answer = browser
        .send(program.header("accept", "application/json"))
        .await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("session-unverified"),
        "{}",
        answer.body
    );
    // Public paths go on, for a visitor without name.
    assert_eq!(app.whoami(&mut browser).await, serde_json::Value::Null);
    assert!(browser.has_session());
    // Whoever brings no session is sent to sign in as ever.
    let stranger = Browser::new().open(&app.at("/profile")).await;
    assert!(stranger.location().starts_with(app.cas.url()));
    registry.set_behind(false);
    assert_eq!(app.whoami(&mut browser).await, "alice");
    // Signing out needs no more than the cookie.
    registry.set_behind(true);
    let mut copy = browser.clone();
    let answer = browser.open(&app.at("/logout")).await;
    assert!(answer.location().starts_with(app.cas.url()));
    registry.set_behind(false);
    assert_eq!(app.whoami(&mut copy).await, serde_json::Value::Null);
}

/// An app with a request that lasts as long as its session.
async fn waiting_site(registry: Moody) -> (Site, CasConfig, Arc<Notify>) {
    let waits = Arc::new(Notify::new());
    let handler = async |State(waits): State<Arc<Notify>>, user: CasUser| {
        let ended = user.ended();
        waits.notify_one();
        ended.await;
        "ended"
    };
    let mut config = None;
    let site = Site::axum("", |c| {
        let built = config.insert(c.registry(registry).build().unwrap());
        Router::new()
            .route("/wait", get(handler))
            .with_state(Arc::clone(&waits))
            .layer(CasLayer::new(built.clone()))
    })
    .await;
    (site, config.unwrap(), waits)
}

#[tokio::test]
async fn who_waits_for_the_end_of_a_session_learns_of_every_kind_of_end() {
    let registry = Moody::default();
    let (site, config, waits) = waiting_site(registry.clone()).await;
    for end in ["logout", "all", "behind"] {
        let mut browser = Browser::new();
        site.sign_in(&mut browser, "/wait").await;
        let waiting = tokio::spawn({
            let (mut browser, url) = (browser.clone(), site.at("/wait"));
            async move { browser.open(&url).await }
        });
        waits.notified().await;
        match end {
            "logout" => {
                browser.open(&site.at("/logout")).await;
            }
            "all" => config.end_all(site.cas.url(), "alice").await.unwrap(),
            _ => registry.set_behind(true),
        }
        assert_eq!(waiting.await.unwrap().body, "ended", "{end}");
    }
}

#[tokio::test]
async fn a_session_that_lives_keeps_who_waits_for_its_end_waiting() {
    let (site, config, waits) = waiting_site(Moody::default()).await;
    let (mut alice, mut other) = (Browser::new(), Browser::new());
    site.sign_in(&mut alice, "/wait").await;
    site.sign_in(&mut other, "/wait").await;
    let waiting = tokio::spawn({
        let (mut browser, url) = (alice.clone(), site.at("/wait"));
        async move { browser.open(&url).await }
    });
    waits.notified().await;
    config.end_all(site.cas.url(), "bob").await.unwrap();
    other.open(&site.at("/logout")).await;
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    alice.open(&site.at("/logout")).await;
    assert_eq!(waiting.await.unwrap().body, "ended");
}

#[tokio::test]
async fn all_sessions_of_a_user_end_at_once_and_later_ones_live() {
    let app = App::start().await;
    let (mut first, mut second) = (Browser::new(), Browser::new());
    app.sign_in(&mut first, "/profile").await;
    app.sign_in(&mut second, "/profile").await;
    let request = first.request(Method::POST, &app.at("/everywhere"));
    assert_eq!(first.send(request).await.status, 200);
    assert_eq!(app.whoami(&mut first).await, serde_json::Value::Null);
    assert_eq!(app.whoami(&mut second).await, serde_json::Value::Null);
    app.sign_in(&mut first, "/profile").await;
    assert_eq!(app.whoami(&mut first).await, "alice");
    assert_eq!(app.whoami(&mut second).await, serde_json::Value::Null);
}

#[tokio::test]
async fn a_single_logout_finds_a_session_of_before_a_restart_once_it_was_used() {
    let clock = cas_layer::testing::ManualClock::new();
    clock.rewind(Duration::from_secs(3600));
    let before = App::with(|c| c.clock(clock.clone())).await;
    let mut browser = Browser::new();
    let service = before.begin(&mut browser, "/profile").await;
    let callback = before.callback(&service);
    let ticket = crate::browser::parameter(&callback, "ticket").unwrap();
    browser.open(&callback).await;
    // The same app with the same key in a new process.
    let (app_url, cas_url) = (before.url.clone(), before.cas.url().to_owned());
    let after = Site::start(
        "",
        |_| (),
        async move |listener, ()| {
            let config = CasConfig::builder(cas_url, app_url)
                .key(crate::support::key(1))
                .clock(clock)
                .build()
                .unwrap();
            let app: Router = Router::new()
                .fallback(async |user: CasUser| user.name().to_owned())
                .layer(CasLayer::new(config));
            axum::serve(listener, app).await.unwrap();
        },
    )
    .await;
    let seen = browser.open(&after.at("/profile")).await;
    assert_eq!((seen.status.as_u16(), seen.body.as_str()), (200, "alice"));
    let message = format!(
        r#"<l:LogoutRequest xmlns:l="urn:oasis:names:tc:SAML:2.0:protocol"><l:SessionIndex>{ticket}</l:SessionIndex></l:LogoutRequest>"#
    );
    let post = browser
        .request(Method::POST, &after.at("/login"))
        .form(&[("logoutRequest", &message)]);
    assert_eq!(browser.send(post).await.status, 200);
    assert_eq!(browser.open(&after.at("/profile")).await.status, 302);
}
