//! One node: what its registry knows. The handles of the app share it, and its tasks keep it in touch with PostgreSQL.

use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore, broadcast};

use super::{facts::Facts, notes::Notes, queue::Queue, schema::Schema};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{AccountId, EndedSessions, IouId, turns::Turns},
    session::SessionId,
};

/// Something that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Session {
        id: SessionId,
        expires_at: UnixSeconds,
    },
    Account {
        account: AccountId,
        number: u64,
        expires_at: UnixSeconds,
    },
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) pool: PgPool,
    pub(super) schema: Schema,
    /// In seconds.
    pub(super) longest_lifetime: UnixSeconds,
    pub(super) ended: EndedSessions,
    pub(super) facts: Facts,
    pub(super) notes: Notes,
    pub(super) queue: Queue,
    /// Of messages from the network whose sessions are looked for.
    pub(super) turns: Turns,
    /// Of calls from the network, so that they leave connections to sign-ins.
    pub(super) strangers: Semaphore,
    /// The pairs that this node was brought, for those who wait here.
    pub(super) delivered: broadcast::Sender<IouId>,
    pub(super) ears: Ears,
}

/// What wakes those who read.
#[derive(Debug, Default)]
pub(super) struct Ears {
    /// Some node has ended something.
    pub(super) news: Notify,
    /// Notifications do not come as they should.
    pub(super) is_deaf: Notify,
}

impl Node {
    pub(super) fn apply(&self, end: End, now: UnixSeconds) {
        match end {
            End::Session { id, expires_at } => self.ended.end(id, expires_at, now),
            End::Account {
                account,
                number,
                expires_at,
            } => {
                self.facts.saw_number(number);
                self.ended.end_all(account, number, expires_at, now);
            }
        }
    }
}

/// Seconds since the epoch, by this machine's clock.
pub(super) fn now() -> UnixSeconds {
    Clock::System.now()
}
