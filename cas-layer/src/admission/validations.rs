//! The validations at one CAS server: which tickets may be validated now.

use std::{sync::Arc, time::Duration};

use super::{breaker::Breaker, logins::Logins, party::Party, tabs::Tabs};
use crate::turns::Turns;

/// How many may wait for each ticket that can be validated at once.
const WAITING_PER_SLOT: usize = 16;

/// How long somebody may wait for an answer of the CAS server, as far as it is up to those before them.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The validations at one CAS server.
#[derive(Debug)]
pub(crate) struct Validations {
    /// For tickets that browsers bring back from a login.
    pub(crate) browsers: Turns<Party>,
    /// For tickets that any request may bring. Neither keeps the other waiting.
    pub(crate) programs: Turns<Party>,
    pub(crate) logins: Arc<Logins>,
    pub(crate) tabs: Tabs,
    /// Shared by all who ask the server, also for proxy tickets.
    pub(crate) breaker: Breaker,
}

impl Validations {
    /// `limit` tickets of each kind at once.
    pub(crate) fn new(limit: usize) -> Self {
        let turns = || Turns::brisk(limit, limit.saturating_mul(WAITING_PER_SLOT), PATIENCE);
        Self {
            browsers: turns(),
            programs: turns(),
            logins: Arc::default(),
            tabs: Tabs::default(),
            breaker: Breaker::default(),
        }
    }
}
