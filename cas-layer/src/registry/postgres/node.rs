//! One node: what its registry knows. The handles of the app share it, and its tasks keep it in touch with PostgreSQL.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, Semaphore};

use super::{
    connection, facts::Facts, failure::Failure, notes::Notes, queue::Queue, schema::Schema,
};
use crate::{
    clock::UnixSeconds,
    registry::{
        AccountId, EndedSessions, grants::remote::Deliveries, recent::RecentLogouts, seen::Seen,
        turns::Turns,
    },
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
    /// For everything that one call does, whatever happens at PostgreSQL.
    pub(super) timeout: Duration,
    pub(super) ended: EndedSessions,
    pub(super) facts: Facts,
    pub(super) notes: Notes,
    pub(super) queue: Queue,
    /// Of messages from the network whose sessions are looked for.
    pub(super) turns: Turns,
    /// Of calls from the network, so that they leave connections to sign-ins.
    pub(super) strangers: Semaphore,
    pub(super) delivered: Deliveries,
    /// Sessions whose cookies were seen since something was lost.
    pub(super) seen: Seen,
    /// Logouts of which PostgreSQL could not be told.
    pub(super) unheard: RecentLogouts,
    /// Logouts of sessions that PostgreSQL did not know. It is told again only if it may have lost them.
    pub(super) unknown: RecentLogouts,
    /// PostgreSQL is to be told of those logouts again.
    pub(super) again: Notify,
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
    /// Makes a call on a connection of the pool.
    pub(super) async fn call<T>(
        &self,
        call: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        connection::call(&self.pool, self.timeout, call).await
    }

    /// Notes that a session may last for so many seconds.
    pub(super) fn saw_lifetime(&self, seconds: UnixSeconds) {
        self.facts.saw_lifetime(seconds);
        self.ended.saw_lifetime(seconds);
    }

    /// Notes until when sessions of before a loss may be live: see [`Standing`](super::steps::Standing).
    pub(super) fn set_recovering(&self, until: i64) {
        // It is another one after another loss. What PostgreSQL was told since the one before may be lost again.
        if self.facts.set_recovering(until) {
            self.seen.forget();
        }
    }

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
