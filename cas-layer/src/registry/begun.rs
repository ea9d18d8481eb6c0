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
