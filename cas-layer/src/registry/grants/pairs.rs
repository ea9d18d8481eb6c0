//! The pairs of one process, in its memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::{Delivered, Expected, IouId, ProxyGrants};
use crate::{
    clock::UnixSeconds,
    registry::{RegistryFuture, Sealed},
};

/// The most pairs that are kept: less than 900 KB, if all have the greatest length. By default, the layer validates
/// 64 tickets at once, so most of this room is for pairs that nobody asked for.
const PAIRS: usize = 768;

/// [`ProxyGrants`] for a registry of one process. Nothing of it can fail. Pairs live for seconds, so they are in memory
/// even if the registry is not.
///
/// At most 768 pairs are kept, which take less than 900 KB. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct GrantPairs(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    delivered: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Until when each validation is expected.
    expected: HashMap<u64, UnixSeconds>,
    /// The name of the last of them.
    last: u64,
    pairs: HashMap<IouId, Pair>,
    /// When all of them were last searched for those that have expired.
    searched_at: UnixSeconds,
}

#[derive(Debug)]
struct Pair {
    grant: Sealed,
    until: UnixSeconds,
}

impl GrantPairs {
    fn expect_now(&self, lasts: Duration, now: UnixSeconds) -> Expected {
        // Rounded up, and never nothing.
        let until = now.saturating_add(lasts.as_secs()).saturating_add(1);
        let mut state = self.state();
        state.end_expired(now);
        state.last += 1;
        let name = state.last;
        state.expected.insert(name, until);
        drop(state);
        let pairs = self.clone();
        Expected::new(move || {
            let mut state = pairs.state();
            state.expected.remove(&name);
            state.forget_unexpected();
        })
    }

    fn deliver_now(&self, iou: IouId, grant: Sealed, now: UnixSeconds) -> Delivered {
        let delivered = self.state().deliver(iou, grant, now);
        if delivered == Delivered::Kept {
            self.0.delivered.notify_waiters();
        }
        delivered
    }

    async fn wait_for(&self, iou: IouId, patience: Duration, now: UnixSeconds) -> Option<Sealed> {
        // Mostly it is there, and no timer is needed.
        if let Some(grant) = self.take(iou, now) {
            return Some(grant);
        }
        let comes = async {
            loop {
                let mut next = pin!(self.0.delivered.notified());
                // From here on no delivery is missed.
                next.as_mut().enable();
                if let Some(grant) = self.take(iou, now) {
                    return grant;
                }
                next.await;
            }
        };
        timeout(patience, comes).await.ok()
    }

    fn take(&self, iou: IouId, now: UnixSeconds) -> Option<Sealed> {
        let pair = self.state().pairs.remove(&iou)?;
        (pair.until > now).then_some(pair.grant)
    }

    /// A panic elsewhere leaves the maps whole: every change is a single insert or remove.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProxyGrants for GrantPairs {
    fn expect(&self, lasts: Duration, now: UnixSeconds) -> RegistryFuture<'_, Expected> {
        Box::pin(async move { Ok(self.expect_now(lasts, now)) })
    }

    fn deliver(
        &self,
        iou: IouId,
        grant: Sealed,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Delivered> {
        Box::pin(async move { Ok(self.deliver_now(iou, grant, now)) })
    }

    fn collect(
        &self,
        iou: IouId,
        patience: Duration,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        Box::pin(async move { Ok(self.wait_for(iou, patience, now).await) })
    }
}

impl State {
    fn deliver(&mut self, iou: IouId, grant: Sealed, now: UnixSeconds) -> Delivered {
        self.end_expired(now);
        let Some(&until) = self.expected.values().max() else {
            return Delivered::Unexpected;
        };
        // Once a second at most: what comes from the network does not have all of them searched each time.
        if self.pairs.len() >= PAIRS && self.searched_at != now {
            self.searched_at = now;
            self.pairs.retain(|_, pair| pair.until > now);
        }
        let is_full = self.pairs.len() >= PAIRS;
        match self.pairs.entry(iou) {
            Entry::Occupied(mut entry) if entry.get().until <= now => {
                entry.insert(Pair { grant, until });
            }
            Entry::Occupied(_) => return Delivered::Twice,
            Entry::Vacant(_) if is_full => return Delivered::Full,
            Entry::Vacant(entry) => {
                entry.insert(Pair { grant, until });
            }
        }
        Delivered::Kept
    }

    fn end_expired(&mut self, now: UnixSeconds) {
        self.expected.retain(|_, until| *until > now);
        self.forget_unexpected();
    }

    fn forget_unexpected(&mut self) {
        if self.expected.is_empty() {
            // Not cleared: the memory goes, too.
            self.pairs = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_700_000_000;
    const LASTS: Duration = Duration::from_secs(40);

    fn iou(n: u64) -> IouId {
        IouId::of(&format!("PGTIOU-{n}"))
    }

    fn grant() -> Sealed {
        Sealed::new(vec![7; 300]).unwrap()
    }

    #[test]
    fn nothing_is_left_in_memory_when_nothing_is_expected() {
        let pairs = GrantPairs::default();
        let first = pairs.expect_now(LASTS, NOW);
        let second = pairs.expect_now(LASTS, NOW);
        for n in 0..2_000 {
            let _ = pairs.deliver_now(iou(n), grant(), NOW);
        }
        drop(first);
        assert_eq!(pairs.state().pairs.len(), PAIRS);
        drop(second);
        let state = pairs.state();
        assert_eq!(state.pairs.capacity(), 0);
        assert!(state.expected.is_empty());
    }

    #[test]
    fn who_forgets_to_end_a_validation_leaves_nothing_for_good() {
        let pairs = GrantPairs::default();
        for n in 0..1_000 {
            let now = NOW + n * 60;
            std::mem::forget(pairs.expect_now(LASTS, now));
            assert_eq!(pairs.deliver_now(iou(n), grant(), now), Delivered::Kept);
        }
        let state = pairs.state();
        assert_eq!((state.expected.len(), state.pairs.len()), (1, 1));
    }

    #[test]
    fn pairs_that_nobody_expects_any_more_make_room_for_others() {
        let pairs = GrantPairs::default();
        let _first = pairs.expect_now(LASTS, NOW);
        for n in 0..PAIRS as u64 {
            assert_eq!(pairs.deliver_now(iou(n), grant(), NOW), Delivered::Kept);
        }
        let soon = NOW + LASTS.as_secs();
        let _second = pairs.expect_now(LASTS, soon);
        assert_eq!(
            pairs.deliver_now(iou(1_000), grant(), soon),
            Delivered::Full
        );
        // The first validation has ended by its time, and the second one is on its way.
        let later = soon + 1;
        for n in 1_000..1_000 + PAIRS as u64 {
            assert_eq!(pairs.deliver_now(iou(n), grant(), later), Delivered::Kept);
        }
        let one_more = pairs.deliver_now(iou(2_000), grant(), later);
        assert_eq!(one_more, Delivered::Full);
        assert!(pairs.take(iou(1_000), later).is_some());
    }
}
