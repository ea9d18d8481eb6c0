//! The tables of the file.

use redb::TableDefinition;

use crate::registry::Item;

/// A session or an account.
pub(super) type Id = &'static [u8; 16];

/// The format, the last number that was given, the longest lifetime of a session, and for how many seconds processes
/// have run with this file, by these names.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// When each open session expires: a row of a [`Term`](crate::registry::run_time::Term).
pub(super) const OPENED: TableDefinition<'_, Id, u64> = TableDefinition::new("opened");
/// When each ended session would have expired: such a row, too.
pub(super) const ENDED: TableDefinition<'_, Id, u64> = TableDefinition::new("ended");
/// The number up to which the sessions of an account have ended, and when the last would have expired: such
/// a row.
pub(super) const ACCOUNTS: TableDefinition<'_, Id, (u64, u64)> = TableDefinition::new("accounts");
/// The families of open sessions. An entry goes with that of its session.
pub(super) const FAMILIES: TableDefinition<'_, Id, [u8; 16]> = TableDefinition::new("families");
/// What is kept for some of the open sessions. An entry goes with that of its session.
pub(super) const GRANTS: KeptTable = TableDefinition::new("grants");
pub(super) const ATTRIBUTES: KeptTable = TableDefinition::new("attributes");

pub(super) type KeptTable = TableDefinition<'static, Id, &'static [u8]>;

/// The table of an item.
pub(super) fn table_of(item: Item) -> KeptTable {
    match item {
        Item::GrantingTicket => GRANTS,
        Item::Attributes => ATTRIBUTES,
    }
}
