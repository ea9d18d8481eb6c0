//! Waiting until replicas have what was written.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use super::{
    connection::{COMMAND, Connection},
    failure::Failure,
};
use crate::seldom::{Seldom, seldom};

/// How long replicas have to confirm a write. Nothing else on the connection is done meanwhile, so it is
/// short enough for a call that comes behind two of them.
const PATIENCE: Duration = Duration::from_millis(350);

/// The `WAIT`s of one connection: one at a time, for all who have written before it.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    asked: AtomicU64,
    wake: Notify,
    /// Up to which question there is an answer, and whether it was yes.
    answered: watch::Sender<(u64, bool)>,
}

impl Replicas {
    /// Whether enough replicas have everything whose answer came on this connection before the call.
    pub(super) async fn have_all(&self) -> bool {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.wake.notify_one();
        let mut answered = self.answered.subscribe();
        let answer = answered.wait_for(|&(upto, _)| upto >= mine).await;
        // A later answer may be the one that is seen. What it says of more writes is true of fewer.
        answer.is_ok_and(|answer| answer.1)
    }

    /// Asks for all, until the connection breaks.
    pub(super) async fn ask(&self, connection: &Connection, wanted: u32) -> Failure {
        let mut wait = redis::cmd("WAIT");
        wait.arg(wanted).arg(PATIENCE.as_millis().to_string());
        loop {
            self.wake.notified().await;
            let upto = self.asked.load(Ordering::SeqCst);
            let enough = match connection.run::<u32>(&wait, COMMAND).await {
                Ok(have) => have >= wanted,
                Err(failure) if failure.breaks_connection() => return failure,
                // Not permitted, say.
                Err(failure) => {
                    static NO_WAIT: Seldom = Seldom::new();
                    seldom!(
                        error,
                        NO_WAIT,
                        error = %failure,
                        "Redis does not wait for its replicas"
                    );
                    false
                }
            };
            self.answered.send_replace((upto, enough));
        }
    }
}
