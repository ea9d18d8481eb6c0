//! Telling PostgreSQL of ends.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    node::Node,
    queue::{Batch, Ending},
    steps,
};
use crate::{
    clock::Clock,
    registry::{RegistryError, RegistryErrorKind},
    session::SessionId,
};

/// How many sessions one statement ends.
pub(super) const BATCH: usize = 500;

/// How long to wait before the next try.
const AGAIN: Duration = Duration::from_secs(1);

/// Empties the queue into PostgreSQL, for ever.
pub(super) async fn run(node: &Node) {
    let mut complaint = String::new();
    loop {
        let mut jobs = node.queue.take(BATCH).await;
        match steps::finish(node, &Batch::of(&jobs)).await {
            Ok(finished) => {
                let now = Clock::System.now();
                for end in finished.ends {
                    node.apply(end, now);
                }
                let mut named = finished.named;
                node.queue.finish(&jobs);
                for job in &mut jobs {
                    let ended = match &job.ending {
                        Ending::Named(asked) => take_out(&mut named, &asked.logout.ids),
                        Ending::Session(_) | Ending::Account(_) => Vec::new(),
                    };
                    job.answer(Ok(ended));
                }
                if !complaint.is_empty() {
                    complaint.clear();
                    tracing::info!("PostgreSQL accepts sign-outs again");
                }
            }
            Err(failure) => {
                let failure = failure.to_string();
                if failure != complaint {
                    tracing::error!(
                        error = failure,
                        "sign-outs wait, because PostgreSQL does not record them"
                    );
                    complaint.clone_from(&failure);
                }
                let left = node.queue.put_back(jobs, || {
                    RegistryError::new(
                        RegistryErrorKind::Unavailable,
                        "PostgreSQL does not record sign-outs at the moment",
                    )
                    .with_source(failure.clone())
                });
                for logout in left {
                    node.unheard.note(logout);
                    node.again.notify_one();
                }
                sleep(AGAIN).await;
            }
        }
    }
}

/// Those of the asked that have ended now. Of several messages that name a session, the first gets it.
fn take_out(named: &mut Vec<SessionId>, asked: &[SessionId]) -> Vec<SessionId> {
    let ended = asked.iter().filter(|id| {
        let at = named.iter().position(|other| other == *id);
        at.map(|at| named.swap_remove(at)).is_some()
    });
    ended.copied().collect()
}
