//! A node of the CAS server is left, or is back.

use std::{error::Error, fmt, time::Duration};

use crate::{client::sources::sources_of, seldom::Seldom};

/// Which node, and what has become of it.
pub(crate) struct NodeChange<'e> {
    /// From 0 on.
    node: usize,
    server: &'e str,
    state: NodeState<'e>,
    said: &'e Said,
}

/// What the log has said of a node.
#[derive(Debug, Default)]
pub(super) struct Said {
    left: Seldom,
    back: Seldom,
}

/// What has become of a node.
#[derive(Clone, Copy)]
pub(super) enum NodeState<'e> {
    /// It failed, for this reason.
    Left(&'e (dyn Error + 'static)),
    /// It answers again, after this time.
    Back(Duration),
}

impl<'e> NodeChange<'e> {
    /// `server` is the node's host and port.
    pub(super) fn new(node: usize, server: &'e str, state: NodeState<'e>, said: &'e Said) -> Self {
        Self {
            node,
            server,
            state,
            said,
        }
    }

    /// The node's number as operators count, of a short list: 1 is the main one.
    pub(crate) fn number(&self) -> &'static str {
        const NUMBERS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        NUMBERS.get(self.node).copied().unwrap_or("9")
    }

    /// What has become of it, in one word.
    pub(crate) fn state(&self) -> &'static str {
        match self.state {
            NodeState::Left(_) => "left",
            NodeState::Back(_) => "back",
        }
    }

    /// Writes its line, also for a client without a layer. A stranger who knows tickets for which the server takes long can
    /// cause it, where few others sign in, so what is repeated within 10 seconds is said at debug level.
    pub(crate) fn log(&self) {
        macro_rules! say {
            ($level:ident, $unsaid:expr, $($line:tt)+) => {
                tracing::$level!(
                    target: "cas_layer",
                    event = "cas-node",
                    state = self.state(),
                    node = self.number(),
                    cas_server = self.server,
                    unsaid = $unsaid,
                    $($line)+
                )
            };
        }
        let unsaid = match self.state {
            NodeState::Left(_) => self.said.left.ask(),
            NodeState::Back(_) => self.said.back.ask(),
        };
        let more = unsaid.filter(|&lines| lines > 0);
        match (self.state, unsaid) {
            (NodeState::Left(error), Some(_)) => {
                say!(warn, more, %error, source = sources_of(error), "{LEFT}");
            }
            (NodeState::Left(error), None) => {
                say!(debug, more, %error, source = sources_of(error), "{LEFT}");
            }
            (NodeState::Back(after), Some(_)) => {
                say!(info, more, seconds = after.as_secs_f64(), "{BACK}");
            }
            (NodeState::Back(after), None) => {
                say!(debug, more, seconds = after.as_secs_f64(), "{BACK}");
            }
        }
    }
}

const LEFT: &str = "a node of the CAS server failed: others are asked before it, but for one ticket every 30 seconds that \
                    finds out whether it is back";
const BACK: &str = "a node of the CAS server answers again";

impl fmt::Debug for NodeChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeChange")
            .field("number", &self.number())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
