//! What the browser got.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use url::Url;

use crate::testing::navigate::{Answer, VisitError};

/// An answer that a [`TestBrowser`](super::TestBrowser) got, read to its end.
#[derive(Clone, Debug)]
pub struct TestPage {
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl TestPage {
    pub(super) fn new(url: Url, status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            url,
            status,
            headers,
            body,
        }
    }

    /// Where it came from, after all redirects.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its header fields.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Its body as text. What is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Answer for TestPage {
    fn url(&self) -> &Url {
        &self.url
    }

    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    async fn text(self) -> Result<String, VisitError> {
        Ok(TestPage::text(&self))
    }
}
