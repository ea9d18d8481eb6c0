use tempfile::TempDir;

use super::{super::create, *};
use crate::registry::{AccountId, GRACE};

const NOW: UnixSeconds = 1_700_000_000;
const HOUR: UnixSeconds = 3600;
const ITEM: Item = Item::Attributes;

struct File {
    directory: TempDir,
    store: Store,
}

impl File {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("sessions.redb");
        create::create_if_missing(&path).unwrap();
        let store = Store::open(&path, &Known::default()).unwrap();
        Self { directory, store }
    }

    fn opened_again(self) -> Self {
        let path = self.directory.path().join("sessions.redb");
        drop(self.store);
        let store = Store::open(&path, &Known::default()).unwrap();
        Self {
            directory: self.directory,
            store,
        }
    }

    fn open(&mut self, id: SessionId, family: Option<SessionId>, moment: Moment) {
        let term = moment.of_open(moment.now + HOUR);
        let written = self
            .store
            .write(moment, |tables| tables.open(id, family, term));
        assert!(written.unwrap());
    }

    fn keep(&mut self, n: u8, bytes: usize, moment: Moment) -> Result<bool, RegistryErrorKind> {
        let sealed = Sealed::new(vec![7; bytes]).unwrap();
        let mut kept = None;
        let change = |tables: &mut Tables<'_>| {
            kept = Some(tables.keep(id(n), ITEM, &sealed, moment.now)?);
            Ok(())
        };
        self.store.write(moment, change).unwrap();
        kept.unwrap().map_err(|error| error.kind())
    }

    /// Saves these and what is known of all sessions. Says whether something was written.
    fn save(&mut self, unsaved: &Unsaved, moment: Moment) -> bool {
        let (_, overall) = Known::default().take_unsaved();
        let written = self
            .store
            .write(moment, |tables| tables.save(unsaved, overall));
        written.unwrap()
    }
}

fn id(n: u8) -> SessionId {
    [n; 16].into()
}

/// After so many seconds. Both clocks go by the same time.
fn after(seconds: u64) -> Moment {
    Moment {
        now: NOW + seconds,
        run: seconds,
        longest: 8 * HOUR,
    }
}

#[test]
fn the_file_is_not_written_for_nothing_but_once_a_minute_for_the_time_that_passes() {
    let mut file = File::new();
    for (seconds, is_written) in [
        (0, false),
        (59, false),
        (60, true),
        (119, false),
        (120, true),
    ] {
        let written = file.save(&Unsaved::default(), after(seconds));
        assert_eq!(written, is_written, "{seconds}");
    }
    // What else is written says how long it has been, too.
    file.open(id(1), None, after(150));
    let file = file.opened_again();
    assert!(!file.store.lags(after(209)) && file.store.lags(after(210)));
}

#[test]
fn there_is_room_for_what_is_kept_up_to_the_limit_and_not_for_a_byte_more() {
    let mut file = File::new();
    for n in 1..=2 {
        file.open(id(n), None, after(0));
    }
    // As if others had all the room but this.
    file.store.kept_bytes = KEPT_BYTES - 1_000;
    let full = Err(RegistryErrorKind::Full);
    assert_eq!(file.keep(1, 1_001, after(1)), full);
    assert_eq!(file.keep(1, 600, after(1)), Ok(true));
    assert_eq!(file.keep(2, 401, after(1)), full);
    assert_eq!(file.keep(2, 400, after(1)), Ok(true));
    // One in place of another takes only what it is longer.
    assert_eq!(file.keep(1, 601, after(1)), full);
    assert_eq!(file.keep(1, 500, after(1)), Ok(true));
    assert_eq!(file.keep(2, 500, after(1)), Ok(true));
    assert_eq!(file.store.kept_bytes, KEPT_BYTES);
    // What is counted when the file is opened is there.
    let file = file.opened_again();
    assert_eq!(file.store.kept_bytes, 1_000);
}

#[test]
fn nothing_is_kept_for_a_session_from_its_last_second_on() {
    let mut file = File::new();
    file.open(id(1), None, after(0));
    assert_eq!(file.keep(1, 10, after(HOUR - 1)), Ok(true));
    assert_eq!(file.keep(1, 10, after(HOUR)), Ok(false));
}

#[test]
fn what_goes_with_expired_sessions_makes_room_wherever_they_are_in_the_file() {
    let mut file = File::new();
    let in_order = |n: u16| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        SessionId::from(id)
    };
    file.open(id(255), None, after(0));
    assert_eq!(file.keep(255, 1_000, after(0)), Ok(true));
    // Many that last for longer stand before it, which are looked at a few at a time.
    let term = after(0).of_open(NOW + 9 * HOUR);
    let open =
        |tables: &mut Tables<'_>| (0..300).try_for_each(|n| tables.open(in_order(n), None, term));
    assert!(file.store.write(after(0), open).unwrap());
    assert_eq!(file.store.kept_bytes, 1_000);
    let later = after(HOUR + GRACE);
    for n in 0..60 {
        file.open(in_order(n), None, later);
    }
    assert_eq!(file.store.kept_bytes, 0);
    assert_eq!(file.opened_again().store.kept_bytes, 0);
}

/// By this the file is made smaller, or is not.
#[test]
fn each_entry_and_what_is_kept_count_as_in_use() {
    let mut file = File::new();
    let in_use = |file: &File| file.store.most_in_use().unwrap();
    assert_eq!(in_use(&file), 0);
    file.open(id(1), None, after(0));
    file.open(id(2), None, after(0));
    assert_eq!(in_use(&file), 2 * ROW_BYTES);
    file.open(id(3), Some(id(9)), after(0));
    assert_eq!(in_use(&file), 4 * ROW_BYTES);
    let term = after(0).of_ended(NOW + HOUR);
    let ends = Unsaved {
        sessions: [(id(10), term), (id(11), term)].into(),
        accounts: [(
            AccountId::of("https://cas", "alice"),
            Mark { number: 1, term },
        )]
        .into(),
    };
    assert!(file.save(&ends, after(0)));
    assert_eq!(in_use(&file), 7 * ROW_BYTES);
    // It takes more than its own length.
    assert_eq!(file.keep(1, 10_001, after(0)), Ok(true));
    assert_eq!(in_use(&file), 7 * ROW_BYTES + 15_000);
}

#[test]
fn a_file_is_made_smaller_only_if_much_of_it_is_free_and_little_to_be_moved() {
    let mut file = File::new();
    // Of any length, and nothing of it is in use.
    let other = file.directory.path().join("other");
    let long = fs::File::create(&other).unwrap();
    for (length, is_sparse) in [(0, false), (SPARE_BYTES, false), (SPARE_BYTES + 1, true)] {
        long.set_len(length).unwrap();
        assert_eq!(file.store.is_sparse(&other).unwrap(), is_sparse, "{length}");
    }
    file.open(id(1), None, after(0));
    // With the session it is the limit.
    let limit = (SOON_BYTES - ROW_BYTES) / 3 * 2;
    for (kept, is_soon) in [(limit - 2, true), (limit, false)] {
        file.store.kept_bytes = kept;
        assert_eq!(file.store.is_soon_compact(), is_soon, "{kept}");
    }
}

#[test]
fn each_change_is_written_though_it_is_the_only_one() {
    let mut file = File::new();
    file.open(id(1), None, after(0));
    let close = |tables: &mut Tables<'_>| tables.close(id(1)).map(|_| ());
    assert!(file.store.write(after(0), close).unwrap());
    assert!(!file.store.write(after(0), close).unwrap());
    let term = after(0).of_ended(NOW + HOUR);
    let accounts = [(
        AccountId::of("https://cas", "alice"),
        Mark { number: 1, term },
    )];
    let ends = Unsaved {
        accounts: accounts.into(),
        ..Unsaved::default()
    };
    assert!(file.save(&ends, after(0)));
}

#[test]
fn numbers_and_the_longest_lifetime_go_on_when_the_file_is_opened_again() {
    let mut file = File::new();
    let known = Known::default();
    known.number_at_least(5_000_000);
    known.lasts(24 * HOUR);
    let (unsaved, overall) = known.take_unsaved();
    let save = |tables: &mut Tables<'_>| tables.save(&unsaved, overall);
    assert!(file.store.write(after(0), save).unwrap());
    assert!(!file.store.write(after(0), save).unwrap());
    let File { directory, store } = file;
    drop(store);
    let known = Known::default();
    let path = directory.path().join("sessions.redb");
    let _store = Store::open(&path, &known).unwrap();
    assert_eq!(known.family_expires_at(NOW), NOW + 24 * HOUR);
    assert_eq!(known.open(id(1), HOUR, 1), Some(5_000_001));
}
