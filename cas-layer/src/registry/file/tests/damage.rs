//! A file that comes to harm while a process has it open.

use std::{
    fs::OpenOptions,
    io::{Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    time::Instant,
};

use tokio::time::sleep;

use super::*;

/// The page of the database.
const PAGE: u64 = 4096;

const SESSIONS: u64 = 300;

/// A registry whose file is in use: of its sessions, those with an even number have ended.
struct Used {
    directory: TempDir,
    registry: FileRegistry,
    now: UnixSeconds,
}

impl Used {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("sessions.redb");
        create::create_if_missing(&path).unwrap();
        let known = Arc::new(Known::default());
        // Reads what is on the disk, not what it was.
        let store = Store::open_with(0, &path, &known).unwrap();
        let identity = Identity::of(&path).unwrap();
        let used = Self {
            registry: FileRegistry::start(path, known, store, identity).unwrap(),
            directory,
            now: Clock::System.now(),
        };
        let mut tasks = JoinSet::new();
        for n in 0..SESSIONS {
            let (registry, now) = (used.registry.clone(), used.now);
            tasks.spawn(async move {
                registry.open(id(n), now + LIFETIME, now).await.unwrap();
                if n % 2 == 0 {
                    registry.end(id(n), now + LIFETIME, now).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        used
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("sessions.redb")
    }

    fn aside(&self) -> PathBuf {
        self.directory.path().join("aside.redb")
    }

    async fn sign_in(&self, n: u64) -> Result<Opened, RegistryErrorKind> {
        let opened = self.registry.open(id(n), self.now + LIFETIME, self.now);
        opened.await.map_err(|error| error.kind())
    }

    async fn sign_out(&self, n: u64) -> Result<(), RegistryErrorKind> {
        let ended = self.registry.end(id(n), self.now + LIFETIME, self.now);
        ended.await.map_err(|error| error.kind())
    }

    /// Nobody can sign in. A sign-out is in force all the same, and is not said to be saved.
    async fn is_away(&self) {
        let unavailable = RegistryErrorKind::Unavailable;
        for n in [1, 3] {
            assert_eq!(self.sign_in(10_000 + n).await, Err(unavailable));
            assert_eq!(self.sign_out(n).await, Err(unavailable));
            assert!(self.registry.ended().contain_id(id(n)));
        }
        let ended = self.registry.end_if_opened(vec![id(5)], sender(), self.now);
        assert_eq!(ended.await.unwrap_err().kind(), unavailable);
    }

    /// It is tried again until it works, and then nothing is missing: not now, and not after a restart.
    async fn comes_back(self) -> (TempDir, FileRegistry) {
        let begun = Instant::now();
        for n in 20_000.. {
            if self.sign_in(n).await.is_ok() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it is away");
            sleep(TIMEOUT / 50).await;
        }
        // With this one all that was to be saved is.
        assert_eq!(self.sign_out(7).await, Ok(()));
        let path = self.path();
        let Self {
            directory,
            registry,
            now,
        } = self;
        drop(registry);
        let registry = FileRegistry::open(path).unwrap();
        for n in (0..SESSIONS).step_by(2).chain([1, 3, 7]) {
            assert!(registry.ended().contain_id(id(n)), "{n}");
        }
        let open: Vec<_> = (11..SESSIONS).step_by(2).map(id).collect();
        for ids in open.chunks(64) {
            let ended = registry.end_if_opened(ids.to_vec(), sender(), now);
            assert_eq!(ended.await.unwrap(), ids);
        }
        (directory, registry)
    }
}

/// Overwrites a file in its place, as a copy of a backup does.
fn write_over(path: &Path, from: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(from + bytes.len() as u64).unwrap();
}

#[tokio::test]
async fn a_file_that_is_overwritten_is_noticed_and_works_again_when_it_is_restored() {
    for garbage in [0, 0xa5, 0xff] {
        let used = Used::new().await;
        let good = fs::read(used.path()).unwrap();
        let length = good.len() - usize::try_from(PAGE).unwrap();
        write_over(&used.path(), PAGE, &vec![garbage; length]);
        used.is_away().await;
        write_over(&used.path(), 0, &good);
        used.comes_back().await;
    }
}

#[tokio::test]
async fn a_file_that_was_cut_short_learns_what_an_older_copy_lacks() {
    for length in [0, PAGE, 10 * PAGE] {
        let used = Used::new().await;
        let old = fs::read(used.path()).unwrap();
        for n in (SESSIONS..2 * SESSIONS).step_by(50) {
            used.sign_out(n).await.unwrap();
        }
        let alice = AccountId::of("https://cas", "alice");
        let expires_at = used.now + LIFETIME;
        let ended = used.registry.end_all(alice, expires_at, used.now);
        ended.await.unwrap();
        let file = OpenOptions::new().write(true).open(used.path()).unwrap();
        file.set_len(length).unwrap();
        used.is_away().await;
        write_over(&used.path(), 0, &old);
        let (_directory, registry) = used.comes_back().await;
        for n in (SESSIONS..2 * SESSIONS).step_by(50) {
            assert!(registry.ended().contain_id(id(n)), "{n}");
        }
        let of_alice = RegisteredSession::new(id(9_000), 1, expires_at, "https://cas", "alice");
        assert!(registry.is_ended(&of_alice));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_deleted_is_not_made_again() {
    let used = Used::new().await;
    fs::hard_link(used.path(), used.aside()).unwrap();
    fs::remove_file(used.path()).unwrap();
    used.is_away().await;
    used.is_away().await;
    assert!(!used.path().exists());
    // Found again, and put back.
    fs::rename(used.aside(), used.path()).unwrap();
    used.comes_back().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_replaced_by_another_one_is_left_alone() {
    let used = Used::new().await;
    fs::hard_link(used.path(), used.aside()).unwrap();
    let other = used.directory.path().join("other.redb");
    create::create_if_missing(&other).unwrap();
    let before = fs::read(&other).unwrap();
    fs::rename(&other, used.path()).unwrap();
    used.is_away().await;
    used.is_away().await;
    assert!(fs::read(used.path()).unwrap() == before);
    fs::rename(used.aside(), used.path()).unwrap();
    used.comes_back().await;
}
