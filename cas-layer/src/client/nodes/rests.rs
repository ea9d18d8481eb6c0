//! Which nodes rest because they have failed.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// How long a node that has failed is asked after the others.
pub(crate) const REST: Duration = Duration::from_secs(30);

/// What is known of the nodes. The lock is held for a look at a list of at most nine, and never while anybody waits.
#[derive(Debug)]
pub(super) struct Rests(Mutex<State>);

#[derive(Debug)]
struct State {
    nodes: Vec<Node>,
    /// Which one answered last.
    last: usize,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// How many requests it has answered, whatever it said.
    answers: u64,
    /// Since it has failed, until it answers.
    left: Option<Left>,
}

#[derive(Clone, Debug)]
struct Left {
    since: SystemTime,
    /// When it was last asked, or found out to be down.
    asked_at: SystemTime,
}

impl Left {
    /// A clock that is set back ends a rest, so none is longer than it should be.
    fn rests(&self, now: SystemTime) -> bool {
        let asked = now.duration_since(self.asked_at);
        asked.is_ok_and(|since| since < REST)
    }
}

impl Rests {
    pub(super) fn of(nodes: usize) -> Self {
        Self(Mutex::new(State {
            nodes: vec![Node::default(); nodes],
            last: 0,
        }))
    }

    /// The node to ask first, and those to ask after it. The first one that does not rest is the first here: the main one
    /// wherever possible. Those that rest come last, and of these the one that answered last comes first.
    ///
    /// A node whose rest is over is asked by one request, and rests for the others until its end is known. So if it takes
    /// no connection, one visitor waits for that and not all of them.
    pub(super) fn order(&self, now: SystemTime) -> (usize, Vec<usize>) {
        let state = &mut *self.state();
        let rests = |node: &Node| node.left.as_ref().is_some_and(|left| left.rests(now));
        let mut order: Vec<(usize, bool)> = state.nodes.iter().map(rests).enumerate().collect();
        // A stable sort: the rest is in the order of the configuration.
        order.sort_by_key(|&(node, rests)| (rests, rests && node != state.last));
        let mut order = order.into_iter().map(|(node, _)| node);
        let first = order.next().unwrap_or(0);
        if let Some(Node {
            left: Some(left), ..
        }) = state.nodes.get_mut(first)
        {
            left.asked_at = now;
        }
        (first, order.collect())
    }

    /// Whether there is no node that does not rest.
    pub(super) fn all_rest(&self, now: SystemTime) -> bool {
        let rests = |node: &Node| node.left.as_ref().is_some_and(|left| left.rests(now));
        self.state().nodes.iter().all(rests)
    }

    /// How many requests a node has answered.
    pub(super) fn answers(&self, node: usize) -> u64 {
        self.state().nodes.get(node).map_or(0, |node| node.answers)
    }

    /// A node has answered. If it had failed before, this is how long it was away.
    pub(super) fn answered(&self, node: usize, now: SystemTime) -> Option<Duration> {
        let state = &mut *self.state();
        state.last = node;
        let node = state.nodes.get_mut(node)?;
        node.answers = node.answers.wrapping_add(1);
        let left = node.left.take()?;
        Some(now.duration_since(left.since).unwrap_or_default())
    }

    /// A node has failed. It rests, unless it has answered somebody since this request was begun, when it had given so many
    /// `answers`: then it is up, and slow or broken for one ticket alone. Returns whether this is news.
    pub(super) fn failed(&self, node: usize, answers: u64, now: SystemTime) -> bool {
        let state = &mut *self.state();
        if state.nodes.len() < 2 {
            return false;
        }
        let Some(node) = state.nodes.get_mut(node) else {
            return false;
        };
        if node.answers != answers {
            return false;
        }
        let is_news = node.left.is_none();
        let since = node.left.as_ref().map_or(now, |left| left.since);
        node.left = Some(Left {
            since,
            asked_at: now,
        });
        is_news
    }

    // A panic elsewhere leaves all of it good enough to go on with.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
