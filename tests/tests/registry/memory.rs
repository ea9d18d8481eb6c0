//! `MemoryRegistry`.

use std::sync::Arc;

use cas_layer::{
    MemoryRegistry,
    registry::Registry,
    testing::{RegistryStore, registry_contract},
};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;

use crate::flood;

struct Memory(MemoryRegistry);

impl Memory {
    fn new() -> Self {
        Self(MemoryRegistry::default())
    }
}

impl RegistryStore for Memory {
    async fn node(&self) -> Arc<dyn Registry> {
        Arc::new(self.0.clone())
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("memory::keeps_the_contract", || {
            registry_contract(async || Memory::new())
        }),
        flood::trial_of("memory", Memory::new),
    ]
}
