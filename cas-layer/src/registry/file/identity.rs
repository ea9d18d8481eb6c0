//! Which file it is that a process has open, whatever lies under its name by now.

use std::{fs::File, io, path::Path};

use super::failure;
use crate::registry::{RegistryError, RegistryErrorKind};

/// The file that was opened first. It is kept open, so that no other file gets its number.
#[derive(Debug)]
pub(super) struct Identity {
    file: File,
    /// How long it was when it was written last. `None` before that, and after a failure.
    length: Option<u64>,
}

impl Identity {
    pub(super) fn of(path: &Path) -> Result<Self, RegistryError> {
        let file = File::open(path).map_err(|error| failure::from_io(path, error))?;
        Ok(Self { file, length: None })
    }

    /// Whether this is still the file at `path`, and as long as it was left. Nothing is saved in a file that nobody
    /// will find, and the one that lies there instead is somebody's.
    pub(super) fn check(&self, path: &Path) -> Result<(), RegistryError> {
        let refused = |what| {
            let kind = RegistryErrorKind::Unusable;
            Err(failure::about(path, kind, what))
        };
        match is_at(&self.file, path) {
            Ok(true) => {}
            Ok(false) => {
                return refused(
                    "was replaced by another file while this process had it open. Put the first one back, or \
                     start the process again",
                );
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return refused(
                    "was deleted or moved while this process had it open. Put it back, or start the process \
                     again and change the keys: what has signed out is known by this file alone",
                );
            }
            Err(error) => return Err(failure::from_io(path, error)),
        }
        let length = self.len(path)?;
        match self.length {
            Some(expected) if expected != length => Err(failure::about(
                path,
                RegistryErrorKind::Damaged,
                "has another length than this process left it with: something else writes to it",
            )),
            _ => Ok(()),
        }
    }

    /// The file is as this process left it.
    pub(super) fn note_length(&mut self, path: &Path) {
        self.length = self.len(path).ok();
    }

    /// The file is about to be opened again, and then checked as a whole.
    pub(super) fn forget_length(&mut self) {
        self.length = None;
    }

    fn len(&self, path: &Path) -> Result<u64, RegistryError> {
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|error| failure::from_io(path, error))?;
        Ok(metadata.len())
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (here, there) = (file.metadata()?, path.metadata()?);
    Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
}

/// Elsewhere nobody can delete or replace a file that is open.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    path.metadata().map(|_| true)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_became_of_the_file_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.redb");
        fs::write(&path, "first").unwrap();
        let mut identity = Identity::of(&path).unwrap();
        let said = |identity: &Identity, path: &Path| {
            let error = identity.check(path).unwrap_err();
            (error.kind(), error.to_string())
        };
        identity.check(&path).unwrap();
        identity.note_length(&path);
        identity.check(&path).unwrap();
        // A file has nothing below it.
        let (kind, text) = said(&identity, &path.join("below"));
        assert_eq!(kind, RegistryErrorKind::Unusable);
        assert!(text.contains("cannot be opened"), "{text}");
        fs::write(&path, "longer").unwrap();
        let (kind, text) = said(&identity, &path);
        assert_eq!(kind, RegistryErrorKind::Damaged);
        assert!(text.contains("another length"), "{text}");
        fs::remove_file(&path).unwrap();
        let (kind, text) = said(&identity, &path);
        assert_eq!(kind, RegistryErrorKind::Unusable);
        assert!(text.contains("deleted or moved"), "{text}");
        fs::write(&path, "longer").unwrap();
        let (kind, text) = said(&identity, &path);
        assert_eq!(kind, RegistryErrorKind::Unusable);
        assert!(text.contains("replaced"), "{text}");
    }
}
