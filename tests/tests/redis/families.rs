//! Sessions of one browser, on nodes that share a Redis.

use std::time::Duration;

use axum::{Router, routing::get};
use cas_layer::{
    CasConfig, CasLayer, CasUser, Key, RedisRegistry, SessionId,
    registry::{Opened, RegisteredSession, Registry as _, SessionFamilies as _},
    testing::{CasServer, User},
};
use cas_layer_tests::{
    redis::RedisServer,
    visitor::{Answer, Visitor, answer},
};
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, SET_COOKIE},
};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};

use crate::support::{
    CAS, LIFETIME, LIMIT, Session, connect, eventually, exists, is_back, log_out, new_id, now,
    settled,
};

/// What browsers call the app, whichever node answers.
const APP: &str = "http://localhost:1";

/// One process of an app.
struct Node {
    url: String,
    server: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Node {
    async fn start(cas: &CasServer, registry: RedisRegistry) -> Self {
        let config = CasConfig::builder(cas.url(), APP)
            .key(Key::from((0..64).collect::<Vec<u8>>()))
            .registry(registry)
            .build()
            .unwrap();
        let app = Router::new()
            .fallback(get(async |user: CasUser| user.name().to_owned()))
            .layer(CasLayer::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, server }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn knows(&self, visitor: &Visitor) -> bool {
        let page = visitor.get(&self.at("/page")).await;
        page.status == StatusCode::OK && page.body == "alice"
    }

    async fn forgets(&self, visitor: &Visitor) {
        eventually("a node has heard of it", async || {
            !self.knows(visitor).await
        })
        .await;
    }

    /// Somebody's request for `path`, with the cookies of `from`: the answer, and a visitor with what it sets too.
    async fn get_as(&self, from: &Visitor, path: &str) -> (Answer, Visitor) {
        let copy = Visitor::new();
        for (name, value) in from.cookies(&self.at("/")) {
            copy.take_cookie(&self.at("/"), &name, &value);
        }
        (copy.get(&self.at(path)).await, copy)
    }
}

/// Three tabs of one browser, which sign alice in at a node without having seen each other's sessions, and their tickets.
async fn tabs(cas: &CasServer, node: &Node) -> [(Visitor, String); 3] {
    let browser = Visitor::new();
    let mut services = Vec::new();
    for n in 0..3 {
        let begun = browser.get(&node.at(&format!("/page/{n}"))).await;
        let mut pairs = begun
            .location()
            .query_pairs()
            .into_owned()
            .collect::<Vec<_>>();
        pairs.retain(|(name, _)| name == "service");
        services.push(pairs.remove(0).1);
    }
    let mut tabs = Vec::new();
    for service in services {
        let ticket = cas.issue_ticket("alice", &service);
        let path = service.strip_prefix(APP).unwrap();
        let (back, tab) = node
            .get_as(&browser, &format!("{path}&ticket={ticket}"))
            .await;
        assert_eq!(back.status, 302, "{}", back.body);
        assert!(back.headers.contains_key(SET_COOKIE));
        tabs.push((tab, ticket));
    }
    tabs.try_into().ok().unwrap()
}

pub(crate) async fn what_ends_one_tab_ends_all_on_every_node() {
    let server = RedisServer::start().await;
    let alice = User::new("alice", "rabbit-hole");
    let cas = CasServer::builder().user(alice).start().await.unwrap();
    let one = Node::start(&cas, settled(&server).await).await;
    let two = Node::start(&cas, connect(&server).await).await;
    let [others, single, sign_out] = [
        tabs(&cas, &one).await,
        tabs(&cas, &one).await,
        tabs(&cas, &two).await,
    ];
    for (tab, _) in others.iter().chain(&single).chain(&sign_out) {
        assert!(one.knows(tab).await && two.knows(tab).await);
    }
    // The message names one of them, and comes to the other node.
    let message = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"1\" Version=\"2.0\" \
         IssueInstant=\"2026-11-25T10:00:00Z\"><samlp:SessionIndex>{}</samlp:SessionIndex></samlp:LogoutRequest>",
        single[1].1
    );
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("logoutRequest", &message)
        .finish();
    let request = Visitor::new().request(Method::POST, &two.at("/login"));
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let told = answer(request.body(body)).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    for (tab, _) in &single {
        assert!(
            !two.knows(tab).await,
            "the node that answered knows it at once"
        );
        one.forgets(tab).await;
    }
    sign_out[0].0.get(&two.at("/logout")).await;
    for (tab, _) in &sign_out {
        assert!(!two.knows(tab).await);
        one.forgets(tab).await;
    }
    for (tab, _) in &others {
        assert!(one.knows(tab).await && two.knows(tab).await);
    }
}

fn in_family(session: &Session, family: SessionId) -> RegisteredSession<'_> {
    RegisteredSession::new(session.id, session.number, session.expires_at, CAS, "alice")
        .in_family(Some(family))
}

pub(crate) async fn a_family_is_known_again_after_a_loss() {
    let mut server = RedisServer::start().await;
    let (one, two) = (settled(&server).await, connect(&server).await);
    let (family, mut sessions) = (new_id(), Vec::new());
    for _ in 0..2 {
        let (id, now) = (new_id(), now());
        one.begin(id, Duration::from_secs(40)).await.unwrap();
        let expires_at = now + LIFETIME;
        let opened = one.open_in(family, id, expires_at, now).await.unwrap();
        let Opened::Live { number } = opened else {
            panic!("it has ended");
        };
        sessions.push(Session {
            id,
            number,
            expires_at,
        });
    }
    server.kill().await;
    server.empty();
    server.restart().await;
    let [seen, other] = [&sessions[0], &sessions[1]];
    eventually("a session is known again", async || {
        assert!(!one.is_ended(&in_family(seen, family)));
        exists(&server, seen).await
    })
    .await;
    is_back(&two).await;
    assert_eq!(log_out(&two, seen).await.unwrap(), 1);
    assert!(two.is_ended(&in_family(other, family)));
    let other = in_family(other, family);
    let hears = one.ended().wait_for(&other);
    assert!(timeout(LIMIT, hears).await.is_ok());
}

/// Who reads the news one after another finds no session of the family live once one of them has ended.
pub(crate) async fn nodes_are_told_of_a_family_before_its_session() {
    let server = RedisServer::start().await;
    let node = settled(&server).await;
    let (family, session, now) = (new_id(), new_id(), now());
    node.begin(session, LIMIT).await.unwrap();
    let opened = node.open_in(family, session, now + LIFETIME, now).await;
    assert!(matches!(opened, Ok(Opened::Live { .. })));
    let sender = crate::support::sender();
    let ended = node.end_if_opened(vec![session], sender, now).await;
    assert_eq!(ended.unwrap(), [session]);
    let news: Vec<(String, Vec<String>)> = server
        .command(&["XRANGE", "{cas-layer}:ended", "-", "+"])
        .await;
    let ids: Vec<_> = news.iter().map(|(_, fields)| fields[1].as_str()).collect();
    assert_eq!(ids, [family.to_string(), session.to_string()]);
}
