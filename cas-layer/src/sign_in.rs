//! Signing in: on to the CAS server, and back with a ticket that becomes a session.

pub(crate) mod begin;
pub(crate) mod callback;
pub(crate) mod confirmation;
pub(crate) mod granting;
pub(crate) mod validation;
