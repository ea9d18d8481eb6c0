//! The time between a ticket's arrival and its session.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Opened, Registry, RegistryError};
use crate::{clock::UnixSeconds, session::SessionId};

/// A session that is being opened. Dropping it takes the `begin` back: the validation failed, or its request went
/// away.
#[derive(Debug)]
pub(crate) struct Begun {
    registry: Arc<dyn Registry>,
    id: SessionId,
    since: Instant,
    is_open: bool,
}

impl Begun {
    pub(crate) async fn new(
        registry: &Arc<dyn Registry>,
        id: SessionId,
        lasts: Duration,
    ) -> Result<Self, RegistryError> {
        // Made first: a future that is dropped half-way may have begun already.
        let begun = Self {
            registry: Arc::clone(registry),
            id,
            since: Instant::now(),
            is_open: false,
        };
        registry.begin(id, lasts).await?;
        Ok(begun)
    }

    /// From when on a logout for it is heard.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Opens the session, unless a logout for it came since it began.
    pub(crate) async fn open(
        mut self,
        family: Option<SessionId>,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Opened, RegistryError> {
        let opening = match family.zip(self.registry.families()) {
            Some((family, families)) => families.open_in(family, self.id, expires_at, now),
            None => self.registry.open(self.id, expires_at, now),
        };
        let opened = opening.await?;
        self.is_open = true;
        Ok(opened)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.is_open {
            self.registry.abandon(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryRegistry, registry::LogoutSender};

    const NOW: UnixSeconds = 1_700_000_000;

    #[tokio::test]
    async fn a_logout_for_a_ticket_is_heard_until_its_validation_is_given_up() {
        let registry: Arc<dyn Registry> = Arc::new(MemoryRegistry::default());
        let id = SessionId::from([1; 16]);
        let logout = |id| registry.end_if_opened(vec![id], LogoutSender::back_channel(None), NOW);
        let first = Begun::new(&registry, id, Duration::from_secs(9)).await;
        let second = Begun::new(&registry, id, Duration::from_secs(9)).await;
        drop(first.unwrap());
        assert_eq!(logout(id).await.unwrap(), [id]);
        drop(second.unwrap());
        let id = SessionId::from([2; 16]);
        let begun = Begun::new(&registry, id, Duration::from_secs(9)).await;
        drop(begun.unwrap());
        assert_eq!(logout(id).await.unwrap(), []);
        // Once it is open, a logout ends it.
        let begun = Begun::new(&registry, id, Duration::from_secs(9)).await;
        let opened = begun.unwrap().open(None, NOW + 3600, NOW).await;
        assert!(matches!(opened, Ok(Opened::Live { .. })));
        assert_eq!(logout(id).await.unwrap(), [id]);
    }
}
