//! A CAS server that vouches for whomever a ticket names: sign-ins at it cost nothing, and it has no limits.

use std::net::SocketAddr;

use axum::{Router, extract::Query, routing::get};
use serde::Deserialize;
use tokio::{net::TcpListener, task::JoinHandle};

/// Stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Cas {
    address: SocketAddr,
    server: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Validation {
    ticket: String,
}

impl Cas {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let app = Router::new().route("/cas/p3/serviceValidate", get(validate));
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("a server");
        });
        Self { address, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/cas", self.address)
    }
}

impl Drop for Cas {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A ticket that is good once, for this user.
pub(crate) fn ticket(session: u64, user: &str) -> String {
    format!("ST-{session}-{user}")
}

async fn validate(Query(validation): Query<Validation>) -> String {
    let user = validation.ticket.splitn(3, '-').nth(2).unwrap_or_default();
    format!(
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\"><cas:authenticationSuccess>\
         <cas:user>{user}</cas:user></cas:authenticationSuccess></cas:serviceResponse>"
    )
}
