//! Callback in place: the service URL is the page that was asked for.

mod address;
mod arrival;
mod future;
mod peek;
mod peeked;
mod service;

pub(super) use address::{confirmation_path, of_trip, page, service_url, tag, tag_matches};
pub(super) use arrival::unbound;
pub use future::CasInPlaceFuture;
pub use peeked::Peeked;
pub use service::CasInPlace;

use super::visit::Visit;
use crate::{config::Shared, session::Trip};

/// Whether the ticket for this trip comes back with this request.
pub(super) fn leads_to(shared: &Shared, trip: &Trip, visit: &Visit<'_>) -> bool {
    let path = shared.app_path(visit.uri.path());
    path.is_some_and(|path| address::is_callback_of(shared, trip, path))
}
