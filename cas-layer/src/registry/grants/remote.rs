//! What registries at a server have in common about pairs.

use std::time::{Duration, Instant};

use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::sleep,
};

use super::{Delivered, IouId};
use crate::registry::{RegistryError, RegistryErrorKind, Sealed};

/// The first and the longest pause before the next look for a pair that another node may have received.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(100));

/// The pairs that a node was brought, for those who wait there.
#[derive(Debug)]
pub(in crate::registry) struct Deliveries(broadcast::Sender<IouId>);

impl Deliveries {
    pub(in crate::registry) fn new() -> Self {
        Self(broadcast::Sender::new(64))
    }

    /// This node was brought a pair.
    pub(in crate::registry) fn note(&self, iou: IouId) {
        // Perhaps nobody waits here.
        let _ = self.0.send(iou);
    }

    /// Looks for a pair until it is there, or for as long as `patience`. `take` looks once.
    pub(in crate::registry) async fn collect<F>(
        &self,
        iou: IouId,
        patience: Duration,
        take: impl Fn() -> F,
    ) -> Result<Option<Sealed>, RegistryError>
    where
        F: Future<Output = Result<Option<Sealed>, RegistryError>>,
    {
        let started = Instant::now();
        // From here on no delivery to this node is missed.
        let mut delivered = self.0.subscribe();
        let mut pause = PAUSES.0;
        loop {
            if let Some(grant) = take().await? {
                return Ok(Some(grant));
            }
            let left = patience.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            tokio::select! {
                () = comes(&mut delivered, iou) => {}
                () = sleep(pause.min(left)) => pause = pause.saturating_mul(2).min(PAUSES.1),
            }
        }
    }
}

/// Returns when this node received the pair, or may have received it.
async fn comes(delivered: &mut broadcast::Receiver<IouId>, iou: IouId) {
    loop {
        match delivered.recv().await {
            Ok(other) if other != iou => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            // The node is there for as long as its registry.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// A name for a validation that no other has.
pub(in crate::registry) fn new_name() -> Result<[u8; 16], RegistryError> {
    let mut name = [0; 16];
    getrandom::fill(&mut name).map_err(|error| {
        let message = "there is no randomness to name a validation with";
        RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error)
    })?;
    Ok(name)
}

/// What the server says became of a pair.
pub(in crate::registry) fn delivered(answer: &str) -> Option<Delivered> {
    Some(match answer {
        "kept" => Delivered::Kept,
        "unexpected" => Delivered::Unexpected,
        "full" => Delivered::Full,
        "twice" => Delivered::Twice,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn iou(n: u64) -> IouId {
        IouId::of(&format!("PGTIOU-{n}"))
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_looks_again_at_once_when_the_pair_comes_and_not_for_another_pair() {
        let deliveries = Deliveries::new();
        let (looks, is_there) = (Cell::new(0), Cell::new(false));
        let take = || {
            looks.set(looks.get() + 1);
            let grant = is_there.get().then(|| Sealed::new(vec![7]).unwrap());
            async move { Ok(grant) }
        };
        let mut waiting = pin!(deliveries.collect(iou(1), Duration::from_secs(30), take));
        // No time passes, so nobody looks again by itself.
        let mut context = Context::from_waker(Waker::noop());
        let mut poll = || waiting.as_mut().poll(&mut context);
        assert!(poll().is_pending());
        assert_eq!(looks.get(), 1);
        deliveries.note(iou(2));
        assert!(poll().is_pending());
        assert_eq!(looks.get(), 1);
        // One of so many may have been it.
        for n in 100..200 {
            deliveries.note(iou(n));
        }
        assert!(poll().is_pending());
        assert_eq!(looks.get(), 2);
        is_there.set(true);
        deliveries.note(iou(1));
        let collected = poll();
        assert!(matches!(collected, Poll::Ready(Ok(Some(_)))));
        assert_eq!(looks.get(), 3);
    }

    #[tokio::test]
    async fn who_has_no_patience_looks_once() {
        let looks = Cell::new(0);
        let take = || {
            looks.set(looks.get() + 1);
            async { Ok(None) }
        };
        let deliveries = Deliveries::new();
        let collected = deliveries.collect(iou(1), Duration::ZERO, take).await;
        assert_eq!((collected.unwrap(), looks.get()), (None, 1));
    }
}
