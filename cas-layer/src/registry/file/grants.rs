//! What a registry in a file keeps of proxy-granting tickets: pairs in memory, as they live for seconds and belong to this
//! process, and the rest in the file.

use std::time::Duration;

use super::{FileRegistry, writer::Job};
use crate::{
    clock::UnixSeconds,
    registry::{Delivered, Expected, IouId, ProxyGrants, RegistryFuture, SealedGrant},
    session::SessionId,
};

impl ProxyGrants for FileRegistry {
    fn expect(&self, lasts: Duration, now: UnixSeconds) -> RegistryFuture<'_, Expected> {
        Box::pin(async move { Ok(self.0.pairs.expect(lasts, now)) })
    }

    fn deliver(
        &self,
        iou: IouId,
        grant: SealedGrant,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Delivered> {
        Box::pin(async move { Ok(self.0.pairs.deliver(iou, grant, now)) })
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
        Box::pin(self.ask(move |answer| Job::Keep {
            id: session,
            grant,
            now,
            answer,
        }))
    }

    fn kept(
        &self,
        session: SessionId,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<SealedGrant>> {
        Box::pin(self.ask(move |answer| Job::Kept {
            id: session,
            now,
            answer,
        }))
    }

    fn forget(&self, session: SessionId) -> RegistryFuture<'_, ()> {
        Box::pin(self.ask(move |answer| Job::Forget {
            id: session,
            answer,
        }))
    }
}
