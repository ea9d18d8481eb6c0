//! Tickets that are JSON web tokens, from the CAS server's hands to a session.

use std::{sync::Arc, time::Duration};

use cas_layer::{
    CasApiLayer, CasConfig, CasConfigBuilder, JwtContentKey, JwtKey, JwtTickets, MemoryRegistry,
    testing::{CasServer, CasServerBuilder, Fault, JwtIssuer},
};
use reqwest::Method;
use tokio::net::TcpListener;

use crate::{
    browser::{Answer, Browser},
    nodes::{APP, Node},
    registry::Moody,
    single_logout,
    support::{App, alice, key, routes},
};

const SECRET: &str =
    "qeALfMKRSME3mkHy0Qis6mhbGQFzps0ZiU-qyjsPOq_tYyR4fk2uAQR3wZfYTAlGGO3yhpJAMsq2JufeEC4fQg";
const CONTENT_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn cas() -> CasServerBuilder {
    CasServer::builder().user(alice())
}

fn signing() -> CasServerBuilder {
    cas().jwt_tickets(JwtIssuer::hs512(SECRET))
}

fn signed(config: CasConfigBuilder) -> CasConfigBuilder {
    config.client(|client| client.jwt_tickets(JwtTickets::signed_by(JwtKey::hs512(SECRET))))
}

fn encrypting() -> JwtIssuer {
    JwtIssuer::hs512(SECRET).encrypt("A128CBC-HS256", CONTENT_KEY)
}

fn encrypted(config: CasConfigBuilder) -> CasConfigBuilder {
    let tickets = JwtTickets::signed_by(JwtKey::hs512(SECRET))
        .encrypted_with(JwtContentKey::a128cbc_hs256(CONTENT_KEY));
    config.client(|client| client.jwt_tickets(tickets))
}

/// A browser goes to the login form and comes back with the server's own ticket.
async fn signs_in(app: &App) {
    let client = reqwest::Client::builder()
        .cookie_store(true)
        .build()
        .unwrap();
    let page = app.cas.sign_in(&client, &app.at("/profile")).await.unwrap();
    let page: serde_json::Value = serde_json::from_str(&page.text().await.unwrap()).unwrap();
    assert_eq!(page["user"], "alice");
    assert_eq!(
        page["attributes"]["memberOf"],
        serde_json::json!(["rabbits", "cats & hatters", "猫"])
    );
}

#[tokio::test]
async fn a_visitor_signs_in_with_a_token_and_the_cas_server_is_not_asked() {
    let apps = [
        App::against(signing(), signed).await,
        App::against(cas().jwt_tickets(encrypting()), encrypted).await,
        App::against(cas().jwt_tickets(encrypting().deflate()), encrypted).await,
        App::against(cas().jwt_tickets(encrypting().sign_first()), encrypted).await,
    ];
    for app in apps {
        signs_in(&app).await;
        assert_eq!(app.cas.validations(), 0);
    }
}

#[tokio::test]
async fn where_the_server_takes_it_a_token_is_a_ticket_like_any_other() {
    for issuer in [JwtIssuer::hs512(SECRET), encrypting()] {
        let app = App::against(cas().jwt_tickets(issuer), |config| config).await;
        signs_in(&app).await;
        assert_eq!(app.cas.validations(), 1);
    }
}

#[tokio::test]
async fn a_token_with_other_wraps_than_there_are_keys_for_is_refused() {
    for app in [
        App::against(signing(), encrypted).await,
        App::against(cas().jwt_tickets(encrypting()), signed).await,
        App::against(cas().jwt_tickets(JwtIssuer::hs256(SECRET)), signed).await,
    ] {
        let mut browser = Browser::new();
        let back = app.sign_in(&mut browser, "/profile").await;
        assert_eq!(back.status, 403, "{}", back.body);
        assert!(!browser.has_session());
        assert_eq!(app.cas.validations(), 0);
    }
}

#[tokio::test]
async fn a_single_logout_ends_a_session_that_a_token_opened() {
    let app = App::against(cas().jwt_tickets(encrypting()), encrypted).await;
    let (mut browser, service, token) = single_logout::alice(&app).await;
    assert!(token.starts_with("ey"), "{token}");
    assert_eq!(app.whoami(&mut browser).await, "alice");
    // Nobody's ticket has the name of the token itself.
    let message = single_logout::form(&single_logout::message(&[&token]));
    single_logout::post(&service, single_logout::FORM, message).await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
    app.cas.log_out("alice").await;
    assert!(app.whoami(&mut browser).await.is_null());
}

#[tokio::test]
async fn a_page_that_is_loaded_again_leaves_the_session_of_its_token_alone() {
    let app = App::against(signing(), signed).await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    for _ in 0..2 {
        assert_eq!(browser.open(&callback).await.location(), "/profile");
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

async fn called(node: &str, token: &str) -> Answer {
    let mut program = Browser::new();
    let request = program.request(Method::GET, &format!("{node}/profile"));
    program
        .send(request.header("authorization", format!("CAS {token}")))
        .await
}

#[tokio::test]
async fn a_token_is_good_once_at_all_nodes_that_share_a_registry() {
    let cas = signing().start().await.unwrap();
    let registry = Arc::new(Moody::default());
    let config = || {
        let registry = Arc::clone(&registry);
        signed(CasConfig::builder(cas.url(), APP).key(key(1))).registry((*registry).clone())
    };
    let [one, other] = [Node::start(config()).await, Node::start(config()).await];
    let mut browser = Browser::new();
    let begun = browser.open(&one.at("/profile")).await;
    let service = begun.location_parameter("service").unwrap();
    let token = cas.issue_ticket("alice", &service);
    let path = format!("{}&ticket={token}", service.strip_prefix(APP).unwrap());
    // A thief has the cookie of the login, too.
    let mut thief = browser.clone();
    assert_eq!(browser.open(&one.at(&path)).await.status, 302);
    assert!(browser.has_session());
    let stolen = thief.open(&other.at(&path)).await;
    assert_eq!(stolen.status, 403, "{}", stolen.body);
    assert!(!thief.has_session());
}

#[tokio::test]
async fn a_program_shows_a_token_once_too() {
    let cas = signing().start().await.unwrap();
    let registry = MemoryRegistry::default();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let config = signed(CasConfig::builder(cas.url(), APP).key(key(1)));
        let config = config.registry(registry.clone()).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        nodes.push(format!("http://{}", listener.local_addr().unwrap()));
        let app = routes(Arc::default()).layer(CasApiLayer::new(config));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    }
    let token = cas.issue_ticket("alice", &format!("{APP}/profile"));
    let answer = called(&nodes[0], &token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for node in &nodes {
        assert_eq!(called(node, &token).await.status, 401);
    }
    assert_eq!(cas.validations(), 0);
}

#[tokio::test]
async fn nobody_signs_in_with_a_token_while_the_registry_cannot_say_whether_it_is_new() {
    let registry = Moody::default();
    let app = App::against(signing(), |config| {
        signed(config).registry(registry.clone())
    })
    .await;
    registry.set_broken(Some("end_if_opened"));
    let mut browser = Browser::new();
    let back = app.sign_in(&mut browser, "/profile").await;
    assert_eq!(back.status, 503, "{}", back.body);
    assert!(!browser.has_session());
}

/// A token says nothing of the CAS server, whoever made it up.
#[tokio::test]
async fn tokens_of_strangers_do_not_hide_that_the_cas_server_hangs() {
    let under = |routes: axum::Router, config| routes.layer(CasApiLayer::new(config));
    let impatient = |config: CasConfigBuilder| {
        signed(config).client(|client| client.timeout(Duration::from_millis(500)))
    };
    let app = App::under(cas(), impatient, under).await;
    app.cas.set_fault(Some(Fault::Hang));
    let call = async |ticket: String| {
        let mut program = Browser::new();
        let request = program.request(Method::GET, &app.at("/profile"));
        let request = request.header("authorization", format!("CAS {ticket}"));
        program.send(request).await.status
    };
    let ticket = || app.cas.issue_ticket("alice", &app.at("/profile"));
    for _ in 0..5 {
        let made_up = call("eyJhbGciOiJub25lIn0.e30.".to_owned());
        let (hangs, refused) = tokio::join!(call(ticket()), made_up);
        assert_eq!((hangs.as_u16(), refused.as_u16()), (504, 401));
    }
    assert_eq!(call(ticket()).await, 503, "nobody waits any more");
}
