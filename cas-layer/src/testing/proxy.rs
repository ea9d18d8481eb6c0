//! Proxy authentication (CAS protocol 2.5.4, 2.6, 2.7): services that act for a user at other services.

mod callback;
mod control;
mod endpoint;
mod granting;

pub(super) use callback::{Callbacks, Exchange, Granted};
pub(super) use endpoint::proxy;
pub(super) use granting::{CallbackFailed, InAnswer, granting_ticket};

pub use callback::ProxyCallback;
