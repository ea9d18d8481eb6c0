//! The sessions that a message names, and their end at this node.

use std::sync::Arc;

use http::StatusCode;
use tokio::runtime::Handle;

use crate::{
    answer::Answer,
    app::{Host, NodeMessage},
    clock::UnixSeconds,
    events::{Channel, Event, LogoutOutcome, SignedOut},
    protocol::LogoutRequest,
    registry::{LogoutSender, RegistryError, RegistryErrorKind},
    session::SessionId,
    user::CasUser,
};

/// The prefix of the CAS server's proxy-granting tickets (CAS protocol 3.3).
const GRANTING: &str = "PGT-";

/// The tickets that a message names, each once.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) ids: Vec<SessionId>,
    /// The proxy-granting tickets among them: the end of one does not sign its user out.
    granting: Vec<SessionId>,
}

impl Named {
    pub(super) fn by(request: &LogoutRequest) -> Self {
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

    /// The same for other nodes.
    pub(super) fn message(&self, is_trusted: bool) -> NodeMessage {
        let named = self
            .ids
            .iter()
            .map(|id| (*id.as_bytes(), self.granting.contains(id)));
        NodeMessage::Named {
            tickets: named.collect(),
            is_trusted,
        }
    }
}

impl From<Vec<([u8; SessionId::LEN], bool)>> for Named {
    fn from(named: Vec<([u8; SessionId::LEN], bool)>) -> Self {
        let named = named.into_iter().take(LogoutRequest::MAX_SESSIONS);
        let named: Vec<_> = named
            .map(|(id, granting)| (SessionId::from(id), granting))
            .collect();
        let granting = named.iter().filter(|(_, is_granting)| *is_granting);
        Self {
            granting: granting.map(|(id, _)| *id).collect(),
            ids: named.iter().map(|(id, _)| *id).collect(),
        }
    }
}

/// The result of a message.
pub(super) struct Ending {
    pub(super) named: Named,
    /// What it ended: sessions, and what was left behind of replaced ones.
    pub(super) ended: Result<Vec<SessionId>, RegistryError>,
}

impl Ending {
    /// What other nodes have to end too: the sessions that this message has ended, and those that had ended here before,
    /// by a sign-out that only this node knows of.
    pub(super) fn sessions(&self, host: &Host) -> Vec<SessionId> {
        let has_ended = |id: &&SessionId| host.app.registry.ended().contain_id(**id);
        let before = self.named.ids.iter().filter(has_ended);
        let mut ended: Vec<_> = self.ended.iter().flatten().chain(before).copied().collect();
        ended.sort_unstable();
        ended.dedup();
        ended
    }

    /// Ends the named sessions that were ever opened. An unknown session is no error: the server sends requests for
    /// tickets that nobody used, late, and twice.
    pub(super) async fn here(
        host: &Host,
        named: Named,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> Self {
        let registry = Arc::clone(&host.app.registry);
        // Another tab may have replaced it, whose session then ends too. This node need not have heard of that yet.
        let replaced = named.ids.iter().copied().map(SessionId::of_replaced);
        let ids: Vec<_> = named.ids.iter().copied().chain(replaced).collect();
        let ending = async move { registry.end_if_opened(ids, sender, now).await };
        // Some servers send a message and disconnect, and then nobody goes on with this request.
        let ended = match Handle::try_current() {
            Ok(runtime) => runtime.spawn(ending).await.unwrap_or_else(|error| {
                let message = "the registry did not come to an end";
                Err(RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error))
            }),
            Err(_) => ending.await,
        };
        Self { named, ended }
    }

    /// Tells the app. Returns the answer for the sender. `own` is the user whose browser brought the message, if
    /// their session is in it.
    pub(super) fn tell(self, host: &Host, channel: Channel, own: Option<&CasUser>) -> Answer {
        let outcome = match &self.ended {
            Ok(ended) if ended.is_empty() => LogoutOutcome::Unknown,
            Ok(ended) => LogoutOutcome::Ended(ended.len()),
            Err(error) => LogoutOutcome::NotRemembered(error),
        };
        host.tell(Event::LogoutRequest(channel, outcome));
        // Where the registry is not sure, what this node takes for ended. A ticket that was still being validated has
        // opened no session, so nobody has signed out.
        let Named { ids, granting } = &self.named;
        let signed_out = self.ended.as_ref().unwrap_or(ids).iter();
        let signed_out = signed_out.filter(|id| ids.contains(id));
        let has_ended = |id: &SessionId| host.app.registry.ended().contain_id(*id);
        for &id in signed_out.filter(|id| has_ended(id) && !granting.contains(id)) {
            let cause = channel.cause();
            let signed_out = match own.filter(|user| user.session_id() == id) {
                Some(user) => SignedOut::shown(user, cause),
                None => SignedOut::named(id, cause),
            };
            host.tell(signed_out.recorded(self.ended.as_ref().map(drop)));
        }
        match self.ended {
            Ok(_) => Answer::ok(),
            Err(_) => Answer::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the logout is not certain to be remembered",
            ),
        }
    }
}
