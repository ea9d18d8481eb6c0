//! Checks which other users can get at the file. This goes by the file's name. A user who can change a directory on
//! the way could replace the file after the check, so the directories are checked too.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use rustix::process::geteuid;

use super::failure;
use crate::registry::{RegistryError, RegistryErrorKind};

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const OTHERS_READ: u32 = 0o044;
/// In such a directory everybody can remove and rename only files of their own.
const STICKY: u32 = 0o1000;

/// Checks the directories and links on the way to the file, whether the file exists or not.
pub(super) fn check_way(path: &Path) -> Result<(), RegistryError> {
    let way = Way::to(path).map_err(|error| failure::from_io(path, error))?;
    for (link, metadata) in &way.links {
        if is_foreign(metadata) {
            let what = format!(
                "is reached through the link {}, which belongs to another user, {}",
                link.display(),
                metadata.uid()
            );
            return Err(failure::about(path, RegistryErrorKind::Unusable, &what));
        }
    }
    for (directory, metadata) in &way.directories {
        let mode = metadata.mode();
        if mode & STICKY == 0 && mode & OTHERS_WRITE != 0 {
            let what = format!(
                "could be replaced by anybody, as the directory {} has mode {:04o}: put it into one that \
                 only its owner may write to",
                directory.display(),
                mode & 0o7777
            );
            return Err(failure::about(path, RegistryErrorKind::Unusable, &what));
        }
        let group_writes = mode & STICKY == 0 && mode & GROUP_WRITES != 0;
        if group_writes || is_foreign(metadata) {
            tracing::warn!(
                path = %path.display(),
                directory = %directory.display(),
                mode = format!("{:04o}", mode & 0o7777),
                owner = metadata.uid(),
                "other users can write to a directory on the way to the registry file: they can replace the \
                 file, and so make sessions good again that have signed out"
            );
        }
    }
    Ok(())
}

/// Checks the file itself. If it is not a regular file, opening it returns the error.
pub(super) fn check_file(path: &Path) -> Result<(), RegistryError> {
    let metadata = fs::metadata(path).map_err(|error| failure::from_io(path, error))?;
    if !metadata.is_file() {
        return Ok(());
    }
    let refused = |what: &str| Err(failure::about(path, RegistryErrorKind::Unusable, what));
    let mode = metadata.mode() & 0o7777;
    if mode & (GROUP_WRITES | OTHERS_WRITE) != 0 {
        return refused(&format!(
            "can be written by other users, as its mode is {mode:04o}. If nobody has done so, \
             set it to 0600"
        ));
    }
    if is_foreign(&metadata) {
        return refused(&format!("belongs to another user, {}", metadata.uid()));
    }
    if mode & OTHERS_READ != 0 {
        tracing::warn!(
            path = %path.display(),
            mode = format!("{mode:04o}"),
            "other users can read the registry file, with the names of sessions and sealed \
             proxy-granting tickets in it: set its mode to 0600"
        );
    }
    Ok(())
}

/// Whether it belongs to a user other than this process's user and root, who may do anything anyway.
fn is_foreign(metadata: &Metadata) -> bool {
    is_another(metadata.uid(), geteuid().as_raw())
}

fn is_another(owner: u32, user: u32) -> bool {
    owner != 0 && owner != user
}

/// How a path leads to a file, each link followed by itself.
#[derive(Debug, Default)]
struct Way {
    directories: BTreeMap<PathBuf, Metadata>,
    links: Vec<(PathBuf, Metadata)>,
}

/// A part of a path that is not gone yet.
enum Step {
    Root,
    Up,
    Into(OsString),
}

impl Way {
    /// `path` is absolute.
    fn to(path: &Path) -> io::Result<Self> {
        let mut way = Self::default();
        let mut here = PathBuf::new();
        let mut ahead = steps(path);
        while let Some(step) = ahead.pop() {
            let next = match step {
                Step::Root => PathBuf::from("/"),
                Step::Up => here.parent().unwrap_or(&here).to_owned(),
                Step::Into(name) => here.join(name),
            };
            let metadata = match fs::symlink_metadata(&next) {
                // The file is still to be made.
                Err(error) if error.kind() == io::ErrorKind::NotFound && ahead.is_empty() => break,
                metadata => metadata?,
            };
            if metadata.is_symlink() {
                ahead.extend(steps(&fs::read_link(&next)?));
                way.links.push((next, metadata));
                if way.links.len() > MAX_LINKS {
                    return Err(io::Error::from(io::ErrorKind::InvalidInput));
                }
            } else {
                if metadata.is_dir() {
                    way.directories.insert(next.clone(), metadata);
                }
                here = next;
            }
        }
        Ok(way)
    }
}

/// The steps of a path, the first one last.
fn steps(path: &Path) -> Vec<Step> {
    let steps = path
        .components()
        .rev()
        .filter_map(|component| match component {
            Component::RootDir => Some(Step::Root),
            Component::ParentDir => Some(Step::Up),
            Component::Normal(name) => Some(Step::Into(name.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn root_and_the_process_itself_are_no_other_users() {
        for (owner, user, expected) in [
            (0, 0, false),
            (0, 1000, false),
            (1000, 1000, false),
            (1000, 0, true),
            (1000, 1001, true),
        ] {
            assert_eq!(is_another(owner, user), expected, "{owner} {user}");
        }
    }

    #[test]
    fn as_many_links_are_followed_as_linux_follows_and_not_one_more() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let link = |n: usize| directory.join(format!("link-{n}"));
        fs::write(link(0), "the file").unwrap();
        for n in 1..=MAX_LINKS + 1 {
            symlink(link(n - 1), link(n)).unwrap();
        }
        assert_eq!(Way::to(&link(MAX_LINKS)).unwrap().links.len(), MAX_LINKS);
        check_way(&link(MAX_LINKS)).unwrap();
        let error = check_way(&link(MAX_LINKS + 1)).unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unusable);
    }

    #[test]
    fn the_file_may_be_missing_and_its_directory_may_not() {
        let directory = tempfile::tempdir().unwrap();
        check_way(&directory.path().join("sessions.redb")).unwrap();
        let error = check_way(&directory.path().join("missing/sessions.redb")).unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unusable);
        // Nor may it be a file.
        fs::write(directory.path().join("file"), "").unwrap();
        let error = check_way(&directory.path().join("file/sessions.redb")).unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unusable);
    }
}
