//! A registry that breaks its contract is found out, and told which clause it is.

use std::{sync::Arc, time::Duration};

use crate::{
    MemoryRegistry,
    clock::UnixSeconds,
    registry::{
        AccountId, EndedSessions, LogoutSender, Opened, ProxyGrants, Registry, RegistryFuture,
    },
    session::SessionId,
    testing::{RegistryStore, registry_contract},
};

/// Says of each message that it ended all that it names.
#[derive(Debug)]
struct Boaster(MemoryRegistry);

impl Registry for Boaster {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        self.0.begin(id, lasts)
    }

    fn abandon(&self, id: SessionId) {
        self.0.abandon(id);
    }

    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        self.0.open(id, expires_at, now)
    }

    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        self.0.end(id, expires_at, now)
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        Box::pin(async move {
            self.0.end_if_opened(ids.clone(), sender, now).await?;
            Ok(ids)
        })
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        self.0.end_all(account, expires_at, now)
    }

    fn ended(&self) -> &EndedSessions {
        self.0.ended()
    }

    fn outlives_process(&self) -> bool {
        false
    }

    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        None
    }
}

struct Store(Arc<Boaster>);

impl RegistryStore for Store {
    async fn node(&self) -> Arc<dyn Registry> {
        Arc::clone(&self.0) as _
    }
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "a_message_about_an_unknown_session_does_nothing: assertion")]
async fn a_registry_that_breaks_a_clause_is_told_which() {
    registry_contract(async || Store(Arc::new(Boaster(MemoryRegistry::default())))).await;
}
