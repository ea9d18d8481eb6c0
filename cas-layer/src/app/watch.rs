//! What those who wait for the end of a session have to look at themselves: the clock, which may be set, and the
//! registry, which may be cut off. One task looks for all of them.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::timeout};

use crate::{clock::Clock, registry::Registry};

/// How often the task looks.
const EVERY: Duration = Duration::from_secs(5);

/// How long nobody looks at most, should the runtime of the task stand still.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How many seconds the clock may be from where it should be by now.
const STEADY: u64 = 2;

#[derive(Debug)]
pub(crate) struct Watch(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    clock: Clock,
    registry: Arc<dyn Registry>,
    worth_a_look: watch::Sender<()>,
    has_task: AtomicBool,
}

impl Watch {
    pub(crate) fn new(clock: Clock, registry: Arc<dyn Registry>) -> Self {
        Self(Arc::new(Watched {
            clock,
            registry,
            worth_a_look: watch::Sender::new(()),
            has_task: AtomicBool::new(false),
        }))
    }

    /// Waits for this end, but not for longer than `time`, nor once it is worth a look at the clock and the registry.
    /// Returns whether the end has come. If not, the caller looks, and waits again.
    pub(crate) async fn wait_for(
        &self,
        mut end: Pin<&mut impl Future<Output = ()>>,
        time: Duration,
    ) -> bool {
        let mut receiver = self.0.worth_a_look.subscribe();
        if !self.0.has_task.swap(true, Ordering::SeqCst) {
            tokio::spawn(Task(Arc::clone(&self.0)).run());
        }
        let mut worth_a_look = pin!(receiver.changed());
        let first = poll_fn(|context| match end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => worth_a_look.as_mut().poll(context).map(|_| false),
        });
        timeout(time.min(LONGEST_WAIT), first)
            .await
            .unwrap_or(false)
    }
}

/// The one that looks, for as long as somebody waits.
struct Task(Arc<Watched>);

impl Task {
    async fn run(self) {
        let watched = &self.0;
        let (mut clock, mut at) = (watched.clock.now(), Instant::now());
        while timeout(EVERY, watched.worth_a_look.closed()).await.is_err() {
            let expected = clock.saturating_add(at.elapsed().as_secs());
            (clock, at) = (watched.clock.now(), Instant::now());
            if clock.abs_diff(expected) > STEADY || !watched.registry.is_current() {
                watched.worth_a_look.send_replace(());
            }
        }
    }
}

/// It may also end with the runtime of whoever was the first to wait. Whoever waits now takes over.
impl Drop for Task {
    fn drop(&mut self) {
        self.0.has_task.store(false, Ordering::SeqCst);
        self.0.worth_a_look.send_replace(());
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::{future::pending, thread};

    use tokio::{runtime, time};

    use super::*;
    use crate::{MemoryRegistry, testing::ManualClock};

    const HOUR: Duration = Duration::from_secs(3600);

    fn watch(clock: &ManualClock) -> Watch {
        let registry = Arc::new(MemoryRegistry::default());
        Watch::new(Clock::Manual(clock.clone()), registry)
    }

    /// For how long somebody waits who would wait for an hour for nothing, by the time of the runtime.
    async fn waits(watch: &Watch) -> Duration {
        let started = time::Instant::now();
        let mut never = pin!(pending());
        assert!(!watch.wait_for(never.as_mut(), HOUR).await);
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn while_nothing_happens_nobody_is_woken_up() {
        let watch = watch(&ManualClock::new());
        assert_eq!(waits(&watch).await, LONGEST_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_is_worth_a_look() {
        let clock = ManualClock::new();
        let watch = Arc::new(watch(&clock));
        let waiting = tokio::spawn({
            let watch = Arc::clone(&watch);
            async move { waits(&watch).await }
        });
        time::sleep(Duration::from_secs(12)).await;
        clock.advance(HOUR);
        assert_eq!(waiting.await.unwrap(), Duration::from_secs(15));
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_told_at_once() {
        let watch = watch(&ManualClock::new());
        let mut ended = pin!(time::sleep(Duration::from_secs(1)));
        assert!(watch.wait_for(ended.as_mut(), HOUR).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_goes_when_nobody_waits_and_holds_nothing_then() {
        let watch = watch(&ManualClock::new());
        let mut ended = pin!(time::sleep(Duration::from_secs(1)));
        watch.wait_for(ended.as_mut(), HOUR).await;
        while Arc::strong_count(&watch.0) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn who_waits_elsewhere_takes_over_when_the_runtime_of_the_first_ends() {
        let clock = ManualClock::new();
        let watch = Arc::new(watch(&clock));
        let runtime = || {
            runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap()
        };
        let (first, second) = (runtime(), runtime());
        let by_first = Arc::clone(&watch);
        first.spawn(async move { waits(&by_first).await });
        first.block_on(tokio::task::yield_now());
        assert!(watch.0.has_task.load(Ordering::SeqCst));
        let waiting = thread::spawn({
            let watch = Arc::clone(&watch);
            move || second.block_on(waits(&watch))
        });
        while watch.0.worth_a_look.receiver_count() < 2 {
            thread::yield_now();
        }
        drop(first);
        assert!(waiting.join().unwrap() < LONGEST_WAIT);
    }
}
