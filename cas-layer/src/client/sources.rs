//! What led to an error, for the log.

use std::error::Error;

/// An error that has more causes than this has them in a circle.
const MAX_SOURCES: usize = 16;

/// Everything that led to an error, the nearest first.
pub(crate) fn sources_of(error: &dyn Error) -> Option<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next.filter(|_| texts.len() < MAX_SOURCES) {
        texts.push(error.to_string());
        next = error.source();
    }
    // Some say again what the next one says.
    texts.dedup();
    (!texts.is_empty()).then(|| texts.join(": "))
}
