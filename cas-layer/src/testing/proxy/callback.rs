//! The proxy callback (CAS protocol 2.5.4): a proxy-granting ticket goes to its `pgtUrl`.

use std::time::Duration;

use http::{StatusCode, header};
use tokio::time::Instant;
use url::Url;

use crate::testing::{
    Quirk, loopback,
    outgoing::{Outgoing, cause},
    quirks::Quirks,
    random::{NoRandomness, ticket_name},
};

/// How many redirects of one call are followed, by [`Quirk::CallbackFollowsRedirects`].
const REDIRECTS: usize = 5;

/// A call that the server made to a `pgtUrl`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyCallback {
    /// The `pgtUrl` as it was given, without what the server adds.
    pub pgt_url: String,
    /// Whether it was made without parameters, to see if anybody is there.
    pub probe: bool,
    /// The status of the answer. None when there was no answer in time, or the certificate was not
    /// trusted.
    pub status: Option<u16>,
}

/// A proxy-granting ticket and its IOU.
pub(in crate::testing) struct Granted {
    pub(in crate::testing) ticket: String,
    pub(in crate::testing) iou: String,
}

impl Granted {
    pub(in crate::testing) fn new(quirks: &Quirks) -> Result<Self, NoRandomness> {
        Ok(Self {
            ticket: ticket_name("PGT", quirks)?,
            iou: ticket_name("PGTIOU", quirks)?,
        })
    }
}

/// A proxy-granting ticket and where it has to go.
pub(in crate::testing) struct Exchange {
    pub(in crate::testing) granted: Granted,
    pub(in crate::testing) pgt_url: String,
    pub(in crate::testing) quirks: Quirks,
    /// Nothing is sent: the proxy gets its ticket in the answer.
    pub(in crate::testing) is_released: bool,
}

/// Calls proxies back.
pub(in crate::testing) struct Callbacks {
    outgoing: Outgoing,
    /// For all calls of one exchange together.
    limit: Duration,
    /// Whether a `pgtUrl` may be on http.
    http: bool,
}

impl Callbacks {
    pub(in crate::testing) fn new(outgoing: Outgoing, limit: Duration, http: bool) -> Self {
        Self {
            outgoing,
            limit,
            http,
        }
    }

    /// Makes the calls, and has each recorded. Did the proxy take each with status 200? (2.5.4: nothing else will do.)
    pub(super) async fn make(&self, exchange: &Exchange, record: impl Fn(ProxyCallback)) -> bool {
        let Some(url) = self.target(&exchange.pgt_url) else {
            tracing::warn!(
                service = loopback::shown(&exchange.pgt_url),
                "a pgtUrl that is not on loopback or not on https is not called"
            );
            return false;
        };
        let Some(_slot) = self.outgoing.slot().await else {
            return false;
        };
        let ends = Instant::now().checked_add(self.limit);
        let calling = async {
            for (probe, url) in exchange.calls(&url) {
                let status = self.call(url, ends, &exchange.quirks).await;
                record(ProxyCallback {
                    pgt_url: exchange.pgt_url.clone(),
                    probe,
                    status: status.map(|status| status.as_u16()),
                });
                if status != Some(StatusCode::OK) {
                    return false;
                }
            }
            true
        };
        tokio::select! {
            taken = calling => taken,
            () = self.outgoing.stopped() => false,
        }
    }

    fn target(&self, url: &str) -> Option<Url> {
        loopback::url(url).filter(|url| self.http || url.scheme() == "https")
    }

    /// One call, with the redirects after it; the status in the end.
    async fn call(
        &self,
        mut url: Url,
        ends: Option<Instant>,
        quirks: &Quirks,
    ) -> Option<StatusCode> {
        let service = loopback::shown(url.as_str());
        for _ in 0..=REDIRECTS {
            let left = ends.map_or(Duration::MAX, |ends| ends.duration_since(Instant::now()));
            let request = self.outgoing.http().get(url.clone()).timeout(left);
            // The body is left where it is.
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) => {
                    let error = cause(&error.without_url());
                    tracing::warn!(service, error, "a proxy callback was not answered");
                    return None;
                }
            };
            let status = response.status();
            let onward = response
                .headers()
                .get(header::LOCATION)
                .filter(|_| status.is_redirection())
                .filter(|_| quirks.has(Quirk::CallbackFollowsRedirects))
                .and_then(|location| url.join(location.to_str().ok()?).ok())
                .and_then(|location| self.target(location.as_str()));
            match onward {
                Some(onward) => url = onward,
                None if status == StatusCode::OK => return Some(status),
                None => {
                    let status = status.as_u16();
                    tracing::warn!(service, status, "a proxy did not take a callback");
                    return Some(response.status());
                }
            }
        }
        tracing::warn!(service, "a proxy callback was redirected too often");
        None
    }
}

impl Exchange {
    /// The calls to make, in order: is it a probe, and its URL.
    fn calls(&self, url: &Url) -> Vec<(bool, Url)> {
        let probes = if self.quirks.has(Quirk::CallbackWithoutProbe) {
            0
        } else if self.quirks.has(Quirk::CallbackProbesTwice) {
            2
        } else {
            1
        };
        let deliveries = if self.is_released {
            0
        } else if self.quirks.has(Quirk::CallbackTwice) {
            2
        } else {
            1
        };
        let mut parameters = [
            ("pgtId", self.granted.ticket.as_str()),
            ("pgtIou", self.granted.iou.as_str()),
        ];
        if self.quirks.has(Quirk::CallbackIouFirst) {
            parameters.reverse();
        }
        let mut delivery = url.clone();
        delivery.query_pairs_mut().extend_pairs(parameters);
        let mut calls = vec![(true, url.clone()); probes];
        calls.extend(vec![(false, delivery); deliveries]);
        calls
    }
}
