//! Logouts of sessions that Redis did not know. Redis may have been wrong: an old master that does not know yet that it
//! was replaced, or a clock that went wrong. So when it shows that something was lost, Redis is told of them again.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use super::{fair::Fair, queue::Ending};
use crate::{
    clock::UnixSeconds,
    protocol::LogoutRequest,
    registry::{LogoutSender, sender::LogoutShare},
    session::SessionId,
};

/// How many ids are remembered, two for each ticket: of listed senders, of the back channel, and of the front channel.
const ROOM: [usize; LogoutShare::COUNT] = [10_000, 5_000, 5_000];

/// The most recent ones. Within a share, a source with many loses its oldest to others.
#[derive(Debug)]
pub(super) struct Unknown(Mutex<[Fair<Ending>; LogoutShare::COUNT]>);

impl Unknown {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Self::none()))
    }

    fn none() -> [Fair<Ending>; LogoutShare::COUNT] {
        let [listed, back, front] = ROOM;
        [
            Fair::new(listed, usize::MAX),
            Fair::new(back, usize::MAX),
            // One browser has one message.
            Fair::new(front, LogoutRequest::MAX_IDS),
        ]
    }

    pub(super) fn note(&self, sender: LogoutSender, ids: Vec<SessionId>, now: UnixSeconds) {
        if ids.is_empty() {
            return;
        }
        let size = ids.len();
        let ending = Ending::IfOpened { ids, sender, now };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[sender.share().index()].add_recent(sender.source(), size, ending);
    }

    /// Hands them out, and forgets them.
    pub(super) fn take(&self) -> impl Iterator<Item = Ending> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = mem::replace(&mut *all, Self::none());
        all.into_iter().flat_map(Fair::into_items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::SourceId;

    fn id(n: usize) -> SessionId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        id.into()
    }

    fn taken(unknown: &Unknown) -> Vec<SessionId> {
        let ids = unknown.take().flat_map(|ending| match ending {
            Ending::IfOpened { ids, .. } => ids,
            Ending::Session(_) | Ending::Account(_) => Vec::new(),
        });
        ids.collect()
    }

    #[test]
    fn the_most_recent_of_each_source_are_handed_out_once() {
        let unknown = Unknown::new();
        let back = |source: u32| LogoutSender::back_channel(Some(SourceId::of(&source)));
        unknown.note(back(2), vec![id(900_000)], 1);
        // A flood loses its own oldest.
        for n in 0..2 * ROOM[1] {
            unknown.note(back(1), vec![id(n)], 1);
        }
        let browser = LogoutSender::front_channel(Some(SourceId::of(&1)));
        for n in 1_000_000..1_000_100 {
            unknown.note(browser, vec![id(n)], 1);
        }
        unknown.note(LogoutSender::listed(None), Vec::new(), 1);
        let ids = taken(&unknown);
        assert_eq!(ids.len(), ROOM[1] + LogoutRequest::MAX_IDS);
        for kept in [900_000, ROOM[1] + 1, 2 * ROOM[1] - 1, 1_000_099] {
            assert!(ids.contains(&id(kept)), "{kept}");
        }
        for lost in [0, ROOM[1], 1_000_000] {
            assert!(!ids.contains(&id(lost)), "{lost}");
        }
        assert_eq!(taken(&unknown), []);
    }
}
