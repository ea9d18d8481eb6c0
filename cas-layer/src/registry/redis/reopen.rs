//! Tells Redis again of sessions whose cookies are [seen](crate::registry::seen).

use super::{connection::Connection, failure::Failure, flush::BATCH, node::Node, scripts};
use crate::clock::Clock;

/// Tells Redis of each session that is noted, until the connection breaks.
pub(super) async fn reopen(node: &Node, connection: &Connection) -> Failure {
    let mut receiver = node.seen.receiver.lock().await;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        batch.clear();
        receiver.recv_many(&mut batch, BATCH).await;
        let now = Clock::System.now();
        let sessions = batch
            .iter()
            .map(|note| (node.lasting(note.id, note.expires_at, now), note.family));
        let sessions: Vec<_> = sessions.collect();
        let highest = node.facts.highest();
        match scripts::reopen(connection, &node.keys, &sessions, highest).await {
            Ok(ended) => {
                for ((session, _), _) in sessions.iter().zip(ended).filter(|&(_, ended)| ended) {
                    node.ended.end(session.id, session.expires_at, now);
                }
            }
            Err(failure) => {
                if failure.breaks_connection() {
                    return failure;
                }
                // Those of this batch are told when they are seen again.
                node.seen.forget();
            }
        }
    }
}
