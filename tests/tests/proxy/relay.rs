//! Between the CAS server and a portal's callback: sees the tickets that go by.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{portal::CALLBACK, support::client};

pub(crate) struct Relay {
    url: String,
    queries: Queries,
    server: JoinHandle<()>,
}

type Queries = Arc<Mutex<Vec<String>>>;

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Relay {
    /// Passes calls on to the callback of the portal that will listen there.
    pub(crate) async fn to(portal: &TcpListener) -> Self {
        let target = format!("http://{}{CALLBACK}", portal.local_addr().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/relay", listener.local_addr().unwrap());
        let queries = Queries::default();
        let app = Router::new()
            .fallback(pass_on)
            .with_state((target, Arc::clone(&queries)));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            queries,
            server,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The one that came by last.
    pub(crate) fn granting_ticket(&self) -> String {
        let queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = queries
            .iter()
            .flat_map(|query| form_urlencoded::parse(query.as_bytes()));
        let (_, ticket) = pairs.filter(|(name, _)| name == "pgtId").last().unwrap();
        ticket.into_owned()
    }
}

async fn pass_on(State((target, queries)): State<(String, Queries)>, uri: Uri) -> StatusCode {
    let query = uri.query().unwrap_or_default().to_owned();
    let url = format!("{target}?{query}");
    queries
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(query);
    client().get(url).send().await.unwrap().status()
}

/// The message that ends a ticket of whatever kind.
pub(crate) fn logout_request(ticket: &str) -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"1\" Version=\"2.0\">\
         <samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
    )
}
