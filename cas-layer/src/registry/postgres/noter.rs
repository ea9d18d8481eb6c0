//! Telling PostgreSQL of validations that begin and are given up.

use super::{failure::away, node::Node, notes::Kind, steps};
use crate::registry::{RegistryError, RegistryErrorKind};

/// Tells PostgreSQL for ever. What it does not hear in time is not told again.
pub(super) async fn run(node: &Node) {
    loop {
        let mut notes = node.notes.take().await;
        // In one order on all nodes, so that none waits for one that waits for it. The order for each name stays.
        notes.sort_by_key(|note| {
            let is_pair = matches!(note.kind, Kind::Expect | Kind::Unexpect);
            (is_pair, note.name)
        });
        let result = if node.facts.is_away() {
            Err(None)
        } else {
            steps::note(node, &notes).await.map_err(Some)
        };
        for note in &mut notes {
            note.answer(|| match &result {
                Ok(()) => Ok(()),
                Err(None) => Err(away()),
                Err(Some(failure)) => Err(RegistryError::new(
                    RegistryErrorKind::Unavailable,
                    "PostgreSQL was not told of a sign-in",
                )
                .with_source(failure.to_string())),
            });
        }
    }
}
