//! Which files a registry opens, and what it says about the others.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
};

use cas_layer::{
    FileRegistry,
    registry::{RegistryError, RegistryErrorKind},
};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;

use super::File;
use crate::{
    contract::Harness as _,
    support::{is_ended, sign_in, sign_out, single_logout},
};

#[cfg(unix)]
pub(super) const ROLE: &str = "hold";

/// The child: has the file open until its input ends.
#[cfg(unix)]
pub(super) fn hold(registry: FileRegistry) {
    println!("open");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    drop(registry);
}

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial(
            "file::a_second_registry_on_the_file_is_refused",
            a_second_registry,
        ),
        trial("file::clones_share_the_file", clones),
        trial("file::a_new_file_appears_whole_and_alone", a_new_file),
        trial("file::what_is_no_file_is_named_and_refused", no_file),
    ];
    #[cfg(unix)]
    trials.extend([
        trial(
            "file::a_second_process_on_the_file_is_refused",
            a_second_process,
        ),
        trial("file::a_new_file_is_its_owners_alone", permissions),
        trial("file::a_link_leads_to_the_file", links),
    ]);
    trials
}

/// The error of opening what is there, which names it.
pub(super) fn refusal(path: &Path) -> RegistryError {
    let error = FileRegistry::open(path).expect_err("it was opened");
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    error
}

async fn a_second_registry() {
    let file = File::new().await;
    let first = file.open();
    sign_in(&first, 1).await;
    assert_eq!(refusal(&file.path()).kind(), RegistryErrorKind::InUse);
    // Nor did that disturb the first.
    sign_out(&first, 1).await;
    drop(first);
    assert!(is_ended(&file.open(), 1));
}

async fn clones() {
    let file = File::new().await;
    let first = file.open();
    let second = first.clone();
    sign_in(&first, 1).await;
    sign_out(&second, 1).await;
    assert!(is_ended(&first, 1));
    drop(first);
    sign_in(&second, 2).await;
    assert_eq!(refusal(&file.path()).kind(), RegistryErrorKind::InUse);
}

async fn a_new_file() {
    let file = File::new().await;
    drop(file.open());
    let names: Vec<_> = fs::read_dir(file.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["sessions.redb"]);
    // Not begun anew the second time.
    sign_in(&file.open(), 1).await;
    assert_eq!(single_logout(&file.open(), [1]).await, 1);
}

async fn no_file() {
    let file = File::new().await;
    let directory = file.0.path();
    assert_eq!(refusal(directory).kind(), RegistryErrorKind::Unusable);
    let nowhere = directory.join("missing").join("sessions.redb");
    assert_eq!(refusal(&nowhere).kind(), RegistryErrorKind::Unusable);
    fs::write(directory.join("file"), "").unwrap();
    let beneath = directory.join("file").join("sessions.redb");
    assert_eq!(refusal(&beneath).kind(), RegistryErrorKind::Unusable);
    if cfg!(unix) {
        let device = refusal(Path::new("/dev/null"));
        assert_eq!(device.kind(), RegistryErrorKind::Unusable);
    }
    let nothing = FileRegistry::open("").expect_err("it was opened");
    assert_eq!(nothing.kind(), RegistryErrorKind::Unusable);
}

#[cfg(unix)]
async fn a_second_process() {
    let file = File::new().await;
    let mut child = super::child::command(ROLE, &file.path()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    assert_eq!(refusal(&file.path()).kind(), RegistryErrorKind::InUse);
    child.kill().unwrap();
    child.wait().unwrap();
    // Its lock went with it.
    drop(file.open());
}

#[cfg(unix)]
async fn permissions() {
    use std::os::unix::fs::PermissionsExt as _;

    let file = File::new().await;
    drop(file.open());
    let mode = fs::metadata(file.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[cfg(unix)]
async fn links() {
    use std::os::unix::fs::symlink;

    let file = File::new().await;
    let link = file.0.path().join("link");
    symlink(file.path(), &link).unwrap();
    // It leads nowhere, and nothing is made where it leads.
    assert_eq!(refusal(&link).kind(), RegistryErrorKind::Unusable);
    sign_out(&file.open(), 1).await;
    assert!(is_ended(&FileRegistry::open(&link).unwrap(), 1));
}
