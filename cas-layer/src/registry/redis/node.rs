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
    queue::{Ending, Queue},
    scripts::{Lasting, Standing},
};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{
        EndedSessions, LONGEST,
        recent::{RecentLogout, RecentLogouts},
        run_time::Moment,
        seen::Seen,
        turns::Turns,
    },
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
    pub(super) unknown: RecentLogouts,
}

impl Node {
    /// A session with what is left of its life, which is noted too. If that is more than a session can last, the clock of this machine is
    /// wrong, and it is as much as the longest one has.
    pub(super) fn lasting(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Lasting {
        let seconds = match expires_at.saturating_sub(now) {
            left if left > LONGEST => self.facts.longest(),
            left => left,
        };
        self.saw_lifetime(seconds);
        Lasting {
            id,
            expires_at,
            seconds,
        }
    }

    /// Notes that a session may last for so many seconds.
    pub(super) fn saw_lifetime(&self, seconds: UnixSeconds) {
        self.facts.saw_lifetime(seconds);
        self.ended.saw_lifetime(seconds);
    }

    /// Now, for what is learned of ends.
    pub(super) fn moment(&self) -> Moment {
        self.ended.run_time().at(Clock::System.now())
    }

    /// Redis says that a session has ended, and not when it would have expired. The news may not be read yet.
    pub(super) fn heard_of_end(&self, id: SessionId, now: UnixSeconds) {
        // First of all nobody takes a mark back any more.
        self.ended.confirm(id);
        if !self.ended.contain_id(id) {
            let expires_at = now.saturating_add(self.facts.longest());
            self.ended.end(id, expires_at, now);
        }
    }

    /// Takes over what Redis says of the registry as a whole.
    pub(super) fn learn(&self, standing: &Standing, has_lost: bool) {
        if has_lost {
            // The time and the base of before say how numbers have to go on, until that is done.
            self.facts.saw_number(standing.number);
        } else {
            self.facts
                .redis_says(standing.time.micros, standing.number, standing.time.asked);
            self.facts.set_base(standing.base);
        }
        self.facts.saw_kept(standing.kept);
        self.saw_lifetime(standing.longest);
        // A Redis that has lost everything does not know that it has.
        if standing.is_recovering || !has_lost {
            self.set_recovering(standing.is_recovering);
        }
    }

    pub(super) fn set_recovering(&self, recovering: bool) {
        if self.facts.set_recovering(recovering) && !recovering {
            self.seen.forget();
            self.kept.forget();
            self.facts.forget_kept();
        }
        if recovering {
            // Redis may not have known them because it had lost them.
            for RecentLogout { ids, sender, now } in self.unknown.take() {
                let ending = Ending::IfOpened { ids, sender, now };
                // Nobody waits for the answer. What finds no room in the queue is forgotten.
                let _ = self.queue.push(ending, &self.ended, self.facts.longest());
            }
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
