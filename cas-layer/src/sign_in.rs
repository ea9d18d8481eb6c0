//! Sign-in: on to the CAS server, and back with a ticket that becomes a session.

mod begin;
mod callback;
mod circle;
pub(crate) mod confirmation;
pub(crate) mod decision;
mod family;
pub(crate) mod granting;
#[cfg(feature = "jwt")]
mod once;
pub(crate) mod opening;
pub(crate) mod password;
mod refusal;
mod standing;
mod step;
pub(crate) mod validation;

pub(crate) use begin::Login;
pub(crate) use callback::Callback;
use callback::Entrant;
pub(crate) use step::{Step, Taken};
