//! Callback in place: the service URL is the page that was asked for.

mod arrival;
mod decide;
mod future;
mod next;
mod peek;
mod peeked;
mod service;

pub(super) use arrival::unbound;
pub use future::CasInPlaceFuture;
pub use peeked::Peeked;
pub use service::CasInPlace;
