//! What a power cut leaves of the file.
//!
//! A registry works on a disk that notes every write. From the notes, images are made: the file as a disk may have it if the
//! power fails at that moment. What was written before the last sync is there. Of what was written since, each sector
//! is there or is lost, and so is each change of the length.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::StorageBackend;

use super::{LIFETIME, create, id, sender};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{
        AccountId, Opened, RegisteredSession, Registry as _,
        file::{FileRegistry, Store, TIMEOUT, identity::Identity},
    },
};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// How often the registry waits for answers before it goes on.
const ROUNDS: u64 = 40;
/// How many calls it gets at the same time, at most.
const AT_ONCE: u64 = 6;

const IMAGES: usize = 1_400;

const CAS: &str = "https://cas.example.org/cas";

/// Something that the disk was told.
#[derive(Debug)]
enum Step {
    Length(u64),
    Write(u64, Vec<u8>),
    Sync,
}

#[derive(Debug, Default)]
struct Notes {
    /// As the system shows it: with everything that was written.
    content: Vec<u8>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Notes>>);

impl Disk {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.notes().content.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let notes = self.notes();
        let from = usize::try_from(offset).unwrap();
        let bytes = notes.content.get(from..from + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut notes = self.notes();
        notes.content.resize(usize::try_from(length).unwrap(), 0);
        notes.steps.push(Step::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.notes().steps.push(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut notes = self.notes();
        write(&mut notes.content, offset, data);
        notes.steps.push(Step::Write(offset, data.to_vec()));
        Ok(())
    }
}

fn write(content: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let from = usize::try_from(offset).unwrap();
    content.resize(content.len().max(from + data.len()), 0);
    content[from..from + data.len()].copy_from_slice(data);
}

/// What the registry has answered.
#[derive(Clone, Debug)]
enum Fact {
    Open(u64),
    Ended(u64),
    /// All sessions of this user up to this number.
    AllEnded(String, u64),
}

/// What was answered, and how many steps the disk had taken by then.
type Answered = Vec<(usize, Fact)>;

/// Numbers that look random, and are the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

/// One session from its sign-in to what becomes of it.
async fn live(registry: &FileRegistry, n: u64, now: UnixSeconds) -> Fact {
    registry.begin(id(n), TIMEOUT).await.unwrap();
    let opened = registry.open(id(n), now + LIFETIME, now).await.unwrap();
    let Opened::Live { number } = opened else {
        panic!("nobody has ended it");
    };
    match n % 4 {
        0 => return Fact::Open(n),
        1 => registry.end(id(n), now + LIFETIME, now).await.unwrap(),
        2 => {
            let ended = registry.end_if_opened(vec![id(n)], sender(), now).await;
            assert_eq!(ended.unwrap(), [id(n)]);
        }
        _ => {
            let user = format!("user-{n}");
            let account = AccountId::of(CAS, &user);
            let ended = registry.end_all(account, now + LIFETIME, now).await;
            ended.unwrap();
            return Fact::AllEnded(user, number);
        }
    }
    Fact::Ended(n)
}

/// The file before, what the disk was told, and what was answered.
async fn record(directory: &Path, now: UnixSeconds) -> (Vec<u8>, Vec<Step>, Answered) {
    let path = directory.join("original");
    create::create_if_missing(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let disk = Disk::default();
    disk.notes().content.clone_from(&before);
    let database = redb::Builder::new()
        .create_with_backend(disk.clone())
        .unwrap();
    let identity = Identity::of(&path).unwrap();
    let registry =
        FileRegistry::start(path, Arc::default(), Store::new(database), identity).unwrap();
    let (mut chance, mut answered, mut next) = (Chance(1), Answered::new(), 0);
    for _ in 0..ROUNDS {
        let count = 1 + chance.next() % AT_ONCE;
        let lives = (next..next + count).map(|n| {
            let registry = registry.clone();
            tokio::spawn(async move { live(&registry, n, now).await })
        });
        for life in lives.collect::<Vec<_>>() {
            let fact = life.await.unwrap();
            answered.push((disk.notes().steps.len(), fact));
        }
        next += count;
    }
    // What it does when it is closed belongs to it too.
    drop(registry);
    let steps = std::mem::take(&mut disk.notes().steps);
    (before, steps, answered)
}

/// The file if the power fails after these steps.
fn image(before: &[u8], steps: &[Step], chance: &mut Chance) -> Vec<u8> {
    let is_sync = |step: &Step| matches!(step, Step::Sync);
    let synced = steps.iter().rposition(is_sync).map_or(0, |at| at + 1);
    let mut content = before.to_vec();
    for step in &steps[..synced] {
        match step {
            Step::Length(length) => content.resize(usize::try_from(*length).unwrap(), 0),
            Step::Write(offset, data) => write(&mut content, *offset, data),
            Step::Sync => {}
        }
    }
    // From nearly nothing to nearly everything.
    let share = chance.below(9);
    for step in &steps[synced..] {
        match step {
            Step::Length(length) if chance.below(8) < share => {
                content.resize(usize::try_from(*length).unwrap(), 0);
            }
            Step::Write(offset, data) => {
                for (n, sector) in data.chunks(SECTOR).enumerate() {
                    if chance.below(8) < share {
                        write(&mut content, offset + (n * SECTOR) as u64, sector);
                    }
                }
            }
            Step::Length(_) | Step::Sync => {}
        }
    }
    content
}

/// Whether the registry still knows what it has answered.
fn knows(registry: &FileRegistry, fact: &Fact, now: UnixSeconds) -> bool {
    let has_ended = |n, number, user: &str| {
        let session = RegisteredSession::new(id(n), number, now + LIFETIME, CAS, user);
        registry.is_ended(&session)
    };
    match fact {
        Fact::Open(n) => {
            let found = registry.inner.reader.find(&registry.inner.known, &[id(*n)]);
            !has_ended(*n, u64::MAX, "alice") && found == Some(vec![id(*n)])
        }
        Fact::Ended(n) => has_ended(*n, u64::MAX, "alice"),
        Fact::AllEnded(user, number) => has_ended(u64::MAX, *number, user),
    }
}

#[tokio::test]
async fn a_power_cut_at_any_moment_loses_nothing_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let now = Clock::System.now();
    let (before, steps, answered) = record(directory.path(), now).await;
    let path = directory.path().join("sessions.redb");
    drop(FileRegistry::open(&path).unwrap());
    let mut chance = Chance(2);
    for n in 0..IMAGES {
        let cut = chance.below(steps.len() + 1);
        fs::write(&path, image(&before, &steps[..cut], &mut chance)).unwrap();
        let registry = FileRegistry::open(&path);
        let registry = registry.unwrap_or_else(|error| panic!("image {n}, step {cut}: {error}"));
        let answered = answered.iter().filter(|(at, _)| *at <= cut);
        for (_, fact) in answered {
            assert!(
                knows(&registry, fact, now),
                "image {n}, step {cut}: {fact:?}"
            );
        }
    }
}
