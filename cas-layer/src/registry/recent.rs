//! Logouts of sessions that a server did not know, or of which it could not be told. It may have been wrong: an old master
//! that does not know yet that it was replaced, a clock that went wrong, a server that has lost something. So it is told of
//! them again.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use super::{LogoutSender, fair::Fair, sender::LogoutShare};
use crate::{clock::UnixSeconds, protocol::LogoutRequest, session::SessionId};

/// How many ids are remembered, two for each ticket: of listed senders, of the back channel, and of the front channel.
const ROOM: [usize; LogoutShare::COUNT] = [10_000, 5_000, 5_000];

/// Such a logout.
#[derive(Debug)]
pub(super) struct RecentLogout {
    pub(super) ids: Vec<SessionId>,
    pub(super) sender: LogoutSender,
    /// When it came.
    pub(super) now: UnixSeconds,
}

/// The most recent ones. Within a share, a source with many loses its oldest to others.
#[derive(Debug)]
pub(super) struct RecentLogouts(Mutex<[Fair<RecentLogout>; LogoutShare::COUNT]>);

impl RecentLogouts {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Self::none()))
    }

    fn none() -> [Fair<RecentLogout>; LogoutShare::COUNT] {
        let [listed, back, front] = ROOM;
        [
            Fair::new(listed, usize::MAX),
            Fair::new(back, usize::MAX),
            // One browser has one message.
            Fair::new(front, LogoutRequest::MAX_IDS),
        ]
    }

    pub(super) fn note(&self, logout: RecentLogout) {
        let size = logout.ids.len();
        if size == 0 {
            return;
        }
        let sender = logout.sender;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[sender.share().index()].add_recent(sender.source(), size, logout);
    }

    /// Hands them out, and forgets them.
    pub(super) fn take(&self) -> impl Iterator<Item = RecentLogout> + use<> {
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

    fn taken(recent: &RecentLogouts) -> Vec<SessionId> {
        recent.take().flat_map(|logout| logout.ids).collect()
    }

    fn note(recent: &RecentLogouts, sender: LogoutSender, ids: Vec<SessionId>) {
        let now = 1;
        recent.note(RecentLogout { ids, sender, now });
    }

    #[test]
    fn the_most_recent_of_each_source_are_handed_out_once() {
        let recent = RecentLogouts::new();
        let back = |source: u32| LogoutSender::back_channel(Some(SourceId::of(&source)));
        note(&recent, back(2), vec![id(900_000)]);
        // A flood loses its own oldest.
        for n in 0..2 * ROOM[1] {
            note(&recent, back(1), vec![id(n)]);
        }
        let browser = LogoutSender::front_channel(Some(SourceId::of(&1)));
        for n in 1_000_000..1_000_100 {
            note(&recent, browser, vec![id(n)]);
        }
        note(&recent, LogoutSender::listed(None), Vec::new());
        let ids = taken(&recent);
        assert_eq!(ids.len(), ROOM[1] + LogoutRequest::MAX_IDS);
        for kept in [900_000, ROOM[1] + 1, 2 * ROOM[1] - 1, 1_000_099] {
            assert!(ids.contains(&id(kept)), "{kept}");
        }
        for lost in [0, ROOM[1], 1_000_000] {
            assert!(!ids.contains(&id(lost)), "{lost}");
        }
        assert_eq!(taken(&recent), []);
    }
}
