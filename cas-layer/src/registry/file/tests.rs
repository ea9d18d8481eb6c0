use std::{
    fs,
    path::Path,
    task::{Context, Waker},
};

use redb::{ReadableDatabase as _, ReadableTableMetadata as _, TableDefinition};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;

use crate::{
    clock::Clock,
    registry::{GRACE, Item, Sealed, SessionStorage as _},
};

/// Any of them.
const ITEM: Item = Item::Attributes;

const LIFETIME: UnixSeconds = 8 * 3600;

fn sender() -> LogoutSender {
    LogoutSender::back_channel(None)
}

fn id(n: u64) -> SessionId {
    let mut bytes = [0; 16];
    // Spread as a hash would be.
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes.into()
}

fn new_store(path: &Path) -> Store {
    create::create_if_missing(path).unwrap();
    Store::open(path, &Known::default()).unwrap()
}

fn end(store: &mut Store, n: u64, expires_at: UnixSeconds, now: UnixSeconds) {
    let known = Known::default();
    known.end(id(n), expires_at, now);
    let (unsaved, number) = known.take_unsaved();
    assert!(
        store
            .write(now, |tables| tables.save(&unsaved, number))
            .unwrap()
    );
}

/// How many sessions are in a file that nobody has open: opened ones, ended ones.
fn lens(path: &Path) -> [u64; 2] {
    let database = redb::Database::open(path).unwrap();
    let transaction = database.begin_read().unwrap();
    [tables::OPENED, tables::ENDED]
        .map(|table| transaction.open_table(table).unwrap().len().unwrap())
}

#[test]
fn a_database_of_something_else_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("other.redb");
    let open = || FileRegistry::open(&path).unwrap_err().kind();
    let change = |name, key, value: u64| {
        let database = redb::Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let definition: TableDefinition<'_, &str, u64> = TableDefinition::new(name);
        let mut table = transaction.open_table(definition).unwrap();
        table.insert(key, value).unwrap();
        drop(table);
        transaction.commit().unwrap();
    };
    change("other", "format", 1);
    assert_eq!(open(), RegistryErrorKind::Unusable);
    change("meta", "something", 1);
    assert_eq!(open(), RegistryErrorKind::Unusable);
    // The tables are not there.
    change("meta", "format", 1);
    assert_eq!(open(), RegistryErrorKind::Unusable);
}

#[test]
fn a_file_in_a_later_format_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let mut store = new_store(&path);
    store.write(0, |tables| tables.set("format", 2)).unwrap();
    drop(store);
    let error = FileRegistry::open(&path).unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unusable);
    assert!(error.to_string().contains("format"), "{error}");
}

#[test]
fn what_has_expired_an_hour_ago_is_not_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let now = Clock::System.now();
    let mut store = new_store(&path);
    end(&mut store, 1, now - GRACE - 1, 0);
    end(&mut store, 2, now - GRACE + 600, 0);
    end(&mut store, 3, now + 600, 0);
    drop(store);
    let known = Known::default();
    Store::open(&path, &known).unwrap();
    for (n, expected) in [(1, false), (2, true), (3, true)] {
        assert_eq!(known.ended.contain_id(id(n)), expected, "{n}");
    }
}

#[test]
fn the_file_does_not_grow_with_sessions_that_have_expired() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let mut store = new_store(&path);
    let start = Clock::System.now();
    let mut grown_by_then = 0;
    // 50 sign-ins and 25 sign-outs every half an hour, for eight days.
    for half_hour in 0..400 {
        let now = start + half_hour * 1800;
        let sessions = half_hour * 50..(half_hour + 1) * 50;
        let ended = Known::default();
        for n in sessions.clone().step_by(2) {
            ended.end(id(n), now + LIFETIME, now);
        }
        let (unsaved, number) = ended.take_unsaved();
        let written = store.write(now, |tables| {
            for n in sessions {
                tables.open(id(n), now + LIFETIME)?;
            }
            tables.save(&unsaved, number)
        });
        assert!(written.unwrap());
        if half_hour == 30 {
            grown_by_then = path.metadata().unwrap().len();
        }
    }
    let grown = path.metadata().unwrap().len();
    assert!(grown <= 2 * grown_by_then, "{grown} {grown_by_then}");
    drop(store);
    // Of nine hours' 900 sign-ins, 450 are open and 450 have ended.
    let [opened, ended] = lens(&path);
    assert!((450..600).contains(&opened), "{opened}");
    assert!((450..600).contains(&ended), "{ended}");
}

#[test]
fn nothing_is_removed_for_an_hour_after_it_expires() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let now = Clock::System.now();
    let expires_at = now + LIFETIME;
    let mut store = new_store(&path);
    store
        .write(now, |tables| tables.open(id(1), expires_at))
        .unwrap();
    end(&mut store, 2, expires_at, now);
    // Each looks at more entries than there are, from anywhere to the end, and then from the beginning.
    let look_around = |store: &mut Store, time| {
        for n in 10..13 {
            end(store, n, time + LIFETIME, time);
        }
    };
    look_around(&mut store, expires_at + GRACE - 1);
    drop(store);
    assert_eq!(lens(&path), [1, 1 + 3]);
    let mut store = new_store(&path);
    look_around(&mut store, expires_at + GRACE);
    drop(store);
    assert_eq!(lens(&path), [0, 3]);
}

fn grant() -> Sealed {
    Sealed::new(vec![7; 300]).unwrap()
}

fn count_kept(path: &Path) -> u64 {
    let database = redb::Database::open(path).unwrap();
    let transaction = database.begin_read().unwrap();
    let grants = transaction.open_table(tables::ATTRIBUTES).unwrap();
    grants.len().unwrap()
}

#[test]
fn what_is_kept_leaves_the_file_with_its_session() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let now = Clock::System.now();
    let expires_at = now + LIFETIME;
    let mut store = new_store(&path);
    let written = store.write(now, |tables| {
        for n in 0..3 {
            tables.open(id(n), expires_at)?;
            assert!(tables.keep(id(n), ITEM, &grant(), now)?.unwrap());
        }
        tables.open(id(3), 2 * expires_at)?;
        assert!(tables.keep(id(3), ITEM, &grant(), now)?.unwrap());
        tables.forget(id(2), ITEM)
    });
    assert!(written.unwrap());
    drop(store);
    assert_eq!(count_kept(&path), 3);
    let mut store = new_store(&path);
    end(&mut store, 1, expires_at, now);
    drop(store);
    assert_eq!(count_kept(&path), 2);
    let mut store = new_store(&path);
    // Looks at everything, from anywhere to the end and from the beginning.
    for n in 10..13 {
        let time = expires_at + GRACE;
        end(&mut store, n, time + LIFETIME, time);
    }
    drop(store);
    assert_eq!((lens(&path)[0], count_kept(&path)), (1, 1));
}

#[tokio::test]
async fn nothing_is_kept_for_who_has_signed_out_though_that_is_not_saved_yet() {
    let directory = TempDir::new().unwrap();
    let registry = FileRegistry::open(directory.path().join("sessions.redb")).unwrap();
    let now = Clock::System.now();
    for n in 0..2 {
        assert!(registry.open(id(n), now + LIFETIME, now).await.is_ok());
    }
    assert!(registry.keep(id(1), ITEM, grant(), now).await.unwrap());
    // The thread that writes has not heard of it when it gets to the next job.
    for n in 0..2 {
        registry.ended().end(id(n), now + LIFETIME, now);
    }
    assert!(!registry.keep(id(0), ITEM, grant(), now).await.unwrap());
    assert_eq!(registry.kept(id(1), ITEM, now).await.unwrap(), None);
}

#[tokio::test]
async fn a_file_in_which_nothing_could_be_kept_is_as_good() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let now = Clock::System.now();
    let mut store = new_store(&path);
    store
        .write(now, |tables| tables.open(id(1), now + LIFETIME))
        .unwrap();
    drop(store);
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(tables::ATTRIBUTES).unwrap());
    transaction.commit().unwrap();
    drop(database);
    let registry = FileRegistry::open(&path).unwrap();
    assert_eq!(registry.kept(id(1), ITEM, now).await.unwrap(), None);
    assert!(registry.keep(id(1), ITEM, grant(), now).await.unwrap());
    assert_eq!(
        registry.kept(id(1), ITEM, now).await.unwrap(),
        Some(grant())
    );
}

fn no_waker() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// A registry whose file takes for ever to write.
fn stuck() -> (FileRegistry, Receiver<Job>) {
    let (jobs, queue) = mpsc::sync_channel(QUEUE);
    let registry = FileRegistry(Arc::new(Inner {
        path: "sessions.redb".into(),
        known: Arc::default(),
        reader: Arc::default(),
        reads: Arc::new(Semaphore::new(READS)),
        turns: Turns::new(),
        pairs: GrantPairs::default(),
        jobs,
        _thread: Thread {
            running: Mutex::new(mpsc::channel().1),
        },
    }));
    (registry, queue)
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_a_disk_that_is_stuck() {
    let (registry, queue) = stuck();
    let unavailable = RegistryErrorKind::Unavailable;
    registry.begin(id(1), PATIENCE).await.unwrap();
    registry.begin(id(1), PATIENCE).await.unwrap();
    let opened = registry.open(id(1), LIFETIME, 0).await;
    assert_eq!(opened.unwrap_err().kind(), unavailable);
    registry.abandon(id(1));
    // The other callback with the ticket is still heard of.
    assert!(registry.0.known.end_begun(id(1)));
    let ended = registry.end_if_opened(vec![id(1)], sender(), 0).await;
    assert_eq!(ended.unwrap_err().kind(), unavailable);
    // The session of somebody who signs out has ended nevertheless.
    let ended = registry.end(id(2), LIFETIME, 0).await;
    assert_eq!(ended.unwrap_err().kind(), unavailable);
    assert!(registry.ended().contain_id(id(2)));
    assert_eq!(queue.try_iter().count(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_disk_is_bounded() {
    let (registry, queue) = stuck();
    let mut waiting = Vec::new();
    for n in 0..QUEUE as u64 {
        let mut opened = registry.open(id(10 + n), LIFETIME, 0);
        assert!(opened.as_mut().poll(&mut no_waker()).is_pending());
        waiting.push(opened);
    }
    let before = tokio::time::Instant::now();
    let ended = registry.end(id(2), LIFETIME, 0).await;
    assert_eq!(ended.unwrap_err().kind(), RegistryErrorKind::Unavailable);
    assert_eq!(before.elapsed(), Duration::ZERO);
    // It is saved with whatever is saved next.
    assert!(registry.ended().contain_id(id(2)));
    assert!(registry.0.known.has_unsaved());
    assert_eq!(queue.try_iter().count(), QUEUE);
}

#[tokio::test]
async fn a_flood_of_messages_leaves_sign_ins_their_place_before_the_disk() {
    let (registry, queue) = stuck();
    // All of them are about somebody who is signing in right now.
    registry.begin(id(1), PATIENCE).await.unwrap();
    let senders = [
        LogoutSender::front_channel(None),
        LogoutSender::back_channel(None),
        LogoutSender::listed(None),
    ];
    let mut flood = JoinSet::new();
    for n in 0..QUEUE {
        let registry = registry.clone();
        flood.spawn(async move { registry.end_if_opened(vec![id(1)], senders[n % 3], 0).await });
    }
    // Nothing is ever answered, so they are all told so in the end.
    while let Some(ended) = flood.join_next().await {
        assert!(ended.unwrap().is_err());
    }
    let jobs = queue.try_iter().count();
    assert!((1..=24).contains(&jobs), "{jobs}");
}

/// Whether a message would have a turn soon.
async fn is_free(turns: &Turns) -> bool {
    timeout(PATIENCE / 20, turns.take(sender())).await.is_ok()
}

#[test]
fn whoever_gives_up_keeps_their_turn_until_the_disk_has_answered() {
    let (registry, _queue) = stuck();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let held = registry.0.reader.hold_up();
    runtime.block_on(async {
        for n in 0..8 {
            let ending = registry.end_if_opened(vec![id(n)], sender(), 0);
            assert!(timeout(PATIENCE / 100, ending).await.is_err());
        }
        assert!(!is_free(&registry.0.turns).await);
    });
    drop(held);
    let turn = runtime.block_on(registry.0.turns.take(sender()));
    assert!(turn.is_ok());
}

#[tokio::test]
async fn a_message_keeps_its_turn_until_what_it_ended_is_on_the_disk() {
    let directory = TempDir::new().unwrap();
    let mut store = new_store(&directory.path().join("sessions.redb"));
    let (known, turns) = (Known::default(), Turns::new());
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(turns.take(sender()).await.unwrap());
    }
    let (answer, answered) = oneshot::channel();
    let job = Job::EndIfOpened {
        ids: vec![id(1)],
        now: 0,
        turn: held.pop().unwrap(),
        answer,
    };
    let mut ready = None;
    store
        .write(0, |tables| {
            tables.open(id(1), LIFETIME)?;
            ready = job.run(&known, tables)?;
            Ok(())
        })
        .unwrap();
    assert!(!is_free(&turns).await);
    ready.unwrap()();
    assert!(is_free(&turns).await);
    assert_eq!(answered.await.unwrap(), [id(1)]);
}

#[tokio::test]
async fn a_sign_in_leaves_nothing_in_memory() {
    let directory = TempDir::new().unwrap();
    let registry = FileRegistry::open(directory.path().join("sessions.redb")).unwrap();
    let now = Clock::System.now();
    for n in 0..10 {
        registry.begin(id(n), PATIENCE).await.unwrap();
        match n % 3 {
            0 => assert!(registry.open(id(n), now + LIFETIME, now).await.is_ok()),
            1 => registry.abandon(id(n)),
            _ => {
                // Goes away while it is opened.
                let mut opening = registry.open(id(n), now + LIFETIME, now);
                let _ = opening.as_mut().poll(&mut no_waker());
                drop(opening);
                registry.abandon(id(n));
            }
        }
    }
    assert!((0..10).all(|n| !registry.0.known.end_begun(id(n))));
    assert!(registry.ended().is_empty());
}

#[tokio::test]
async fn a_message_about_unknown_sessions_writes_nothing() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let registry = FileRegistry::open(&path).unwrap();
    let now = Clock::System.now();
    assert!(registry.open(id(0), now + LIFETIME, now).await.is_ok());
    let before = fs::read(&path).unwrap();
    for n in 1..100 {
        let found = registry
            .end_if_opened(vec![id(n), id(n + 100)], sender(), now)
            .await;
        assert_eq!(found.unwrap(), []);
    }
    assert!(fs::read(&path).unwrap() == before);
}
