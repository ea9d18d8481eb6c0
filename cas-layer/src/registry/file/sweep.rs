//! Removes expired entries from the file, without an index by time.

use redb::{ReadableTable as _, Table, TableDefinition, Value, WriteTransaction};

use super::tables::{ACCOUNTS, ENDED, FAMILIES, Id, OPENED, table_of};
use crate::registry::{
    Item,
    run_time::{Moment, Term},
};

/// How many entries of each table are looked at for each that is added. In a table that is as large as it will
/// get, one in eight entries at most has expired then.
const PER_CHANGE: usize = 8;

/// How many more at each commit, so that the last entries go, too.
const PER_COMMIT: usize = 16;

/// How far each table has been looked through. Starts anywhere, so that a process that is restarted often
/// does not look at the same entries each time.
#[derive(Debug)]
pub(super) struct Sweep {
    opened: [u8; 16],
    ended: [u8; 16],
    accounts: [u8; 16],
}

impl Sweep {
    pub(super) fn new() -> Self {
        let mut start = [0; 16];
        // Without randomness it starts at the beginning, where it would come to anyway.
        let _ = getrandom::fill(&mut start);
        Self {
            opened: start,
            ended: start,
            accounts: start,
        }
    }

    /// Looks at some entries of each table, those after the ones looked at last, and removes what has expired. Returns
    /// how many bytes less are kept for sessions.
    pub(super) fn run(
        &mut self,
        transaction: &WriteTransaction,
        changes: usize,
        moment: Moment,
    ) -> Result<u64, redb::Error> {
        let count = PER_COMMIT + PER_CHANGE * changes;
        let is_over = |row| moment.is_past_open(Term::from_row(row));
        let closed = sweep(transaction, OPENED, &mut self.opened, count, is_over)?;
        let mut families = transaction.open_table(FAMILIES)?;
        for id in &closed {
            families.remove(id)?;
        }
        let mut freed = 0;
        for &item in Item::ALL {
            if closed.is_empty() {
                break;
            }
            let mut items = transaction.open_table(table_of(item))?;
            for id in &closed {
                let removed = items.remove(id)?;
                freed += removed.map_or(0, |removed| removed.value().len() as u64);
            }
        }
        let is_over = |row| moment.is_past_ended(Term::from_row(row));
        sweep(transaction, ENDED, &mut self.ended, count, is_over)?;
        sweep(transaction, ACCOUNTS, &mut self.accounts, count, |mark| {
            let (_, row) = mark;
            is_over(row)
        })?;
        Ok(freed)
    }
}

/// Says what was removed.
fn sweep<V: for<'a> Value<SelfType<'a> = V>>(
    transaction: &WriteTransaction,
    table: TableDefinition<'_, Id, V>,
    cursor: &mut [u8; 16],
    count: usize,
    is_over: impl Fn(V) -> bool,
) -> Result<Vec<[u8; 16]>, redb::Error> {
    let mut table: Table<'_, Id, V> = transaction.open_table(table)?;
    let mut over = Vec::new();
    // The end of the table, unless there are as many entries as are asked for.
    let mut next = [0; 16];
    for (index, entry) in table
        .range::<&[u8; 16]>(&*cursor..)?
        .take(count)
        .enumerate()
    {
        let (id, value) = entry?;
        if is_over(value.value()) {
            over.push(*id.value());
        }
        if index + 1 == count {
            next = *id.value();
        }
    }
    *cursor = next;
    for id in &over {
        table.remove(id)?;
    }
    Ok(over)
}
