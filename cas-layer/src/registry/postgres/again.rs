//! Tells PostgreSQL again of what it may not know: open sessions whose cookies are [seen](crate::registry::seen) after it lost
//! something, and [recent](crate::registry::recent) logouts.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{
    failure::Failure,
    node::Node,
    queue::{Ending, Named},
    steps, writer,
};
use crate::{
    clock::Clock,
    registry::{
        recent::{RecentLogout, RecentLogouts},
        seen::Note,
    },
};

/// How often PostgreSQL is told of logouts again while sessions may be live that it has lost: it may know them by then.
const PERIOD: Duration = Duration::from_secs(5);

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// How many logouts are looked for at once. Each names some sessions.
const PAGE: usize = 250;

/// Tells PostgreSQL for ever.
pub(super) async fn run(node: &Node) {
    let mut seen = node.seen.receiver.lock().await;
    let mut batch = Vec::new();
    let mut periods = interval(PERIOD);
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        batch.clear();
        let is_due = tokio::select! {
            _ = seen.recv_many(&mut batch, writer::BATCH) => false,
            () = node.again.notified() => true,
            _ = periods.tick() => node.facts.is_recovering(),
        };
        if reopen(node, &batch).await.is_err() {
            // Those of this batch are told when they are seen again.
            node.seen.forget();
            sleep(PAUSE).await;
        }
        // Once it is not away any more, somebody says so.
        if is_due && !node.facts.is_away() && tell(node).await.is_err() {
            sleep(PAUSE).await;
            node.again.notify_one();
        }
    }
}

/// Sees to it that PostgreSQL knows these sessions. Nearly always it does: that takes a read alone.
async fn reopen(node: &Node, sessions: &[Note]) -> Result<(), Failure> {
    if sessions.is_empty() {
        return Ok(());
    }
    let now = Clock::System.now();
    let ids: Vec<_> = sessions.iter().map(|note| note.id).collect();
    let found = steps::find(node, &ids).await?;
    let lost: Vec<_> = sessions
        .iter()
        .filter(|note| !found.live.contains(&note.id) && !found.has_ended(note.id))
        .copied()
        .collect();
    let ended = if lost.is_empty() {
        Vec::new()
    } else {
        steps::reopen(node, &lost, now).await?
    };
    for end in found.ended.into_iter().chain(ended) {
        node.apply(end, now);
    }
    Ok(())
}

/// Tells PostgreSQL of the logouts that it may not know.
async fn tell(node: &Node) -> Result<(), Failure> {
    tell_of(node, &node.unheard).await?;
    // It did not know these sessions, and still does not unless it has lost something.
    if node.facts.is_recovering() {
        tell_of(node, &node.unknown).await?;
    }
    Ok(())
}

/// Looks for the sessions of these logouts, and ends those that are there. The others are remembered for another time.
async fn tell_of(node: &Node, told: &RecentLogouts) -> Result<(), Failure> {
    let mut logouts = told.take();
    loop {
        let page: Vec<_> = logouts.by_ref().take(PAGE).collect();
        if page.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = page
            .iter()
            .flat_map(|logout| &logout.ids)
            .copied()
            .collect();
        let found = match steps::find(node, &ids).await {
            Ok(found) => found,
            Err(failure) => {
                page.into_iter()
                    .chain(logouts)
                    .for_each(|logout| told.note(logout));
                return Err(failure);
            }
        };
        for RecentLogout { ids, sender, now } in page {
            let (live, others): (Vec<_>, Vec<_>) =
                ids.into_iter().partition(|id| found.live.contains(id));
            let with = |ids| RecentLogout { ids, sender, now };
            let unknown = others.into_iter().filter(|id| !found.has_ended(*id));
            node.unknown.note(with(unknown.collect()));
            if !live.is_empty() {
                let named = Named {
                    logout: with(live),
                    turn: None,
                };
                // Nobody waits for the answer.
                drop(node.queue.push(Ending::Named(named)));
            }
        }
        let now = Clock::System.now();
        for end in found.ended {
            node.apply(end, now);
        }
    }
}
