//! What a node knows of pairs of proxy grants.

use tokio::sync::{Semaphore, broadcast};

use crate::registry::IouId;

/// How many calls from the network are brought to Redis at once. The others wait, so that sign-ins do not have to
/// wait for all of them.
const DELIVERIES: usize = 16;

/// What a node does with pairs.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) deliveries: Semaphore,
    /// The pairs that this node was brought, for those who wait here.
    pub(super) delivered: broadcast::Sender<IouId>,
}

impl Pairs {
    pub(super) fn new() -> Self {
        Self {
            deliveries: Semaphore::new(DELIVERIES),
            delivered: broadcast::Sender::new(64),
        }
    }
}
