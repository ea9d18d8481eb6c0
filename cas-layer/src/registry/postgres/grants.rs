//! Proxy-granting tickets in PostgreSQL. If a pair is lost, a sign-in has no PGT, and nothing else is wrong.

use std::time::{Duration, Instant};

use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::sleep,
};

use super::{
    PostgresRegistry,
    failure::{Failure, away},
    notes::Kind,
    steps,
};
use crate::{
    clock::UnixSeconds,
    registry::{
        Delivered, Expected, IouId, ProxyGrants, RegistryError, RegistryErrorKind, RegistryFuture,
        Sealed,
    },
};

/// The most pairs that are kept, for all nodes together: little more than 1 MB, if all have the greatest length.
const PAIRS: i64 = 1_024;

/// The first and the longest pause before the next look for a pair that another node may have received.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(100));

impl PostgresRegistry {
    async fn expect_pair(&self, lasts: Duration) -> Result<Expected, RegistryError> {
        if self.node().facts.is_away() {
            return Err(away());
        }
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|error| {
            let message = "there is no randomness to name a validation with";
            RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error)
        })?;
        // Made first: a future that is dropped half-way may have told PostgreSQL already.
        let expected = Expected::new({
            let registry = self.clone();
            move || registry.node().notes.take_back(Kind::Unexpect, name)
        });
        let noted = self.node().notes.add(Kind::Expect, name, lasts);
        self.answer(noted).await.map(|()| expected)
    }

    async fn deliver_pair(&self, iou: IouId, grant: Sealed) -> Result<Delivered, RegistryError> {
        self.run(move |node| async move {
            if node.facts.is_away() {
                return Err(away());
            }
            // Never closed.
            let _turn = node.strangers.acquire().await;
            let delivered = match steps::deliver(&node, iou, &grant, PAIRS).await?.as_str() {
                "kept" => Delivered::Kept,
                "unexpected" => Delivered::Unexpected,
                "full" => Delivered::Full,
                "twice" => Delivered::Twice,
                _ => return Err(Failure::Unexpected.into()),
            };
            if delivered == Delivered::Kept {
                // Perhaps nobody waits here.
                let _ = node.delivered.send(iou);
            }
            Ok(delivered)
        })
        .await
    }

    async fn collect_pair(
        &self,
        iou: IouId,
        patience: Duration,
    ) -> Result<Option<Sealed>, RegistryError> {
        let started = Instant::now();
        // From here on no delivery to this node is missed.
        let mut delivered = self.node().delivered.subscribe();
        let mut pause = PAUSES.0;
        loop {
            if let Some(grant) = self.take_pair(iou).await? {
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

impl ProxyGrants for PostgresRegistry {
    fn expect(&self, lasts: Duration, _: UnixSeconds) -> RegistryFuture<'_, Expected> {
        Box::pin(self.expect_pair(lasts))
    }

    fn deliver(&self, iou: IouId, grant: Sealed, _: UnixSeconds) -> RegistryFuture<'_, Delivered> {
        Box::pin(self.deliver_pair(iou, grant))
    }

    fn collect(
        &self,
        iou: IouId,
        patience: Duration,
        _: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        Box::pin(self.collect_pair(iou, patience))
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
