//! Single logout: the CAS server says that sessions are over, by itself (back channel) or through the
//! browser (front channel).

use std::sync::Arc;

use form_urlencoded::parse;
use http::{Extensions, StatusCode};

use super::{
    ending::{Ending, Named},
    form::{Form, NO_ROOM, Unread},
    rebroadcast,
};
use crate::{
    admission::Source,
    answer::Answer,
    app::Host,
    clock::UnixSeconds,
    events::{Channel, Event, LogoutOutcome},
    protocol::{InvalidLogoutRequest, LogoutRequest},
    registry::{LogoutSender, SourceId},
    session::SessionId,
    user::CasUser,
    visit::Visit,
};

/// The longest name of a script's callback function, in bytes.
const MAX_CALLBACK: usize = 64;

/// The longest state that is sent back to the CAS server, in bytes.
const MAX_RELAY_STATE: usize = 1024;

/// Why a message ends nothing.
#[derive(Debug)]
pub(crate) enum NoLogout {
    /// Its sender is not listed.
    Unlisted,
    /// Its sender is not known.
    UnknownSender,
    /// It could not be read, or has an unknown form.
    Unread(Unread),
    Invalid(InvalidLogoutRequest),
}

impl NoLogout {
    /// Tells the app. Returns the answer for the sender.
    pub(crate) fn tell(self, host: &Host, channel: Channel) -> Answer {
        let not_listed = || Answer::text(StatusCode::FORBIDDEN, "not a source of logout requests");
        let (outcome, answer) = match &self {
            Self::Unlisted => (LogoutOutcome::SourceRefused, not_listed()),
            Self::UnknownSender => (LogoutOutcome::SourceUnknown, not_listed()),
            Self::Unread(unread) => {
                let outcome = if *unread == NO_ROOM {
                    LogoutOutcome::NoRoom
                } else {
                    LogoutOutcome::Malformed(&unread.1)
                };
                (outcome, Answer::text(unread.0, unread.1))
            }
            Self::Invalid(error) => {
                let answer = Answer::text(StatusCode::BAD_REQUEST, error.to_string());
                (LogoutOutcome::Malformed(error), answer)
            }
        };
        host.tell(Event::LogoutRequest(channel, outcome));
        answer
    }
}

/// Why a logout request from this sender is not heard.
pub(crate) fn refuse_source(host: &Host, extensions: &Extensions) -> Option<NoLogout> {
    let list = host.app.logout_sources.as_ref()?;
    match list.look_up(host.app.peers.address(extensions)) {
        Source::Listed => None,
        Source::Unlisted => Some(NoLogout::Unlisted),
        Source::Unknown => Some(NoLogout::UnknownSender),
    }
}

/// The sender of a logout request that was not refused.
fn back_channel_sender(host: &Host, extensions: &Extensions) -> LogoutSender {
    let source = source(host, extensions);
    if host.app.logout_sources.is_some() {
        LogoutSender::listed(source)
    } else {
        LogoutSender::back_channel(source)
    }
}

fn source(host: &Host, extensions: &Extensions) -> Option<SourceId> {
    let peer = host.app.peers.of(extensions);
    peer.map(|peer| SourceId::of(&peer))
}

/// Why nothing that this sender posts is read. Another node of the app proves itself by what it posts.
pub(crate) fn refuse_unread(host: &Host, extensions: &Extensions) -> Option<NoLogout> {
    if host.rebroadcast.is_some() {
        return None;
    }
    refuse_source(host, extensions)
}

/// Back channel: the CAS server posts the request, or another node passes it on.
pub(crate) async fn posted(
    host: &Arc<Host>,
    extensions: &Extensions,
    form: Form,
    now: UnixSeconds,
) -> Answer {
    if let Some(sealed) = rebroadcast::sealed_in(host, form.data()) {
        drop(form);
        return rebroadcast::hear(host, &sealed, now).await;
    }
    if let Some(refusal) = refuse_source(host, extensions) {
        return refusal.tell(host, Channel::Back);
    }
    let sender = back_channel_sender(host, extensions);
    let read = LogoutRequest::from_form(form.data());
    drop(form);
    match read {
        Ok(request) => {
            let ending = rebroadcast::end_everywhere(host, Named::by(&request), sender, now).await;
            ending.tell(host, Channel::Back, None)
        }
        Err(error) => NoLogout::Invalid(error).tell(host, Channel::Back),
    }
}

/// A logout request that came through the browser.
#[derive(Debug)]
pub(crate) struct FrontChannel {
    named: Named,
    /// The user of this very browser, if their session is among them.
    own: Option<CasUser>,
    onward: Onward,
    sender: LogoutSender,
    now: UnixSeconds,
}

/// What the browser gets when the sessions have ended.
#[derive(Debug)]
enum Onward {
    /// A redirect to the CAS server, which sends the browser on to the next app.
    GoOn(String),
    /// The CAS server's page asked by a script element and waits for this function to be called.
    Call(String),
    Nothing,
}

impl FrontChannel {
    /// The logout request in the query of a `GET`.
    pub(crate) fn read(host: &Host, visit: &Visit<'_>) -> Result<Self, InvalidLogoutRequest> {
        let query = visit.uri.query().ok_or(InvalidLogoutRequest::Missing)?;
        let named = Named::by(&LogoutRequest::from_query(query)?);
        let is_own = |user: &&CasUser| named.ids.contains(&user.session_id());
        Ok(Self {
            own: visit.owner().filter(is_own).cloned(),
            onward: Onward::of(query, host),
            named,
            sender: LogoutSender::front_channel(source(host, visit.extensions)),
            now: visit.now,
        })
    }

    pub(crate) async fn run(self, host: &Arc<Host>) -> Answer {
        let ending =
            rebroadcast::end_everywhere(host, self.named.clone(), self.sender, self.now).await;
        self.respond(host, ending)
    }

    /// The same if the message may belong to the app, which has other services sign its users out. `None` if it names
    /// no session that this app has, or had until lately.
    pub(crate) async fn run_if_ours(mut self, host: &Arc<Host>) -> Option<Answer> {
        let ending =
            rebroadcast::end_everywhere(host, self.named.clone(), self.sender, self.now).await;
        // It may have ended before, or been open at another node.
        let has_ended = |id: &SessionId| host.app.registry.ended().contain_id(*id);
        let is_known = self.own.is_some() || self.named.ids.iter().any(has_ended);
        match &ending.ended {
            Ok(ended) if ended.is_empty() && !is_known => return None,
            // It may belong to the app, so nothing of it goes to the CAS server.
            Err(_) if !is_known => self.onward = Onward::Nothing,
            _ => {}
        }
        Some(self.respond(host, ending))
    }

    fn respond(self, host: &Host, ending: Ending) -> Answer {
        let is_remembered = ending.ended.is_ok();
        let answer = ending.tell(host, Channel::Front, self.own.as_ref());
        let answer = match self.onward {
            // The other apps must not wait for our registry.
            Onward::GoOn(url) => Answer::redirect(url),
            Onward::Call(name) if is_remembered => Answer::script(name),
            Onward::Call(_) | Onward::Nothing => answer,
        };
        match self.own {
            Some(_) => answer.with_cookie(host.session_cookie.clear()),
            None => answer,
        }
    }
}

impl Onward {
    fn of(query: &str, host: &Host) -> Self {
        let parameter = |wanted: &str| {
            parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value)
        };
        if let Some(state) = parameter("RelayState")
            && state.len() <= MAX_RELAY_STATE
        {
            return Self::GoOn(host.client.logout_relay_url(&state));
        }
        match parameter("callback") {
            Some(name) if is_function_name(&name) => Self::Call(name.into_owned()),
            _ => Self::Nothing,
        }
    }
}

/// Letters, digits and `_`: it can be nothing but the name of a function.
fn is_function_name(name: &str) -> bool {
    name.len() <= MAX_CALLBACK
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
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
