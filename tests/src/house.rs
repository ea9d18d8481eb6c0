//! The structure of a crate: its files, and which of them imports from which.
//!
//! Only what the crate ships is read. What stands under `#[cfg(test)]`, `#[cfg(doc)]` or `#[cfg(fuzzing)]` is not there, and neither
//! are comments.

mod arrows;
mod clean;
mod graph;
mod names;

pub mod figures;
pub mod shape;

use std::{collections::BTreeMap, fs, path::Path};

pub use self::arrows::Arrow;
use self::names::Names;

/// A file of the crate.
#[derive(Debug)]
pub struct SourceFile {
    /// Below the folder of the sources, with `/`.
    pub path: String,
    /// The module under the crate's root that the file belongs to, or `lib` or `main` for the root's own file.
    pub top: String,
    /// What it says, with tests and documentation as blanks. Lines stay where they are.
    pub text: String,
    syntax: syn::File,
}

/// A crate, read.
#[derive(Debug)]
pub struct House {
    /// Every file that `lib.rs`, or else `main.rs`, leads to.
    pub files: Vec<SourceFile>,
    /// Every import of one file from another.
    pub arrows: Vec<Arrow>,
}

impl House {
    /// Reads every `.rs` file below `root`, the folder of a `lib.rs` or `main.rs`.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let mut texts = BTreeMap::new();
        collect(root, "", &mut texts);
        Self::of(&texts)
    }

    /// Reads files given as path and text.
    #[must_use]
    pub fn of(texts: &BTreeMap<String, String>) -> Self {
        let mut files = Vec::new();
        let names = Names::of(texts, &mut files);
        let arrows = arrows::all(&files, &names);
        Self { files, arrows }
    }
}

fn collect(folder: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", folder.display()));
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), texts);
        } else if Path::new(&name).extension().is_some_and(|it| it == "rs") {
            texts.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}
