//! Space in the file that is no longer needed.

use super::{
    writer::{Job, Writer},
    *,
};

/// A file in which much was kept for sessions, and is only for the last one: what is at the end of the file keeps it
/// large. Ten sessions have ended, ten are open.
fn after_a_peak(path: &Path) -> u64 {
    let moment = at(*START);
    let expires_at = *START + LIFETIME;
    let mut store = new_store(path);
    let much = Sealed::new(vec![7; Sealed::MAX_BYTES]).unwrap();
    let open = |tables: &mut store::Tables<'_>| {
        for n in 0..20 {
            tables.open(id(n), None, moment.of_open(expires_at))?;
            assert!(tables.keep(id(n), ITEM, &much, *START)?.unwrap());
        }
        Ok(())
    };
    assert!(store.write(moment, open).unwrap());
    for n in 0..10 {
        end(&mut store, n, expires_at, moment);
    }
    let forget = |tables: &mut store::Tables<'_>| {
        for n in 10..19 {
            tables.forget(id(n), ITEM)?;
        }
        Ok(())
    };
    assert!(store.write(moment, forget).unwrap());
    drop(store);
    path.metadata().unwrap().len()
}

async fn holds_what_it_held(registry: &FileRegistry) {
    assert!((0..10).all(|n| registry.ended().contain_id(id(n))));
    let kept = registry.kept(id(19), ITEM, *START).await.unwrap();
    assert_eq!(kept.unwrap().as_bytes().len(), Sealed::MAX_BYTES);
    let ids: Vec<_> = (10..20).map(id).collect();
    let ended = registry.end_if_opened(ids.clone(), sender(), *START);
    assert_eq!(ended.await.unwrap(), ids);
}

#[tokio::test]
async fn a_file_that_was_large_once_is_small_when_it_is_opened_again() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let before = after_a_peak(&path);
    assert!(before > 16 << 20, "{before}");
    let registry = FileRegistry::open(&path).unwrap();
    let after = path.metadata().unwrap().len();
    assert!(after < before / 4, "{before} {after}");
    holds_what_it_held(&registry).await;
    drop(registry);
    holds_all_ends(&path);
}

fn holds_all_ends(path: &Path) {
    let registry = FileRegistry::open(path).unwrap();
    assert!((0..20).all(|n| registry.ended().contain_id(id(n))));
}

#[tokio::test]
async fn a_file_is_made_small_when_nothing_is_to_do() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let before = after_a_peak(&path);
    let (known, reader) = (Arc::new(Known::default()), Arc::new(Reader::default()));
    let store = Store::open(&path, &known).unwrap();
    let file = (path.clone(), Identity::of(&path).unwrap());
    let (jobs, queue) = mpsc::sync_channel(QUEUE);
    let shared = (Arc::clone(&known), Arc::clone(&reader));
    let mut writer = Writer::new(file, shared.0, shared.1, queue, store);
    writer.tidy();
    let after = path.metadata().unwrap().len();
    assert!(after < before / 4, "{before} {after}");
    // Whoever looks finds it, and it can be written.
    assert_eq!(reader.find(&known, &[id(11), id(500)]), Some(vec![id(11)]));
    known.end(id(11), *START + LIFETIME, *START);
    let (answer, answered) = oneshot::channel();
    jobs.send(Job::Save {
        now: *START,
        answer,
    })
    .unwrap();
    drop(jobs);
    writer.run();
    answered.await.unwrap();
    holds_the_others(&path).await;
}

async fn holds_the_others(path: &Path) {
    let registry = FileRegistry::open(path).unwrap();
    assert!(
        (0..10)
            .chain([11])
            .all(|n| registry.ended().contain_id(id(n)))
    );
    let ended = registry.end_if_opened((10..20).map(id).collect(), sender(), *START);
    assert_eq!(ended.await.unwrap().len(), 9);
}

#[test]
fn what_is_kept_counts_as_in_use_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let moment = at(*START);
    let mut store = new_store(&path);
    let much = Sealed::new(vec![7; Sealed::MAX_BYTES]).unwrap();
    let open = |tables: &mut store::Tables<'_>| {
        for n in 0..10 {
            tables.open(id(n), None, moment.of_open(*START + LIFETIME))?;
            assert!(tables.keep(id(n), ITEM, &much, *START)?.unwrap());
        }
        Ok(())
    };
    assert!(store.is_soon_compact());
    assert!(store.write(moment, open).unwrap());
    assert!(!store.is_soon_compact());
    drop(store);
    let mut store = new_store(&path);
    assert!(!store.is_soon_compact(), "14 MB and their overhead");
    for n in 0..5 {
        end(&mut store, n, *START + LIFETIME, moment);
    }
    assert!(store.is_soon_compact());
}
