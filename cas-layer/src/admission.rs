//! Limits on simultaneous work, shared fairly by sender: reading forms, validating tickets.

mod breaker;
mod failures;
mod forms;
mod logins;
mod party;
mod peers;
mod running;
mod sources;
mod tabs;
mod validations;

pub(crate) use breaker::{Change, Heard, MAX_TIME_OUTS, Pass};
pub(crate) use failures::Failures;
pub(crate) use forms::{Forms, Seat};
pub(crate) use logins::{Member, Turn};
pub(crate) use party::Party;
pub(crate) use peers::{Peer, Peers};
pub(crate) use running::{Running, Unidentified, Validation};
pub(crate) use sources::{Source, Sources};
pub(crate) use validations::{PATIENCE, Validations};
