//! Several nodes of one CAS server: which of them is asked.
//!
//! A ticket is good once. So it goes on to the next node only if no byte of the request can have left for the one before:
//! its name was not found, it took no connection, or TLS came to nothing. Whatever happens after that, the ticket stays
//! where it is, and only those who come next are sent to another node.

mod change;
mod rests;

use std::{
    error::Error,
    iter,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use super::{connections::Connections, fetch::Reach};
use crate::{clock::Clock, protocol::ServerUrl};

pub(crate) use change::NodeChange;
use change::{NodeState, Said};
use rests::Rests;

/// Who hears of it when a node is left, and when it is back.
pub(crate) type Tell<'t> = &'t (dyn Fn(&NodeChange<'_>) + Sync);

/// A failure, as far as it says something of a node.
pub(super) trait Failure: Error + 'static {
    fn reach(&self) -> Reach;
    /// Nothing came within a time limit.
    fn is_time_out(&self) -> bool;
    /// It passes by itself, as far as can be told.
    fn is_temporary(&self) -> bool;
}

/// The nodes of a CAS server, by numbers from 0 on.
#[derive(Debug)]
pub(super) struct Nodes {
    /// Number 0.
    main: Node,
    /// The others, in the order in which they are tried.
    fallbacks: Vec<Node>,
    rests: Rests,
}

#[derive(Debug)]
struct Node {
    url: ServerUrl,
    said: Said,
}

impl From<ServerUrl> for Node {
    fn from(url: ServerUrl) -> Self {
        let said = Said::default();
        Self { url, said }
    }
}

/// How to ask.
pub(super) struct Asking<'a> {
    pub(super) connections: &'a Connections,
    pub(super) clock: &'a Clock,
    /// For all nodes together.
    pub(super) limit: Duration,
    /// The only node that may be asked, if the ticket has been there.
    pub(super) only: Option<usize>,
    pub(super) tell: Tell<'a>,
}

impl Nodes {
    pub(super) fn new(main: ServerUrl, fallbacks: Vec<ServerUrl>) -> Self {
        Self {
            rests: Rests::of(1 + fallbacks.len()),
            main: main.into(),
            fallbacks: fallbacks.into_iter().map(Node::from).collect(),
        }
    }

    /// Where passwords go too.
    pub(super) fn main(&self) -> &ServerUrl {
        &self.main.url
    }

    pub(super) fn url(&self, node: usize) -> &ServerUrl {
        &self.get(node).url
    }

    fn get(&self, node: usize) -> &Node {
        let fallback = node.checked_sub(1).and_then(|it| self.fallbacks.get(it));
        fallback.unwrap_or(&self.main)
    }

    pub(super) fn urls(&self) -> impl Iterator<Item = &ServerUrl> {
        let nodes = iter::once(&self.main).chain(&self.fallbacks);
        nodes.map(|node| &node.url)
    }

    /// How long a node may take until it is connected, so that there is as much time for each of the others, and for the
    /// answer of the last. `whole` is the limit of all of it.
    pub(super) fn connect_timeout(&self, connect: Duration, whole: Duration) -> Duration {
        match u32::try_from(self.fallbacks.len()) {
            Ok(0) => connect,
            fallbacks => connect.min(whole / fallbacks.unwrap_or(u32::MAX).saturating_add(2)),
        }
    }

    /// Whether one of several does not rest.
    pub(super) fn are_free(&self, clock: &Clock) -> bool {
        !self.fallbacks.is_empty() && !self.rests.all_rest(clock.time())
    }

    /// How many there are besides the main one.
    pub(super) fn fallbacks(&self) -> usize {
        self.fallbacks.len()
    }

    /// Asks one node after another, until one may have got the request. Returns its number too. `ask` gets the number of a
    /// node, and the time that is left.
    pub(super) async fn ask<T, E: Failure, F: Future<Output = Result<T, E>>>(
        &self,
        asking: Asking<'_>,
        ask: impl Fn(usize, Duration) -> F,
    ) -> (usize, Result<T, E>) {
        let started = Instant::now();
        let (mut node, others) = match asking.only {
            Some(node) => (node, Vec::new()),
            None => self.rests.order(asking.clock.time()),
        };
        let mut others = others.into_iter();
        let mut left = asking.limit;
        let mut failed: Option<(usize, E)> = None;
        loop {
            let answers = self.rests.answers(node);
            // Requests that may have reached the node. One that was given up is among them: nobody knows its end.
            let sent = AtomicUsize::new(0);
            let once = |left| {
                let (sent, asked) = (&sent, ask(node, left));
                async move {
                    sent.fetch_add(1, Ordering::Relaxed);
                    let result = asked.await;
                    if result.as_ref().is_err_and(is_unsent) {
                        sent.fetch_sub(1, Ordering::Relaxed);
                    }
                    result
                }
            };
            let asked = asking.connections.ask(left, E::is_time_out, once).await;
            let now = asking.clock.time();
            let state = match asked.as_ref().map_err(|error| (error, error.reach())) {
                Ok(_) | Err((_, Reach::Answered)) => {
                    let away = self.rests.answered(node, now);
                    away.map(NodeState::Back)
                }
                Err((error, Reach::Unsent | Reach::Failed)) => {
                    let is_news = self.rests.failed(node, answers, now);
                    is_news.then_some(NodeState::Left(error))
                }
            };
            if let Some(state) = state {
                let Node { url, said } = self.get(node);
                (asking.tell)(&NodeChange::new(node, url.authority(), state, said));
            }
            let error = match asked {
                Err(error) if sent.into_inner() == 0 => error,
                asked => return (node, asked),
            };
            let told = match failed {
                Some(before) if weight(&before.1) >= weight(&error) => before,
                _ => (node, error),
            };
            left = asking.limit.saturating_sub(started.elapsed());
            match others.next().filter(|_| !left.is_zero()) {
                Some(next) => (node, failed) = (next, Some(told)),
                None => return (told.0, Err(told.1)),
            }
        }
    }
}

fn is_unsent<E: Failure>(error: &E) -> bool {
    error.reach() == Reach::Unsent
}

/// Which failure is told if no node takes a connection: what passes by itself before what does not, and what made somebody
/// wait before what was known at once. Of two that are alike, the first.
fn weight<E: Failure>(error: &E) -> (bool, bool) {
    (error.is_temporary(), error.is_time_out())
}
