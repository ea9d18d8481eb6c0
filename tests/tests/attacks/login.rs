//! Somebody who signs in, or tries to.

use std::net::{IpAddr, Ipv4Addr};

use cas_layer::testing::CasServer;
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, COOKIE, HeaderName, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use url::Url;

/// Follows no redirect and keeps no cookie.
pub(crate) fn client(from: Ipv4Addr) -> Client {
    Client::builder()
        .local_address(IpAddr::from(from))
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// A login that is under way, and the cookie that belongs to it.
#[derive(Clone)]
pub(crate) struct Login {
    client: Client,
    cookie: String,
    service: String,
}

impl Login {
    /// Asks for the profile of the app there.
    pub(crate) async fn begin(client: &Client, app: &str) -> Self {
        let page = client.get(format!("{app}/profile"));
        let answer = page.header(ACCEPT, "text/html").send().await.unwrap();
        let location = Url::parse(header(&answer, LOCATION)).unwrap();
        let mut parameters = location.query_pairs();
        let (_, service) = parameters.find(|(name, _)| name == "service").unwrap();
        let cookie = header(&answer, SET_COOKIE);
        Self {
            client: client.clone(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
            service: service.into_owned(),
        }
    }

    pub(crate) async fn come_back(&self, ticket: &str) -> Response {
        let callback = self.client.get(format!("{}&ticket={ticket}", self.service));
        let callback = callback.header(ACCEPT, "text/html");
        callback.header(COOKIE, &self.cookie).send().await.unwrap()
    }

    /// Comes back with a ticket of this CAS server, and has to be let in.
    pub(crate) async fn sign_in(&self, cas: &CasServer) {
        let ticket = cas.issue_ticket("casuser", &self.service);
        let answer = self.come_back(&ticket).await;
        assert_eq!(answer.status(), StatusCode::FOUND);
        assert!(header(&answer, LOCATION).ends_with("/profile"));
    }
}

fn header(answer: &Response, name: HeaderName) -> &str {
    answer.headers()[name].to_str().unwrap()
}
