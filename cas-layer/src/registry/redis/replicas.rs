//! Waiting until replicas have what was written.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

/// The `WAIT`s of one connection: one at a time, for all callers that have written before it.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    asked: AtomicU64,
    wake: Notify,
    /// The last question that has an answer, and whether the answer was yes.
    answered: watch::Sender<(u64, bool)>,
}

impl Replicas {
    /// Whether enough replicas have everything that was answered on this connection before the call.
    pub(super) async fn have_all(&self) -> bool {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.wake.notify_one();
        let mut answered = self.answered.subscribe();
        let answer = answered.wait_for(|&(upto, _)| upto >= mine).await;
        // A later answer may be the one that is seen. What it says of more writes is true of fewer.
        answer.is_ok_and(|answer| answer.1)
    }

    /// Waits until a caller asks. Returns the last question.
    pub(super) async fn asked(&self) -> u64 {
        self.wake.notified().await;
        self.asked.load(Ordering::SeqCst)
    }

    /// Answers all questions up to this one.
    pub(super) fn answer(&self, upto: u64, enough: bool) {
        self.answered.send_replace((upto, enough));
    }
}
