//! Errors of the file, with its name in their texts.

use std::{io, path::Path};

use crate::registry::{RegistryError, RegistryErrorKind};

/// An error about the file at `path`.
pub(super) fn about(path: &Path, kind: RegistryErrorKind, what: &str) -> RegistryError {
    RegistryError::new(kind, format!("the registry file {} {what}", path.display()))
}

pub(super) fn from_io(path: &Path, error: io::Error) -> RegistryError {
    let (kind, what) = of_io(&error);
    about(path, kind, what).with_source(error)
}

pub(super) fn from_redb(path: &Path, error: redb::Error) -> RegistryError {
    use redb::Error;
    let (kind, what) = match &error {
        Error::Io(error) => of_io(error),
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => (
            RegistryErrorKind::InUse,
            "is in use by another process, or by another registry of this one",
        ),
        // Never written by this crate.
        Error::Corrupted(_) | Error::UpgradeRequired(_) => DAMAGED,
        Error::TableDoesNotExist(_)
        | Error::TableTypeMismatch { .. }
        | Error::TableIsMultimap(_)
        | Error::TypeDefinitionChanged { .. } => NOT_OURS,
        _ => UNREACHABLE,
    };
    about(path, kind, what).with_source(error)
}

const DAMAGED: (RegistryErrorKind, &str) = (
    RegistryErrorKind::Damaged,
    "is damaged. Restore it, or remove it and change the keys: what has signed out is known by this \
     file alone",
);

pub(super) const NOT_OURS: (RegistryErrorKind, &str) = (
    RegistryErrorKind::Unusable,
    "is a database of something else",
);

const UNREACHABLE: (RegistryErrorKind, &str) = (
    RegistryErrorKind::Unavailable,
    "cannot be read or written now",
);

fn of_io(error: &io::Error) -> (RegistryErrorKind, &'static str) {
    match error.kind() {
        // Too short, or of another format.
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => DAMAGED,
        io::ErrorKind::NotFound
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => {
            (RegistryErrorKind::Unusable, "cannot be opened or made here")
        }
        _ => UNREACHABLE,
    }
}
