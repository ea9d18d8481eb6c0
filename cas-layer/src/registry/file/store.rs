//! The file: what is in it, and how it is changed.
//!
//! It is a redb database. redb writes a change beside the tree that it replaces, with checksums, and then moves
//! one of two slots in the header on to it. The other slot keeps the change before.
//!
//! After a crash, redb cannot tell an incomplete change from one that was damaged later, and goes back to the other
//! slot for both. So a flipped bit could silently lose one change. That is why every change is followed by a second
//! one, and answered only after it. Then both slots lead to it, and damage is either detected or does no harm. (Its
//! two-phase commit syncs as often, and still trusts one bit of the header, by which it goes back.)

use std::{fs, path::Path, sync::Arc};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableError};

use super::{
    failure,
    known::{Known, Mark, Unsaved},
    sweep::Sweep,
    tables::{ACCOUNTS, ATTRIBUTES, ENDED, GRANTS, Id, META, OPENED, is_over, table_of},
};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{Item, RegistryError, RegistryErrorKind, Sealed},
    session::SessionId,
};

const FORMAT_KEY: &str = "format";
const NUMBER_KEY: &str = "number";

/// The version of the tables above. Another one is not read.
const FORMAT: u64 = 1;

/// The pages that redb keeps in memory. The system keeps what it has memory for.
const CACHE_BYTES: usize = 4 << 20;

/// How much is kept for all sessions together, in bytes.
const KEPT_BYTES: u64 = 256 << 20;

#[derive(Debug)]
pub(super) struct Store {
    /// Shared with the readers.
    database: Arc<Database>,
    sweep: Sweep,
    /// How many bytes are kept for sessions.
    kept_bytes: u64,
}

impl Store {
    /// Makes an empty file into a registry.
    pub(super) fn initialize(path: &Path) -> Result<(), redb::Error> {
        let database = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create(path)?;
        let mut store = Self::new(database);
        store.write(0, |tables| tables.set(FORMAT_KEY, FORMAT))?;
        if let Some(database) = Arc::into_inner(store.database) {
            database.close()?;
        }
        Ok(())
    }

    /// Opens an existing file, checks all of it, and reads what has ended.
    pub(super) fn open(path: &Path, known: &Known) -> Result<Self, RegistryError> {
        // Opening a pipe would wait for a writer.
        let metadata = fs::metadata(path).map_err(|error| failure::from_io(path, error))?;
        if !metadata.is_file() {
            let kind = RegistryErrorKind::Unusable;
            return Err(failure::about(path, kind, "is not a regular file"));
        }
        let from_redb = |error| failure::from_redb(path, error);
        let database = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            // Damage is found here, by every checksum, and not by a later read.
            .set_check_integrity_on_open(true)
            .open(path)
            .map_err(|error| from_redb(error.into()))?;
        let mut store = Self::new(database);
        match store.meta(FORMAT_KEY).map_err(from_redb)? {
            Some(FORMAT) => {}
            Some(_) => {
                return Err(failure::about(
                    path,
                    RegistryErrorKind::Unusable,
                    "was written by a version of this crate that keeps it in another format",
                ));
            }
            None => {
                let (kind, what) = failure::NOT_OURS;
                return Err(failure::about(path, kind, what));
            }
        }
        store.load(known, Clock::System.now()).map_err(from_redb)?;
        store.kept_bytes = store.count_kept().map_err(from_redb)?;
        Ok(store)
    }

    fn new(database: Database) -> Self {
        Self {
            database: Arc::new(database),
            sweep: Sweep::new(),
            kept_bytes: 0,
        }
    }

    pub(super) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    fn meta(&self, key: &str) -> Result<Option<u64>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let value = transaction.open_table(META)?.get(key)?;
        Ok(value.map(|value| value.value()))
    }

    /// Reads what has ended and is not to be forgotten yet.
    fn load(&self, known: &Known, now: UnixSeconds) -> Result<(), redb::Error> {
        known.number_at_least(self.meta(NUMBER_KEY)?.unwrap_or_default());
        let transaction = self.database.begin_read()?;
        for entry in transaction.open_table(ENDED)?.iter()? {
            let (id, expires_at) = entry?;
            if !is_over(expires_at.value(), now) {
                let id = SessionId::from(*id.value());
                known.ended.end(id, expires_at.value(), now);
            }
        }
        for entry in transaction.open_table(ACCOUNTS)?.iter()? {
            let (id, mark) = entry?;
            let (number, expires_at) = mark.value();
            if !is_over(expires_at, now) {
                let account = (*id.value()).into();
                known.ended.end_all(account, number, expires_at, now);
            }
        }
        Ok(())
    }

    fn count_kept(&self) -> Result<u64, redb::Error> {
        let transaction = self.database.begin_read()?;
        let opened = transaction.open_table(OPENED)?;
        let mut bytes = 0;
        for &item in Item::ALL {
            let table = match transaction.open_table(table_of(item)) {
                Ok(table) => table,
                // The file is new, or from a release that did not have it.
                Err(TableError::TableDoesNotExist(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            for entry in table.iter()? {
                let (id, kept) = entry?;
                // A release that does not know the table leaves an entry behind when it ends the session.
                if opened.get(&id.value())?.is_some() {
                    bytes += length(kept.value());
                }
            }
        }
        Ok(bytes)
    }

    /// Makes a change. It is on the disk when this returns. After an error it is there as a whole, or perhaps not at
    /// all, and the store can no longer be used. If nothing changes, nothing is written. Returns whether something
    /// was written.
    pub(super) fn write(
        &mut self,
        now: UnixSeconds,
        change: impl FnOnce(&mut Tables<'_>) -> Result<(), redb::Error>,
    ) -> Result<bool, redb::Error> {
        let transaction = self.database.begin_write()?;
        let changes = {
            let mut tables = Tables {
                meta: transaction.open_table(META)?,
                opened: transaction.open_table(OPENED)?,
                ended: transaction.open_table(ENDED)?,
                accounts: transaction.open_table(ACCOUNTS)?,
                grants: transaction.open_table(GRANTS)?,
                attributes: transaction.open_table(ATTRIBUTES)?,
                kept_bytes: self.kept_bytes,
                changes: 0,
            };
            change(&mut tables)?;
            self.kept_bytes = tables.kept_bytes;
            tables.changes
        };
        if changes == 0 {
            transaction.abort()?;
            return Ok(false);
        }
        transaction.commit()?;
        // The second one, which may as well tidy up.
        let transaction = self.database.begin_write()?;
        let freed = self.sweep.run(&transaction, changes, now)?;
        self.kept_bytes = self.kept_bytes.saturating_sub(freed);
        transaction.commit()?;
        Ok(true)
    }
}

/// The file within a change.
pub(super) struct Tables<'t> {
    meta: Table<'t, &'static str, u64>,
    opened: Table<'t, Id, u64>,
    ended: Table<'t, Id, u64>,
    accounts: Table<'t, Id, (u64, u64)>,
    grants: Table<'t, Id, &'static [u8]>,
    attributes: Table<'t, Id, &'static [u8]>,
    kept_bytes: u64,
    changes: usize,
}

impl<'t> Tables<'t> {
    pub(super) fn open(
        &mut self,
        id: SessionId,
        expires_at: UnixSeconds,
    ) -> Result<(), redb::Error> {
        let before = self.opened.insert(id.as_bytes(), expires_at)?;
        let before = before.map_or(0, |before| before.value());
        if before > expires_at {
            self.opened.insert(id.as_bytes(), before)?;
        }
        self.changes += 1;
        Ok(())
    }

    /// Removes a session from the open ones. Returns when it would have expired, if it was one of them.
    pub(super) fn close(&mut self, id: SessionId) -> Result<Option<UnixSeconds>, redb::Error> {
        let removed = self.opened.remove(id.as_bytes())?;
        let expires_at = removed.map(|expires_at| expires_at.value());
        self.changes += usize::from(expires_at.is_some());
        for &item in Item::ALL {
            self.forget(id, item)?;
        }
        Ok(expires_at)
    }

    fn is_open(&self, id: SessionId, now: UnixSeconds) -> Result<bool, redb::Error> {
        let expires_at = self.opened.get(id.as_bytes())?;
        Ok(expires_at.is_some_and(|expires_at| expires_at.value() > now))
    }

    fn items(&mut self, item: Item) -> &mut Table<'t, Id, &'static [u8]> {
        match item {
            Item::GrantingTicket => &mut self.grants,
            Item::Attributes => &mut self.attributes,
        }
    }

    /// Keeps something for a session, if that is open. Returns whether it is. An error of the registry: there is no
    /// room.
    pub(super) fn keep(
        &mut self,
        id: SessionId,
        item: Item,
        sealed: &Sealed,
        now: UnixSeconds,
    ) -> Result<Result<bool, RegistryError>, redb::Error> {
        if !self.is_open(id, now)? {
            return Ok(Ok(false));
        }
        let old = self.items(item).get(id.as_bytes())?;
        let old = old.map_or(0, |old| length(old.value()));
        let bytes = self.kept_bytes.saturating_sub(old) + length(sealed.as_bytes());
        if bytes > KEPT_BYTES {
            return Ok(Err(RegistryError::new(
                RegistryErrorKind::Full,
                "the registry file has no room for more that does not fit into cookies",
            )));
        }
        self.items(item).insert(id.as_bytes(), sealed.as_bytes())?;
        self.kept_bytes = bytes;
        self.changes += 1;
        Ok(Ok(true))
    }

    pub(super) fn forget(&mut self, id: SessionId, item: Item) -> Result<(), redb::Error> {
        let removed = self.items(item).remove(id.as_bytes())?;
        let removed = removed.map(|removed| length(removed.value()));
        self.changes += usize::from(removed.is_some());
        self.kept_bytes = self.kept_bytes.saturating_sub(removed.unwrap_or(0));
        Ok(())
    }

    /// Saves what has ended, and the last number.
    pub(super) fn save(&mut self, unsaved: &Unsaved, number: u64) -> Result<(), redb::Error> {
        for (&id, &expires_at) in &unsaved.sessions {
            self.close(id)?;
            self.ended.insert(id.as_bytes(), expires_at)?;
            self.changes += 1;
        }
        for (account, &mark) in &unsaved.accounts {
            let known = self.accounts.get(account.as_bytes())?;
            let known = known.map(|known| {
                let (number, expires_at) = known.value();
                Mark { number, expires_at }
            });
            let mark = known.map_or(mark, |known| mark.and(known));
            let row = (mark.number, mark.expires_at);
            self.accounts.insert(account.as_bytes(), row)?;
            self.changes += 1;
        }
        let saved = self.meta.get(NUMBER_KEY)?.map(|saved| saved.value());
        if saved.unwrap_or_default() < number {
            self.set(NUMBER_KEY, number)?;
        }
        Ok(())
    }

    pub(super) fn set(&mut self, key: &str, value: u64) -> Result<(), redb::Error> {
        self.meta.insert(key, value)?;
        self.changes += 1;
        Ok(())
    }
}

fn length(bytes: &[u8]) -> u64 {
    bytes.len().try_into().unwrap_or(u64::MAX)
}
