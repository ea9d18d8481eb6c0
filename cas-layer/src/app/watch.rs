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

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{clock::Clock, registry::Registry};

/// How often the task looks.
const EVERY: Duration = Duration::from_secs(5);

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
    /// Returns whether the end has come.
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
        timeout(time, first).await.unwrap_or(false)
    }
}

/// The one that looks, for as long as somebody waits.
struct Task(Arc<Watched>);

impl Task {
    async fn run(self) {
        let watched = &self.0;
        let (mut clock, mut at) = (watched.clock.now(), Instant::now());
        while watched.worth_a_look.receiver_count() > 0 {
            sleep(EVERY).await;
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
