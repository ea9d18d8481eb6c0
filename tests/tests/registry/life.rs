//! A session's whole life, and calls at the same time, with the registries that need no server.

use std::sync::Arc;

use cas_layer::{CasConfigBuilder, FileRegistry, MemoryRegistry};
use cas_layer_tests::{
    at_once::{Promise, rounds},
    life::trials::trial,
};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::support::PATIENCE;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("memory::a_session_lives_as_the_model_says", 120, || {
            async || {
                let registry = MemoryRegistry::default();
                move |config: CasConfigBuilder| config.registry(registry.clone())
            }
        }),
        trial("file::a_session_lives_as_the_model_says", 25, || {
            async || {
                let directory = TempDir::new().unwrap();
                let registry = FileRegistry::open(directory.path().join("sessions.redb"));
                let registry = registry.unwrap().timeout(PATIENCE);
                move |config: CasConfigBuilder| {
                    // The directory stays as long as its registry.
                    let _ = &directory;
                    config.registry(registry.clone())
                }
            }
        }),
        rounds::trial(
            "memory::calls_at_once_come_one_after_another",
            20_000,
            Promise::OneStep,
            async || (vec![Arc::new(MemoryRegistry::default()) as _], ()),
        ),
        rounds::trial(
            "file::calls_at_once_come_one_after_another",
            150,
            Promise::OneStep,
            async || {
                let directory = TempDir::new().unwrap();
                let registry = FileRegistry::open(directory.path().join("sessions.redb"));
                let registry = registry.unwrap().timeout(PATIENCE);
                (vec![Arc::new(registry) as _], directory)
            },
        ),
    ]
}
