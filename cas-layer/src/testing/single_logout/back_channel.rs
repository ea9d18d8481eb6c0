//! Logout requests from the server to the services.

use std::time::Duration;

use http::header;
use tokio::task::JoinHandle;

use super::notice::Notice;
use crate::testing::{
    Quirk, loopback,
    outgoing::{Outgoing, cause},
    quirks::Quirks,
};

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
    outgoing: Outgoing,
    limit: Duration,
}

impl BackChannel {
    /// A service has `limit` to answer.
    pub(in crate::testing) fn new(outgoing: Outgoing, limit: Duration) -> Self {
        Self { outgoing, limit }
    }

    /// How long a service may take to answer.
    pub(in crate::testing) fn limit(&self) -> Duration {
        self.limit
    }

    /// Sends the requests side by side. They go on when nobody waits for them, until the server
    /// stops.
    pub(in crate::testing) fn send(&self, notices: Vec<Notice>, quirks: &Quirks) -> Sending {
        let content_type = if quirks.has(Quirk::LogoutFormCharset) {
            "application/x-www-form-urlencoded; charset=UTF-8"
        } else {
            "application/x-www-form-urlencoded"
        };
        let send = |notice| {
            let channel = self.clone();
            tokio::spawn(async move {
                tokio::select! {
                    accepted = channel.post(notice, content_type) => accepted,
                    () = channel.outgoing.stopped() => false,
                }
            })
        };
        Sending(notices.into_iter().map(send).collect())
    }

    /// Did the service accept?
    async fn post(&self, notice: Notice, content_type: &'static str) -> bool {
        let Some(_slot) = self.outgoing.slot().await else {
            return false;
        };
        let service = loopback::shown(notice.target.as_str());
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("logoutRequest", &notice.message)
            .finish();
        let request = self
            .outgoing
            .http()
            .post(notice.target)
            .timeout(self.limit)
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
