//! Single logout: the CAS server says that sessions are over, by itself (back channel) or through the
//! browser (front channel).

use std::sync::Arc;

use bytes::Bytes;
use form_urlencoded::parse;
use http::{Extensions, Response, StatusCode};
use tokio::runtime::Handle;

use super::form::{Form, NO_ROOM, Unread};
use crate::{
    answer,
    app::{Shared, Source},
    clock::UnixSeconds,
    events::{Channel, Event, LogoutOutcome, SignedOut},
    protocol::{InvalidLogoutRequest, LogoutRequest},
    registry::{LogoutSender, RegistryError, RegistryErrorKind, SourceId},
    session::SessionId,
    user::CasUser,
    visit::Visit,
};

/// Longest name of a script's function that is called back, in bytes.
const MAX_CALLBACK: usize = 64;

/// Longest state of the CAS server's that is sent back to it, in bytes.
const MAX_RELAY_STATE: usize = 1024;

const NOT_LISTED: &str = "not a source of logout requests";

/// The answer to a logout request whose sender is not listed.
pub(crate) fn refuse_source(shared: &Shared, extensions: &Extensions) -> Option<Response<Bytes>> {
    let list = shared.logout_sources.as_ref()?;
    let outcome = match list.look_up(shared.peers.address(extensions)) {
        Source::Listed => return None,
        Source::Unlisted => LogoutOutcome::SourceRefused,
        Source::Unknown => LogoutOutcome::SourceUnknown,
    };
    shared.tell(Event::LogoutRequest(Channel::Back, outcome));
    Some(answer::text(StatusCode::FORBIDDEN, NOT_LISTED))
}

/// Who has posted a logout request that was not refused.
pub(crate) fn back_channel_sender(shared: &Shared, extensions: &Extensions) -> LogoutSender {
    let source = source(shared, extensions);
    if shared.logout_sources.is_some() {
        LogoutSender::listed(source)
    } else {
        LogoutSender::back_channel(source)
    }
}

fn source(shared: &Shared, extensions: &Extensions) -> Option<SourceId> {
    let peer = shared.peers.of(extensions);
    peer.map(|peer| SourceId::of(&peer))
}

/// The answer to a `POST` that is nothing we know, or could not be read.
pub(crate) fn malformed(shared: &Shared, unread: Unread) -> Response<Bytes> {
    let outcome = if unread == NO_ROOM {
        LogoutOutcome::NoRoom
    } else {
        LogoutOutcome::Malformed(&unread.1)
    };
    shared.tell(Event::LogoutRequest(Channel::Back, outcome));
    answer_unread(unread)
}

/// Says what is wrong with a form.
pub(crate) fn answer_unread((status, reason): Unread) -> Response<Bytes> {
    let answer = answer::text(status, reason);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer::retry_later(answer)
    } else {
        answer
    }
}

/// Back channel: the CAS server posts the request.
pub(crate) async fn back_channel(
    shared: &Shared,
    form: Form,
    sender: LogoutSender,
    now: UnixSeconds,
) -> Response<Bytes> {
    let read = LogoutRequest::from_form(form.data());
    drop(form);
    match read {
        Ok(request) => {
            let ending = Ending::of(shared, Named::by(&request), sender, now).await;
            ending.answer(shared, Channel::Back, None)
        }
        Err(error) => refused(shared, Channel::Back, error),
    }
}

/// A logout request that came through the browser.
#[derive(Debug)]
pub(crate) struct FrontChannel {
    named: Named,
    /// The user of this very browser, if their session is among them.
    own: Option<CasUser>,
    answer: Answer,
    sender: LogoutSender,
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
    extensions: &Extensions,
) -> Option<Result<FrontChannel, InvalidLogoutRequest>> {
    let query = visit.uri.query()?;
    let request = match LogoutRequest::from_query(query) {
        Ok(request) => request,
        Err(InvalidLogoutRequest::Missing) => return None,
        Err(error) => return Some(Err(error)),
    };
    let named = Named::by(&request);
    Some(Ok(FrontChannel {
        own: visit
            .owner()
            .filter(|user| named.ids.contains(&user.session_id()))
            .cloned(),
        answer: Answer::to(query, shared),
        named,
        sender: LogoutSender::front_channel(source(shared, extensions)),
        now: visit.now,
    }))
}

impl FrontChannel {
    pub(crate) async fn run(self, shared: &Shared) -> Response<Bytes> {
        let ending = Ending::of(shared, self.named.clone(), self.sender, self.now).await;
        self.respond(shared, ending)
    }

    /// The same where the message may be the app's own, which has other services sign its users out: `None` if it
    /// names no session that this app has, or had until lately.
    pub(crate) async fn run_if_ours(mut self, shared: &Shared) -> Option<Response<Bytes>> {
        let has_ended = |id: &SessionId| shared.registry.ended().contain_id(*id);
        let is_known = self.own.is_some() || self.named.ids.iter().any(has_ended);
        let ending = Ending::of(shared, self.named.clone(), self.sender, self.now).await;
        match &ending.ended {
            Ok(ended) if ended.is_empty() && !is_known => return None,
            // Whose it is cannot be told, so nothing of it goes to the CAS server.
            Err(_) if !is_known => self.answer = Answer::Nothing,
            _ => {}
        }
        Some(self.respond(shared, ending))
    }

    fn respond(self, shared: &Shared, ending: Ending) -> Response<Bytes> {
        let mut response = ending.answer(shared, Channel::Front, self.own.as_ref());
        let answer = match self.answer {
            // The other apps are not to wait for our registry.
            Answer::GoOn(url) => answer::redirect(StatusCode::FOUND, &url),
            Answer::Call(name) if response.status().is_success() => Some(answer::script(&name)),
            Answer::Call(_) | Answer::Nothing => None,
        };
        response = answer.unwrap_or(response);
        if self.own.is_some() {
            answer::add_cookie(&mut response, shared.session_cookie.clear());
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

/// What the CAS server begins the names of proxy-granting tickets with (CAS protocol 3.3).
const GRANTING: &str = "PGT-";

/// The tickets that a message names, each once.
#[derive(Clone, Debug)]
struct Named {
    ids: Vec<SessionId>,
    /// Those of them that are proxy-granting tickets: who loses one has not signed out.
    granting: Vec<SessionId>,
}

impl Named {
    fn by(request: &LogoutRequest) -> Self {
        let tickets = request.sessions().iter();
        let mut ids: Vec<SessionId> = tickets.clone().map(SessionId::of).collect();
        ids.sort_unstable();
        ids.dedup();
        let granting = tickets.filter(|ticket| ticket.expose_secret().starts_with(GRANTING));
        Self {
            ids,
            granting: granting.map(SessionId::of).collect(),
        }
    }
}

/// What came of a message.
struct Ending {
    named: Named,
    /// Those that have ended by it.
    ended: Result<Vec<SessionId>, RegistryError>,
}

impl Ending {
    /// Ends what of these was ever opened. A session that is not known is no error: the server sends requests for
    /// tickets that nobody used, late, and twice.
    async fn of(shared: &Shared, named: Named, sender: LogoutSender, now: UnixSeconds) -> Self {
        let (registry, ids) = (Arc::clone(&shared.registry), named.ids.clone());
        let ending = async move { registry.end_if_opened(ids, sender, now).await };
        // Some servers send a message and go away, and then nobody goes on with this request.
        let ended = match Handle::try_current() {
            Ok(runtime) => runtime.spawn(ending).await.unwrap_or_else(|error| {
                let message = "the registry did not come to an end";
                Err(RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error))
            }),
            Err(_) => ending.await,
        };
        Self { named, ended }
    }

    /// Tells the app, and whoever sent the message. `own` is the user whose browser brought it, if their session is
    /// in it.
    fn answer(self, shared: &Shared, channel: Channel, own: Option<&CasUser>) -> Response<Bytes> {
        let outcome = match &self.ended {
            Ok(ended) if ended.is_empty() => LogoutOutcome::Unknown,
            Ok(ended) => LogoutOutcome::Ended(ended.len()),
            Err(error) => LogoutOutcome::NotRemembered(error),
        };
        shared.tell(Event::LogoutRequest(channel, outcome));
        // Where the registry is not sure, what this node takes for ended. A ticket that was still being validated has
        // opened no session, so nobody has signed out.
        let Named { ids, granting } = &self.named;
        let signed_out = self.ended.as_ref().unwrap_or(ids).iter();
        let has_ended = |id: &SessionId| shared.registry.ended().contain_id(*id);
        for &id in signed_out.filter(|id| has_ended(id) && !granting.contains(id)) {
            let cause = channel.cause();
            let signed_out = match own.filter(|user| user.session_id() == id) {
                Some(user) => SignedOut::shown(user, cause),
                None => SignedOut::named(id, cause),
            };
            shared.tell(signed_out.recorded(self.ended.as_ref().map(drop)));
        }
        match self.ended {
            Ok(_) => answer::ok(),
            Err(_) => answer::retry_later(answer::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the logout is not certain to be remembered",
            )),
        }
    }
}

pub(crate) fn refused(
    shared: &Shared,
    channel: Channel,
    error: InvalidLogoutRequest,
) -> Response<Bytes> {
    let outcome = LogoutOutcome::Malformed(&error);
    shared.tell(Event::LogoutRequest(channel, outcome));
    answer::text(StatusCode::BAD_REQUEST, error.to_string())
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
