//! A client of reqwest as a visitor.

use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, Response};
use url::Url;

use super::{Answer, PAGE, Step, VisitError};

impl super::Client for Client {
    type Answer = Response;

    async fn send(&self, step: &Step) -> Result<Response, VisitError> {
        let request = match step.body() {
            Some(body) => self
                .post(step.url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body),
            None => self.get(step.url.clone()),
        };
        let response = request.header(header::ACCEPT, PAGE).send().await;
        response.map_err(|error| failed(&step.url, error))
    }
}

impl Answer for Response {
    fn url(&self) -> &Url {
        Response::url(self)
    }

    fn status(&self) -> StatusCode {
        Response::status(self)
    }

    fn headers(&self) -> &HeaderMap {
        Response::headers(self)
    }

    async fn text(self) -> Result<String, VisitError> {
        let url = Response::url(&self).clone();
        Response::text(self)
            .await
            .map_err(|error| failed(&url, error))
    }
}

/// The error names the URL where it happened, which may be further on.
fn failed(asked: &Url, error: reqwest::Error) -> VisitError {
    let url = error.url().unwrap_or(asked).clone();
    if error.is_redirect() {
        VisitError::too_many_redirects(&url)
    } else {
        VisitError::no_answer(&url, error.without_url())
    }
}
