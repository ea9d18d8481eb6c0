//! Several requests that bring tickets for one login: one validation at a time, and a reload gets what the first request
//! would have got.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body, extract::Request, middleware::map_request, response::Response};
use cas_layer::{
    CasApiLayer, CasConfig, CasConfigBuilder, CasInPlaceLayer, CasLayer, testing::CasServer,
};
use reqwest::{Method, StatusCode};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinSet, yield_now},
};

use crate::{
    browser::{Answer, Browser},
    support::{alice, key, routes},
};

/// Between the app and its CAS server: may keep the answers to validations back.
struct Gate {
    url: String,
    /// What is in the queries whose answers are kept back.
    holds: watch::Sender<Option<&'static str>>,
    /// How many validations there were.
    asked: Arc<AtomicUsize>,
    _server: Server,
}

struct Server(AbortHandle);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(app: Router) -> (SocketAddr, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, Server(server.abort_handle()))
}

impl Gate {
    async fn before(cas: &CasServer) -> Self {
        let (holds, held) = watch::channel(None);
        let asked = Arc::new(AtomicUsize::new(0));
        let (address, path) = cas.url()["http://".len()..].split_once('/').unwrap();
        let (address, count) = (address.to_owned(), Arc::clone(&asked));
        let pass_on = move |request: Request| {
            let (address, count, mut held) = (address.clone(), Arc::clone(&count), held.clone());
            async move {
                let uri = request.uri().to_string();
                let answer = reqwest::get(format!("http://{address}{uri}"))
                    .await
                    .unwrap();
                let status = answer.status();
                let body = answer.bytes().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                held.wait_for(|held| held.is_none_or(|held| !uri.contains(held)))
                    .await
                    .unwrap();
                Response::builder()
                    .status(status)
                    .body(Body::from(body))
                    .unwrap()
            }
        };
        let (gate, server) = serve(Router::new().fallback(pass_on)).await;
        Self {
            url: format!("http://{gate}/{path}"),
            holds,
            asked,
            _server: server,
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct Site {
    url: String,
    cas: CasServer,
    gate: Gate,
    /// How many requests have come to the layer.
    came: Arc<AtomicUsize>,
    _server: Server,
}

impl Site {
    async fn start(
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
        app: impl FnOnce(CasConfig) -> Router,
    ) -> Self {
        let cas = CasServer::builder().user(alice()).start().await.unwrap();
        let gate = Gate::before(&cas).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = configure(CasConfig::builder(&gate.url, &url).key(key(1))).build();
        let came = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&came);
        let app = app(config.unwrap()).layer(map_request(move |request: Request| {
            count.fetch_add(1, Ordering::SeqCst);
            async move { request }
        }));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            cas,
            gate,
            came,
            _server: Server(server.abort_handle()),
        }
    }

    /// A browser that has begun a login, and the service URL of that.
    async fn begin(&self) -> (Browser, String) {
        let mut browser = Browser::new();
        let answer = browser.open(&format!("{}/profile", self.url)).await;
        let service = answer.location_parameter("service").unwrap();
        (browser, service)
    }

    /// The same for a login of which two tickets have been refused, so that the third refusal is a page.
    async fn begin_last(&self) -> (Browser, String) {
        let (mut browser, service) = self.begin().await;
        let again = if service.contains("cas_login=") {
            "/profile?cas_again=2&cas_login=again"
        } else if service.contains('?') {
            "/login?again=2&next=/profile"
        } else {
            return (browser, service);
        };
        let answer = browser.open(&format!("{}{again}", self.url)).await;
        let service = answer.location_parameter("service").unwrap();
        (browser, service)
    }

    fn ticket(&self, service: &str) -> String {
        self.cas.issue_ticket("alice", service)
    }

    /// Until so many requests have come to the layer, the ones before the callbacks included.
    async fn have_come(&self, count: usize) {
        while self.came.load(Ordering::SeqCst) < count {
            yield_now().await;
        }
    }

    async fn have_been_asked(&self, count: usize) {
        while self.gate.asked() < count {
            yield_now().await;
        }
    }
}

fn with_ticket(service: &str, ticket: &str) -> String {
    let separator = if service.contains('?') { '&' } else { '?' };
    format!("{service}{separator}ticket={ticket}")
}

/// A browser's request in a task of its own, and the browser afterwards.
async fn open(browser: Browser, url: String) -> (Answer, Browser) {
    let mut browser = browser;
    (browser.open(&url).await, browser)
}

fn layered(config: CasConfig) -> Router {
    routes(Arc::default()).layer(CasLayer::new(config))
}

fn in_place(config: CasConfig) -> Router {
    routes(Arc::default()).layer(CasInPlaceLayer::new(config))
}

fn is_signed_in(answer: &Answer, browser: &Browser) {
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.body);
    assert!(
        answer.location().ends_with("/profile"),
        "{}",
        answer.location()
    );
    assert!(browser.has_session());
}

/// In every way in which a ticket comes back.
/// Nobody is asked for their name: what is looked at is the ticket.
fn bare(config: CasConfigBuilder) -> CasConfigBuilder {
    config.sign_in(|sign_in| sign_in.bare_service_url(true).allow_login_csrf(true))
}

async fn sites() -> Vec<Site> {
    vec![
        Site::start(|config| config, layered).await,
        Site::start(bare, layered).await,
        Site::start(|config| config, in_place).await,
        Site::start(bare, in_place).await,
    ]
}

#[tokio::test]
async fn a_reload_while_the_ticket_is_being_validated_signs_in_with_it() {
    for site in sites().await {
        let (browser, service) = site.begin().await;
        let callback = with_ticket(&service, &site.ticket(&service));
        site.gate.holds.send_replace(Some(""));
        let first = tokio::spawn(open(browser.clone(), callback.clone()));
        site.have_been_asked(1).await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());

        let second = tokio::spawn(open(browser, callback));
        site.have_come(3).await;
        site.gate.holds.send_replace(None);
        let (answer, browser) = second.await.unwrap();
        is_signed_in(&answer, &browser);
        assert_eq!(site.gate.asked(), 1);
    }
}

#[tokio::test]
async fn a_double_click_gets_one_answer_twice() {
    for site in sites().await {
        let (browser, service) = site.begin().await;
        let callback = with_ticket(&service, &site.ticket(&service));
        site.gate.holds.send_replace(Some(""));
        let clicks = [(); 2].map(|()| tokio::spawn(open(browser.clone(), callback.clone())));
        site.have_come(3).await;
        site.have_been_asked(1).await;
        site.gate.holds.send_replace(None);
        let mut cookies = Vec::new();
        for click in clicks {
            let (answer, browser) = click.await.unwrap();
            is_signed_in(&answer, &browser);
            cookies.push(browser.cookie_fields("/"));
        }
        assert_eq!(cookies[0], cookies[1]);
        assert_eq!(site.gate.asked(), 1);
    }
}

#[tokio::test]
async fn another_ticket_of_the_same_login_waits_for_the_first() {
    for site in sites().await {
        let (browser, service) = site.begin_last().await;
        let came = site.came.load(Ordering::SeqCst);
        site.gate.holds.send_replace(Some("ST-made-up"));
        let made_up = with_ticket(&service, "ST-made-up");
        let made_up = tokio::spawn(open(browser.clone(), made_up));
        site.have_been_asked(1).await;
        let good = with_ticket(&service, &site.ticket(&service));
        let good = tokio::spawn(open(browser, good));
        site.have_come(came + 2).await;
        // Another login does not wait.
        let (other, service) = site.begin().await;
        let callback = with_ticket(&service, &site.ticket(&service));
        let (answer, other) = open(other, callback).await;
        is_signed_in(&answer, &other);
        assert_eq!(site.gate.asked(), 2);
        assert!(!good.is_finished());

        site.gate.holds.send_replace(None);
        assert_eq!(made_up.await.unwrap().0.status, StatusCode::FORBIDDEN);
        let (answer, browser) = good.await.unwrap();
        is_signed_in(&answer, &browser);
    }
}

#[tokio::test]
async fn more_than_a_few_tickets_of_one_login_at_once_are_turned_away_at_once() {
    let site = Site::start(|config| config, layered).await;
    let (browser, service) = site.begin_last().await;
    site.gate.holds.send_replace(Some(""));
    let mut tickets = JoinSet::new();
    for n in 0..20 {
        let callback = with_ticket(&service, &format!("ST-made-up-{n}"));
        tickets.spawn(open(browser.clone(), callback));
    }
    for _ in 0..15 {
        let (answer, _) = tickets.join_next().await.unwrap().unwrap();
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!answer.header("retry-after").is_empty());
    }
    site.have_been_asked(1).await;
    assert_eq!(site.gate.asked(), 1);
    site.gate.holds.send_replace(None);
    for (answer, _) in tickets.join_all().await {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let good = with_ticket(&service, &site.ticket(&service));
    let (answer, browser) = open(browser, good).await;
    is_signed_in(&answer, &browser);
}

#[tokio::test]
async fn where_too_many_wait_for_a_validation_a_sign_in_is_turned_away_at_once() {
    let one_at_once =
        |config: CasConfigBuilder| config.sign_in(|sign_in| sign_in.max_concurrent_validations(1));
    let site = Site::start(one_at_once, layered).await;
    let mut logins = Vec::new();
    for _ in 0..18 {
        logins.push(site.begin().await);
    }
    site.gate.holds.send_replace(Some(""));
    let began = Instant::now();
    let mut tickets = JoinSet::new();
    for (browser, service) in logins {
        let callback = with_ticket(&service, &site.ticket(&service));
        tickets.spawn(open(browser, callback));
    }
    // One is validated, and sixteen wait.
    let (answer, _) = tickets.join_next().await.unwrap().unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    site.have_been_asked(1).await;
    assert_eq!(site.gate.asked(), 1);
    site.gate.holds.send_replace(None);
    let answers = tickets.join_all().await;
    // Nobody waits for longer than three seconds, so a slow machine turns more away.
    let is_slow = began.elapsed() > Duration::from_secs(3);
    let mut signed_in = 0;
    for (answer, browser) in answers {
        if is_slow && answer.status == StatusCode::SERVICE_UNAVAILABLE {
            continue;
        }
        is_signed_in(&answer, &browser);
        signed_in += 1;
    }
    assert!(signed_in == 17 || (is_slow && signed_in > 0));
}

#[tokio::test]
async fn tickets_at_an_api_and_sign_ins_do_not_keep_each_other_waiting() {
    let mut both = None;
    let one_at_once =
        |config: CasConfigBuilder| config.sign_in(|sign_in| sign_in.max_concurrent_validations(1));
    let site = Site::start(one_at_once, |config| {
        both = Some(config.clone());
        layered(config)
    })
    .await;
    let api = routes(Arc::default()).layer(CasApiLayer::new(both.unwrap()));
    let (api, _server) = serve(api).await;
    let call = |ticket: String| async move {
        let mut program = Browser::new();
        let request = program.request(Method::GET, &format!("http://{api}/profile"));
        let field = format!("CAS {ticket}");
        program.send(request.header("authorization", field)).await
    };
    let (browser, service) = site.begin().await;

    site.gate.holds.send_replace(Some("ST-made-up"));
    let held = tokio::spawn(call("ST-made-up".to_owned()));
    site.have_been_asked(1).await;
    let callback = with_ticket(&service, &site.ticket(&service));
    let (answer, browser) = open(browser, callback).await;
    is_signed_in(&answer, &browser);
    assert!(!held.is_finished());
    site.gate.holds.send_replace(None);
    assert_eq!(held.await.unwrap().status, StatusCode::UNAUTHORIZED);

    let (browser, service) = site.begin_last().await;
    site.gate.holds.send_replace(Some("ST-made-up"));
    let held = tokio::spawn(open(browser, with_ticket(&service, "ST-made-up")));
    site.have_been_asked(3).await;
    let service = format!("{}/profile", site.url);
    let answer = call(site.ticket(&service)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(!held.is_finished());
    site.gate.holds.send_replace(None);
    assert_eq!(held.await.unwrap().0.status, StatusCode::FORBIDDEN);
}
