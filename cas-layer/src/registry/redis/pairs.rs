//! What a node knows of pairs of proxy grants.

use tokio::sync::Semaphore;

use crate::registry::grants::remote::Deliveries;

/// How many calls from the network are brought to Redis at once. The others wait, so that sign-ins do not have to
/// wait for all of them.
const DELIVERIES: usize = 16;

/// What a node does with pairs.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) deliveries: Semaphore,
    pub(super) delivered: Deliveries,
}

impl Pairs {
    pub(super) fn new() -> Self {
        Self {
            deliveries: Semaphore::new(DELIVERIES),
            delivered: Deliveries::new(),
        }
    }
}
