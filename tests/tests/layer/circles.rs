//! What is set up in a wrong way does not send a browser round and round: the third round is a page that says why, and
//! an error in the log.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use cas_layer::{
    CasConfigBuilder, CasLayer, Key,
    testing::{CasServer, ManualClock},
};
use cas_layer_tests::{
    balancer::Balancer,
    listening::{Listening, heard},
};
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{
    browser::{Answer, Browser, parameter},
    site,
    support::{App, alice, key, routes},
};

/// What runs until the end of a test.
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn serve(listener: TcpListener, app: Router) -> Running {
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Running(server.abort_handle())
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// How a reverse proxy changes paths.
#[derive(Clone, Copy, Debug)]
enum Proxy {
    /// `/app/x` becomes `/x`.
    Strips,
    /// Nothing.
    Leaves,
    /// `/x` becomes `/app/x`.
    Adds,
}

impl Proxy {
    fn path(self, asked: &str) -> String {
        match self {
            Self::Strips => asked.strip_prefix("/app").unwrap_or(asked).to_owned(),
            Self::Leaves => asked.to_owned(),
            Self::Adds => format!("/app{asked}"),
        }
    }
}

async fn pass_on(State((proxy, node)): State<(Proxy, String)>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let asked = parts.uri.path_and_query().unwrap().as_str();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let url = format!("{node}{}", proxy.path(asked));
    let sent = client.request(parts.method, url).headers(parts.headers);
    let answer = sent.send().await.unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = answer.bytes().await.unwrap().into();
    response
}

/// A browser on its way: how often it was sent to the CAS server, and what it got in the end.
struct Way {
    rounds: usize,
    end: Answer,
}

/// Opens a URL and follows every redirect. At the CAS server alice is signed in.
async fn go(browser: &mut Browser, cas: &CasServer, origin: &str, url: &str) -> Way {
    let (mut url, mut rounds) = (url.to_owned(), 0);
    for _ in 0..40 {
        let answer = browser.open(&url).await;
        if !answer.status.is_redirection() {
            return Way {
                rounds,
                end: answer,
            };
        }
        let location = answer.location();
        url = if location.starts_with(cas.url()) {
            rounds += 1;
            let service = answer.location_parameter("service").unwrap();
            let separator = if service.contains('?') { '&' } else { '?' };
            let ticket = cas.issue_ticket("alice", &service);
            format!("{service}{separator}ticket={ticket}")
        } else {
            format!("{origin}{location}")
        };
    }
    panic!("{url} after {rounds} rounds, and no end");
}

/// The third round is a page with these words, and so is an error in the log.
fn says(way: &Way, words: &[&str]) {
    let page = &way.end.body;
    assert_eq!(way.rounds, 2, "{page}");
    assert_eq!(way.end.status, 500, "{page}");
    assert!(page.contains("Sign-in goes in circles"), "{page}");
    assert!(!page.contains("Cookies needed"), "{page}");
    let log = heard();
    let line = log
        .lines()
        .rfind(|line| line.contains("in-circles"))
        .unwrap_or_else(|| panic!("nothing in the log: {log}"));
    assert!(line.contains("ERROR"), "{line}");
    for word in words {
        assert!(page.contains(word), "{word}: {page}");
        assert!(line.contains(word), "{word}: {line}");
    }
    assert!(
        !log.contains("ST-") && !page.contains("ST-"),
        "{log} {page}"
    );
}

type Change = fn(CasConfigBuilder) -> CasConfigBuilder;

#[tokio::test]
async fn a_proxy_that_changes_paths_in_a_way_that_the_app_was_not_told_of() {
    let _listening = Listening::start();
    let told: Change = |config| config.endpoints(|it| it.prefix_stripped_by_proxy(true));
    let bare: Change =
        |config| config.sign_in(|it| it.bare_service_url(true).allow_login_csrf(true));
    let not_told: Change = |config| config;
    let told_and_bare: Change = |config| {
        config
            .endpoints(|it| it.prefix_stripped_by_proxy(true))
            .sign_in(|it| it.bare_service_url(true).allow_login_csrf(true))
    };
    for (prefix, proxy, change, came, expected) in [
        ("/app", Proxy::Strips, not_told, "/login", "/app/login"),
        ("/app", Proxy::Leaves, told, "/app/login", "/app/login"),
        ("", Proxy::Adds, not_told, "/app/login", "/login"),
        ("/app", Proxy::Strips, bare, "/login", "/app/login"),
        (
            "/app",
            Proxy::Leaves,
            told_and_bare,
            "/app/login",
            "/app/login",
        ),
        ("", Proxy::Adds, bare, "/app/login", "/login"),
    ] {
        for cookies in [true, false] {
            let cas = CasServer::builder().user(alice()).start().await.unwrap();
            let ((before, origin), (behind, node)) = (listen().await, listen().await);
            let app_url = format!("{origin}{prefix}");
            let config = change(site::config(cas.url(), &app_url)).build().unwrap();
            let app = Router::new()
                .fallback(async |request: Request| request.uri().to_string())
                .layer(CasLayer::new(config));
            let _app = serve(behind, app);
            let proxied = Router::new().fallback(pass_on).with_state((proxy, node));
            let _proxy = serve(before, proxied);
            let mut browser = Browser::new();
            if !cookies {
                browser.refuses = vec!["cas-"];
            }
            let url = format!("{app_url}/profile?a=b");
            let way = go(&mut browser, &cas, &origin, &url).await;
            if !cookies && way.rounds < 2 {
                // Nothing can count the rounds then, so there are none.
                assert_eq!(way.end.status, 500, "{}", way.end.body);
                continue;
            }
            says(
                &way,
                &[
                    "prefix",
                    &format!("at the path {came},"),
                    &app_url,
                    expected,
                ],
            );
        }
    }
}

/// Two nodes of one app behind a balancer that sends each request to the next of them.
struct Nodes {
    cas: CasServer,
    balancer: Balancer,
    urls: [String; 2],
    _running: Vec<Running>,
}

impl Nodes {
    async fn start(changes: [&dyn Fn(CasConfigBuilder) -> CasConfigBuilder; 2]) -> Self {
        let cas = CasServer::builder().user(alice()).start().await.unwrap();
        let balancer = Balancer::start().await;
        let mut running = Vec::new();
        let mut urls = Vec::new();
        for change in changes {
            let config = cas_layer::CasConfig::builder(cas.url(), balancer.url());
            let config = change(config.public("/public")).build().unwrap();
            let app = routes(std::sync::Arc::default()).layer(CasLayer::new(config));
            let (listener, url) = listen().await;
            running.push(serve(listener, app));
            urls.push(url);
        }
        balancer.set_nodes(urls.clone());
        Self {
            cas,
            balancer,
            urls: urls.try_into().unwrap(),
            _running: running,
        }
    }

    async fn go(&self, browser: &mut Browser, path: &str) -> Way {
        let origin = self.balancer.url();
        go(browser, &self.cas, origin, &format!("{origin}{path}")).await
    }
}

#[tokio::test]
async fn nodes_with_different_keys_behind_a_balancer() {
    let _listening = Listening::start();
    let keys = [|config: CasConfigBuilder| config.key(Key::generate()); 2];
    let nodes = Nodes::start([&keys[0], &keys[1]]).await;
    let mut browser = Browser::new();
    let way = nodes.go(&mut browser, "/profile").await;
    says(
        &way,
        &[
            "cookie",
            "a key that this node does not have",
            "different keys",
        ],
    );
    // Whoever tries again gets no further, and no page sooner.
    let way = nodes.go(&mut browser, "/profile").await;
    assert!(
        way.end.body.contains("a key that this node does not have"),
        "{}",
        way.end.body
    );
}

/// In whichever order the nodes come to have their turns.
#[tokio::test]
async fn nodes_with_different_keys_whose_turns_are_mixed() {
    let _listening = Listening::start();
    let keys = [|config: CasConfigBuilder| config.key(Key::generate()); 2];
    for pages_at in [0, 1] {
        // Pages at one node, and tickets at the other; or each request after a picture.
        let nodes = Nodes::start([&keys[0], &keys[1]]).await;
        let mut browser = Browser::new();
        let (mut url, mut rounds) = (nodes.urls[pages_at].clone() + "/profile", 0);
        let end = loop {
            let answer = browser.open(&url).await;
            if !answer.status.is_redirection() {
                break answer;
            }
            url = if answer.location().starts_with(nodes.cas.url()) {
                rounds += 1;
                assert!(rounds < 5, "no end");
                let service = answer.location_parameter("service").unwrap();
                let path = &service[nodes.balancer.url().len()..];
                // The ticket comes to the node that sent the browser away, so that it signs in.
                let node = &nodes.urls[(rounds + pages_at + 1) % 2];
                let ticket = nodes.cas.issue_ticket("alice", &service);
                format!("{node}{path}&ticket={ticket}")
            } else {
                // The page comes from the other.
                format!(
                    "{}{}",
                    nodes.urls[(rounds + pages_at) % 2],
                    answer.location()
                )
            };
        };
        says(
            &Way { rounds, end },
            &["session cookie", "a key that this node does not have"],
        );
    }
}

#[tokio::test]
async fn a_node_whose_clock_is_ahead() {
    let _listening = Listening::start();
    let (right, ahead) = (ManualClock::new(), ManualClock::new());
    ahead.advance(Duration::from_secs(360));
    let nodes = Nodes::start([
        &|config| config.key(key(1)).clock(right.clone()),
        &|config| config.key(key(1)).clock(ahead.clone()),
    ])
    .await;
    let mut browser = Browser::new();
    let way = nodes.go(&mut browser, "/profile").await;
    says(&way, &["360 seconds in the future", "clock"]);
    // Once the clocks are right, a session is a session.
    right.advance(Duration::from_secs(360));
    let way = nodes.go(&mut browser, "/profile").await;
    assert_eq!(way.end.status, 200, "{}", way.end.body);
}

#[tokio::test]
async fn nodes_whose_clocks_are_hours_apart() {
    let _listening = Listening::start();
    let (right, ahead) = (ManualClock::new(), ManualClock::new());
    ahead.advance(Duration::from_secs(7_200));
    let nodes = Nodes::start([
        &|config| config.key(key(1)).clock(right.clone()),
        &|config| config.key(key(1)).clock(ahead.clone()),
    ])
    .await;
    let way = nodes.go(&mut Browser::new(), "/profile").await;
    says(&way, &["7200 seconds", "clocks"]);
}

#[tokio::test]
async fn who_gets_a_page_is_in_no_circle() {
    let nodes = Nodes::start([&|config| config.key(key(1)), &|config| {
        config.key(key(2)).key(key(1))
    }])
    .await;
    let mut browser = Browser::new();
    let open = async |browser: &mut Browser, node: usize, path: &str| {
        let url = format!("{}{path}", nodes.urls[node]);
        go(browser, &nodes.cas, nodes.balancer.url(), &url).await
    };
    nodes.balancer.set_nodes([nodes.urls[1].clone()]);
    assert_eq!(open(&mut browser, 1, "/profile").await.rounds, 1);
    for _ in 0..4 {
        // The other node does not know the key. A sign-in there counts at both.
        nodes.balancer.set_nodes([nodes.urls[0].clone()]);
        let way = open(&mut browser, 0, "/profile").await;
        assert_eq!(
            (way.rounds, way.end.status.as_u16()),
            (1, 200),
            "{}",
            way.end.body
        );
        assert_eq!(open(&mut browser, 1, "/profile").await.rounds, 0);
        // Signing out and in again is no circle either.
        nodes.balancer.set_nodes([nodes.urls[1].clone()]);
        open(&mut browser, 1, "/logout").await;
        let way = open(&mut browser, 1, "/profile").await;
        assert_eq!(
            (way.rounds, way.end.status.as_u16()),
            (1, 200),
            "{}",
            way.end.body
        );
    }
}

#[tokio::test]
async fn a_count_that_somebody_made_up_is_no_more_than_a_page() {
    let _listening = Listening::start();
    let nodes = Nodes::start([&|config| config.key(key(1)), &|config| config.key(key(1))]).await;
    for (count, is_last) in [
        ("try=9", true),
        ("try=x&round=-1", true),
        ("try=255&round=255", true),
        ("round=9", false),
    ] {
        let mut browser = Browser::new();
        let path = format!("/login?next=/profile&{count}");
        let way = nodes.go(&mut browser, &path).await;
        assert_eq!((way.rounds, way.end.status.as_u16()), (1, 200), "{count}");
        let mut browser = Browser::new();
        let way = nodes
            .go(&mut browser, &format!("{path}&ticket=ST-1&b=x"))
            .await;
        let is_page = way.end.body.contains("Cookies needed");
        assert_eq!(
            (is_page, browser.has_session()),
            (is_last, !is_last),
            "{count}"
        );
    }
}

#[tokio::test]
async fn a_round_is_counted_once_where_the_link_to_sign_in_has_counted_it_or_not() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    // As a node has sealed it whose key this one does not have.
    let mut session = browser.cookie("-session").unwrap().clone();
    session.set_value("x");
    browser.keep(session);
    let mut without_login = browser.clone();
    without_login
        .cookies
        .retain(|cookie| !cookie.name().ends_with("-login"));
    for (browser, counted, round) in [
        // It has been to the CAS server lately.
        (&browser, "", Some("2")),
        (&browser, "&round=1", Some("1")),
        (&browser, "&try=1", None),
        (&without_login, "", Some("1")),
    ] {
        let link = app.at(&format!("/login?next=/profile{counted}"));
        let begun = browser.clone().open(&link).await;
        let service = begun.location_parameter("service").unwrap();
        assert_eq!(parameter(&service, "round").as_deref(), round, "{counted}");
    }
}
