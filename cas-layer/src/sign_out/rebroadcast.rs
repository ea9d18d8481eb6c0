//! A single logout that reached this node is passed on to the others, where they share no registry.
//!
//! Whoever gets a message asks all others about its tickets. A node that has opened one of these sessions ends it and says so.
//! Then all nodes end it, whether they have heard of it or not. Nobody passes anything on that came from a node.

use std::{future::Future, sync::Arc};

use form_urlencoded::parse;
use http::StatusCode;
use tokio::{runtime::Handle, task::JoinSet, time::timeout};

use super::ending::{Ending, Named};
use crate::{
    answer::Answer,
    app::{App, Host, NodeMessage, Rebroadcast},
    clock::UnixSeconds,
    events::{Channel, Event, LogoutOutcome, PassedOn},
    protocol::LogoutRequest,
    registry::{LogoutSender, LogoutShare, RegistryError, RegistryErrorKind, SourceId},
    session::SessionId,
};

/// The form that one node posts to another begins as that of a CAS server does: so all layers look at it.
const BEGINNING: &str = "logoutRequest=&";

/// The field of that form.
const FIELD: &str = "cas_rebroadcast";

const NOT_CERTAIN: &str = "the logout is not certain to be remembered";

/// Ends the named sessions here, and on the other nodes if there are any. It goes on if the sender of the message does not
/// wait.
pub(super) async fn end_everywhere(
    host: &Arc<Host>,
    named: Named,
    sender: LogoutSender,
    now: UnixSeconds,
) -> Ending {
    let Some(nodes) = &host.rebroadcast else {
        return Ending::here(host, named, sender, now).await;
    };
    let round = Round {
        nodes: Arc::clone(nodes),
        host: Arc::clone(host),
        now,
    };
    let message = named.clone();
    let ending = to_its_end(async move {
        let mut ending = Ending::here(&round.host, named.clone(), sender, now).await;
        let is_certain = round
            .run(&named, sender, ending.sessions(&round.host))
            .await;
        if !is_certain && ending.ended.is_ok() {
            ending.ended = Err(not_certain());
        }
        ending
    })
    .await;
    ending.unwrap_or_else(|| Ending {
        named: message,
        ended: Err(not_certain()),
    })
}

/// Does not stop if whoever asked goes away. `None` after a panic.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn(work).await.ok(),
        Err(_) => Some(work.await),
    }
}

fn not_certain() -> RegistryError {
    RegistryError::new(RegistryErrorKind::Unavailable, NOT_CERTAIN)
}

/// What it takes to talk to the other nodes.
struct Round {
    nodes: Arc<Rebroadcast>,
    host: Arc<Host>,
    now: UnixSeconds,
}

impl Round {
    /// `ended` are the sessions that have ended here. Whether all nodes have heard of all that have ended anywhere.
    async fn run(&self, named: &Named, sender: LogoutSender, mut ended: Vec<SessionId>) -> bool {
        let limit = self.nodes.limit;
        let slot = match self.nodes.turns.ask(sender) {
            Some(asked) => timeout(limit, asked.slot()).await.ok().flatten(),
            None => None,
        };
        let Some(_slot) = slot else {
            self.tell(PassedOn::NoRoom);
            return false;
        };
        let is_trusted = sender.share() == LogoutShare::Trusted;
        let all = 0..self.nodes.urls.len();
        let answers = self.say(named.message(is_trusted), all.clone()).await;
        let (mut there, mut elsewhere) = (Vec::new(), Vec::new());
        for (number, sealed) in answers {
            match self.nodes.open(&sealed, self.now) {
                Some(NodeMessage::Ended(ids)) => {
                    there.push(number);
                    let ids = ids.into_iter().map(SessionId::from);
                    elsewhere.extend(ids.take(2 * LogoutRequest::MAX_SESSIONS));
                }
                _ => self.tell(PassedOn::Failed {
                    node: &self.nodes.urls[number],
                    error: "its answer is not that of a node of this app",
                }),
            }
        }
        let mut is_certain = there.len() == all.len();
        is_certain &= end_for_certain(&self.host.app, &elsewhere, self.now).await;
        ended.extend(elsewhere);
        ended.sort_unstable();
        ended.dedup();
        if !ended.is_empty() {
            let ended = ended.iter().map(SessionId::as_bytes).copied().collect();
            // The others have been told of already.
            is_certain &= self.say(NodeMessage::Ended(ended), there).await.len() == all.len();
        }
        is_certain
    }

    /// What the nodes with these numbers answer.
    async fn say(
        &self,
        message: NodeMessage,
        to: impl IntoIterator<Item = usize>,
    ) -> Vec<(usize, Vec<u8>)> {
        let Some(sealed) = self.nodes.seal(message, self.now) else {
            return Vec::new();
        };
        // What is sealed is base64url.
        let form: Arc<str> = format!("{BEGINNING}{FIELD}={sealed}").into();
        let mut telling = JoinSet::new();
        for number in to {
            let (nodes, host) = (Arc::clone(&self.nodes), Arc::clone(&self.host));
            let form = Arc::clone(&form);
            telling.spawn(async move {
                let url = &nodes.urls[number];
                let posted = host.client.post_to_node(url, &nodes.authority, &form);
                let said = timeout(nodes.limit, posted).await;
                let said = said.unwrap_or_else(|_| Err("it does not answer in time".into()));
                (number, said)
            });
        }
        let mut answers = Vec::new();
        while let Some(told) = telling.join_next().await {
            let Ok((number, said)) = told else {
                continue;
            };
            match said {
                Ok(answer) => {
                    self.tell(PassedOn::Heard);
                    answers.push((number, answer));
                }
                Err(error) => self.tell(PassedOn::Failed {
                    node: &self.nodes.urls[number],
                    error: &error,
                }),
            }
        }
        answers
    }

    fn tell(&self, passed_on: PassedOn<'_>) {
        self.host.tell(Event::PassedOn(passed_on));
    }
}

/// What another node says, if a form has that in it.
pub(super) fn sealed_in(host: &Host, form: &[u8]) -> Option<Vec<u8>> {
    host.rebroadcast.as_ref()?;
    let (_, sealed) = parse(form).find(|(name, _)| name == FIELD)?;
    Some(sealed.into_owned().into_bytes())
}

/// What another node says.
pub(super) async fn hear(host: &Arc<Host>, sealed: &[u8], now: UnixSeconds) -> Answer {
    let nodes = host.rebroadcast.as_ref();
    let message = nodes.and_then(|nodes| Some((nodes, nodes.open(sealed, now)?)));
    match message {
        None => {
            let reason = "no node of this app has said this, or not lately";
            let outcome = LogoutOutcome::Malformed(&reason);
            host.tell(Event::LogoutRequest(Channel::Node, outcome));
            Answer::text(StatusCode::FORBIDDEN, reason)
        }
        Some((
            nodes,
            NodeMessage::Named {
                tickets,
                is_trusted,
            },
        )) => {
            // Whoever the CAS server's messages wait behind elsewhere, it is not those of strangers.
            let sender = if is_trusted {
                LogoutSender::listed(None)
            } else {
                LogoutSender::back_channel(Some(SourceId::of(&FIELD)))
            };
            let ending = Ending::here(host, Named::from(tickets), sender, now).await;
            let (is_remembered, ended) = (ending.ended.is_ok(), ending.sessions(host));
            let answer = ending.tell(host, Channel::Node, None);
            let ended = ended.iter().map(SessionId::as_bytes).copied().collect();
            match nodes.seal(NodeMessage::Ended(ended), now) {
                Some(sealed) if is_remembered => Answer::text(StatusCode::OK, sealed),
                _ => answer,
            }
        }
        Some((_, NodeMessage::Ended(ids))) => {
            let app = Arc::clone(&host.app);
            let ids = ids.into_iter().map(SessionId::from);
            let ids: Vec<_> = ids.take(2 * LogoutRequest::MAX_SESSIONS).collect();
            let ending = async move { end_for_certain(&app, &ids, now).await };
            if to_its_end(ending).await == Some(true) {
                Answer::ok()
            } else {
                Answer::text(StatusCode::SERVICE_UNAVAILABLE, NOT_CERTAIN)
            }
        }
    }
}

/// Ends sessions that a node had open, whether this one has heard of them or not. Whether the registry will remember.
async fn end_for_certain(app: &App, ids: &[SessionId], now: UnixSeconds) -> bool {
    let expires_at = now.saturating_add(app.lifetimes.longest());
    let mut is_remembered = true;
    for &id in ids {
        is_remembered &= app.registry.end(id, expires_at, now).await.is_ok();
    }
    is_remembered
}
