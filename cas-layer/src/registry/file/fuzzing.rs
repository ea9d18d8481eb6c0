//! What the fuzz targets call: a registry file that comes to harm before it is opened.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is what a fuzz target reports"
)]

use std::{fs, path::Path, sync::LazyLock};

use tempfile::TempDir;

use super::{
    create,
    known::{Known, Unsaved},
    reader::Reader,
    store::{Store, Tables},
};
use crate::{
    clock::UnixSeconds,
    registry::{AccountId, Item, RegistryErrorKind, Sealed, run_time::Moment},
    session::SessionId,
};

/// A session with a number below the first of these has ended, and the others are open.
const ENDED: u8 = 12;
const SESSIONS: u8 = 20;
/// How many of the others have something that the registry keeps.
const KEEPING: u8 = 16;

const NOW: UnixSeconds = 1_795_000_000;
const MOMENT: Moment = Moment {
    now: NOW,
    run: 10,
    longest: 8 * 3600,
};

/// The bytes of one edit: what is done, where in the file, how much, and with what.
const EDIT: usize = 8;
const PAGE: usize = 4096;

/// A file with ended and open sessions, as the bytes of a process that was killed, and of one that closed it.
static FILES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    create::create_if_missing(&path).unwrap();
    let mut store = Store::open(&path, &Known::default()).unwrap();
    for n in 0..SESSIONS {
        store.write(MOMENT, |tables| sign_in(tables, n)).unwrap();
    }
    for n in 0..ENDED {
        let unsaved = Unsaved {
            sessions: [(id(n), MOMENT.of_ended(NOW + 100))].into(),
            ..Unsaved::default()
        };
        let known = Known::default();
        known.end_all(account(), NOW + 100, NOW);
        let (accounts, overall) = known.take_unsaved();
        let written = store.write(MOMENT, |tables| {
            tables.save(&unsaved, overall)?;
            tables.save(&accounts, overall)
        });
        written.unwrap();
    }
    let killed = fs::read(&path).unwrap();
    drop(store);
    [killed, fs::read(&path).unwrap()]
});

fn sign_in(tables: &mut Tables<'_>, n: u8) -> Result<(), redb::Error> {
    let family = (n % 3 == 0).then(|| id(100 + n));
    tables.open(id(n), family, MOMENT.of_open(NOW + 100))?;
    if n >= KEEPING {
        let sealed = Sealed::new(vec![n; 40 * usize::from(n)]).unwrap();
        let kept = tables.keep(id(n), Item::Attributes, &sealed, NOW)?;
        assert!(kept.unwrap());
    }
    Ok(())
}

fn id(n: u8) -> SessionId {
    // Spread as a hash would be.
    [n.wrapping_mul(157); 16].into()
}

fn account() -> AccountId {
    AccountId::of("https://cas.example.org/cas", "alice")
}

/// A file to which these edits were made is refused, or knows everything that it knew before.
pub fn registry_file(data: &[u8]) {
    let Some((which, edits)) = data.split_first() else {
        return;
    };
    let file = &FILES[usize::from(which & 1)];
    let mut bytes = file.clone();
    for edit in edits.as_chunks::<EDIT>().0 {
        apply(edit, &mut bytes);
    }
    let directory = TempDir::new_in(memory()).unwrap();
    let path = directory.path().join("sessions.redb");
    fs::write(&path, &bytes).unwrap();
    let known = Known::default();
    let mut store = match Store::open(&path, &known) {
        Ok(store) => store,
        Err(error) => {
            let kind = error.kind();
            assert_ne!(bytes, *file, "{error}");
            assert!(
                matches!(
                    kind,
                    RegistryErrorKind::Damaged | RegistryErrorKind::Unusable
                ),
                "{kind:?} {error}"
            );
            return;
        }
    };
    for n in 0..ENDED {
        assert!(known.ended.contain_id(id(n)), "the end of {n} is lost");
    }
    assert!(known.ended.accounts().iter().any(|it| it.0 == account()));
    works(&mut store, &path, &known);
}

/// Open sessions are found, and everything is there again after more was written.
fn works(store: &mut Store, path: &Path, known: &Known) {
    let open: Vec<SessionId> = (ENDED..SESSIONS).map(id).collect();
    let reader = Reader::default();
    reader.publish(store.database());
    let all: Vec<SessionId> = (0..SESSIONS).map(id).collect();
    assert_eq!(reader.find(known, &all), Some(open));
    for n in KEEPING..SESSIONS {
        let kept = reader.kept(known, id(n), Item::Attributes, NOW).unwrap();
        assert_eq!(kept.unwrap().as_bytes().len(), 40 * usize::from(n));
    }
    reader.withdraw();
    store.compact(path).unwrap();
    let written = store.write(MOMENT, |tables| {
        tables.open(id(200), None, MOMENT.of_open(NOW))
    });
    assert!(written.unwrap());
}

/// Damage as disks, copies and editors do it.
fn apply(edit: &[u8; EDIT], bytes: &mut Vec<u8>) {
    let [what, low, middle, high, more, less, value, _] = *edit;
    let length = bytes.len().max(1);
    // Most of what matters is in the header and at the beginnings of pages.
    let place = u32::from_le_bytes([low, middle, high, 0]) as usize;
    let at = match what & 0b11 {
        0 => place % 320,
        1 => (usize::from(low) * PAGE + usize::from(middle)) % length,
        _ => place % length,
    };
    let count = usize::from(u16::from_le_bytes([more, less]));
    let end = (at + count % 512).min(bytes.len());
    let start = at.min(end);
    match (what >> 2) % 8 {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= value;
            }
        }
        2 => bytes[start..end].fill(value),
        3 => bytes.truncate(at),
        4 => bytes.extend(std::iter::repeat_n(value, count)),
        // A page in the place of another, as of a copy that was made while the file was written.
        5 => {
            let from = (count % (length / PAGE).max(1)) * PAGE;
            let to = at / PAGE * PAGE;
            if from + PAGE <= bytes.len() && to + PAGE <= bytes.len() {
                bytes.copy_within(from..from + PAGE, to);
            }
        }
        6 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = byte.wrapping_add(value);
            }
        }
        _ => {
            bytes.drain(start..end);
        }
    }
}

/// Files in memory are written faster.
fn memory() -> &'static Path {
    static MEMORY: LazyLock<&Path> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            memory
        } else {
            Path::new(".")
        }
    });
    *MEMORY
}
