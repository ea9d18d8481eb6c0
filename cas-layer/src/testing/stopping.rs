//! The end of the server, for tasks that wait for something else meanwhile.

use tokio::sync::watch;

/// Knows when the server is told to stop.
#[derive(Clone)]
pub(super) struct Stopping(watch::Receiver<()>);

impl Stopping {
    /// The server stops when the sender goes away.
    pub(super) fn new(stopping: watch::Receiver<()>) -> Self {
        Self(stopping)
    }

    /// Waits until the server is told to stop.
    pub(super) async fn stopped(&self) {
        // Nothing is ever sent: the sender goes away, which is the signal.
        let _ = self.0.clone().changed().await;
    }
}
