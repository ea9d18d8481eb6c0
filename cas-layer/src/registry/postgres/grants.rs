//! Proxy-granting tickets in PostgreSQL. If a pair is lost, a sign-in has no PGT, and nothing else is wrong.

use std::time::Duration;

use tokio::sync::oneshot;

use super::{
    PostgresRegistry,
    failure::{Failure, away},
    notes::Kind,
    sealed,
};
use crate::{
    clock::UnixSeconds,
    registry::{
        Delivered, Expected, IouId, ProxyGrants, RegistryError, RegistryFuture, Sealed,
        grants::remote,
    },
};

/// The most pairs that are kept, for all nodes together: little more than 1 MB, if all have the greatest length.
const PAIRS: i64 = 1_024;

impl PostgresRegistry {
    async fn expect_pair(&self, lasts: Duration) -> Result<Expected, RegistryError> {
        if self.node().facts.is_away() {
            return Err(away());
        }
        let name = remote::new_name()?;
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
            let answer = sealed::deliver(&node, iou, &grant, PAIRS).await?;
            let delivered = remote::delivered(&answer).ok_or(Failure::Unexpected)?;
            if delivered == Delivered::Kept {
                node.delivered.note(iou);
            }
            Ok(delivered)
        })
        .await
    }

    async fn take_pair(&self, iou: IouId) -> Result<Option<Sealed>, RegistryError> {
        let (hand, taken) = oneshot::channel();
        let taking = self.run(move |node| async move {
            if node.facts.is_away() {
                return Err(away());
            }
            // Nobody waits any more, and the pair is somebody else's to take.
            if hand.is_closed() {
                return Ok(());
            }
            let grant = sealed::collect(&node, iou).await?;
            if let Err(Some(grant)) = hand.send(grant) {
                // Whoever asked has gone away, and somebody else may ask.
                sealed::deliver(&node, iou, &grant, i64::MAX).await?;
            }
            Ok(())
        });
        taking.await?;
        Ok(taken.await.unwrap_or_default())
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
        let delivered = &self.node().delivered;
        Box::pin(delivered.collect(iou, patience, move || self.take_pair(iou)))
    }
}
