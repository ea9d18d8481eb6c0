//! A new file.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::{failure, store::Store};
use crate::registry::RegistryError;

/// Makes the file if it does not exist.
///
/// It appears under its name only when it is complete and on the disk. So a file that is empty or cut short is never
/// unfinished: it is damaged.
pub(super) fn create_if_missing(path: &Path) -> Result<(), RegistryError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path),
        // Other faults are found when the file is opened.
        _ => Ok(()),
    }
}

fn create(path: &Path) -> Result<(), RegistryError> {
    let from_io = |error| failure::from_io(path, error);
    // An absolute path without a parent is the root, which exists.
    let directory = path.parent().unwrap_or(path);
    // Readable by its owner alone, and removed unless it gets its name.
    let file = tempfile::Builder::new()
        .prefix(".cas-registry-")
        .suffix(".new")
        .tempfile_in(directory)
        .map_err(from_io)?;
    Store::initialize(file.path()).map_err(|error| failure::from_redb(path, error))?;
    file.as_file().sync_all().map_err(from_io)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            tracing::info!(path = %path.display(), "made a registry file");
            sync(directory).map_err(from_io)
        }
        // Another process was first, and its file serves as well.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(from_io(error.error)),
    }
}

/// A name lasts when its directory is on the disk. Only unix opens directories as files.
fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_get_its_name_is_an_error_and_one_that_has_it_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.redb");
        fs::write(&path, "from another process").unwrap();
        create(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"from another process");
        // Longer than file systems take.
        assert!(create(&directory.path().join("n".repeat(1_000))).is_err());
        // Nothing is left of those that did not get a name.
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
