//! What has ended, as the process that has the file open knows it.

use std::time::Instant;

use tokio::time::sleep;

use super::*;

#[tokio::test]
async fn a_family_stays_ended_for_as_long_as_its_longest_session() {
    const HOUR: UnixSeconds = 3600;
    let directory = TempDir::new().unwrap();
    let registry = FileRegistry::open(directory.path().join("sessions.redb")).unwrap();
    let now = Clock::System.now();
    let family = id(1);
    for (n, lifetime) in [(2, HOUR), (3, 24 * HOUR)] {
        let opened = registry.open_in(family, id(n), now + lifetime, now).await;
        assert!(matches!(opened, Ok(Opened::Live { .. })));
    }
    let ended = registry.end_if_opened(vec![id(2)], sender(), now);
    assert_eq!(ended.await.unwrap(), [id(2)]);
    // The process runs for a day and more, and the clock is set back. So the other session has not expired.
    registry.ended().run_for(Duration::from_secs(26 * HOUR));
    for n in 1_000..2_000 {
        registry.ended().end(id(n), now + 4 * HOUR, now + 3 * HOUR);
    }
    let other = RegisteredSession::new(id(3), 2, now + 24 * HOUR, "https://cas", "alice");
    assert!(registry.is_ended(&other.in_family(Some(family))));
    assert!(!registry.ended().contain_id(id(2)), "not much has happened");
}

#[tokio::test]
async fn the_file_and_the_number_of_ends_are_shown_and_no_session() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let registry = FileRegistry::open(&path).unwrap();
    let now = Clock::System.now();
    registry.end(id(1), now + LIFETIME, now).await.unwrap();
    assert_eq!(
        format!("{registry:?}"),
        format!("FileRegistry {{ path: {path:?}, ended: EndedSessions {{ len: 1 }}, .. }}")
    );
}

/// Waits until everything is saved, without a call that would have it saved.
async fn is_saved(registry: &FileRegistry) {
    let begun = Instant::now();
    while registry.inner.known.has_unsaved() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not saved");
        sleep(TIMEOUT / 50).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_sign_out_that_could_not_be_saved_is_saved_without_another_call() {
    let directory = TempDir::new().unwrap();
    let (path, aside) = (
        directory.path().join("sessions.redb"),
        directory.path().join("aside"),
    );
    let registry = FileRegistry::open(&path).unwrap();
    let now = Clock::System.now();
    fs::rename(&path, &aside).unwrap();
    let ended = registry.end(id(1), now + LIFETIME, now).await;
    assert_eq!(ended.unwrap_err().kind(), RegistryErrorKind::Unavailable);
    assert!(registry.inner.known.has_unsaved());
    fs::rename(&aside, &path).unwrap();
    is_saved(&registry).await;
    drop(registry);
    let registry = FileRegistry::open(&path).unwrap();
    assert!(registry.ended().contain_id(id(1)));
}

#[test]
fn what_the_file_has_is_not_saved_again_when_it_is_opened_again() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    create::create_if_missing(&path).unwrap();
    let known = Known::default();
    let mut store = Store::open(&path, &known).unwrap();
    known.end(id(1), *START + LIFETIME, *START);
    known.end_all(
        AccountId::of("https://cas", "alice"),
        *START + LIFETIME,
        *START,
    );
    let (unsaved, overall) = known.take_unsaved();
    let written = store.write(at(*START), |tables| tables.save(&unsaved, overall));
    assert!(written.unwrap());
    drop(store);
    drop(Store::open(&path, &known).unwrap());
    assert!(!known.has_unsaved());
    known.ended.end(id(2), *START + LIFETIME, *START);
    drop(Store::open(&path, &known).unwrap());
    assert!(known.has_unsaved());
}

#[cfg(unix)]
#[tokio::test]
async fn a_sign_out_that_could_not_be_saved_is_saved_at_the_end_of_the_process() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let aside = directory.path().join("aside");
    let registry = FileRegistry::open(&path).unwrap();
    let now = Clock::System.now();
    fs::rename(&path, &aside).unwrap();
    let ended = registry.end(id(1), now + LIFETIME, now).await;
    assert_eq!(ended.unwrap_err().kind(), RegistryErrorKind::Unavailable);
    fs::rename(&aside, &path).unwrap();
    drop(registry);
    let registry = FileRegistry::open(&path).unwrap();
    assert!(registry.ended().contain_id(id(1)));
}
