//! The client against servers on loopback that do what they should not.

// Helpers of tests fail a test by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall panic"
)]

mod answers;
mod dead_connections;
mod environment;
#[cfg(all(feature = "jwt", feature = "testing"))]
mod jwt;
mod limits;
mod logs;
mod nodes;
mod nodes_tls;
mod proxies;
mod proxy_ticket;
mod reported;
mod rest;
mod saml;
mod server;
mod tls;

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use self::server::Server;
use super::{CasClient, CasClientBuilder, ValidationError, ValidationErrorKind};
use crate::{Authentication, ServiceTicket, ServiceUrl};

const TICKET: &str = "ST-1-hidden_ticket.cas~01";
const SERVICE: &str = "https://app.example.org/hidden-service?next=/a%20b&c=d";

const ALICE: &str = "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>\
    <cas:authenticationSuccess><cas:user>alice</cas:user></cas:authenticationSuccess>\
    </cas:serviceResponse>";

/// A client that no proxy variable of the environment sends elsewhere.
fn builder(url: &str) -> CasClientBuilder {
    CasClient::builder(url).http_client(reqwest::ClientBuilder::no_proxy)
}

fn client(server: &Server) -> CasClient {
    builder(&server.url).build().unwrap()
}

async fn validate(client: &CasClient) -> Result<Authentication, ValidationError> {
    let ticket = ServiceTicket::parse(TICKET).unwrap();
    let service = ServiceUrl::parse(SERVICE).unwrap();
    or_hang(client.validate(&ticket, &service)).await
}

/// The failure, after a look that nothing in it must be hidden.
async fn failure(client: &CasClient) -> ValidationError {
    let error = validate(client).await.unwrap_err();
    let mut printed = vec![format!("{error} {error:?} {error:#?}")];
    let mut source = error.source();
    while let Some(cause) = source {
        printed.push(format!("{cause} {cause:?}"));
        source = cause.source();
    }
    let printed = printed.join("\n");
    for hidden in ["hidden", "ST-1", "app.example.org"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    error
}

async fn failure_kind(client: &CasClient) -> ValidationErrorKind {
    failure(client).await.kind()
}

/// Fails a test that would otherwise wait for ever. Not a measurement: no limit under test comes near it.
async fn or_hang<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("it hangs")
}
