//! One request, one answer, within bounds.

use std::{borrow::Cow, error::Error, io};

use http::{HeaderMap, header::CONTENT_TYPE};
use reqwest::{RequestBuilder, Response, StatusCode};
use rustls::CertificateError;
use zeroize::Zeroizing;

use super::connections;
use crate::{
    protocol::{Received, ResponseError},
    secret::append,
};

/// The longest answer that the client reads, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
/// The same with the status of an error: then only a refusal counts, which is short.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// An answer of the CAS server, not understood yet.
pub(super) struct Fetched {
    status: StatusCode,
    content_type: Option<String>,
    /// It may quote a live ticket.
    body: Zeroizing<Vec<u8>>,
}

/// Sends a request, once, and reads the answer, if its status is one with which a server answers.
pub(super) async fn fetch(request: RequestBuilder) -> Result<Fetched, FetchError> {
    let response = request.send().await.map_err(FetchError::from_http)?;
    connections::has_answered();
    let status = response.status();
    if !status.is_success() && !may_refuse(status) {
        return Err(FetchError::status(status));
    }
    let content_type = content_type(response.headers());
    let limit = if status.is_success() {
        MAX_RESPONSE_BYTES
    } else {
        MAX_REFUSAL_BYTES
    };
    let body = match read(response, limit).await {
        Ok(body) => body,
        // The status says enough if there is no more.
        Err(_) if !status.is_success() => return Err(FetchError::status(status)),
        Err(error) => return Err(error),
    };
    Ok(Fetched {
        status,
        content_type,
        body,
    })
}

/// Some servers send a refusal with a status of its own: 400, 403, 422, 500.
fn may_refuse(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// All of it, if it comes more than once: the fields may contradict each other.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let fields = headers.get_all(CONTENT_TYPE).iter();
    let fields: Vec<&str> = fields.filter_map(|field| field.to_str().ok()).collect();
    (!fields.is_empty()).then(|| fields.join(";"))
}

impl Fetched {
    /// What came, to be read. `namespaces` are those that the app has named.
    pub(super) fn received<'a>(&'a self, namespaces: &'a [String]) -> Received<'a> {
        Received {
            body: &self.body,
            content_type: self.content_type.as_deref(),
            namespaces,
        }
    }

    /// What counts of an answer. With the status of an error only a refusal does: then nothing vouches for the rest.
    pub(super) fn judge<T, E: From<FetchError>>(
        &self,
        answer: Result<T, ResponseError>,
        failed: impl FnOnce(ResponseError) -> E,
    ) -> Result<T, E> {
        match answer {
            Err(refusal @ ResponseError::Refused(_)) => Err(failed(refusal)),
            _ if !self.status.is_success() => Err(FetchError::status(self.status).into()),
            answer => answer.map_err(failed),
        }
    }
}

/// An answer whose status says what it is, as those of the REST protocol.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// It may be a ticket. Empty with a status of anything but success: then nothing in it counts.
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Answered {
    pub(super) fn content_type(&self) -> Option<String> {
        content_type(&self.headers)
    }
}

/// Sends a request, once, and reads the answer.
pub(super) async fn fetch_any(request: RequestBuilder) -> Result<Answered, FetchError> {
    let response = request.send().await.map_err(FetchError::from_http)?;
    connections::has_answered();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = if status.is_success() {
        read(response, MAX_RESPONSE_BYTES).await?
    } else {
        Zeroizing::default()
    };
    Ok(Answered {
        status,
        headers,
        body,
    })
}

async fn read(mut response: Response, limit: usize) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(FetchError::from_http)? {
        if chunk.len() > limit - body.len() {
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
    /// Whether it passes by itself, as far as can be told.
    pub(super) is_temporary: bool,
    /// What is wrong in general, the same for all errors of the kind.
    pub(super) cause: &'static str,
    pub(super) reach: Reach,
    pub(super) source: Option<reqwest::Error>,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// No byte of it has left: there was no connection that it could have gone over.
    Unsent,
    /// It may have come to the server, which is down, slow, or broken.
    Failed,
    /// The server has answered, or was not asked for a reason that is none of its own.
    Answered,
}

#[derive(Clone, Copy)]
pub(super) enum FetchErrorKind {
    Unreachable,
    TimedOut,
    Unreadable,
}

impl FetchError {
    fn new(
        kind: FetchErrorKind,
        cause: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            message: message.into(),
            is_temporary: !matches!(kind, FetchErrorKind::Unreadable),
            cause,
            reach: Reach::Answered,
            source: None,
        }
    }

    /// A server that is overloaded or being repaired says so with 429 or from 500 on. Another status means that this is
    /// not where a CAS server validates tickets.
    pub(super) fn status(status: StatusCode) -> Self {
        let is_temporary = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        Self {
            is_temporary,
            reach: if is_temporary {
                Reach::Failed
            } else {
                Reach::Answered
            },
            ..Self::new(
                FetchErrorKind::Unreadable,
                "status",
                format!("the CAS server answered with status {}", status.as_u16()),
            )
        }
    }

    pub(super) fn unreadable(reason: &'static str) -> Self {
        Self::new(
            FetchErrorKind::Unreadable,
            reason,
            format!("the CAS server's answer cannot be read: {reason}"),
        )
    }

    fn from_http(error: reqwest::Error) -> Self {
        let refused = certificate_error(&error).map(describe_certificate_error);
        let is_temporary = refused.is_none();
        // The HTTP library says so only of what happens before it has a connection to send anything over: the look-up of
        // the name, TCP, the tunnel of a proxy, the TLS handshake, and the time limit for all of them. A request that a kept
        // connection did not take any more gets a new one, and has not left either. A connection that closes or breaks
        // after that is another error, and so is the end of the time for the whole request, wherever it is then.
        let reach = if error.is_connect() {
            Reach::Unsent
        } else {
            Reach::Failed
        };
        let (kind, message) = if let Some(message) = refused {
            (FetchErrorKind::Unreachable, message)
        } else if error.is_timeout() {
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
            is_temporary,
            reach,
            ..Self::new(kind, message, message)
        }
    }
}

/// What is wrong with the server's certificate, if that is what an error is about.
fn certificate_error(error: &reqwest::Error) -> Option<&CertificateError> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(error)) = error.downcast_ref() {
            return Some(error);
        }
        // An I/O error says what the source of its content is, and not what its content is.
        let content = error.downcast_ref().and_then(io::Error::get_ref);
        next = match content {
            Some(content) => Some(content),
            None => error.source(),
        };
    }
    None
}

/// A certificate does not become right by itself, so each of these leads to one line in the log.
fn describe_certificate_error(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => {
            "the CAS server's certificate is not trusted: its issuer is unknown"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the CAS server's certificate is not trusted: it has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the CAS server's certificate is not trusted: it is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the CAS server's certificate is not trusted: it is for another name"
        }
        _ => "the CAS server's certificate is not trusted",
    }
}
