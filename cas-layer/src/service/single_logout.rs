//! Single logout: the CAS server says that sessions are over, by itself (back channel) or through the
//! browser (front channel).

use std::{sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes};
use form_urlencoded::parse;
use http::{Extensions, HeaderMap, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt as _;

use super::{response, visit::Visit};
use crate::{
    clock::UnixSeconds,
    config::{Shared, Source},
    protocol::{InvalidLogoutRequest, LogoutRequest, is_form},
    session::SessionId,
};

/// How long a sender may take for its message.
const READING: Duration = Duration::from_secs(10);

/// Longest name of a script's function that is called back, in bytes.
const MAX_CALLBACK: usize = 64;

/// Longest state of the CAS server's that is sent back to it, in bytes.
const MAX_RELAY_STATE: usize = 1024;

/// The answer to a `POST` that cannot be a logout request, by everything but its body.
pub(crate) fn refuse(
    shared: &Shared,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Option<Response<Bytes>> {
    let source = shared
        .logout_sources
        .as_ref()
        .map(|list| list.look_up(extensions));
    match source {
        None | Some(Source::Listed) => {}
        Some(Source::Unlisted) => {
            tracing::warn!("a logout request came from an address that is not listed");
            return Some(response::text(
                StatusCode::FORBIDDEN,
                "not a source of logout requests",
            ));
        }
        Some(Source::Unknown) => {
            tracing::error!(
                "logout requests are limited to listed sources, and the address of a request is not known: \
                 all are refused"
            );
            return Some(response::text(
                StatusCode::FORBIDDEN,
                "not a source of logout requests",
            ));
        }
    }
    let content_type = headers.get(header::CONTENT_TYPE);
    if !content_type.is_some_and(|value| is_form(value.as_bytes())) {
        return Some(response::text(StatusCode::BAD_REQUEST, "not a form"));
    }
    None
}

/// Back channel: the CAS server posts the request.
pub(crate) async fn back_channel<B: Body>(
    shared: Arc<Shared>,
    body: B,
    now: UnixSeconds,
) -> Response<Bytes> {
    let form = match tokio::time::timeout(READING, read(body)).await {
        Ok(Ok(form)) => form,
        Ok(Err((status, reason))) => return response::text(status, reason),
        Err(_) => return response::text(StatusCode::REQUEST_TIMEOUT, "the request is too slow"),
    };
    match LogoutRequest::from_form(&form) {
        Ok(request) => end(&shared, &ids(&request), now).await,
        Err(error) => refused(error),
    }
}

/// At most [`LogoutRequest::MAX_BYTES`] of a body.
async fn read<B: Body>(body: B) -> Result<Vec<u8>, (StatusCode, &'static str)> {
    let mut form = Vec::new();
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err((StatusCode::BAD_REQUEST, "the request broke off"));
        };
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        if data.remaining() > LogoutRequest::MAX_BYTES - form.len() {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "the request is over 64 KiB"));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            form.extend_from_slice(chunk);
            let len = chunk.len();
            data.advance(len);
        }
    }
    Ok(form)
}

/// A logout request that came through the browser.
#[derive(Debug)]
pub(crate) struct FrontChannel {
    ids: Vec<SessionId>,
    /// The session of this very browser is among them.
    is_own: bool,
    answer: Answer,
    now: UnixSeconds,
}

#[derive(Debug)]
enum Answer {
    /// Back to the CAS server, which sends the browser on to the next app.
    GoOn(String),
    /// The CAS server's page asked by a script element and waits for this function to be called.
    Call(String),
    Nothing,
}

/// The logout request in the query of a `GET`; `None` when there is none.
pub(crate) fn front_channel(
    shared: &Shared,
    visit: &Visit<'_>,
) -> Option<Result<FrontChannel, InvalidLogoutRequest>> {
    let query = visit.uri.query()?;
    let request = match LogoutRequest::from_query(query) {
        Ok(request) => request,
        Err(InvalidLogoutRequest::Missing) => return None,
        Err(error) => return Some(Err(error)),
    };
    let ids = ids(&request);
    Some(Ok(FrontChannel {
        is_own: visit
            .owner()
            .is_some_and(|user| ids.contains(&user.session_id())),
        answer: Answer::to(query, shared),
        ids,
        now: visit.now,
    }))
}

impl FrontChannel {
    pub(crate) async fn run(self, shared: &Shared) -> Response<Bytes> {
        let mut response = end(shared, &self.ids, self.now).await;
        let answer = match self.answer {
            // The other apps are not to wait for our registry.
            Answer::GoOn(url) => response::redirect(StatusCode::FOUND, &url),
            Answer::Call(name) if response.status().is_success() => Some(response::script(&name)),
            Answer::Call(_) | Answer::Nothing => None,
        };
        response = answer.unwrap_or(response);
        if self.is_own {
            response::add_cookie(&mut response, shared.session_cookie.clear());
        }
        response
    }
}

impl Answer {
    fn to(query: &str, shared: &Shared) -> Self {
        let parameter = |wanted: &str| {
            parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value)
        };
        if let Some(state) = parameter("RelayState")
            && state.len() <= MAX_RELAY_STATE
        {
            return Self::GoOn(shared.client.logout_relay_url(&state));
        }
        match parameter("callback") {
            Some(name) if is_function_name(&name) => Self::Call(name.into_owned()),
            _ => Self::Nothing,
        }
    }
}

/// Letters, digits and `_`: nothing that could be more than the name of a function.
fn is_function_name(name: &str) -> bool {
    name.len() <= MAX_CALLBACK
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn ids(request: &LogoutRequest) -> Vec<SessionId> {
    request.sessions().iter().map(SessionId::of).collect()
}

/// Ends what of these was ever opened. A session that is not known is no error: the server sends requests for
/// tickets that nobody used, late, and twice.
async fn end(shared: &Shared, ids: &[SessionId], now: UnixSeconds) -> Response<Bytes> {
    match shared.registry.end_if_opened(ids.to_vec(), now).await {
        Ok(0) => tracing::debug!("a logout request names no session of ours"),
        Ok(ended) => {
            for id in ids {
                tracing::info!(session = %id, "signed out by single logout");
            }
            tracing::debug!(ended, "single logout");
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "a single logout is not certain to be remembered");
            return response::retry_later(response::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the logout is not certain to be remembered",
            ));
        }
    }
    response::ok()
}

pub(crate) fn refused(error: InvalidLogoutRequest) -> Response<Bytes> {
    tracing::warn!(%error, "a logout request was refused");
    response::text(StatusCode::BAD_REQUEST, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_name_of_a_function_is_called_back() {
        for name in ["jQuery112_1700000000", "_cb", "a"] {
            assert!(is_function_name(name), "{name}");
        }
        for name in [
            "",
            "1a",
            "a.b",
            "a(",
            "alert(1)//",
            "a b",
            "<script>",
            "a\n",
            "é",
            "a-b",
            "a[0]",
            &"a".repeat(65),
        ] {
            assert!(!is_function_name(name), "{name}");
        }
    }
}
