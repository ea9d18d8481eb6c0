//! Logout requests from the server to the services.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::notice::Notice;
use super::target;
use crate::testing::Quirk;
use crate::testing::quirks::Quirks;
use crate::testing::state::Shared;

/// How many requests are under way at once: each takes a socket, and a service in the same process
/// one more.
const AT_ONCE: usize = 100;

/// What became of the logout requests that [`CasServer::log_out`](crate::testing::CasServer::log_out)
/// sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogoutReport {
    /// How many went off, whether they arrived or not. Services that are not on loopback do not
    /// count.
    pub sent: usize,
    /// How many of them were answered in time with a 2xx status.
    pub accepted: usize,
}

/// Sends logout requests.
#[derive(Clone)]
pub(in crate::testing) struct BackChannel {
    http: Client,
    limit: Duration,
    slots: Arc<Semaphore>,
}

impl BackChannel {
    /// `roots` are the root certificates of services on https, in PEM form.
    pub(in crate::testing) fn new(roots: &str, limit: Duration) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let certificates = Certificate::from_pem_bundle(roots.as_bytes()).map_err(invalid)?;
        if certificates.is_empty() && !roots.is_empty() {
            let text = "there is no PEM certificate among the root certificates";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let http = Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .dns_resolver(Loopback)
            .tls_certs_only(certificates)
            // A connection for each: a service that was started anew does not meet an old one.
            .pool_max_idle_per_host(0)
            .timeout(limit)
            .build()
            .map_err(invalid)?;
        Ok(Self {
            http,
            limit,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// How long a service may take to answer.
    pub(in crate::testing) fn limit(&self) -> Duration {
        self.limit
    }

    /// Sends the requests side by side. They go on when nobody waits for them, until the server
    /// stops.
    pub(in crate::testing) fn send(
        &self,
        notices: Vec<Notice>,
        quirks: &Quirks,
        shared: &Arc<Shared>,
    ) -> Sending {
        let content_type = if quirks.has(Quirk::LogoutFormCharset) {
            "application/x-www-form-urlencoded; charset=UTF-8"
        } else {
            "application/x-www-form-urlencoded"
        };
        let send = |notice| {
            let (channel, shared) = (self.clone(), Arc::clone(shared));
            tokio::spawn(async move {
                tokio::select! {
                    accepted = channel.post(notice, content_type) => accepted,
                    () = shared.stopped() => false,
                }
            })
        };
        Sending(notices.into_iter().map(send).collect())
    }

    /// Did the service accept?
    async fn post(&self, notice: Notice, content_type: &'static str) -> bool {
        let Ok(_slot) = self.slots.acquire().await else {
            return false;
        };
        let service = target::shown(notice.target.as_str());
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("logoutRequest", &notice.message)
            .finish();
        let request = self
            .http
            .post(notice.target)
            .header(header::CONTENT_TYPE, content_type)
            .body(form);
        match request.send().await {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::warn!(service, status, "a service did not accept a logout request");
                false
            }
            Err(error) => {
                let error = cause(&error.without_url());
                tracing::warn!(service, error, "a logout request was not answered");
                false
            }
        }
    }
}

/// Requests that are under way.
pub(in crate::testing) struct Sending(Vec<JoinHandle<bool>>);

impl Sending {
    /// Waits until each is answered or its time is up.
    pub(in crate::testing) async fn report(self) -> LogoutReport {
        let mut report = LogoutReport::default();
        for request in self.0 {
            report.sent += 1;
            if matches!(request.await, Ok(true)) {
                report.accepted += 1;
            }
        }
        report
    }
}

/// The error and what is behind it.
fn cause(error: &reqwest::Error) -> String {
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
