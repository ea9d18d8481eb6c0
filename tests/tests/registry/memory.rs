//! `MemoryRegistry`.

use std::sync::Arc;

use cas_layer::{MemoryRegistry, registry::Registry};
use libtest_mimic::Trial;

use crate::{
    contract::{self, Harness},
    flood, grants,
};

struct Memory(MemoryRegistry);

impl Harness for Memory {
    async fn new() -> Self {
        Self(MemoryRegistry::default())
    }

    async fn node(&self) -> Arc<dyn Registry> {
        Arc::new(self.0.clone())
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = contract::trials::<Memory>("memory");
    trials.extend(contract::clock_trials::<Memory>("memory"));
    trials.extend(grants::trials::<Memory>("memory"));
    trials.extend(grants::clock_trials::<Memory>("memory"));
    trials.push(flood::trial_of::<Memory>("memory"));
    trials
}
