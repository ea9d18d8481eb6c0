//! The validations at one CAS server: which tickets may be validated now.

use std::sync::Arc;

use super::{Peer, logins::Logins};
use crate::{session::LoginValue, turns::Turns};

/// How many may wait for each ticket that can be validated at once.
const WAITING_PER_SLOT: usize = 16;

/// The validations at one CAS server.
#[derive(Debug)]
pub(crate) struct Validations {
    /// For tickets that browsers bring back from a login.
    pub(crate) browsers: Turns<Party>,
    /// For tickets that any request may bring. Neither keeps the other waiting.
    pub(crate) programs: Turns<Party>,
    pub(crate) logins: Arc<Logins>,
}

impl Validations {
    /// `limit` tickets of each kind at once.
    pub(crate) fn new(limit: usize) -> Self {
        let turns = || Turns::new(limit, limit.saturating_mul(WAITING_PER_SLOT));
        Self {
            browsers: turns(),
            programs: turns(),
            logins: Arc::default(),
        }
    }
}

/// Requests that wait in one line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    /// Requests from one address.
    Peer(Peer),
    /// Requests of one login: another place takes another login.
    Login(LoginValue),
    Anybody,
}
