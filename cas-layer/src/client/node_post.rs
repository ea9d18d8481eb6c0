//! A word to another node of the app.

use std::{borrow::Cow, time::Duration};

use http::header::{CONTENT_TYPE, HOST};

use super::{CasClient, fetch::fetch_any};

impl CasClient {
    /// Posts a form to `url`, where the app has the name `authority`, once. Returns the body of the answer. The error is
    /// fit for a log.
    pub(crate) async fn post_to_node(
        &self,
        url: &str,
        authority: &str,
        form: &str,
        limit: Duration,
    ) -> Result<Vec<u8>, Cow<'static, str>> {
        let request = self.inner.http.post(url);
        let request = request
            .header(HOST, authority)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .timeout(limit);
        let answer = fetch_any(request).await.map_err(|error| error.message)?;
        if answer.status.is_success() {
            Ok(answer.body.to_vec())
        } else {
            Err(format!("it answers with status {}", answer.status.as_u16()).into())
        }
    }
}
