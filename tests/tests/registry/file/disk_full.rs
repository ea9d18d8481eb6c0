//! A file that cannot be written for a while.

use std::{
    io::Read as _,
    process::Stdio,
    time::{Duration, Instant},
};

use cas_layer::{
    FileRegistry,
    registry::{AccountId, Registry as _, RegistryErrorKind},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::sleep;

use super::{File, child};
use crate::support::{
    CAS, LIFETIME, NOW, VALIDATION, id, is_ended, sender, session, sign_in, sign_out, single_logout,
};

pub(super) const ROLE: &str = "disk-full";

/// Up to where files of this process can be written, in bytes.
fn allow_writing_to(limit: Option<u64>) {
    let limits = Rlimit {
        current: limit,
        ..getrlimit(Resource::Fsize)
    };
    setrlimit(Resource::Fsize, limits).unwrap();
}

async fn try_to_sign_in(registry: &FileRegistry, n: u64) -> Result<(), RegistryErrorKind> {
    registry.begin(id(n), VALIDATION).await.unwrap();
    let opened = registry.open(id(n), *NOW + LIFETIME, *NOW).await;
    if opened.is_err() {
        registry.abandon(id(n));
    }
    opened.map(drop).map_err(|error| error.kind())
}

/// The child, whose disk is full after a while and then is not any more.
pub(super) async fn sign_in_and_out(registry: FileRegistry) {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut numbers = Vec::new();
    for n in 0..6 {
        numbers.push(sign_in(&registry, n).await);
    }
    sign_out(&registry, 0).await;

    allow_writing_to(Some(16 * 1024));
    let unavailable = RegistryErrorKind::Unavailable;
    // Signing out holds for this process, and says that it is not saved.
    let ended = registry.end(id(1), *NOW + LIFETIME, *NOW).await;
    assert_eq!(ended.unwrap_err().kind(), unavailable);
    assert!(is_ended(&registry, 1));
    let carol = AccountId::of(CAS, "carol");
    let ended = registry.end_all(carol, *NOW + LIFETIME, *NOW).await;
    assert_eq!(ended.unwrap_err().kind(), unavailable);
    assert!(registry.is_ended(&session(2, numbers[2], "carol")));
    // A single logout is not said to have happened.
    let ended = registry.end_if_opened(vec![id(3)], sender(), *NOW).await;
    assert_eq!(ended.unwrap_err().kind(), unavailable);
    // It is tried again from time to time, in vain.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(try_to_sign_in(&registry, 10).await, Err(unavailable));
        sleep(Duration::from_millis(20)).await;
    }

    allow_writing_to(None);
    for attempt in 20.. {
        if try_to_sign_in(&registry, attempt).await.is_ok() {
            break;
        }
        assert!(attempt < 1_000, "it is not written again");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(single_logout(&registry, [3]).await, 1);
    assert_eq!(single_logout(&registry, [4]).await, 1);
    for (n, number) in [0, 1, 2, 3, 4].into_iter().zip(numbers) {
        assert!(registry.is_ended(&session(n, number, "carol")), "{n}");
    }
    // Not closed: what was answered is on the disk, and what was saved later too.
    std::process::exit(0);
}

pub(super) async fn from_outside() {
    let file = File::new();
    let mut child = child::command_that_ignores("XFSZ", ROLE, &file.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success(), "{log}");
    for once in ["nobody can sign in", "is written again"] {
        assert_eq!(log.matches(once).count(), 1, "{once}: {log}");
    }
    assert!(log.contains("sessions.redb"), "{log}");

    let registry = file.open();
    for n in [0, 1, 3, 4] {
        assert!(is_ended(&registry, n), "{n}");
    }
    assert!(registry.is_ended(&session(2, 1, "carol")));
    assert!(!registry.is_ended(&session(5, u64::MAX, "carol")));
    assert_eq!(single_logout(&registry, [5]).await, 1);
}
