mod damage;
mod ends;
mod power_cuts;
mod space;

use std::{
    fs,
    path::Path,
    sync::LazyLock,
    task::{Context, Waker},
};

use redb::{ReadableDatabase as _, ReadableTableMetadata as _, TableDefinition};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{known::Unsaved, *};
use crate::{
    clock::Clock,
    registry::{GRACE, Item, RegisteredSession, Sealed, SessionStorage as _, run_time::Moment},
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

/// A moment of a process that has run from `START` on. Both clocks go by the same time.
fn at(now: UnixSeconds) -> Moment {
    Moment {
        now,
        run: now - *START,
        longest: LIFETIME,
    }
}

static START: LazyLock<UnixSeconds> = LazyLock::new(|| Clock::System.now());

fn end(store: &mut Store, n: u64, expires_at: UnixSeconds, moment: Moment) {
    let term = moment.of_ended(expires_at);
    let unsaved = Unsaved {
        sessions: [(id(n), term)].into(),
        ..Unsaved::default()
    };
    let (_, overall) = Known::default().take_unsaved();
    let written = store.write(moment, |tables| tables.save(&unsaved, overall));
    assert!(written.unwrap());
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
    let written = store.write(at(*START), |tables| tables.set("format", 3));
    written.unwrap();
    drop(store);
    let error = FileRegistry::open(&path).unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unusable);
    assert!(error.to_string().contains("format"), "{error}");
}

/// An earlier format had the seconds alone.
#[tokio::test]
async fn a_file_of_the_format_before_is_read_and_nothing_in_it_is_forgotten_early() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let now = Clock::System.now();
    create::create_if_missing(&path).unwrap();
    {
        let database = redb::Database::open(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut meta = transaction.open_table(tables::META).unwrap();
        meta.insert("format", 1).unwrap();
        meta.insert("longest", LIFETIME).unwrap();
        meta.remove("run").unwrap();
        drop(meta);
        let mut opened = transaction.open_table(tables::OPENED).unwrap();
        opened.insert(id(1).as_bytes(), now + LIFETIME).unwrap();
        drop(opened);
        let mut ended = transaction.open_table(tables::ENDED).unwrap();
        ended.insert(id(2).as_bytes(), now + LIFETIME).unwrap();
        drop(ended);
        let mut accounts = transaction.open_table(tables::ACCOUNTS).unwrap();
        let alice = AccountId::of("https://cas", "alice");
        accounts
            .insert(alice.as_bytes(), (7, now + LIFETIME))
            .unwrap();
        drop(accounts);
        transaction.commit().unwrap();
    }
    for _ in 0..2 {
        let registry = FileRegistry::open(&path).unwrap();
        assert!(registry.ended().contain_id(id(2)));
        let of_alice =
            |number| RegisteredSession::new(id(3), number, now + LIFETIME, "https://cas", "alice");
        assert!(registry.is_ended(&of_alice(7)) && !registry.is_ended(&of_alice(8)));
        // By a clock that is far ahead everything is over, but no process has run for that long.
        for n in 10..13 {
            let later = now + 10 * LIFETIME;
            let ended = registry.end(id(n), later + LIFETIME, later);
            ended.await.unwrap();
        }
        drop(registry);
        assert_eq!(lens(&path), [1, 4]);
    }
    let registry = FileRegistry::open(&path).unwrap();
    let ended = registry.end_if_opened(vec![id(1)], sender(), now);
    assert_eq!(ended.await.unwrap(), [id(1)]);
    drop(registry);
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_read().unwrap();
    let meta = transaction.open_table(tables::META).unwrap();
    assert_eq!(meta.get("format").unwrap().unwrap().value(), 2);
}

/// The clock is 3 hours ahead when the process starts, by which all 1,500 sessions of an hour expired long ago, and is
/// corrected after many sign-ins and sign-outs.
#[tokio::test]
async fn a_process_that_starts_with_a_clock_that_is_ahead_revives_nobody_and_hides_nobody() {
    const HOUR: UnixSeconds = 3600;
    const SESSIONS: u64 = 300;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    // The system's clock is the one that is ahead.
    let ahead = Clock::System.now();
    let now = ahead - 3 * HOUR;
    let registry = FileRegistry::open(&path).unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..SESSIONS {
        let registry = registry.clone();
        tasks.spawn(async move {
            registry.open(id(n), now + HOUR, now).await.unwrap();
            if n % 2 == 0 {
                registry.end(id(n), now + HOUR, now).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let account = AccountId::of("https://cas", "carol");
    registry.end_all(account, now + HOUR, now).await.unwrap();
    drop(registry);
    let carol = RegisteredSession::new(id(7_000), 1, now + HOUR, "https://cas", "carol");
    for boot in 1..=3 {
        let registry = FileRegistry::open(&path).unwrap();
        let mut tasks = JoinSet::new();
        for n in boot * 10_000..boot * 10_000 + 400 {
            let registry = registry.clone();
            tasks.spawn(async move {
                registry.open(id(n), ahead + HOUR, ahead).await.unwrap();
                registry.end(id(n), ahead + HOUR, ahead).await.unwrap();
            });
        }
        tasks.join_all().await;
        let forgotten =
            (0..SESSIONS).filter(|n| n % 2 == 0 && !registry.ended().contain_id(id(*n)));
        assert_eq!(forgotten.count(), 0, "{boot}");
        assert!(registry.is_ended(&carol), "{boot}");
    }
    let registry = FileRegistry::open(&path).unwrap();
    assert!((0..SESSIONS).all(|n| n % 2 == 1 || registry.ended().contain_id(id(n))));
    let open: Vec<_> = (0..SESSIONS).filter(|n| n % 2 == 1).map(id).collect();
    for ids in open.chunks(64) {
        let ended = registry.end_if_opened(ids.to_vec(), sender(), now + 60);
        assert_eq!(ended.await.unwrap(), ids);
    }
}

/// A process that is restarted every 20 minutes, for days.
#[tokio::test]
async fn the_file_does_not_grow_though_no_process_runs_for_as_long_as_a_session_lasts() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let start = Clock::System.now();
    for boot in 0..120 {
        let registry = FileRegistry::open(&path).unwrap();
        let now = start + boot * 1200;
        let mut tasks = JoinSet::new();
        for n in boot * 10..boot * 10 + 10 {
            let registry = registry.clone();
            tasks.spawn(async move {
                registry.open(id(n), now + 3600, now).await.unwrap();
                if n % 2 == 0 {
                    registry.end(id(n), now + 3600, now).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        registry.ended().run_for(Duration::from_secs(1200));
    }
    // Of 1,200 sign-ins in 40 hours, of which nobody did anything at the end of a process. An end is remembered for nine hours here, a session that is open for two.
    let [opened, ended] = lens(&path);
    assert!((30..100).contains(&opened), "{opened}");
    assert!((135..250).contains(&ended), "{ended}");
}

#[test]
fn the_file_does_not_grow_with_sessions_that_have_expired() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let mut store = new_store(&path);
    let start = *START;
    let mut grown_by_then = 0;
    // 50 sign-ins and 25 sign-outs every half an hour, for eight days.
    for half_hour in 0..400 {
        let now = start + half_hour * 1800;
        let sessions = half_hour * 50..(half_hour + 1) * 50;
        let moment = at(now);
        let mut unsaved = Unsaved::default();
        for n in sessions.clone().step_by(2) {
            let term = moment.of_ended(now + LIFETIME);
            unsaved.sessions.insert(id(n), term);
        }
        let (_, overall) = Known::default().take_unsaved();
        let written = store.write(moment, |tables| {
            for n in sessions {
                tables.open(id(n), None, moment.of_open(now + LIFETIME))?;
            }
            tables.save(&unsaved, overall)
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
    let now = *START;
    let expires_at = now + LIFETIME;
    let mut store = new_store(&path);
    let term = at(now).of_open(expires_at);
    store
        .write(at(now), |tables| tables.open(id(1), None, term))
        .unwrap();
    end(&mut store, 2, expires_at, at(now));
    // Each looks at more entries than there are, from anywhere to the end, and then from the beginning.
    let look_around = |store: &mut Store, time| {
        for n in 10..13 {
            end(store, n, time + LIFETIME, at(time));
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
    let now = *START;
    let expires_at = now + LIFETIME;
    let mut store = new_store(&path);
    let moment = at(now);
    let written = store.write(moment, |tables| {
        for n in 0..3 {
            tables.open(id(n), None, moment.of_open(expires_at))?;
            assert!(tables.keep(id(n), ITEM, &grant(), now)?.unwrap());
        }
        tables.open(id(3), None, moment.of_open(2 * expires_at))?;
        assert!(tables.keep(id(3), ITEM, &grant(), now)?.unwrap());
        tables.forget(id(2), ITEM)
    });
    assert!(written.unwrap());
    drop(store);
    assert_eq!(count_kept(&path), 3);
    let mut store = new_store(&path);
    end(&mut store, 1, expires_at, at(now));
    drop(store);
    assert_eq!(count_kept(&path), 2);
    let mut store = new_store(&path);
    // Looks at everything, from anywhere to the end and from the beginning.
    for n in 10..13 {
        let time = expires_at + GRACE;
        end(&mut store, n, time + LIFETIME, at(time));
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
    let now = *START;
    let mut store = new_store(&path);
    let term = at(now).of_open(now + LIFETIME);
    store
        .write(at(now), |tables| tables.open(id(1), None, term))
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
    let inner = Arc::new(Inner {
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
    });
    let timeout = TIMEOUT;
    (FileRegistry { inner, timeout }, queue)
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_a_disk_that_is_stuck() {
    let (registry, queue) = stuck();
    let unavailable = RegistryErrorKind::Unavailable;
    registry.begin(id(1), TIMEOUT).await.unwrap();
    registry.begin(id(1), TIMEOUT).await.unwrap();
    let opened = registry.open(id(1), LIFETIME, 0).await;
    assert_eq!(opened.unwrap_err().kind(), unavailable);
    registry.abandon(id(1));
    // The other callback with the ticket is still heard of.
    assert!(registry.inner.known.end_begun(id(1)));
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
    assert!(registry.inner.known.has_unsaved());
    assert_eq!(queue.try_iter().count(), QUEUE);
}

#[tokio::test]
async fn a_flood_of_messages_leaves_sign_ins_their_place_before_the_disk() {
    let (registry, queue) = stuck();
    // All of them are about somebody who is signing in right now.
    registry.begin(id(1), TIMEOUT).await.unwrap();
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
    timeout(TIMEOUT / 20, turns.take(sender())).await.is_ok()
}

#[test]
fn whoever_gives_up_keeps_their_turn_until_the_disk_has_answered() {
    let (registry, _queue) = stuck();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let held = registry.inner.reader.hold_up();
    runtime.block_on(async {
        for n in 0..8 {
            let ending = registry.end_if_opened(vec![id(n)], sender(), 0);
            assert!(timeout(TIMEOUT / 100, ending).await.is_err());
        }
        assert!(!is_free(&registry.inner.turns).await);
    });
    drop(held);
    let turn = runtime.block_on(registry.inner.turns.take(sender()));
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
    let moment = at(*START);
    store
        .write(moment, |tables| {
            tables.open(id(1), None, moment.of_open(*START + LIFETIME))?;
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
        registry.begin(id(n), TIMEOUT).await.unwrap();
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
    assert!((0..10).all(|n| !registry.inner.known.end_begun(id(n))));
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
