//! Tickets by `POST` at several hosts.

use reqwest::Method;
use serde_json::Value;

use super::{Site, assert_sent_on, without_lax_cookies};
use crate::{
    browser::{Answer, Browser},
    single_logout::FORM,
};

const HOSTS: [&str; 2] = ["app.example", "other.example"];

async fn open(site: &Site, browser: &mut Browser, host: &str, path: &str) -> Answer {
    let request = browser
        .request(Method::GET, &site.at(path))
        .header("host", host)
        .header("accept", "text/html");
    browser.send(request).await
}

async fn begin(site: &Site, browser: &mut Browser, host: &str) -> String {
    let answer = open(site, browser, host, "/profile").await;
    let method = answer.location_parameter("method");
    assert_eq!(method.as_deref(), Some("POST"), "{host}");
    answer.location_parameter("service").unwrap()
}

/// Posts a ticket for `service` to the login path of `host`, as the CAS server's page does.
async fn post_ticket(site: &Site, browser: &mut Browser, host: &str, service: &str) -> Answer {
    let ticket = site.cas.issue_ticket("alice", service);
    let (_, path) = service.split_once(".example").unwrap();
    let mut elsewhere = without_lax_cookies(browser);
    let request = elsewhere
        .request(Method::POST, &site.at(path))
        .header("host", host)
        .header("accept", "text/html")
        .header("content-type", FORM)
        .body(format!("ticket={ticket}"));
    let answer = elsewhere.send(request).await;
    for cookie in answer.set_cookies() {
        browser.keep(cookie);
    }
    answer
}

async fn whoami(site: &Site, browser: &mut Browser, host: &str) -> Value {
    let answer = open(site, browser, host, "/public/whoami").await;
    serde_json::from_str::<Value>(&answer.body).unwrap()["user"].clone()
}

#[tokio::test]
async fn every_host_takes_the_tickets_of_its_own_logins() {
    let site = Site::with(|c| {
        c.sign_in(|sign_in| sign_in.tickets_by_post(true))
            .host("https://other.example")
    })
    .await;
    for (host, other) in [(HOSTS[0], HOSTS[1]), (HOSTS[1], HOSTS[0])] {
        let mut browser = Browser::new();
        let service = begin(&site, &mut browser, host).await;
        assert!(service.starts_with(&format!("https://{host}/login?")));
        // Brought to the wrong host, it is nobody's there.
        let validations = site.cas.validations();
        let wrong = post_ticket(&site, &mut browser.clone(), other, &service).await;
        assert_sent_on(&wrong, "/login?next=%2Fprofile&try=1");
        assert_eq!(site.cas.validations(), validations);

        let answer = post_ticket(&site, &mut browser, host, &service).await;
        assert_sent_on(&answer, "/profile");
        assert_eq!(whoami(&site, &mut browser, host).await, "alice");
        assert_eq!(whoami(&site, &mut browser, other).await, Value::Null);

        // The session that a sign-in replaces is this host's.
        let mut copy = browser.clone();
        let renewal = open(&site, &mut browser, host, "/login?renew=true").await;
        let service = renewal.location_parameter("service").unwrap();
        post_ticket(&site, &mut browser, host, &service).await;
        assert_eq!(whoami(&site, &mut browser, host).await, "alice");
        assert_eq!(whoami(&site, &mut copy, host).await, Value::Null);
    }
}
