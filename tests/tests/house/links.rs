//! Links of the texts lead somewhere, and what a crate needs is in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The targets of the links in a text that are files, without what is behind `#`.
fn files_in(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains(':'))
        .collect()
}

#[test]
fn links_of_the_texts_lead_to_files() {
    for text in [
        "README.md",
        "CONTRIBUTING.md",
        "RELEASING.md",
        "SECURITY.md",
        "cas-layer/README.md",
    ] {
        let path = root().join(text);
        let folder = path.parent().unwrap();
        let content = fs::read_to_string(&path).unwrap();
        let files = files_in(&content);
        for file in &files {
            assert!(folder.join(file).exists(), "{text}: {file}");
        }
        assert!(text == "SECURITY.md" || !files.is_empty(), "{text}");
    }
}

#[test]
fn the_crate_has_its_licences_and_a_page_whose_links_work_in_it() {
    let list = Command::new(env!("CARGO"))
        .args(["package", "--list", "--offline", "--allow-dirty"])
        .args(["-p", "cas-layer"])
        .current_dir(root())
        .output()
        .unwrap();
    let packed = String::from_utf8(list.stdout).unwrap();
    let page = fs::read_to_string(root().join("cas-layer/README.md")).unwrap();
    let linked = files_in(&page);
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        assert!(packed.lines().any(|line| line == file), "{file}: {packed}");
    }
    for file in linked {
        let is_packed = |line: &str| line == file || line.starts_with(&format!("{file}/"));
        assert!(packed.lines().any(is_packed), "{file}");
    }
}
