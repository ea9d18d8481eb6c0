//! How the server itself sends requests to services.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::stopping::Stopping;
use crate::tls;

/// How many requests are under way at once: each takes a socket, and a service in the same process
/// one more.
const AT_ONCE: usize = 100;

/// Sends requests to loopback. Each caller takes a slot and gives a time limit.
#[derive(Clone)]
pub(super) struct Outgoing {
    http: Client,
    slots: Arc<Semaphore>,
    stopping: Stopping,
}

impl Outgoing {
    /// `roots` are the root certificates of services on https, in PEM form. With `any_certificate`
    /// none is checked.
    pub(super) fn new(roots: &str, any_certificate: bool, stopping: Stopping) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let certificates = Certificate::from_pem_bundle(roots.as_bytes()).map_err(invalid)?;
        if certificates.is_empty() && !roots.is_empty() {
            let text = "there is no PEM certificate among the root certificates";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        tls::provider().map_err(io::Error::other)?;
        let http = Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .dns_resolver(Loopback)
            .tls_certs_only(certificates)
            .tls_danger_accept_invalid_certs(any_certificate)
            // A connection for each: a service that was started anew does not meet an old one.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(invalid)?;
        Ok(Self {
            http,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            stopping,
        })
    }

    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    /// Waits until the server is told to stop, and no request is to go on.
    pub(super) async fn stopped(&self) {
        self.stopping.stopped().await;
    }

    /// Waits until there is room for one more request.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }
}

/// The error and what is behind it.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Knows loopback alone, whatever the system's own name service says.
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: Name) -> Resolving {
        // The port is replaced by that of the URL.
        let addresses: Addrs = Box::new(
            [
                SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
            ]
            .into_iter(),
        );
        Box::pin(std::future::ready(Ok(addresses)))
    }
}
