//! `FileRegistry`.

#[cfg(unix)]
mod child;
mod damage;
#[cfg(unix)]
mod disk_full;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
#[path = "../redis/listening.rs"]
mod listening;
mod opening;

use std::{path::PathBuf, sync::Arc};

use cas_layer::{FileRegistry, registry::Registry};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;
use tempfile::TempDir;

#[cfg(unix)]
pub(crate) use self::child::run as child;
use crate::{
    contract::{self, Harness},
    flood, grants,
};

/// A directory with a registry's file in it.
struct File(TempDir);

impl Harness for File {
    async fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn node(&self) -> Arc<dyn Registry> {
        Arc::new(self.open())
    }
}

impl File {
    fn path(&self) -> PathBuf {
        self.0.path().join("sessions.redb")
    }

    fn open(&self) -> FileRegistry {
        FileRegistry::open(self.path()).unwrap()
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = contract::trials::<File>("file");
    trials.extend(contract::clock_trials::<File>("file"));
    trials.extend(contract::restart_trials::<File>("file"));
    trials.extend(grants::trials::<File>("file"));
    trials.extend(grants::clock_trials::<File>("file"));
    trials.extend(grants::restart_trials::<File>("file"));
    trials.push(flood::trial_of::<File>("file"));
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
