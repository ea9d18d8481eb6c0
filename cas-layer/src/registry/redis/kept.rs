//! Counts for each source the unknown sessions that were kept since Redis lost something.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{
    protocol::LogoutRequest,
    registry::{LogoutSender, sender::LogoutShare},
};

/// Sources are counted under this many numbers, and several sources may share one.
const BUCKETS: usize = 1_024;

/// How many ids are kept for one source of the back channel and of the front channel: a CAS server that nobody listed,
/// and the browser of one person. A ticket takes two.
const FROM_ONE: [usize; 2] = [12_500, LogoutRequest::MAX_IDS];

/// Redis keeps a bounded number for each share, and never gets back what one source has used. So it is not enough
/// here that a source makes room when others come.
#[derive(Debug)]
pub(super) struct Kept([Vec<AtomicUsize>; 2]);

impl Kept {
    pub(super) fn new() -> Self {
        Self([(); 2].map(|()| (0..BUCKETS).map(|_| AtomicUsize::new(0)).collect()))
    }

    /// Whether this many more may be kept for this sender. Counts them if so.
    pub(super) fn take(&self, sender: LogoutSender, count: usize) -> bool {
        let Some((kept, limit)) = self.of(sender) else {
            return true;
        };
        kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
            kept.checked_add(count).filter(|&kept| kept <= limit)
        })
        .is_ok()
    }

    /// How many are kept for this sender, and the limit. `None` if they are not counted.
    fn of(&self, sender: LogoutSender) -> Option<(&AtomicUsize, usize)> {
        let which = match sender.share() {
            LogoutShare::Trusted => return None,
            LogoutShare::Back => 0,
            LogoutShare::Front => 1,
        };
        let bucket = sender.source()?.bucket(BUCKETS);
        Some((&self.0[which][bucket], FROM_ONE[which]))
    }

    /// Takes back from this sender's count what was not kept.
    pub(super) fn give_back(&self, sender: LogoutSender, count: usize) {
        if let Some((kept, _)) = self.of(sender) {
            let _ = kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
                Some(kept.saturating_sub(count))
            });
        }
    }

    /// Redis keeps none any more.
    pub(super) fn forget(&self) {
        for kept in self.0.iter().flatten() {
            kept.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::SourceId;

    #[test]
    fn a_source_has_so_many_kept_until_none_are_kept_any_more() {
        let kept = Kept::new();
        let source = |n: u32| Some(SourceId::of(&n));
        let browser = LogoutSender::front_channel(source(1));
        assert!(kept.take(browser, 62) && !kept.take(browser, 3) && kept.take(browser, 2));
        assert!(!kept.take(browser, 1));
        kept.give_back(browser, 2);
        assert!(!kept.take(browser, 3) && kept.take(browser, 2));
        let others = (2..12).map(source).map(LogoutSender::front_channel);
        // Ten of 1,024 numbers are all the same as the one that is full in no run that anybody will see.
        assert!(others.into_iter().any(|other| kept.take(other, 64)));
        let server = LogoutSender::back_channel(source(1));
        assert!(kept.take(server, 12_500) && !kept.take(server, 1));
        for unlimited in [
            LogoutSender::listed(source(1)),
            LogoutSender::app(),
            LogoutSender::back_channel(None),
            LogoutSender::front_channel(None),
        ] {
            assert!((0..1_000).all(|_| kept.take(unlimited, 64)));
        }
        kept.forget();
        assert!(kept.take(browser, 64) && kept.take(server, 12_500));
    }
}
