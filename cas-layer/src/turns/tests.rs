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

/// What became of those who asked for a slot.
#[derive(Debug, Default)]
struct Outcome {
    served: usize,
    /// From asking until the slot is given back.
    longest: Duration,
    turned_away: usize,
    /// How many of those had waited before.
    in_vain: usize,
}

/// For 20 seconds, `each_second` ask in every second, and hold their slot for half a second each.
async fn rush(turns: &Turns<u32>, each_second: u32, party: impl Fn(u32) -> u32) -> Outcome {
    let mut asking = tokio::task::JoinSet::new();
    let start = Instant::now();
    for number in 0..each_second * 20 {
        let party = party(number);
        tokio::time::sleep_until(start + Duration::from_secs(1) * number / each_second).await;
        let turns = turns.clone();
        asking.spawn(async move {
            let asked_at = Instant::now();
            let slot = match turns.ask(party) {
                Some(asked) => asked.slot().await,
                None => None,
            };
            let is_served = slot.is_some();
            if is_served {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            (is_served, asked_at.elapsed())
        });
    }
    let mut outcome = Outcome::default();
    while let Some(asked) = asking.join_next().await {
        let (is_served, took) = asked.unwrap();
        if is_served {
            outcome.served += 1;
            outcome.longest = outcome.longest.max(took);
        } else {
            outcome.turned_away += 1;
            outcome.in_vain += usize::from(!took.is_zero());
        }
    }
    outcome
}

#[tokio::test(start_paused = true)]
async fn in_a_rush_who_can_be_served_in_time_is_and_the_rest_is_told_at_once() {
    // 64 slots for half a second each serve 128 in a second, and 200 come.
    let patient = rush(&Turns::new(64, 1_024), 200, |number| number).await;
    assert!(patient.longest > Duration::from_secs(8), "{patient:?}");
    let turns = Turns::brisk(64, 1_024, Duration::from_secs(3));
    let brisk = rush(&turns, 200, |number| number).await;
    assert!(brisk.longest <= Duration::from_millis(3_100), "{brisk:?}");
    assert_eq!(brisk.in_vain, 0, "{brisk:?}");
    // As many in the same time: those who wait longer are no more.
    let at_most = 20 * 128 + 3 * 128;
    assert!(
        (at_most * 95 / 100..=at_most).contains(&brisk.served),
        "{brisk:?}"
    );
    assert_eq!(turns.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rush_of_one_party_keeps_no_other_waiting_for_long() {
    let turns = Turns::brisk(64, 1_024, Duration::from_secs(3));
    let one = tokio::spawn({
        let turns = turns.clone();
        async move { rush(&turns, 1_000, |_| 0).await }
    });
    let others = rush(&turns, 20, |number| 1 + number).await;
    assert_eq!(others.turned_away, 0, "{others:?}");
    assert!(others.longest < Duration::from_secs(1), "{others:?}");
    let one = one.await.unwrap();
    assert!(one.turned_away > one.served, "{one:?}");
}

#[tokio::test(start_paused = true)]
async fn where_slots_are_held_for_long_a_few_may_wait_and_after_that_it_goes_on_as_before() {
    let turns = Turns::brisk(4, 1_024, Duration::from_secs(3));
    let hold = async |seconds| {
        let held: Vec<_> = (0..4).map(|_| turns.ask(1).unwrap().slot()).collect();
        let mut slots = Vec::new();
        for slot in held {
            slots.push(slot.now_or_never().unwrap().unwrap());
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        slots
    };
    drop(hold(4).await);
    let slots = hold(4).await;
    // A slot comes back every second.
    let waiting = turns.ask(1);
    assert!(waiting.is_some());
    assert!(turns.ask(1).is_none(), "a second one");
    drop((waiting, slots));
    for _ in 0..8 {
        drop(hold(0).await);
    }
    let _slots = hold(0).await;
    let waiting: Vec<_> = (0..20).map_while(|_| turns.ask(1)).collect();
    assert_eq!(waiting.len(), 20);
}
