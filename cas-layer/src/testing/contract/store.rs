//! Where the registries are that are tried.

use std::sync::Arc;

#[cfg(doc)]
use crate::testing::registry_contract;
use crate::{registry::Registry, session::SessionId};

/// A store for [`registry_contract`], empty at first, and dropped with everything in it. It says what the registry on it can do
/// beyond the contract.
pub trait RegistryStore {
    /// A node on the store: another one with each call, if several can be there at once or if the one before was dropped. A
    /// registry of one process that forgets gives the same one again.
    fn node(&self) -> impl Future<Output = Arc<dyn Registry>>;

    /// Whether several nodes can be on the store at once. Then it is tried what they know of each other.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether the store has a clock of its own. If not, it goes by the times that callers say, and it is tried whether things
    /// are remembered for long enough.
    fn has_clock(&self) -> bool {
        false
    }

    /// Returns when nothing is left of the ticket with this id, which was begun and abandoned. For a registry whose
    /// [`abandon`](Registry::abandon) leaves work behind, as it does not wait.
    fn forgets(&self, _id: SessionId) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}
