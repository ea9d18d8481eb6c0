//! `FileRegistry`.

#[cfg(unix)]
mod child;
mod damage;
#[cfg(unix)]
mod disk_full;
#[cfg(unix)]
mod kill;
mod opening;

use std::{path::PathBuf, sync::Arc};

use cas_layer::{
    FileRegistry,
    registry::Registry,
    testing::{RegistryStore, registry_contract},
};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;
use tempfile::TempDir;

#[cfg(unix)]
pub(crate) use self::child::run as child;
use crate::{flood, support::PATIENCE};

/// A directory with a registry's file in it.
struct File(TempDir);

impl RegistryStore for File {
    async fn node(&self) -> Arc<dyn Registry> {
        Arc::new(self.open())
    }
}

impl File {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("sessions.redb")
    }

    fn open(&self) -> FileRegistry {
        FileRegistry::open(self.path()).unwrap().timeout(PATIENCE)
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("file::keeps_the_contract", || {
            registry_contract(async || File::new())
        }),
        flood::trial_of("file", File::new),
    ];
    trials.extend(opening::trials());
    trials.extend(damage::trials());
    #[cfg(unix)]
    trials.extend([
        trial(
            "file::what_was_answered_survives_kill_9_at_any_instant",
            kill::rounds,
        ),
        trial(
            "file::a_full_disk_signs_nobody_in_and_revives_nobody",
            disk_full::from_outside,
        ),
    ]);
    trials
}
