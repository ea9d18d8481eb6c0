//! Attributes that the registry keeps, and what this node has read of them.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::{Label, Vault};
use crate::{
    attributes::Attributes,
    clock::UnixSeconds,
    registry::{Item, Registry, RegistryError},
    session::{SessionData, SessionId, SessionPlace, parse_kept_attributes},
};

/// The most bytes of attributes that a node holds of what it has read, about.
const CACHE_BYTES: u64 = 32 << 20;

/// What the cache is laid out for: a session that does not fit into a cookie.
const TYPICAL_BYTES: u64 = 16 << 10;

/// Where the attributes of sessions go.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) place: SessionPlace,
    read: Cache<SessionId, Arc<Attributes>, Size>,
}

/// Why attributes are not kept.
#[derive(Debug)]
pub(crate) enum NotKept {
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

impl Contents {
    pub(crate) fn new(place: SessionPlace) -> Self {
        let count = usize::try_from(CACHE_BYTES / TYPICAL_BYTES).unwrap_or(usize::MAX);
        Self {
            place,
            read: Cache::with_weighter(count, CACHE_BYTES, Size),
        }
    }

    /// Has the registry keep the attributes of an open session. Returns how many bytes it keeps. `None` if it keeps
    /// nothing.
    pub(crate) async fn keep(
        &self,
        registry: &dyn Registry,
        vault: &Vault,
        session: &mut SessionData,
        now: UnixSeconds,
    ) -> Result<Option<usize>, NotKept> {
        let Some(storage) = registry.storage() else {
            return Ok(None);
        };
        let id = session.id;
        let content = session.attributes_to_keep().map_err(NotKept::TooLong)?;
        let sealed = vault.seal(&content, Label::Attributes(id));
        let sealed = sealed.ok_or(NotKept::NotSealed)?;
        let bytes = sealed.as_bytes().len();
        match storage.keep(id, Item::Attributes, sealed, now).await {
            Ok(true) => {}
            Ok(false) => return Err(NotKept::Ended),
            Err(error) => return Err(NotKept::Registry(error)),
        }
        let attributes = Arc::new(session.attributes().clone());
        self.read.insert(id, Arc::clone(&attributes));
        session.hold_apart(attributes);
        Ok(Some(bytes))
    }

    /// Gives a session the attributes that this node has read. Returns whether it has.
    pub(crate) fn complete(&self, session: &mut SessionData) -> bool {
        let found = self.read.get(&session.id);
        let is_found = found.is_some();
        if let Some(attributes) = found {
            session.hold_apart(attributes);
        }
        is_found
    }

    /// Gives a session the attributes that the registry keeps. Of several requests at once, one asks the registry.
    pub(crate) async fn fetch(
        &self,
        registry: &dyn Registry,
        vault: &Vault,
        session: &mut SessionData,
        now: UnixSeconds,
    ) -> Result<(), NotThere> {
        let id = session.id;
        let asking = async {
            let storage = registry.storage().ok_or(NotThere::Gone)?;
            let kept = storage.kept(id, Item::Attributes, now).await;
            let sealed = kept.map_err(NotThere::Registry)?.ok_or(NotThere::Gone)?;
            let content = vault.open(&sealed, Label::Attributes(id));
            let attributes = content.and_then(|content| parse_kept_attributes(&content));
            attributes.map(Arc::new).ok_or(NotThere::Unreadable)
        };
        session.hold_apart(self.read.get_or_insert_async(&id, asking).await?);
        Ok(())
    }

    /// Forgets a session that has ended.
    pub(crate) fn forget(&self, id: SessionId) {
        self.read.remove(&id);
    }
}

#[derive(Clone, Debug)]
struct Size;

impl Weighter<SessionId, Arc<Attributes>> for Size {
    fn weight(&self, _: &SessionId, attributes: &Arc<Attributes>) -> u64 {
        let text = |text: &String| size_of::<String>() + text.capacity();
        let values = attributes.iter().flat_map(|(_, values)| values);
        let names = attributes.iter().map(|(name, _)| name.len() + 64);
        let bytes: usize = values.map(text).chain(names).sum();
        u64::try_from(bytes).unwrap_or(u64::MAX).max(1)
    }
}
