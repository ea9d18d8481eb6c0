//! An app without endpoint paths acts for its users.

use axum::{Json, Router, routing::get};
use cas_layer::{CasConfig, CasInPlaceLayer, CasUser, Key};
use cas_layer_tests::visitor::Visitor;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    link::url_of,
    portal::{CALLBACK, cas, in_cookie, service},
};

#[tokio::test]
async fn the_callback_is_answered_in_place_too() {
    let cas = cas().start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url_of(&listener);
    let config = in_cookie(CasConfig::builder(cas.url(), &url).key(Key::generate()));
    let app = Router::new()
        .route("/ticket", get(ticket))
        .fallback(async || "the app")
        .layer(CasInPlaceLayer::new(config.build().unwrap()));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });

    let visitor = Visitor::new();
    let page = format!("{url}/ticket");
    let service = service(&visitor.get(&page).await);
    let ticket = cas.issue_ticket("alice", &service);
    let signed_in = visitor.get(&format!("{service}&ticket={ticket}")).await;
    assert_eq!(signed_in.status, 302, "{}", signed_in.body);
    let answer = visitor.get_json(&page).await.json();
    assert!(
        answer["ticket"].as_str().unwrap().starts_with("PT-"),
        "{answer}"
    );
    let probe = Visitor::new().get(&format!("{url}{CALLBACK}")).await;
    assert_eq!((probe.status.as_u16(), &*probe.body), (200, ""));
    server.abort();
}

async fn ticket(user: CasUser) -> Json<Value> {
    let ticket = user.proxy_ticket("https://api.example.org/").await.unwrap();
    Json(json!({ "ticket": ticket.expose_secret() }))
}
