//! What a registry in memory keeps of proxy-granting tickets.

use std::time::Duration;

use super::{MemoryRegistry, ready};
use crate::{
    clock::UnixSeconds,
    registry::{Delivered, Expected, IouId, ProxyGrants, RegistryFuture, SealedGrant},
    session::SessionId,
};

impl ProxyGrants for MemoryRegistry {
    fn expect(&self, lasts: Duration, now: UnixSeconds) -> RegistryFuture<'_, Expected> {
        ready(Ok(self.0.pairs.expect(lasts, now)))
    }

    fn deliver(
        &self,
        iou: IouId,
        grant: SealedGrant,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Delivered> {
        ready(Ok(self.0.pairs.deliver(iou, grant, now)))
    }

    fn collect(
        &self,
        iou: IouId,
        patience: Duration,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<SealedGrant>> {
        Box::pin(async move { Ok(self.0.pairs.collect(iou, patience, now).await) })
    }

    fn keep(
        &self,
        session: SessionId,
        grant: SealedGrant,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, bool> {
        ready(Ok(self.known().keep(session, grant, now)))
    }

    fn kept(
        &self,
        session: SessionId,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<SealedGrant>> {
        ready(Ok(self.known().kept(session, now)))
    }

    fn forget(&self, session: SessionId) -> RegistryFuture<'_, ()> {
        self.known().forget_grant(session);
        ready(Ok(()))
    }
}
