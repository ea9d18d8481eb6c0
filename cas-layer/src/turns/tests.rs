use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::FutureExt as _;

use super::*;

/// The slot that is there at once.
fn slot(turns: &Turns<u8>, party: u8) -> Slot<u8> {
    turns
        .ask(party)
        .unwrap()
        .slot()
        .now_or_never()
        .unwrap()
        .unwrap()
}

/// A place before it.
fn place(turns: &Turns<u8>, party: u8) -> Asked<u8> {
    let asked = turns.ask(party).unwrap();
    assert!(matches!(asked, Asked::Place(_)));
    asked
}

#[test]
fn a_slot_that_comes_back_goes_to_whoever_is_next() {
    let turns = Turns::new(1, 9);
    let first = slot(&turns, 0);
    let mut waiting = Box::pin(place(&turns, 0).slot());
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(first);
    let second = waiting.now_or_never().unwrap().unwrap();
    assert!(matches!(turns.ask(0), Some(Asked::Place(_))));
    drop(second);
    slot(&turns, 0);
}

#[test]
fn who_goes_away_gives_up_their_place() {
    let turns = Turns::new(1, 1);
    let first = slot(&turns, 0);
    let waiting = place(&turns, 0);
    assert!(turns.ask(0).is_none(), "there is room for one");
    drop(waiting);
    assert_eq!(turns.waiting(), 0);
    let waiting = place(&turns, 1);
    drop(first);
    waiting.slot().now_or_never().unwrap().unwrap();
}

#[test]
fn who_is_called_and_has_gone_away_passes_it_on() {
    let turns = Turns::new(1, 9);
    let first = slot(&turns, 0);
    let (gone, stays) = (place(&turns, 0), place(&turns, 0));
    drop(first);
    drop(gone);
    let second = stays.slot().now_or_never().unwrap().unwrap();
    assert_eq!(turns.waiting(), 0);
    drop(second);
    slot(&turns, 0);
}

#[test]
fn a_panic_gives_its_slot_back() {
    let turns = Turns::new(1, 9);
    let first = slot(&turns, 0);
    let waiting = place(&turns, 0);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _slot = first;
        panic!("for a test");
    }));
    assert!(panicked.is_err());
    waiting.slot().now_or_never().unwrap().unwrap();
}

#[test]
fn who_has_to_make_room_hears_of_it() {
    let turns = Turns::new(1, 2);
    let _first = slot(&turns, 0);
    let (stays, displaced) = (place(&turns, 0), place(&turns, 0));
    let shorter = place(&turns, 1);
    assert!(displaced.slot().now_or_never().unwrap().is_none());
    for waiting in [stays, shorter] {
        assert!(waiting.slot().now_or_never().is_none());
    }
}

/// One of those who have a slot.
struct InUse(Arc<AtomicUsize>);

impl InUse {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        assert!(count.fetch_add(1, Ordering::SeqCst) < SLOTS);
        Self(Arc::clone(count))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

const SLOTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_slot_is_lost_or_given_twice_whoever_goes_away() {
    let (turns, count) = (Turns::new(SLOTS, 10_000), Arc::default());
    let mut tasks = Vec::new();
    for party in (0..5).cycle().take(1_000) {
        let (turns, count) = (turns.clone(), Arc::clone(&count));
        tasks.push(tokio::spawn(async move {
            let asked = turns.ask(party).unwrap();
            tokio::task::yield_now().await;
            let slot = asked.slot().await;
            let in_use = slot.as_ref().map(|_| InUse::new(&count));
            tokio::task::yield_now().await;
            // Before the slot is another's.
            drop(in_use);
            drop(slot);
        }));
    }
    for task in tasks.iter().step_by(3) {
        task.abort();
    }
    for task in tasks {
        assert!(
            task.await
                .map_or_else(|error| error.is_cancelled(), |()| true)
        );
    }
    assert_eq!(turns.waiting(), 0);
    let slots: Vec<_> = (0..SLOTS).map(|_| slot(&turns, 0)).collect();
    assert!(matches!(turns.ask(0), Some(Asked::Place(_))));
    drop(slots);
}
