//! Limits on simultaneous work, shared fairly by sender: reading forms, validating tickets.

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
