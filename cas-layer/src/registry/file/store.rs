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

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, Table,
    TableError,
};

use super::{
    failure,
    known::{Known, Mark, Overall, Saved, Unsaved},
    sweep::Sweep,
    tables::{ACCOUNTS, ATTRIBUTES, ENDED, FAMILIES, GRANTS, Id, META, OPENED, table_of},
};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{
        Item, RegistryError, RegistryErrorKind, Sealed,
        run_time::{Moment, Term},
    },
    session::SessionId,
};

const FORMAT_KEY: &str = "format";
const NUMBER_KEY: &str = "number";
const LONGEST_KEY: &str = "longest";
const RUN_KEY: &str = "run";

/// The version of the tables above. A later one is not read.
const FORMAT: u64 = 2;

/// The same without run time. It is taken for one with which no process has run yet.
const FORMAT_WITHOUT_RUN_TIME: u64 = 1;

/// The pages that redb keeps in memory. The system keeps what it has memory for.
const CACHE_BYTES: usize = 4 << 20;

/// How much is kept for all sessions together, in bytes.
const KEPT_BYTES: u64 = 256 << 20;

/// More than an entry takes.
const ROW_BYTES: u64 = 100;

/// Free space that is no reason to do anything, in bytes. redb makes a file grow in steps.
const SPARE_BYTES: u64 = 8 << 20;

/// What can be moved while calls may come, in bytes.
const SOON_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(super) struct Store {
    /// Shared with the readers.
    database: Arc<Database>,
    sweep: Sweep,
    /// How many bytes are kept for sessions.
    kept_bytes: u64,
    /// For how long processes have run with it, as the file says, in seconds.
    run: u64,
    /// How long the file was after space was given back.
    compacted_to: u64,
}

/// A file that says less about run time by this, in seconds, is written for that alone when there is an occasion.
const LAG: u64 = 60;

impl Store {
    /// Makes an empty file into a registry.
    pub(super) fn initialize(path: &Path) -> Result<(), redb::Error> {
        let database = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create(path)?;
        let mut store = Self::new(database);
        store.write_format()?;
        if let Some(database) = Arc::into_inner(store.database) {
            database.close()?;
        }
        Ok(())
    }

    /// Opens an existing file, checks all of it, and reads what has ended.
    pub(super) fn open(path: &Path, known: &Known) -> Result<Self, RegistryError> {
        Self::open_with(CACHE_BYTES, path, known)
    }

    pub(super) fn open_with(
        cache_bytes: usize,
        path: &Path,
        known: &Known,
    ) -> Result<Self, RegistryError> {
        // Opening a pipe would wait for a writer.
        let metadata = fs::metadata(path).map_err(|error| failure::from_io(path, error))?;
        if !metadata.is_file() {
            let kind = RegistryErrorKind::Unusable;
            return Err(failure::about(path, kind, "is not a regular file"));
        }
        let from_redb = |error| failure::from_redb(path, error);
        let database = redb::Builder::new()
            .set_cache_size(cache_bytes)
            // Damage is found here, by every checksum, and not by a later read.
            .set_check_integrity_on_open(true)
            .open(path)
            .map_err(|error| from_redb(error.into()))?;
        let mut store = Self::new(database);
        let format = store.meta(FORMAT_KEY).map_err(from_redb)?;
        match format {
            Some(FORMAT | FORMAT_WITHOUT_RUN_TIME) => {}
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
        store.run = store.meta(RUN_KEY).map_err(from_redb)?.unwrap_or_default();
        store.load(known).map_err(from_redb)?;
        store.kept_bytes = store.count_kept().map_err(from_redb)?;
        if format != Some(FORMAT) {
            // A release that does not know of run time would take it for a part of the seconds.
            store.write_format().map_err(from_redb)?;
        }
        Ok(store)
    }

    pub(super) fn new(database: Database) -> Self {
        Self {
            database: Arc::new(database),
            sweep: Sweep::new(),
            kept_bytes: 0,
            run: 0,
            compacted_to: 0,
        }
    }

    /// Whether the file would not say for how long this process has run.
    pub(super) fn lags(&self, moment: Moment) -> bool {
        moment.run >= self.run.saturating_add(LAG)
    }

    pub(super) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    fn meta(&self, key: &str) -> Result<Option<u64>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let value = transaction.open_table(META)?.get(key)?;
        Ok(value.map(|value| value.value()))
    }

    fn write_format(&mut self) -> Result<(), redb::Error> {
        // When processes have not run yet, nothing is over.
        let beginning = Moment {
            now: 0,
            run: 0,
            longest: 0,
        };
        self.write(beginning, |tables| tables.set(FORMAT_KEY, FORMAT))?;
        Ok(())
    }

    /// Reads what has ended: all of it, as the clock may be wrong now. What this process knows and the file does not is
    /// to be saved again.
    fn load(&self, known: &Known) -> Result<(), redb::Error> {
        let is_first = known.ended.is_empty();
        let mut saved = Saved::default();
        known.has_run(self.run);
        known.number_at_least(self.meta(NUMBER_KEY)?.unwrap_or_default());
        known.lasts(self.meta(LONGEST_KEY)?.unwrap_or_default());
        // None of them is forgotten for another.
        let moment = known.moment(0);
        let transaction = self.database.begin_read()?;
        for entry in transaction.open_table(ENDED)?.iter()? {
            let (id, row) = entry?;
            let (id, term) = ((*id.value()).into(), Term::from_row(row.value()));
            known.ended.end_until(id, term, moment);
            if !is_first {
                saved.sessions.insert(id);
            }
        }
        for entry in transaction.open_table(ACCOUNTS)?.iter()? {
            let (id, mark) = entry?;
            let (number, row) = mark.value();
            let account = (*id.value()).into();
            let term = Term::from_row(row);
            known.ended.end_all_until(account, number, term, moment);
            saved.accounts.insert(account, number);
        }
        if !is_first {
            known.save_again(&saved, known.moment(Clock::System.now()));
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

    /// Gives free space in the file back to the system, if it is much. Nobody may read from the file meanwhile. If
    /// somebody does, nothing happens.
    pub(super) fn compact(&mut self, path: &Path) -> Result<(), RegistryError> {
        let is_sparse = self.is_sparse(path);
        if !is_sparse.map_err(|error| failure::from_redb(path, error))? {
            return Ok(());
        }
        let Some(database) = Arc::get_mut(&mut self.database) else {
            return Ok(());
        };
        let before = length_of(path);
        database
            .compact()
            .map_err(|error| failure::from_redb(path, error.into()))?;
        let after = length_of(path);
        self.compacted_to = after;
        tracing::info!(path = %path.display(), before, after, "gave free space in the registry file back");
        Ok(())
    }

    /// Whether much of the file is free, as far as its length and the number of entries say.
    fn is_sparse(&self, path: &Path) -> Result<bool, redb::Error> {
        let length = length_of(path);
        // What could not be given back the last time is not tried again.
        let most = self.most_in_use()?.max(self.compacted_to);
        Ok(length > most.saturating_mul(2).saturating_add(SPARE_BYTES))
    }

    /// How many bytes of the file are in use, at most.
    fn most_in_use(&self) -> Result<u64, redb::Error> {
        let transaction = self.database.begin_read()?;
        let rows = transaction.open_table(OPENED)?.len()?
            + transaction.open_table(FAMILIES)?.len()?
            + transaction.open_table(ENDED)?.len()?
            + transaction.open_table(ACCOUNTS)?.len()?;
        Ok(rows * ROW_BYTES + self.kept_bytes / 2 * 3)
    }

    /// Whether it would be compact within a moment, as not much of it is in use.
    pub(super) fn is_soon_compact(&self) -> bool {
        self.most_in_use().is_ok_and(|bytes| bytes < SOON_BYTES)
    }

    /// Makes a change. It is on the disk when this returns. After an error it is there as a whole, or perhaps not at
    /// all, and the store can no longer be used. If nothing changes, nothing is written. Returns whether something
    /// was written.
    pub(super) fn write(
        &mut self,
        moment: Moment,
        change: impl FnOnce(&mut Tables<'_>) -> Result<(), redb::Error>,
    ) -> Result<bool, redb::Error> {
        let lags = self.lags(moment);
        let transaction = self.database.begin_write()?;
        let changes = {
            let mut tables = Tables {
                meta: transaction.open_table(META)?,
                opened: transaction.open_table(OPENED)?,
                ended: transaction.open_table(ENDED)?,
                accounts: transaction.open_table(ACCOUNTS)?,
                families: transaction.open_table(FAMILIES)?,
                grants: transaction.open_table(GRANTS)?,
                attributes: transaction.open_table(ATTRIBUTES)?,
                kept_bytes: self.kept_bytes,
                changes: 0,
            };
            change(&mut tables)?;
            if tables.changes > 0 || lags {
                tables.set(RUN_KEY, moment.run)?;
            }
            self.kept_bytes = tables.kept_bytes;
            tables.changes
        };
        if changes == 0 {
            transaction.abort()?;
            return Ok(false);
        }
        transaction.commit()?;
        self.run = moment.run;
        // The second one, which may as well tidy up.
        let transaction = self.database.begin_write()?;
        let freed = self.sweep.run(&transaction, changes, moment)?;
        self.kept_bytes = self.kept_bytes.saturating_sub(freed);
        transaction.commit()?;
        Ok(true)
    }
}

/// What was known of a session that was open.
pub(super) struct Closed {
    pub(super) expires_at: UnixSeconds,
    pub(super) family: Option<SessionId>,
}

/// The file within a change.
pub(super) struct Tables<'t> {
    meta: Table<'t, &'static str, u64>,
    opened: Table<'t, Id, u64>,
    ended: Table<'t, Id, u64>,
    accounts: Table<'t, Id, (u64, u64)>,
    families: Table<'t, Id, [u8; 16]>,
    grants: Table<'t, Id, &'static [u8]>,
    attributes: Table<'t, Id, &'static [u8]>,
    kept_bytes: u64,
    changes: usize,
}

impl<'t> Tables<'t> {
    pub(super) fn open(
        &mut self,
        id: SessionId,
        family: Option<SessionId>,
        term: Term,
    ) -> Result<(), redb::Error> {
        let before = self.opened.insert(id.as_bytes(), term.to_row())?;
        let before = before.map(|before| Term::from_row(before.value()));
        if let Some(before) = before {
            let row = before.or_later(term).to_row();
            self.opened.insert(id.as_bytes(), row)?;
        }
        if let Some(family) = family {
            self.families.insert(id.as_bytes(), family.as_bytes())?;
        }
        self.changes += 1;
        Ok(())
    }

    /// Removes a session from the open ones. Returns when it would have expired and its family, if it was one of them.
    pub(super) fn close(&mut self, id: SessionId) -> Result<Option<Closed>, redb::Error> {
        let removed = self.opened.remove(id.as_bytes())?;
        let expires_at = removed.map(|row| Term::from_row(row.value()).expires_at);
        let family = self.families.remove(id.as_bytes())?;
        let family = family.map(|family| SessionId::from(family.value()));
        self.changes += usize::from(expires_at.is_some());
        for &item in Item::ALL {
            self.forget(id, item)?;
        }
        Ok(expires_at.map(|expires_at| Closed { expires_at, family }))
    }

    fn is_open(&self, id: SessionId, now: UnixSeconds) -> Result<bool, redb::Error> {
        let row = self.opened.get(id.as_bytes())?;
        Ok(row.is_some_and(|row| Term::from_row(row.value()).expires_at > now))
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

    /// Saves what has ended, and what is known of all sessions.
    pub(super) fn save(&mut self, unsaved: &Unsaved, overall: Overall) -> Result<(), redb::Error> {
        for (&id, &term) in &unsaved.sessions {
            self.close(id)?;
            let known = self.ended.insert(id.as_bytes(), term.to_row())?;
            let known = known.map(|known| Term::from_row(known.value()));
            if let Some(known) = known {
                let row = known.or_later(term).to_row();
                self.ended.insert(id.as_bytes(), row)?;
            }
            self.changes += 1;
        }
        for (account, &mark) in &unsaved.accounts {
            let known = self.accounts.get(account.as_bytes())?;
            let known = known.map(|known| {
                let (number, row) = known.value();
                let term = Term::from_row(row);
                Mark { number, term }
            });
            let mark = known.map_or(mark, |known| known.and(mark));
            let row = (mark.number, mark.term.to_row());
            self.accounts.insert(account.as_bytes(), row)?;
            self.changes += 1;
        }
        for (key, value) in [(NUMBER_KEY, overall.number), (LONGEST_KEY, overall.longest)] {
            let saved = self.meta.get(key)?.map(|saved| saved.value());
            if saved.unwrap_or_default() < value {
                self.set(key, value)?;
            }
        }
        Ok(())
    }

    pub(super) fn set(&mut self, key: &str, value: u64) -> Result<(), redb::Error> {
        self.meta.insert(key, value)?;
        self.changes += 1;
        Ok(())
    }
}

/// 0 if nobody can say: then nothing is tidied.
fn length_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn length(bytes: &[u8]) -> u64 {
    bytes.len().try_into().unwrap_or(u64::MAX)
}
