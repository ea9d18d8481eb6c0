//! Keys from a file, and their rotation.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cas_layer_tests::{
    demo::Demo,
    flow::{USER, sign_in},
    visitor::Visitor,
};
use tempfile::TempDir;

/// 66 bytes each.
const OLD: &str =
    "q83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83v";
const NEW: &str =
    "ASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNFASNF";

fn key_file(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Another node of the same app: same URLs, a port of its own.
async fn node(of: &Demo, key_file: &Path) -> Demo {
    let arguments = [
        "--app-url",
        &of.url(""),
        "--cas-url",
        of.cas_url(),
        "--key-file",
    ];
    let mut arguments = arguments.map(str::to_owned).to_vec();
    arguments.push(key_file.display().to_string());
    Demo::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn an_older_key_still_opens_but_one_that_is_gone_does_not() {
    let directory = TempDir::new().unwrap();
    let old = key_file(&directory, "old", OLD);
    let both = key_file(&directory, "both", &format!("{NEW}\n\n{OLD}\r\n"));
    let new = key_file(&directory, "new", NEW);

    let first = Demo::start(&["--key-file", old.to_str().unwrap()]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &first, "/profile").await;

    let rotated = node(&first, &both).await;
    let profile = visitor.get(&rotated.own_url("/profile")).await;
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));

    let later = node(&first, &new).await;
    let answer = visitor.get(&later.own_url("/profile")).await;
    assert_eq!(answer.status, 302);
    assert!(answer.location().as_str().starts_with(first.cas_url()));
}
