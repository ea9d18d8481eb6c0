//! Writes the history while it happens.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::sleep};

use super::history::{Line, Micros};

/// How often the checker looks whether it is late itself.
const TICK: Duration = Duration::from_millis(20);
/// Below this nothing is said.
const NOTICEABLE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    lines: Mutex<Vec<Line>>,
}

impl Recorder {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            lines: Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Micros {
        micros(self.started.elapsed())
    }

    pub(crate) fn note(&self, line: Line) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    pub(crate) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes when this process gets no turn.
    pub(crate) fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        let recorder = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let due = Instant::now() + TICK;
                sleep(TICK).await;
                let late = due.elapsed();
                if late > NOTICEABLE {
                    recorder.note(Line::Stall {
                        at: recorder.now(),
                        late: micros(late),
                    });
                }
            }
        })
    }
}

fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
