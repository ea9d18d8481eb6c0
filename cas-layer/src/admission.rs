//! How much is done at once, and for whom: forms that are read, tickets that are validated, each fairly by sender.

mod forms;
mod logins;
mod peers;
mod running;
mod sources;
mod validations;

pub(crate) use forms::{Forms, Seat};
pub(crate) use logins::{Member, Turn};
pub(crate) use peers::{Peer, Peers};
pub(crate) use running::{Running, Validated, Validation};
pub(crate) use sources::{Source, Sources};
pub(crate) use validations::{Party, Validations};
