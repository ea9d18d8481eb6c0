//! One request, one answer, within bounds.

use std::borrow::Cow;

use reqwest::{RequestBuilder, Response, StatusCode};
use zeroize::Zeroizing;

use crate::secret::append;

/// The longest answer that the client reads, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// Sends a request, once, and waits for the head of the answer.
pub(super) async fn send(request: RequestBuilder) -> Result<Response, FetchError> {
    request.send().await.map_err(FetchError::from_http)
}

/// Reads the body of an answer, which may quote a live ticket.
pub(super) async fn read(mut response: Response) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(FetchError::from_http)? {
        if chunk.len() > MAX_RESPONSE_BYTES - body.len() {
            return Err(FetchError::unreadable("it is over 1 MiB"));
        }
        append(&mut body, &chunk);
    }
    Ok(body)
}

/// Why there is no answer to read. Its text is fit for a log.
pub(super) struct FetchError {
    pub(super) kind: FetchErrorKind,
    pub(super) message: Cow<'static, str>,
    pub(super) source: Option<reqwest::Error>,
}

#[derive(Clone, Copy)]
pub(super) enum FetchErrorKind {
    Unreachable,
    TimedOut,
    Unreadable,
}

impl FetchError {
    pub(super) fn new(kind: FetchErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn status(status: StatusCode) -> Self {
        Self::new(
            FetchErrorKind::Unreadable,
            format!("the CAS server answered with status {}", status.as_u16()),
        )
    }

    pub(super) fn unreadable(reason: &'static str) -> Self {
        Self::new(
            FetchErrorKind::Unreadable,
            format!("the CAS server's answer cannot be read: {reason}"),
        )
    }

    fn from_http(error: reqwest::Error) -> Self {
        let (kind, message) = if error.is_timeout() {
            (
                FetchErrorKind::TimedOut,
                "the CAS server did not answer within the time limit",
            )
        } else if error.is_connect() {
            (
                FetchErrorKind::Unreachable,
                "the CAS server cannot be reached",
            )
        } else {
            (
                FetchErrorKind::Unreachable,
                "the connection to the CAS server broke before its answer was complete",
            )
        };
        // With its URL the error would print the ticket.
        Self {
            source: Some(error.without_url()),
            ..Self::new(kind, message)
        }
    }
}
