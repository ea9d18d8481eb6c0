//! Nodes that share no registry, and pass single logouts on to one another.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use cas_layer::{
    CasConfig, CasConfigBuilder, CasInPlaceLayer, ConfigError, Key, peer_address,
    registry::LogoutShare, testing::CasServer,
};
use cas_layer_tests::listening::{Listening, heard};
use tokio::net::TcpListener;

use crate::{
    browser::{Answer, Browser},
    nodes::{APP, Node, sign_in},
    registry::Moody,
    single_logout::{FORM, form, message, post},
    support::{App, alice, key, routes},
};

/// Longer than a busy machine takes.
const WITHIN: Duration = Duration::from_secs(30);

type SignOuts = Arc<Mutex<Vec<usize>>>;

/// Three nodes, each with a registry of its own.
struct Cluster {
    cas: CasServer,
    nodes: Vec<Node>,
    urls: Vec<String>,
    /// Which node told its app that somebody signed out.
    sign_outs: SignOuts,
}

impl Cluster {
    async fn start() -> Self {
        Self::with(|_, config| config.key(key(1))).await
    }

    async fn with(change: impl Fn(usize, CasConfigBuilder) -> CasConfigBuilder) -> Self {
        Self::and(None, WITHIN, change).await
    }

    /// Another node that each of them has to tell, and how long that may take.
    async fn and(
        other: Option<String>,
        within: Duration,
        change: impl Fn(usize, CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let cas = CasServer::builder().user(alice()).start().await.unwrap();
        let mut listeners = Vec::new();
        for _ in 0..3 {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let url = |it: &TcpListener| format!("http://{}", it.local_addr().unwrap());
        let urls: Vec<_> = listeners.iter().map(url).collect();
        let sign_outs = SignOuts::default();
        let node = |(number, listener)| {
            let told = Arc::clone(&sign_outs);
            let config = CasConfig::builder(cas.url(), APP)
                .sign_out(|it| {
                    it.rebroadcast_to(urls.iter().chain(&other))
                        .rebroadcast_within(within)
                })
                .on_sign_out(move |_| told.lock().unwrap().push(number));
            Node::on(listener, change(number, config))
        };
        let nodes = listeners.into_iter().enumerate().map(node).collect();
        Self {
            cas,
            nodes,
            urls,
            sign_outs,
        }
    }

    /// Alice at `node`, and the ticket that opened her session.
    async fn sign_in(&self, node: usize) -> (Browser, String) {
        let mut browser = Browser::new();
        let begun = browser.open(&self.nodes[node].at("/profile")).await;
        let service = begun.location_parameter("service").unwrap();
        let ticket = self.cas.issue_ticket("alice", &service);
        let path = service.strip_prefix(APP).unwrap();
        let callback = self.nodes[node].at(&format!("{path}&ticket={ticket}"));
        assert_eq!(browser.open(&callback).await.status, 302);
        (browser, ticket)
    }

    /// Which nodes show this browser a page. Its cookie stays as it was.
    async fn that_know(&self, browser: &Browser) -> Vec<usize> {
        let mut known = Vec::new();
        for (number, node) in self.nodes.iter().enumerate() {
            let mut copy = browser.clone();
            if copy.open(&node.at("/profile")).await.status == 200 {
                known.push(number);
            }
        }
        known
    }

    async fn tell(&self, node: usize, tickets: &[&str]) -> Answer {
        post(
            &self.nodes[node].at("/login"),
            FORM,
            form(&message(tickets)),
        )
        .await
    }
}

#[tokio::test]
async fn a_logout_that_reaches_any_node_is_in_force_on_all() {
    let cluster = Cluster::start().await;
    for told in 0..3 {
        let (browser, ticket) = cluster.sign_in(0).await;
        let (other, _) = cluster.sign_in(1).await;
        assert_eq!(cluster.that_know(&browser).await, [0, 1, 2]);
        assert_eq!(
            cluster.tell(told, &[&ticket, "ST-unknown"]).await.status,
            200
        );
        assert!(cluster.that_know(&browser).await.is_empty(), "{told}");
        assert_eq!(cluster.that_know(&other).await, [0, 1, 2]);
        // The app hears of it once, at the node where the session was opened.
        let sign_outs = std::mem::take(&mut *cluster.sign_outs.lock().unwrap());
        assert_eq!(sign_outs, [0], "{told}");
        assert_eq!(cluster.tell(told, &[&ticket]).await.status, 200, "again");
        assert!(cluster.sign_outs.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn so_is_one_that_a_browser_brings() {
    let cluster = Cluster::start().await;
    let (browser, ticket) = cluster.sign_in(2).await;
    let request = form_urlencoded::Serializer::new(String::new())
        .append_pair("logoutRequest", &message(&[&ticket]))
        .finish();
    let mut other = Browser::new();
    let told = other
        .open(&cluster.nodes[1].at(&format!("/login?{request}")))
        .await;
    assert_eq!(told.status, 200);
    assert!(cluster.that_know(&browser).await.is_empty());
}

#[tokio::test]
async fn several_sessions_of_several_nodes_end_by_one_message() {
    let cluster = Cluster::start().await;
    let (one, first) = cluster.sign_in(0).await;
    let (two, second) = cluster.sign_in(1).await;
    let (three, third) = cluster.sign_in(2).await;
    let told = cluster.tell(1, &[&first, &second, &third]).await;
    assert_eq!(told.status, 200);
    for browser in [&one, &two, &three] {
        assert!(cluster.that_know(browser).await.is_empty());
    }
    let mut sign_outs = cluster.sign_outs.lock().unwrap().clone();
    sign_outs.sort_unstable();
    assert_eq!(sign_outs, [0, 1, 2]);
}

/// For each ticket, the session that it opened has ended at its node, and what another tab has put in its place ends now.
#[tokio::test]
async fn as_many_sessions_as_a_message_names_end_with_those_that_replaced_them() {
    let cluster = Cluster::start().await;
    let (mut replaced, mut tickets) = (Vec::new(), Vec::new());
    for _ in 0..32 {
        let (mut browser, ticket) = cluster.sign_in(0).await;
        replaced.push(browser.clone());
        tickets.push(ticket);
        let begun = browser
            .open(&cluster.nodes[0].at("/login?renew=true"))
            .await;
        let service = begun.location_parameter("service").unwrap();
        let ticket = cluster.cas.issue_ticket("alice", &service);
        let path = service.strip_prefix(APP).unwrap();
        let callback = cluster.nodes[0].at(&format!("{path}&ticket={ticket}"));
        assert_eq!(browser.open(&callback).await.status, 302);
    }
    assert_eq!(cluster.that_know(&replaced[0]).await, [1, 2]);
    let tickets: Vec<_> = tickets.iter().map(String::as_str).collect();
    assert_eq!(cluster.tell(1, &tickets).await.status, 200);
    for browser in &replaced {
        assert!(cluster.that_know(browser).await.is_empty());
    }
}

/// At a page, a message may as well be for the app, which has other services sign its users out.
#[tokio::test]
async fn a_message_at_a_page_is_taken_if_another_node_had_the_session() {
    let cluster = Cluster::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let page = format!("http://{}/profile", listener.local_addr().unwrap());
    let config = CasConfig::builder(cluster.cas.url(), APP)
        .key(key(1))
        .sign_out(|it| it.rebroadcast_to(&cluster.urls).rebroadcast_within(WITHIN));
    let layer = CasInPlaceLayer::new(config.build().unwrap());
    let app = routes(Arc::default()).layer(layer);
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let (browser, ticket) = cluster.sign_in(0).await;
    for (named, is_taken) in [("ST-unknown", false), (ticket.as_str(), true)] {
        let message = form(&message(&[named]));
        let answer = Browser::new().open(&format!("{page}?{message}")).await;
        let answered = (answer.status.as_u16(), answer.body.as_str());
        assert_eq!(answered == (200, ""), is_taken, "{answered:?}");
        assert_eq!(cluster.that_know(&browser).await.is_empty(), is_taken);
    }
    server.abort();
}

/// Its answer makes the CAS server try again, if it does so at all.
#[tokio::test]
async fn a_logout_that_a_registry_may_forget_is_not_answered_as_done() {
    for (moody, part) in [(0, "end_if_opened"), (0, "end"), (1, "end"), (2, "end")] {
        let registry = Moody::default();
        let cluster = Cluster::with(|number, config| {
            let config = config.key(key(1));
            if number == moody {
                config.registry(registry.clone())
            } else {
                config
            }
        })
        .await;
        let (browser, ticket) = cluster.sign_in(0).await;
        registry.set_broken(Some(part));
        let told = cluster.tell(1, &[&ticket]).await;
        assert_eq!(told.status, 503, "{part} at {moody}");
        registry.set_broken(None);
        assert_eq!(cluster.tell(1, &[&ticket]).await.status, 200, "again");
        assert!(cluster.that_know(&browser).await.is_empty());
    }
}

#[tokio::test]
async fn a_node_hears_whether_the_sender_is_one_that_the_app_has_listed() {
    for (is_listed, share) in [(true, LogoutShare::Trusted), (false, LogoutShare::Back)] {
        let registry = Moody::default();
        let cluster = Cluster::with(|number, config| {
            let config = config.key(key(1));
            if number == 0 {
                return config.registry(registry.clone());
            }
            if !is_listed {
                return config;
            }
            let config = config.peer_address(|_| Some([192, 0, 2, 10].into()));
            config.sign_out(|it| it.logout_sources(["192.0.2.10"]))
        })
        .await;
        let (_, ticket) = cluster.sign_in(0).await;
        assert_eq!(cluster.tell(1, &[&ticket]).await.status, 200);
        let shares: Vec<_> = registry.senders().iter().map(|it| it.share()).collect();
        assert_eq!(shares, [share], "{is_listed}");
    }
}

#[tokio::test]
async fn a_ticket_that_was_never_used_stays_good() {
    let cluster = Cluster::start().await;
    let mut browser = Browser::new();
    let begun = browser.open(&cluster.nodes[0].at("/profile")).await;
    let service = begun.location_parameter("service").unwrap();
    let ticket = cluster.cas.issue_ticket("alice", &service);
    assert_eq!(cluster.tell(1, &[&ticket]).await.status, 200);
    let path = service.strip_prefix(APP).unwrap();
    let callback = cluster.nodes[0].at(&format!("{path}&ticket={ticket}"));
    browser.open(&callback).await;
    assert_eq!(
        cluster.that_know(&browser).await,
        [0, 1, 2],
        "nobody could fill the registries"
    );
}

#[tokio::test]
async fn nodes_that_are_away_are_in_the_log_and_the_others_hear() {
    let mut cluster = Cluster::start().await;
    let (browser, ticket) = cluster.sign_in(0).await;
    drop(cluster.nodes.pop());
    let _listening = Listening::start();
    let told = cluster.tell(1, &[&ticket]).await;
    assert_eq!(told.status, 503, "not all nodes know");
    let text = heard();
    assert!(cluster.that_know(&browser).await.is_empty());
    let mut failed = text
        .lines()
        .filter(|it| it.contains("event=\"rebroadcast\""));
    let is_told = |it: &str| it.contains("ERROR") && it.contains(&cluster.urls[2]);
    assert!(failed.any(is_told), "{text}");
    let mut ours = text.lines().filter(|it| it.contains("cas_layer"));
    assert!(ours.all(|it| !it.contains(&ticket)), "{text}");
}

#[tokio::test]
async fn a_node_that_is_silent_keeps_no_other_from_hearing() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    // It is waited for half of that.
    let within = Duration::from_secs(10);
    let cluster = Cluster::and(Some(url), within, |_, config| config.key(key(1))).await;
    let (browser, ticket) = cluster.sign_in(0).await;
    assert_eq!(cluster.tell(1, &[&ticket]).await.status, 503);
    assert!(cluster.that_know(&browser).await.is_empty());
}

#[tokio::test]
async fn a_sign_out_that_only_one_node_knows_of_is_in_force_on_all_once_the_cas_server_tells() {
    let cluster = Cluster::start().await;
    for told in 0..3 {
        let (browser, ticket) = cluster.sign_in(0).await;
        let mut signing_out = browser.clone();
        let answer = signing_out.open(&cluster.nodes[0].at("/logout")).await;
        assert_eq!(answer.status, 302);
        assert_eq!(cluster.that_know(&browser).await, [1, 2]);
        assert_eq!(cluster.tell(told, &[&ticket]).await.status, 200);
        assert!(cluster.that_know(&browser).await.is_empty(), "{told}");
    }
}

#[tokio::test]
async fn nobody_but_a_node_is_heard() {
    let cluster =
        Cluster::with(|number, config| config.key(key(if number == 2 { 2 } else { 1 }))).await;
    let (browser, ticket) = cluster.sign_in(0).await;
    assert_eq!(
        cluster.that_know(&browser).await,
        [0, 1],
        "the third has another key"
    );
    for sealed in ["", "x", "AAAA", &"A".repeat(60_000)] {
        let body = format!("logoutRequest=&cas_rebroadcast={sealed}");
        let answer = post(&cluster.nodes[0].at("/login"), FORM, body).await;
        assert_eq!(answer.status, 403);
    }
    assert_eq!(cluster.that_know(&browser).await, [0, 1]);
    // Whom it tells does not hear.
    assert_eq!(cluster.tell(2, &[&ticket]).await.status, 503);
    assert_eq!(cluster.that_know(&browser).await, [0, 1]);
    assert_eq!(cluster.tell(1, &[&ticket]).await.status, 503);
    assert!(cluster.that_know(&browser).await.is_empty());
}

#[tokio::test]
async fn nodes_are_heard_where_only_the_cas_server_is_listed() {
    let elsewhere = |_, config: CasConfigBuilder| {
        let config = config.peer_address(peer_address);
        config.sign_out(|it| it.logout_sources(["192.0.2.10"]))
    };
    let cluster = Cluster::with(|number, config| {
        // One of them takes messages of the test.
        let config = config.key(key(1));
        if number == 1 {
            config
        } else {
            elsewhere(number, config)
        }
    })
    .await;
    let (browser, ticket) = cluster.sign_in(0).await;
    assert_eq!(cluster.tell(0, &[&ticket]).await.status, 403);
    assert_eq!(cluster.that_know(&browser).await, [0, 1, 2]);
    assert_eq!(cluster.tell(1, &[&ticket]).await.status, 200);
    assert!(cluster.that_know(&browser).await.is_empty());
}

#[tokio::test]
async fn nothing_is_passed_on_by_default() {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let node = Node::start(CasConfig::builder(cas.url(), APP).key(key(1))).await;
    sign_in(&cas, &node, &node).await;
    let answer = post(
        &node.at("/login"),
        FORM,
        "logoutRequest=&cas_rebroadcast=AAAA",
    )
    .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn in_place_nodes_are_heard_at_every_page() {
    let configure =
        |config: CasConfigBuilder| config.sign_out(|it| it.rebroadcast_to(["http://127.0.0.1:9"]));
    let in_place = |app: Router, config| app.layer(CasInPlaceLayer::new(config));
    let app = App::under(CasServer::builder(), configure, in_place).await;
    let answer = post(
        &app.at("/login"),
        FORM,
        "logoutRequest=&cas_rebroadcast=AAAA",
    )
    .await;
    assert_eq!(answer.status, 403, "it is read");
}

#[test]
fn what_is_no_node_is_refused() {
    let build = |nodes: &[&str]| {
        let config = CasConfig::builder("https://cas.example.org", "https://app.example.org");
        let config = config.key(Key::generate());
        config
            .sign_out(|it| it.rebroadcast_to(nodes.iter().copied()))
            .build()
            .map(drop)
    };
    build(&["http://10.0.0.1:8080", "https://node.internal"]).unwrap();
    let many: Vec<_> = (0..33).map(|n| format!("http://10.0.0.{n}:8080")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    build(&many[..32]).unwrap();
    for nodes in [
        &many[..],
        &["10.0.0.1:8080"],
        &["ftp://10.0.0.1"],
        &["http://10.0.0.1/app"],
        &["http://10.0.0.1/?a"],
        &["http://user:secret@10.0.0.1"],
        &["http://10.0.0.1", "http://10.0.0.1:80/"],
    ] {
        let error = build(nodes).unwrap_err();
        assert!(matches!(error, ConfigError::InvalidUrl { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
