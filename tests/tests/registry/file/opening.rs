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
#[cfg(unix)]
use cas_layer_tests::listening::{Listening, heard};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;

use super::File;
use crate::support::{is_ended, sign_in, sign_out, single_logout};

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
        trial(
            "file::a_file_that_others_may_write_is_refused",
            writable_by_others,
        ),
        trial(
            "file::a_file_that_others_may_read_is_warned_of",
            readable_by_others,
        ),
        trial(
            "file::a_directory_on_the_way_that_everybody_may_write_is_refused",
            open_directories,
        ),
        trial(
            "file::a_directory_on_the_way_that_a_group_may_write_is_warned_of",
            directories_of_a_group,
        ),
        trial(
            "file::a_file_or_a_link_of_another_user_is_refused",
            other_owners,
        ),
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
    let file = File::new();
    let first = file.open();
    sign_in(&first, 1).await;
    assert_eq!(refusal(&file.path()).kind(), RegistryErrorKind::InUse);
    // Nor did that disturb the first.
    sign_out(&first, 1).await;
    drop(first);
    assert!(is_ended(&file.open(), 1));
}

async fn clones() {
    let file = File::new();
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
    let file = File::new();
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
    let file = File::new();
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
    let file = File::new();
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

    let file = File::new();
    drop(file.open());
    let mode = fs::metadata(file.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[cfg(unix)]
async fn links() {
    use std::os::unix::fs::symlink;

    let file = File::new();
    let link = file.0.path().join("link");
    symlink(file.path(), &link).unwrap();
    // It leads nowhere, and nothing is made where it leads.
    assert_eq!(refusal(&link).kind(), RegistryErrorKind::Unusable);
    sign_out(&file.open(), 1).await;
    assert!(is_ended(&FileRegistry::open(&link).unwrap(), 1));
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn assert_unusable(path: &Path, why: &str) {
    let error = refusal(path);
    assert_eq!(error.kind(), RegistryErrorKind::Unusable);
    assert!(error.to_string().contains(why), "{why}: {error}");
}

/// What is said while a file is opened.
#[cfg(unix)]
fn said_on_opening(path: &Path) -> String {
    let _listening = Listening::start();
    drop(FileRegistry::open(path).unwrap());
    heard()
}

#[cfg(unix)]
async fn writable_by_others() {
    let file = File::new();
    sign_out(&file.open(), 1).await;
    for mode in [0o620, 0o602, 0o660, 0o666] {
        set_mode(&file.path(), mode);
        assert_unusable(&file.path(), &format!("0{mode:o}"));
    }
    // Left as it is, for the operator.
    set_mode(&file.path(), 0o600);
    assert!(is_ended(&file.open(), 1));
    let said = said_on_opening(&file.path());
    assert!(!said.contains("can read"), "{said}");
}

#[cfg(unix)]
async fn readable_by_others() {
    let file = File::new();
    drop(file.open());
    for mode in [0o640, 0o604, 0o644] {
        set_mode(&file.path(), mode);
        let said = said_on_opening(&file.path());
        assert!(said.contains("WARN") && said.contains("0600"), "{said}");
    }
}

#[cfg(unix)]
async fn open_directories() {
    use std::os::unix::fs::symlink;

    let top = tempfile::tempdir().unwrap();
    let [outer, inner] = ["outer", "outer/inner"].map(|name| top.path().join(name));
    fs::create_dir_all(&inner).unwrap();
    let path = inner.join("sessions.redb");
    for directory in [&outer, &inner] {
        set_mode(directory, 0o757);
        assert_unusable(&path, "mode 0757");
        assert!(!path.exists(), "made all the same");
        // As /tmp is.
        set_mode(directory, 0o1757);
        drop(FileRegistry::open(&path).unwrap());
        // No better when the file is there.
        set_mode(directory, 0o757);
        assert_unusable(&path, "mode 0757");
        fs::remove_file(&path).unwrap();
        set_mode(directory, 0o755);
    }
    // Where a link is, and where it leads.
    drop(FileRegistry::open(&path).unwrap());
    let links = top.path().join("links");
    fs::create_dir(&links).unwrap();
    let [first, second] = ["first", "links/second"].map(|name| top.path().join(name));
    symlink("links/../links/second", &first).unwrap();
    symlink("../outer/inner", &second).unwrap();
    let path = first.join("sessions.redb");
    drop(FileRegistry::open(&path).unwrap());
    for directory in [&links, &outer, &inner] {
        set_mode(directory, 0o757);
        assert_unusable(&path, "mode 0757");
        set_mode(directory, 0o755);
    }
    symlink("circle", top.path().join("circle")).unwrap();
    assert_unusable(&top.path().join("circle/sessions.redb"), "cannot be opened");
}

#[cfg(unix)]
async fn directories_of_a_group() {
    let file = File::new();
    set_mode(file.0.path(), 0o770);
    let said = said_on_opening(&file.path());
    assert!(said.contains("WARN") && said.contains("0770"), "{said}");
    for mode in [0o700, 0o755] {
        set_mode(file.0.path(), mode);
        let said = said_on_opening(&file.path());
        let directory = format!("directory={}", file.0.path().display());
        assert!(!said.contains(&directory), "{said}");
    }
}

#[cfg(unix)]
async fn other_owners() {
    use std::os::unix::fs::{chown, lchown, symlink};

    let file = File::new();
    drop(file.open());
    let link = file.0.path().join("link");
    symlink(file.path(), &link).unwrap();
    let other = 12_345;
    if chown(file.path(), Some(other), None).is_err() {
        println!("left out: only root can give a file away");
        return;
    }
    assert_unusable(&file.path(), "12345");
    chown(file.path(), Some(0), None).unwrap();
    lchown(&link, Some(other), None).unwrap();
    assert_unusable(&link, "12345");
    chown(file.0.path(), Some(other), None).unwrap();
    let said = said_on_opening(&file.path());
    assert!(said.contains("WARN") && said.contains("12345"), "{said}");
}
