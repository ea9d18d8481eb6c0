//! Attributes that the registry keeps, and what this node has read of them.

use std::{
    hash::RandomState,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use quick_cache::{
    OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use tokio::time::timeout;

use super::{Label, Vault};
use crate::{
    attributes::Attributes,
    clock::UnixSeconds,
    registry::{AccountId, Item, Registry, RegistryError, RegistryErrorKind},
    session::{SessionData, SessionId, SessionPlace, parse_kept_attributes},
};

/// The most bytes of attributes that a node holds of what it has read, about.
const CACHE_BYTES: u64 = 32 << 20;

/// What the cache is laid out for: a session that does not fit into a cookie.
const TYPICAL_BYTES: u64 = 16 << 10;

/// The parts of the cache, each with a lock. The largest session has to fit into one.
const SHARDS: usize = 4;

/// How long a request waits, for itself and for others who have asked before it. A registry takes a second at most.
const PATIENCE: Duration = Duration::from_millis(1_200);

/// Where the attributes of sessions go, and those that the registry keeps.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) place: SessionPlace,
    read: Cache<Owner, Read, Weight, RandomState>,
}

/// Whose attributes they are. Two CAS servers may give the same ticket, so the session alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) session: SessionId,
    pub(crate) account: AccountId,
}

#[derive(Clone)]
struct Read {
    attributes: Arc<Attributes>,
    /// In bytes.
    weight: u64,
}

/// Why attributes are not kept.
#[derive(Debug)]
pub(crate) enum NotKept {
    /// This registry keeps nothing.
    Nowhere,
    /// They have so many bytes.
    TooLong(usize),
    /// The operating system gives no random bytes.
    NotSealed,
    /// The session has ended meanwhile.
    Ended,
    Registry(RegistryError),
}

/// Why attributes that were kept are not there.
#[derive(Debug)]
pub(crate) enum NotThere {
    /// The registry answers, and does not have them.
    Gone,
    /// What it has was not sealed by a key of ours, or not for this session.
    Unreadable,
    Registry(RegistryError),
}

impl Owner {
    fn label(self) -> Label {
        Label::Attributes(self.session, self.account)
    }
}

impl Kept {
    pub(crate) fn new(place: SessionPlace) -> Self {
        let count = usize::try_from(CACHE_BYTES / TYPICAL_BYTES).unwrap_or(usize::MAX);
        let mut options = OptionsBuilder::new();
        options
            .estimated_items_capacity(count)
            .weight_capacity(CACHE_BYTES)
            .shards(SHARDS);
        let read = match options.build() {
            Ok(options) => {
                let lifecycle = DefaultLifecycle::default();
                Cache::with_options(options, Weight, RandomState::new(), lifecycle)
            }
            // Not with these options.
            Err(_) => Cache::with(
                count,
                CACHE_BYTES,
                Weight,
                RandomState::new(),
                DefaultLifecycle::default(),
            ),
        };
        Self { place, read }
    }

    /// Has the registry keep the attributes of an open session. Returns how many bytes it keeps.
    pub(crate) async fn keep(
        &self,
        owner: Owner,
        registry: &dyn Registry,
        vault: &Vault,
        session: &mut SessionData,
        now: UnixSeconds,
    ) -> Result<usize, NotKept> {
        let storage = registry.storage().ok_or(NotKept::Nowhere)?;
        let content = session.attributes_to_keep().map_err(NotKept::TooLong)?;
        let sealed = vault.seal(&content, owner.label());
        let sealed = sealed.ok_or(NotKept::NotSealed)?;
        let bytes = sealed.as_bytes().len();
        let keeping = storage.keep(owner.session, Item::Attributes, sealed, now);
        match keeping.await {
            Ok(true) => {}
            Ok(false) => return Err(NotKept::Ended),
            Err(error) => return Err(NotKept::Registry(error)),
        }
        let read = Read::of(session.attributes().clone());
        session.hold_apart(Arc::clone(&read.attributes));
        self.read.insert(owner, read);
        Ok(bytes)
    }

    /// Gives a session the attributes that this node has read. Returns whether it has.
    pub(crate) fn complete(&self, owner: Owner, session: &SessionData) -> bool {
        let found = self.read.get(&owner);
        let is_found = found.is_some();
        if let Some(read) = found {
            session.complete_with(read.attributes);
        }
        is_found
    }

    /// Gives a session the attributes that the registry keeps. Of several requests at once, one asks the registry.
    /// Returns whether it was this one.
    pub(crate) async fn fetch(
        &self,
        owner: Owner,
        registry: &dyn Registry,
        vault: &Vault,
        session: &SessionData,
        now: UnixSeconds,
    ) -> Result<bool, NotThere> {
        let has_asked = AtomicBool::new(false);
        let asking = async {
            has_asked.store(true, Ordering::Relaxed);
            let storage = registry.storage().ok_or(NotThere::Gone)?;
            let kept = storage.kept(owner.session, Item::Attributes, now).await;
            let sealed = kept.map_err(NotThere::Registry)?.ok_or(NotThere::Gone)?;
            let content = vault.open(&sealed, owner.label());
            let attributes = content.and_then(|content| parse_kept_attributes(&content));
            attributes.map(Read::of).ok_or(NotThere::Unreadable)
        };
        let fetched = timeout(PATIENCE, self.read.get_or_insert_async(&owner, asking));
        let read = fetched.await.map_err(|_| {
            let message = "reading the attributes of a session takes too long";
            let kind = RegistryErrorKind::Unavailable;
            NotThere::Registry(RegistryError::new(kind, message))
        })??;
        session.complete_with(read.attributes);
        Ok(has_asked.into_inner())
    }

    /// Forgets a session that has ended.
    pub(crate) fn forget(&self, owner: Owner) {
        self.read.remove(&owner);
    }
}

impl Read {
    fn of(attributes: Attributes) -> Self {
        Self {
            weight: u64::try_from(attributes.bytes()).unwrap_or(u64::MAX).max(1),
            attributes: Arc::new(attributes),
        }
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Owner, Read> for Weight {
    fn weight(&self, _: &Owner, read: &Read) -> u64 {
        read.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(n: u8) -> Owner {
        Owner {
            session: [n; 16].into(),
            account: [n; 16].into(),
        }
    }

    #[test]
    fn the_largest_session_stays_in_the_cache_whatever_the_machine_has() {
        let kept = Kept::new(SessionPlace::default());
        let values = vec!["x".repeat(52); 20_000];
        let largest: Attributes = [("memberOf".to_owned(), values)].into_iter().collect();
        for n in 0..4 {
            kept.read.insert(owner(n), Read::of(largest.clone()));
            assert!(kept.read.get(&owner(n)).is_some(), "{n}");
        }
        for n in 0..=255 {
            kept.read.insert(owner(n), Read::of(largest.clone()));
        }
        assert!(kept.read.weight() <= CACHE_BYTES, "{}", kept.read.weight());
    }
}
