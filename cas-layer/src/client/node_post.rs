//! A word to another node of the app, which is reached directly.

use std::{borrow::Cow, time::Duration};

use http::header::{CONTENT_TYPE, HOST};
use reqwest::{ClientBuilder, redirect, retry};

use super::{
    CasClient,
    fetch::{FetchErrorKind, fetch_any},
};

/// How long it may take until there is a connection.
const CONNECT: Duration = Duration::from_secs(1);

/// Longer than anybody waits.
const WHOLE: Duration = Duration::from_secs(60);

impl CasClient {
    /// Posts a form to `url`, where the app has the name `authority`, once. Returns the body of the answer. The error is
    /// fit for a log.
    pub(crate) async fn post_to_node(
        &self,
        url: &str,
        authority: &str,
        form: &str,
    ) -> Result<Vec<u8>, Cow<'static, str>> {
        let request = self.node_client()?.post(url);
        let request = request
            .header(HOST, authority)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.to_owned());
        let answer = fetch_any(request).await.map_err(|error| match error.kind {
            FetchErrorKind::Unreachable => "it cannot be reached".into(),
            FetchErrorKind::TimedOut => "it does not answer in time".into(),
            FetchErrorKind::Unreadable => error.message,
        })?;
        if answer.status.is_success() {
            Ok(answer.body.to_vec())
        } else {
            Err(format!("it answers with status {}", answer.status.as_u16()).into())
        }
    }

    /// What the app has set for the CAS server is not for nodes, but for the roots that it trusts: no proxy, no header
    /// fields, and HTTP/1.1, whose `Host` is the app's public name.
    fn node_client(&self) -> Result<&reqwest::Client, Cow<'static, str>> {
        if let Some(client) = self.inner.node_http.get() {
            return Ok(client);
        }
        let built = ClientBuilder::new()
            .no_proxy()
            .http1_only()
            .tls_certs_merge(self.inner.root_certificates.iter().cloned())
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .build()
            .map_err(|_| "there can be no HTTP client for nodes")?;
        Ok(self.inner.node_http.get_or_init(|| built))
    }
}
