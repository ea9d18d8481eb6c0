//! What a registry in a file keeps for open sessions.

use std::sync::Arc;

use tokio::{task::spawn_blocking, time::timeout};

use super::{FileRegistry, writer::Job};
use crate::{
    clock::UnixSeconds,
    registry::{Item, RegistryError, RegistryErrorKind, RegistryFuture, Sealed, SessionStorage},
    session::SessionId,
};

impl FileRegistry {
    /// Reads beside the thread that writes, so that nobody who signs in waits for it.
    async fn read_kept(
        &self,
        session: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> Result<Option<Sealed>, RegistryError> {
        let (known, reader) = (
            Arc::clone(&self.inner.known),
            Arc::clone(&self.inner.reader),
        );
        let unavailable = |what| RegistryError::new(RegistryErrorKind::Unavailable, what);
        let reading = async {
            // Never closed.
            let turn = Arc::clone(&self.inner.reads).acquire_owned().await;
            // The turn goes along: a caller that gives up keeps it until the disk has answered.
            spawn_blocking(move || {
                let kept = reader.kept(&known, session, item, now);
                drop(turn);
                kept
            })
            .await
        };
        match timeout(self.timeout, reading).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => Err(unavailable("nobody read the registry file").with_source(error)),
            Err(_) => Err(unavailable("reading the registry file takes too long")),
        }
    }
}

impl SessionStorage for FileRegistry {
    fn keep(
        &self,
        session: SessionId,
        item: Item,
        sealed: Sealed,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, bool> {
        Box::pin(async move {
            let kept = self.ask(move |answer| Job::Keep {
                id: session,
                item,
                sealed,
                now,
                answer,
            });
            kept.await?
        })
    }

    fn kept(
        &self,
        session: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        Box::pin(self.read_kept(session, item, now))
    }

    fn forget(&self, session: SessionId, item: Item) -> RegistryFuture<'_, ()> {
        Box::pin(self.ask(move |answer| Job::Forget {
            id: session,
            item,
            answer,
        }))
    }
}
