//! Looks up sessions beside the thread that writes, so that nobody waits for a stranger's request.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
};

use redb::{Database, ReadableDatabase as _, TableError};

use super::{
    known::Known,
    store::Store,
    tables::{OPENED, table_of},
};
use crate::{
    clock::UnixSeconds,
    registry::{Item, RegistryError, RegistryErrorKind, Sealed, run_time::Term},
    session::SessionId,
};

/// The file, for readers. `None` while it cannot be written.
#[derive(Debug, Default)]
pub(super) struct Reader(RwLock<Option<Arc<Database>>>);

impl Reader {
    pub(super) fn publish(&self, database: &Arc<Database>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::clone(database));
    }

    /// Waits for the readers, and lets go of the file.
    pub(super) fn withdraw(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Does something with the file while nobody reads. Readers wait for it.
    pub(super) fn without_readers<T>(
        &self,
        store: &mut Store,
        work: impl FnOnce(&mut Store) -> T,
    ) -> T {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = None;
        let done = work(store);
        *current = Some(Arc::clone(store.database()));
        done
    }

    /// Lets nobody read until it is dropped, as a disk that is stuck.
    #[cfg(test)]
    pub(super) fn hold_up(&self) -> std::sync::RwLockWriteGuard<'_, Option<Arc<Database>>> {
        self.0.write().unwrap()
    }

    /// Which of these have begun or are open. `None` if the file does not say: the thread that writes will find out
    /// why.
    pub(super) fn find(&self, known: &Known, ids: &[SessionId]) -> Option<Vec<SessionId>> {
        // In this order: one that is not begun any more and has been opened is in the file as it is from here on.
        let begun: Vec<bool> = ids.iter().map(|&id| known.has_begun(id)).collect();
        if begun.iter().all(|&begun| begun) {
            return Some(ids.to_vec());
        }
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let database = current.as_ref()?;
        // redb may panic if the file is damaged.
        let found = catch_unwind(AssertUnwindSafe(|| {
            let transaction = database.begin_read().ok()?;
            let opened = transaction.open_table(OPENED).ok()?;
            let mut found = Vec::new();
            for (&id, begun) in ids.iter().zip(begun) {
                if begun || opened.get(id.as_bytes()).ok()?.is_some() {
                    found.push(id);
                }
            }
            Some(found)
        }));
        found.ok().flatten()
    }

    /// What is kept for an open session.
    pub(super) fn kept(
        &self,
        known: &Known,
        id: SessionId,
        item: Item,
        now: UnixSeconds,
    ) -> Result<Option<Sealed>, RegistryError> {
        // One that has ended may be among the open ones until that is saved.
        if known.ended.contain_id(id) {
            return Ok(None);
        }
        let unreadable = RegistryError::new(
            RegistryErrorKind::Unavailable,
            "the registry file cannot be read",
        );
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match current.as_deref() {
            Some(database) => {
                read(database, id, item, now).map_err(|error| unreadable.with_source(error))
            }
            None => Err(unreadable),
        }
    }
}

fn read(
    database: &Database,
    id: SessionId,
    item: Item,
    now: UnixSeconds,
) -> Result<Option<Sealed>, redb::Error> {
    let transaction = database.begin_read()?;
    let opened = transaction.open_table(OPENED)?;
    let row = opened.get(id.as_bytes())?;
    if row.is_none_or(|row| Term::from_row(row.value()).expires_at <= now) {
        return Ok(None);
    }
    let items = match transaction.open_table(table_of(item)) {
        Ok(items) => items,
        // From a release that did not have it.
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let kept = items.get(id.as_bytes())?;
    Ok(kept.and_then(|kept| Sealed::new(kept.value().to_vec())))
}
