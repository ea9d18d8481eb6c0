//! One process behind several public names.

use cas_layer::{CasConfig, CasInPlaceLayer, testing::CasServer};
use reqwest::Method;
use tokio::{net::TcpListener, task::JoinHandle};

use super::routes;
use crate::{
    browser::Browser,
    single_logout::{FORM, form, message},
    support::{alice, key},
};

const NAMES: [&str; 2] = ["a.localhost", "b.localhost"];

struct Hosts {
    urls: [String; 2],
    cas: CasServer,
    browser: Browser,
    server: JoinHandle<()>,
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn hosts() -> Hosts {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let urls = NAMES.map(|name| format!("http://{name}:{}", address.port()));
    let config = CasConfig::builder(cas.url(), &urls[0])
        .host(&urls[1])
        .key(key(1))
        .session(|session| session.cookie_name("portal"))
        .public_prefix("/public")
        .build()
        .unwrap();
    let app = routes().layer(CasInPlaceLayer::new(config));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Hosts {
        urls,
        cas,
        browser: Browser::finding(&NAMES, address),
        server,
    }
}

#[tokio::test]
async fn every_host_has_pages_cookies_and_tickets_of_its_own() {
    let hosts = hosts().await;
    for (here, there) in [(0, 1), (1, 0)] {
        let (here, there) = (&hosts.urls[here], &hosts.urls[there]);
        let mut browser = hosts.browser.clone();
        let begin = browser.open(&format!("{here}/page?a=b")).await;
        let service = begin.location_parameter("service").unwrap();
        assert!(service.starts_with(&format!("{here}/page?cas_login=")));
        let ticket = hosts.cas.issue_ticket("alice", &service);
        // The ticket counts at no other host, in whatever browser.
        let elsewhere = service.replacen(here, there, 1);
        let validations = hosts.cas.validations();
        let mut copy = browser.clone();
        copy.open(&format!("{elsewhere}&ticket={ticket}")).await;
        assert!(!copy.has_session());
        assert_eq!(hosts.cas.validations(), validations);
        let back = browser.open(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(back.location(), "/page?a=b");
        let seen = browser.open(&format!("{here}/public/a")).await;
        assert_eq!(seen.body, "alice at /public/a");
        let seen = browser.open(&format!("{there}/public/a")).await;
        assert_eq!(seen.body, "nobody at /public/a");
        let demand = browser.open(&format!("{there}/page")).await;
        let service = demand.location_parameter("service").unwrap();
        assert!(service.starts_with(there), "{service}");
        // A logout request is taken at any of them.
        let request = browser.request(Method::POST, &format!("{there}/page"));
        let request = request.header("content-type", FORM);
        let request = request.body(form(&message(&[&ticket])));
        assert_eq!(hosts.browser.clone().send(request).await.status, 200);
        let seen = browser.open(&format!("{here}/public/a")).await;
        assert_eq!(seen.body, "nobody at /public/a");
    }
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_misdirected_and_two_are_malformed() {
    let hosts = hosts().await;
    let url = hosts.urls[0].replace("a.localhost", "127.0.0.1");
    for (method, path) in [
        (Method::GET, "/public/a"),
        (Method::GET, "/page?cas_login=x&ticket=ST-1"),
        (Method::POST, "/page"),
    ] {
        let address = format!("{url}{path}");
        let mut browser = Browser::new();
        for (host, status) in [("evil.example", 421), ("x@a.localhost", 400)] {
            let request = browser.request(method.clone(), &address);
            let request = request.header("host", host).header("content-type", FORM);
            let answer = browser.send(request.body(form(&message(&["ST-1"])))).await;
            assert_eq!(answer.status, status, "{method} {path} {host}");
            assert!(!answer.body.contains("evil"), "{}", answer.body);
        }
    }
}
