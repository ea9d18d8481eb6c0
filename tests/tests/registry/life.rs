//! A session's whole life, with the registries that need no server.

use cas_layer::{CasConfigBuilder, FileRegistry, MemoryRegistry};
use cas_layer_tests::life::trials::trial;
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::support::PATIENCE;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("memory::a_session_lives_as_the_model_says", 200, || {
            async || {
                let registry = MemoryRegistry::default();
                move |config: CasConfigBuilder| config.registry(registry.clone())
            }
        }),
        trial("file::a_session_lives_as_the_model_says", 40, || {
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
    ]
}
