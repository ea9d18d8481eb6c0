//! What is kept in PostgreSQL for open sessions.

use super::{PostgresRegistry, failure::away, sealed};
use crate::{
    clock::UnixSeconds,
    registry::{Item, RegistryFuture, Sealed, SessionStorage},
    session::SessionId,
};

impl SessionStorage for PostgresRegistry {
    fn keep(
        &self,
        session: SessionId,
        item: Item,
        sealed: Sealed,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, bool> {
        Box::pin(self.run(move |node| async move {
            if node.facts.is_away() {
                return Err(away());
            }
            if node.ended.contain_id(session) {
                return Ok(false);
            }
            Ok(sealed::keep(&node, session, item, &sealed, now).await?)
        }))
    }

    fn kept(
        &self,
        session: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        Box::pin(self.run(move |node| async move {
            if node.ended.contain_id(session) {
                return Ok(None);
            }
            if node.facts.is_away() {
                return Err(away());
            }
            Ok(sealed::kept(&node, session, item, now).await?)
        }))
    }

    fn forget(&self, session: SessionId, item: Item) -> RegistryFuture<'_, ()> {
        Box::pin(self.run(move |node| async move {
            if node.facts.is_away() {
                return Err(away());
            }
            Ok(sealed::forget(&node, session, item).await?)
        }))
    }
}
