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
    events::{Channel, Event, LogoutOutcome, SignedOut},
    protocol::{InvalidLogoutRequest, LogoutRequest, is_form},
    session::SessionId,
    user::CasUser,
};

/// How long a sender may take for its message.
const READING: Duration = Duration::from_secs(10);

/// Longest name of a script's function that is called back, in bytes.
const MAX_CALLBACK: usize = 64;

/// Longest state of the CAS server's that is sent back to it, in bytes.
const MAX_RELAY_STATE: usize = 1024;

const NOT_A_FORM: &str = "not a form";
const NOT_LISTED: &str = "not a source of logout requests";

/// The answer to a `POST` that cannot be a logout request, by everything but its body.
pub(crate) fn refuse(
    shared: &Shared,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Option<Response<Bytes>> {
    let source = shared
        .logout_sources
        .as_ref()
        .map_or(Source::Listed, |list| list.look_up(extensions));
    let content_type = headers.get(header::CONTENT_TYPE);
    let (outcome, status, text) = match source {
        Source::Listed if content_type.is_some_and(|value| is_form(value.as_bytes())) => {
            return None;
        }
        Source::Listed => (
            LogoutOutcome::Malformed(&NOT_A_FORM),
            StatusCode::BAD_REQUEST,
            NOT_A_FORM,
        ),
        Source::Unlisted => (
            LogoutOutcome::SourceRefused,
            StatusCode::FORBIDDEN,
            NOT_LISTED,
        ),
        Source::Unknown => (
            LogoutOutcome::SourceUnknown,
            StatusCode::FORBIDDEN,
            NOT_LISTED,
        ),
    };
    shared.tell(Event::LogoutRequest(Channel::Back, outcome));
    Some(response::text(status, text))
}

/// Back channel: the CAS server posts the request.
pub(crate) async fn back_channel<B: Body>(
    shared: Arc<Shared>,
    body: B,
    now: UnixSeconds,
) -> Response<Bytes> {
    let too_slow = (StatusCode::REQUEST_TIMEOUT, "the request is too slow");
    let read = tokio::time::timeout(READING, read(body)).await;
    let form = match read.unwrap_or(Err(too_slow)) {
        Ok(form) => form,
        Err((status, reason)) => {
            let outcome = LogoutOutcome::Malformed(&reason);
            shared.tell(Event::LogoutRequest(Channel::Back, outcome));
            return response::text(status, reason);
        }
    };
    match LogoutRequest::from_form(&form) {
        Ok(request) => end(&shared, Channel::Back, &ids(&request), None, now).await,
        Err(error) => refused(&shared, Channel::Back, error),
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
    /// The user of this very browser, if their session is among them.
    own: Option<CasUser>,
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
        own: visit
            .owner()
            .filter(|user| ids.contains(&user.session_id()))
            .cloned(),
        answer: Answer::to(query, shared),
        ids,
        now: visit.now,
    }))
}

impl FrontChannel {
    pub(crate) async fn run(self, shared: &Shared) -> Response<Bytes> {
        let own = self.own.as_ref();
        let mut response = end(shared, Channel::Front, &self.ids, own, self.now).await;
        let answer = match self.answer {
            // The other apps are not to wait for our registry.
            Answer::GoOn(url) => response::redirect(StatusCode::FOUND, &url),
            Answer::Call(name) if response.status().is_success() => Some(response::script(&name)),
            Answer::Call(_) | Answer::Nothing => None,
        };
        response = answer.unwrap_or(response);
        if self.own.is_some() {
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

/// Each of them once.
fn ids(request: &LogoutRequest) -> Vec<SessionId> {
    let mut ids: Vec<SessionId> = request.sessions().iter().map(SessionId::of).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Ends what of these was ever opened. A session that is not known is no error: the server sends requests for
/// tickets that nobody used, late, and twice. `own` is the user whose browser brought the message.
async fn end(
    shared: &Shared,
    channel: Channel,
    ids: &[SessionId],
    own: Option<&CasUser>,
    now: UnixSeconds,
) -> Response<Bytes> {
    let ended = shared.registry.end_if_opened(ids.to_vec(), now).await;
    let outcome = match &ended {
        Ok(ended) if ended.is_empty() => LogoutOutcome::Unknown,
        Ok(ended) => LogoutOutcome::Ended(ended.len()),
        Err(error) => LogoutOutcome::NotRemembered(error),
    };
    shared.tell(Event::LogoutRequest(channel, outcome));
    // Where the registry is not sure, what this node takes for ended. A ticket that was still being validated has
    // opened no session, so nobody has signed out.
    let signed_out = ended.as_deref().unwrap_or(ids).iter();
    for &id in signed_out.filter(|id| shared.registry.ended().contain_id(**id)) {
        let cause = channel.cause();
        shared.tell(match own.filter(|user| user.session_id() == id) {
            Some(user) => SignedOut::shown(user, cause),
            None => SignedOut::named(id, cause),
        });
    }
    match ended {
        Ok(_) => response::ok(),
        Err(_) => response::retry_later(response::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "the logout is not certain to be remembered",
        )),
    }
}

pub(crate) fn refused(
    shared: &Shared,
    channel: Channel,
    error: InvalidLogoutRequest,
) -> Response<Bytes> {
    let outcome = LogoutOutcome::Malformed(&error);
    shared.tell(Event::LogoutRequest(channel, outcome));
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
