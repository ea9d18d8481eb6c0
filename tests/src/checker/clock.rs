//! Clocks that are wrong: a small library moves the time of one process (`clock.c`, for Linux).
//!
//! A process whose whole clock is wrong shows more than an app with a clock of its own: the registry looks at the system's
//! clock too, and so does Redis.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The file that says by how much.
const FILE: &str = "CHECKER_CLOCK";

/// The library, if it can be built here.
#[derive(Clone, Debug)]
pub struct Clocks {
    library: Option<PathBuf>,
    directory: PathBuf,
}

/// The clock of one program, however often it is started.
#[derive(Clone, Debug)]
pub struct ShiftedClock {
    library: Option<PathBuf>,
    file: PathBuf,
}

impl Clocks {
    /// Builds the library in this directory. Without a C compiler all clocks are right.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let source = directory.join("clock.c");
        let library = directory.join("clock.so");
        fs::write(&source, include_str!("clock.c")).expect("a file for the source");
        let built = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        Self {
            library: (built && cfg!(target_os = "linux")).then_some(library),
            directory: directory.to_owned(),
        }
    }

    /// Whether clocks can be moved.
    #[must_use]
    pub fn can_move(&self) -> bool {
        self.library.is_some()
    }

    /// A clock that is right.
    #[must_use]
    pub fn clock(&self, name: &str) -> ShiftedClock {
        let clock = ShiftedClock {
            library: self.library.clone(),
            file: self.directory.join(format!("{name}.clock")),
        };
        clock.set(0);
        clock
    }
}

impl ShiftedClock {
    /// Moves the clock. A running program sees it at once.
    pub fn set(&self, ahead: i64) {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.file);
        let written = file.and_then(|mut file| file.write_all(&ahead.to_ne_bytes()));
        written.expect("a file for the clock");
    }

    /// What the program has to be started with.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let Some(library) = &self.library else {
            return Vec::new();
        };
        [("LD_PRELOAD", library), (FILE, &self.file)]
            .map(|(name, path)| (name.to_owned(), path.display().to_string()))
            .into()
    }
}
