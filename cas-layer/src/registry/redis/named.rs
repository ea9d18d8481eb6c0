//! Sessions that a message from the network names. Nearly all messages of strangers name sessions that nobody has. A
//! read finds that out; few reads run at once, and they take no room in the queue.

use tokio::time::{Instant, timeout_at};

use super::{
    RedisRegistry,
    failure::Failure,
    flush,
    queue::{Ending, no_room_for_unknown},
    scripts::{self, Found, WhenUnknown},
};
use crate::{
    clock::UnixSeconds,
    registry::{LogoutSender, RegistryError, RegistryErrorKind, recent::RecentLogout},
    seldom::{Seldom, seldom},
    session::SessionId,
};

impl RedisRegistry {
    pub(super) async fn end_named(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> Result<Vec<SessionId>, RegistryError> {
        let until = Instant::now() + self.timeout();
        let looked = timeout_at(until, self.look_for(&ids, sender));
        let (ids, kept, is_all) = match looked.await {
            Ok(Ok(Some(found))) => self.worth_ending(found, sender, now),
            // Redis is away or busy, so it has to be asked later.
            Ok(Ok(None)) | Err(_) => (ids, 0, true),
            Ok(Err(error)) => return Err(error),
        };
        let mut ended = Vec::new();
        if !ids.is_empty() {
            let pushed = self.push(Ending::IfOpened { ids, sender, now });
            let result = self.ended_in_redis(pushed, until).await;
            if let Err(error) = &result
                && error.kind() == RegistryErrorKind::Full
            {
                // There was no room in the queue or in Redis.
                self.0.node.kept.give_back(sender, kept);
            }
            ended = result?;
        }
        if is_all {
            Ok(ended)
        } else {
            Err(no_room_for_unknown())
        }
    }

    /// `None` where Redis does not say.
    async fn look_for(
        &self,
        ids: &[SessionId],
        sender: LogoutSender,
    ) -> Result<Option<Found>, RegistryError> {
        let node = &self.0.node;
        if node.link.current().is_none() {
            return Ok(None);
        }
        let turn = node.turns.take(sender).await?;
        // Another one, perhaps, after some waiting.
        let Some(connection) = node.link.current() else {
            return Ok(None);
        };
        let found = scripts::find(&connection, &node.keys, ids, sender.share()).await;
        drop(turn);
        let found = match found {
            // What Redis does not know may have expired too early.
            Ok(found) if !found.unknown.is_empty() && node.facts.has_jumped(&found.time) => {
                Err(Failure::Lost)
            }
            found => found,
        };
        match node.checked(&connection, found) {
            // A master that was replaced has no replicas any more. It need not know what the new one knows.
            Ok(found)
                if node.min_replicas > 0
                    && !found.unknown.is_empty()
                    && !connection.replicas().have_all().await =>
            {
                Err(flush::not_replicated())
            }
            Ok(found) => Ok(Some(found)),
            Err(failure) => {
                if failure.is_not_permitted() {
                    static NOT_PERMITTED: Seldom = Seldom::new();
                    seldom!(
                        warn,
                        NOT_PERMITTED,
                        "Redis does not permit MGET, so logouts of unknown sessions take room from those of known ones"
                    );
                }
                Ok(None)
            }
        }
    }

    /// The sessions that Redis has to be told of, how many of them were counted as kept, and whether that is all that
    /// has to be remembered.
    fn worth_ending(
        &self,
        found: Found,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> (Vec<SessionId>, usize, bool) {
        let node = &self.0.node;
        for &id in &found.ended {
            node.heard_of_end(id, now);
        }
        let mut ids = found.live;
        if node.min_replicas > 0 {
            // That they have ended is to be confirmed by the replicas, too.
            ids.extend(found.ended);
        }
        let unknown = found.unknown;
        if found.when_unknown == WhenUnknown::Forget {
            node.unknown.note(RecentLogout {
                ids: unknown,
                sender,
                now,
            });
            return (ids, 0, true);
        }
        if unknown.is_empty() {
            return (ids, 0, true);
        }
        let is_kept =
            found.when_unknown == WhenUnknown::Keep && node.kept.take(sender, unknown.len());
        let mut kept = 0;
        if is_kept {
            kept = unknown.len();
            // Should Redis lose the count, it gets it back from the nodes.
            let count = u64::from(found.kept).saturating_add(kept as u64);
            node.facts.saw_kept_of(sender.share(), count);
            ids.extend(unknown);
        }
        (ids, kept, is_kept)
    }
}
