//! The tables of the file.

use redb::TableDefinition;

use crate::{
    clock::UnixSeconds,
    registry::{GRACE, Item},
};

/// A session or an account.
pub(super) type Id = &'static [u8; 16];

/// The format and the last number that was given, by these names.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// When each open session expires, in seconds since the epoch.
pub(super) const OPENED: TableDefinition<'_, Id, u64> = TableDefinition::new("opened");
/// When each ended session would have expired.
pub(super) const ENDED: TableDefinition<'_, Id, u64> = TableDefinition::new("ended");
/// The number up to which the sessions of an account have ended, and when the last would have expired.
pub(super) const ACCOUNTS: TableDefinition<'_, Id, (u64, u64)> = TableDefinition::new("accounts");
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

/// Whether an entry may be forgotten. Open sessions, too, are kept a little longer than they last: a clock that is
/// set back makes them good again, and then a logout has to find them.
pub(super) fn is_over(expires_at: UnixSeconds, now: UnixSeconds) -> bool {
    expires_at.saturating_add(GRACE) <= now
}
