//! The validations at one CAS server: who may have a ticket validated.

use std::sync::Arc;

use super::{Peer, logins::Logins};
use crate::{session::LoginValue, turns::Turns};

/// How many may wait for each ticket that can be validated at once.
const WAITING_PER_SLOT: usize = 16;

/// The validations at one CAS server.
#[derive(Debug)]
pub(crate) struct Validations {
    /// Of tickets that browsers bring back from a login.
    pub(crate) browsers: Turns<Party>,
    /// Of tickets that any request may bring. Neither keeps the other waiting.
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

/// Those who wait in one line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    /// Who comes from one address.
    Peer(Peer),
    /// Who has begun one login: another place takes another login.
    Login(LoginValue),
    Anybody,
}
