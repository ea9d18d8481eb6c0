//! Callback in place: tickets come back to the page that was asked for.

mod bodies;
mod flow;
mod hosts;
mod logout;
mod places;
mod rules;
mod slow;
mod tickets;
mod tower;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::Response,
    routing::{get, post},
};
use cas_layer::{CasConfigBuilder, CasInPlaceLayer, CasUser};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    browser::{Answer, Browser},
    site::Site,
};

/// Who is asking for what, as the app sees it.
async fn seen(user: Option<CasUser>, request: Request) -> String {
    let user = user.as_ref().map_or("nobody", CasUser::name);
    format!("{user} at {}", request.uri())
}

async fn echo(request: Request) -> Vec<u8> {
    let body = axum::body::to_bytes(request.into_body(), usize::MAX);
    body.await.unwrap().to_vec()
}

async fn sign_out(user: CasUser) -> Response {
    user.sign_out().await.map(Body::from)
}

/// An app that has a `/login` of its own.
fn routes() -> Router {
    Router::new()
        .route("/login", get(async || "the app's own login"))
        .route("/sign-out", post(sign_out))
        .route("/echo", post(echo))
        .route("/public/echo", post(echo))
        .fallback(seen)
}

/// The layer over a whole app.
async fn whole(configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Site {
    Site::axum("", |config| {
        let config = configure(config).build().unwrap();
        routes().layer(CasInPlaceLayer::new(config))
    })
    .await
}

/// Opens a page without a session and comes as far as the service URL that the CAS server gets.
async fn begin(site: &Site, browser: &mut Browser, page: &str) -> String {
    let answer = browser.open(&site.at(page)).await;
    let location = answer.location();
    assert!(location.starts_with(site.cas.url()), "{page}: {location}");
    answer.location_parameter("service").unwrap()
}

/// A service URL with a ticket for alice.
fn callback(site: &Site, service: &str) -> String {
    let ticket = site.cas.issue_ticket("alice", service);
    let separator = if service.contains('?') { '&' } else { '?' };
    format!("{service}{separator}ticket={ticket}")
}

/// Signs alice in at a page; the answer is the callback's.
async fn sign_in(site: &Site, browser: &mut Browser, page: &str) -> Answer {
    let service = begin(site, browser, page).await;
    browser.open(&callback(site, &service)).await
}

/// A page as a browser that encodes nothing would ask for it: the status, and where a redirect leads.
async fn open_raw(site: &Site, browser: &mut Browser, target: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(site.address()).await.unwrap();
    let fields = browser.cookie_fields("/");
    let cookies = fields.iter().fold(String::new(), |head, field| {
        head + "Cookie: " + field + "\r\n"
    });
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: app\r\nAccept: text/html\r\n{cookies}Connection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let field = |line: &str, name: &str| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    };
    for set in answer.lines().filter_map(|line| field(line, "set-cookie")) {
        browser.keep(cookie::Cookie::parse(set).unwrap());
    }
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let location = answer.lines().find_map(|line| field(line, "location"));
    (status, location.unwrap_or_default())
}
