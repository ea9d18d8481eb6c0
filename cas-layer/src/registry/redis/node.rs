//! One node: what its registry knows. The handles of the app share it, and the [tasks](super::tasks) keep it in touch
//! with Redis.

use super::{
    connection::{Connection, Connector},
    facts::Facts,
    failure::Failure,
    kept::Kept,
    keys::Keys,
    link::Link,
    pairs::Pairs,
    queue::Queue,
    scripts::{Lasting, Standing},
    seen::Seen,
};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{EndedSessions, LONGEST, turns::Turns},
    session::SessionId,
};

#[derive(Debug)]
pub(super) struct Node {
    pub(super) connector: Connector,
    pub(super) keys: Keys,
    pub(super) min_replicas: u32,
    pub(super) ended: EndedSessions,
    pub(super) facts: Facts,
    pub(super) queue: Queue,
    /// Of messages from the network whose sessions are looked for.
    pub(super) turns: Turns,
    pub(super) kept: Kept,
    pub(super) seen: Seen,
    pub(super) link: Link,
    pub(super) pairs: Pairs,
}

impl Node {
    /// A session with what is left of its life, which is noted too.
    pub(super) fn lasting(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Lasting {
        let seconds = expires_at.saturating_sub(now).min(LONGEST);
        self.facts.saw_lifetime(seconds);
        Lasting {
            id,
            expires_at,
            seconds,
        }
    }

    /// Takes over what Redis says of the registry as a whole.
    pub(super) fn learn(&self, standing: &Standing) {
        self.facts
            .redis_says(standing.micros, standing.number, standing.asked);
        self.facts.saw_lifetime(standing.longest);
        self.set_recovering(standing.is_recovering);
    }

    pub(super) fn set_recovering(&self, recovering: bool) {
        if self.facts.set_recovering(recovering) && !recovering {
            self.seen.forget();
            self.kept.forget();
        }
    }

    /// Reports how the call went on this connection, and replaces a connection on which it failed.
    pub(super) fn checked<T>(
        &self,
        connection: &Connection,
        result: Result<T, Failure>,
    ) -> Result<T, Failure> {
        result.inspect_err(|failure| {
            if failure.breaks_connection() {
                self.link.give_up(connection);
            }
        })
    }
}

/// Seconds since the epoch, by this machine's clock.
pub(super) fn now() -> UnixSeconds {
    Clock::System.now()
}
