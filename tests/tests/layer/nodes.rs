//! Nodes of one app while their configuration changes: nobody notices.

use std::time::Duration;

use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, Key,
    testing::{CasServer, ManualClock},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    browser::Browser,
    support::{alice, key, routes},
};

pub(crate) const APP: &str = "http://localhost:1";

/// The tenth of the default idle time, so that every cookie is due.
const STEP: Duration = Duration::from_secs(720);

/// One process of the app, on a port of its own.
pub(crate) struct Node {
    url: String,
    server: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Node {
    pub(crate) async fn start(config: CasConfigBuilder) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), config)
    }

    pub(crate) fn on(listener: TcpListener, config: CasConfigBuilder) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = routes(std::sync::Arc::default()).layer(CasLayer::new(config.build().unwrap()));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, server }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Whether the node shows alice her profile. Never is her cookie cleared.
    async fn knows(&self, browser: &mut Browser) -> bool {
        let page = browser.open(&self.at("/profile")).await;
        let cleared = page.set_cookies().iter().any(|cookie| {
            cookie.name().ends_with("-session")
                && cookie.max_age() == Some(cookie::time::Duration::ZERO)
        });
        assert!(!cleared && browser.has_session());
        page.status == 200 && page.body.contains("\"user\":\"alice\"")
    }
}

/// Alice signs in; the way there begins at one node and ends at another.
pub(crate) async fn sign_in(cas: &CasServer, from: &Node, to: &Node) -> Browser {
    let mut browser = Browser::new();
    let begun = browser.open(&from.at("/profile")).await;
    let service = begun.location_parameter("service").unwrap();
    let ticket = cas.issue_ticket("alice", &service);
    let path = service.strip_prefix(APP).unwrap();
    let back = browser
        .open(&to.at(&format!("{path}&ticket={ticket}")))
        .await;
    assert_eq!(back.status, 302, "{}", back.body);
    assert!(browser.has_session());
    browser
}

type Change = fn(CasConfigBuilder) -> CasConfigBuilder;

/// Two nodes go through the steps, each of which changes one of them. At every step somebody signs in
/// on the way between them, and everybody who ever did is known to both. Gives the browsers.
async fn roll(steps: &[[Change; 2]]) -> Vec<Browser> {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let clock = ManualClock::new();
    let config = || CasConfig::builder(cas.url(), APP).clock(clock.clone());
    let mut browsers = Vec::new();
    for (step, [one, other]) in steps.iter().enumerate() {
        let one = Node::start(one(config())).await;
        let other = Node::start(other(config())).await;
        browsers.push(sign_in(&cas, &one, &other).await);
        browsers.push(sign_in(&cas, &other, &one).await);
        for _ in 0..2 {
            for (number, browser) in browsers.iter_mut().enumerate() {
                for node in [&one, &other, &one] {
                    assert!(node.knows(browser).await, "step {step}, browser {number}");
                }
            }
            clock.advance(STEP);
        }
    }
    browsers
}

/// Whose keys are these, in this order.
fn keys<const N: usize>(config: CasConfigBuilder, keys: [Key; N]) -> CasConfigBuilder {
    keys.into_iter().fold(config, CasConfigBuilder::key)
}

#[tokio::test]
async fn a_key_change_node_by_node_loses_no_session_and_clears_no_cookie() {
    let old: Change = |config| keys(config, [key(1)]);
    let announced: Change = |config| keys(config, [key(1), key(2)]);
    let changed: Change = |config| keys(config, [key(2), key(1)]);
    let new: Change = |config| keys(config, [key(2)]);
    roll(&[
        [old, old],
        [announced, old],
        [announced, announced],
        [changed, announced],
        [changed, changed],
        [new, changed],
        [new, new],
    ])
    .await;
}

/// What the order of the steps is good for: a node that does not know the key takes the visitor for
/// a stranger, but leaves the cookie to those who do.
#[tokio::test]
async fn a_node_without_the_key_leaves_the_cookie_alone() {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let config = || CasConfig::builder(cas.url(), APP);
    let new = Node::start(keys(config(), [key(2), key(1)])).await;
    let old = Node::start(keys(config(), [key(1)])).await;
    let mut browser = sign_in(&cas, &new, &new).await;
    assert!(!old.knows(&mut browser).await);
    assert!(new.knows(&mut browser).await);
}

fn is_encrypted(browser: &Browser) -> bool {
    browser
        .cookie("-session")
        .unwrap()
        .value()
        .starts_with("e1.")
}

#[tokio::test]
async fn encryption_is_switched_on_and_off_node_by_node_without_losing_a_session() {
    let signed: Change = |config| keys(config, [key(1)]);
    let encrypted: Change =
        |config| keys(config, [key(1)]).session(|session| session.encrypted(true));
    let on = [
        [signed, signed],
        [encrypted, signed],
        [encrypted, encrypted],
    ];
    assert!(roll(&on).await.iter().all(is_encrypted));
    let off = [
        [encrypted, encrypted],
        [signed, encrypted],
        [signed, signed],
    ];
    assert!(!roll(&off).await.iter().any(is_encrypted));
}

#[tokio::test]
async fn keys_and_form_can_change_at_once() {
    let old: Change = |config| keys(config, [key(1), key(2)]);
    let new: Change =
        |config| keys(config, [key(2), key(1)]).session(|session| session.encrypted(true));
    assert!(
        roll(&[[old, old], [new, old], [new, new]])
            .await
            .iter()
            .all(is_encrypted)
    );
}
