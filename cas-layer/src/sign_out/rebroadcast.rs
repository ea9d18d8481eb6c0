//! A single logout that reached this node is passed on to the others, where they share no registry.
//!
//! Whoever gets a message asks all others about its tickets. A node that has opened one of these sessions ends it and says so.
//! Then all nodes end it, whether they have heard of it or not. Nobody passes anything on that came from a node.

use std::{sync::Arc, time::Duration};

use form_urlencoded::parse;
use http::StatusCode;
use tokio::{runtime::Handle, task::JoinSet, time::timeout};

use super::ending::{Ending, Named};
use crate::{
    answer::Answer,
    app::{App, Host, NodeMessage, Rebroadcast},
    client::CasClient,
    clock::UnixSeconds,
    events::{Channel, Event, LogoutOutcome, PassedOn},
    protocol::LogoutRequest,
    registry::LogoutSender,
    session::SessionId,
};

/// The form that one node posts to another begins as that of a CAS server does: so all layers look at it.
const BEGINNING: &str = "logoutRequest=&";

/// The field of that form.
const FIELD: &str = "cas_rebroadcast";

/// How long the other nodes may take. The CAS server waits meanwhile, for five seconds or more as a rule.
const LIMIT: Duration = Duration::from_secs(2);

/// What it takes to talk to the other nodes. It goes on if the sender of the message does not wait.
struct Round {
    nodes: Arc<Rebroadcast>,
    client: CasClient,
    app: Arc<App>,
    now: UnixSeconds,
}

/// Ends the named sessions here, and on the other nodes if there are any.
pub(super) async fn end_everywhere(
    host: &Host,
    named: Named,
    sender: LogoutSender,
    now: UnixSeconds,
) -> Ending {
    let message = host.rebroadcast.as_ref().map(|_| named.message());
    let ending = Ending::here(host, named, sender, now).await;
    if let Some(message) = message {
        pass_on(host, message, sender, ending.sessions()).await;
    }
    ending
}

/// Tells the other nodes of a message, if there are any. `ended` are the sessions that it has ended here.
async fn pass_on(host: &Host, named: NodeMessage, sender: LogoutSender, ended: Vec<SessionId>) {
    let (Some(nodes), Ok(runtime)) = (&host.rebroadcast, Handle::try_current()) else {
        return;
    };
    let round = Round {
        nodes: Arc::clone(nodes),
        client: host.client.clone(),
        app: Arc::clone(&host.app),
        now: host.app.clock.now(),
    };
    let passing = async move {
        if timeout(LIMIT, round.run(named, sender, ended))
            .await
            .is_err()
        {
            round.tell(PassedOn::OutOfTime);
        }
    };
    // A panic in there is in the log, and the message has done its work here.
    let _ = runtime.spawn(passing).await;
}

impl Round {
    async fn run(&self, named: NodeMessage, sender: LogoutSender, mut ended: Vec<SessionId>) {
        let slot = match self.nodes.turns.ask(sender) {
            Some(asked) => asked.slot().await,
            None => None,
        };
        let Some(_slot) = slot else {
            return self.tell(PassedOn::NoRoom);
        };
        for sealed in self.say(named).await {
            if let Some(NodeMessage::Ended(ids)) = self.nodes.open(&sealed, self.now) {
                let ids = ids.into_iter().map(SessionId::from);
                ended.extend(ids.take(2 * LogoutRequest::MAX_SESSIONS));
            }
        }
        ended.sort_unstable();
        ended.dedup();
        if !ended.is_empty() {
            end_for_certain(&self.app, &ended, self.now).await;
            let ended = ended.iter().map(SessionId::as_bytes).copied();
            self.say(NodeMessage::Ended(ended.collect())).await;
        }
    }

    /// What the nodes answer.
    async fn say(&self, message: NodeMessage) -> Vec<Vec<u8>> {
        let Some(sealed) = self.nodes.seal(message, self.now) else {
            return Vec::new();
        };
        // What is sealed is base64url.
        let form: Arc<str> = format!("{BEGINNING}{FIELD}={sealed}").into();
        let mut telling = JoinSet::new();
        for number in 0..self.nodes.urls.len() {
            let (nodes, client) = (Arc::clone(&self.nodes), self.client.clone());
            let form = Arc::clone(&form);
            telling.spawn(async move {
                let url = &nodes.urls[number];
                let said = client
                    .post_to_node(url, &nodes.authority, &form, LIMIT)
                    .await;
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
                    answers.push(answer);
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
        self.app.hooks.tell(&Event::PassedOn(passed_on));
    }
}

/// What another node says, if a form has that in it.
pub(super) fn sealed_in(host: &Host, form: &[u8]) -> Option<Vec<u8>> {
    host.rebroadcast.as_ref()?;
    let (_, sealed) = parse(form).find(|(name, _)| name == FIELD)?;
    Some(sealed.into_owned().into_bytes())
}

/// What another node says.
pub(super) async fn hear(host: &Host, sealed: &[u8], now: UnixSeconds) -> Answer {
    let nodes = host.rebroadcast.as_ref();
    let message = nodes.and_then(|nodes| Some((nodes, nodes.open(sealed, now)?)));
    match message {
        None => {
            let reason = "no node of this app has said this, or not lately";
            host.tell(Event::LogoutRequest(
                Channel::Node,
                LogoutOutcome::Malformed(&reason),
            ));
            Answer::text(StatusCode::FORBIDDEN, reason)
        }
        Some((nodes, NodeMessage::Named(named))) => {
            let ending =
                Ending::here(host, Named::from(named), LogoutSender::listed(None), now).await;
            let (is_remembered, ended) = (ending.is_remembered(), ending.sessions());
            let answer = ending.tell(host, Channel::Node, None);
            let ended = ended.iter().map(SessionId::as_bytes).copied().collect();
            match nodes.seal(NodeMessage::Ended(ended), now) {
                Some(sealed) if is_remembered => Answer::text(StatusCode::OK, sealed),
                _ => answer,
            }
        }
        Some((_, NodeMessage::Ended(ids))) => {
            let ids: Vec<_> = ids.into_iter().map(SessionId::from).collect();
            if end_for_certain(&host.app, &ids, now).await {
                Answer::ok()
            } else {
                Answer::text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the logout is not certain to be remembered",
                )
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
