//! What a registry in memory keeps for open sessions.

use std::collections::HashMap;

use crate::{
    registry::{Item, RegistryError, RegistryErrorKind, Sealed},
    session::SessionId,
};

/// How much is kept by default, in bytes.
const LIMIT: usize = 64 << 20;

/// What an entry takes beside its bytes, about.
const OVERHEAD: usize = 100;

/// A bounded amount of items.
#[derive(Debug)]
pub(super) struct Kept {
    items: HashMap<(SessionId, Item), Sealed>,
    /// What they take.
    bytes: usize,
    limit: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            items: HashMap::new(),
            bytes: 0,
            limit: LIMIT,
        }
    }
}

impl Kept {
    pub(super) fn limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    fn with(&self, id: SessionId, item: Item, sealed: &Sealed) -> usize {
        let old = self.get(id, item).map_or(0, size);
        (self.bytes - old).saturating_add(size(sealed))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn has_room(&self, id: SessionId, item: Item, sealed: &Sealed) -> bool {
        self.with(id, item, sealed) <= self.limit
    }

    pub(super) fn insert(
        &mut self,
        id: SessionId,
        item: Item,
        sealed: Sealed,
    ) -> Result<(), RegistryError> {
        let bytes = self.with(id, item, &sealed);
        if bytes > self.limit {
            return Err(RegistryError::new(
                RegistryErrorKind::Full,
                "the registry has no room for more that does not fit into cookies",
            ));
        }
        self.items.insert((id, item), sealed);
        self.bytes = bytes;
        Ok(())
    }

    pub(super) fn get(&self, id: SessionId, item: Item) -> Option<&Sealed> {
        self.items.get(&(id, item))
    }

    pub(super) fn remove(&mut self, id: SessionId, item: Item) {
        if let Some(old) = self.items.remove(&(id, item)) {
            self.bytes -= size(&old);
        }
    }

    pub(super) fn remove_all(&mut self, id: SessionId) {
        for &item in Item::ALL {
            self.remove(id, item);
        }
    }

    /// Removes what belongs to sessions that are not to stay.
    pub(super) fn retain(&mut self, stays: impl Fn(SessionId) -> bool) {
        self.items.retain(|(id, _), _| stays(*id));
        self.bytes = self.items.values().map(size).sum();
    }
}

fn size(sealed: &Sealed) -> usize {
    sealed.as_bytes().len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> SessionId {
        [n; 16].into()
    }

    fn sealed(bytes: usize) -> Sealed {
        Sealed::new(vec![7; bytes]).unwrap()
    }

    #[test]
    fn all_together_stay_below_the_limit_and_nothing_is_dropped_for_more() {
        let mut kept = Kept::default();
        kept.limit(3 * (1_000 + OVERHEAD));
        for n in 0..3 {
            kept.insert(id(n), Item::Attributes, sealed(1_000)).unwrap();
        }
        let more = kept.insert(id(3), Item::GrantingTicket, sealed(0));
        assert_eq!(more.unwrap_err().kind(), RegistryErrorKind::Full);
        // One in place of another needs no more room than the difference.
        kept.insert(id(0), Item::Attributes, sealed(900)).unwrap();
        kept.insert(id(3), Item::GrantingTicket, sealed(0)).unwrap();
        assert_eq!(kept.get(id(0), Item::Attributes), Some(&sealed(900)));
        kept.remove_all(id(1));
        kept.remove(id(2), Item::GrantingTicket);
        assert!(kept.get(id(2), Item::Attributes).is_some());
        kept.insert(id(4), Item::Attributes, sealed(1_000)).unwrap();
        kept.retain(|session| session == id(4));
        assert_eq!(kept.bytes, 1_000 + OVERHEAD);
        kept.remove_all(id(4));
        assert_eq!((kept.bytes, kept.items.len()), (0, 0));
    }
}
