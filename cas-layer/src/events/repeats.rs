//! How often the log says what strangers can cause.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tracing::Level;

use crate::seldom::Seldom;

/// How many kinds of events are told apart by the reference on a visitor's page.
const MAX_REFERENCES: usize = 500;

/// What was said about events that strangers can cause, by their names. The names are a closed list, so this is
/// small. Of references there are about as many as statuses; their number is bounded all the same.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<HashMap<Kind, Seldom>>);

#[derive(Debug, PartialEq, Eq, Hash)]
enum Kind {
    Named([&'static str; 2]),
    Reference(String),
}

impl Repeats {
    /// The level at which to log an event that strangers can cause, and how many of its kind were only logged at
    /// debug level since the last one that was logged at its own.
    pub(super) fn level(&self, name: [&'static str; 2], level: Level) -> (Level, Option<u64>) {
        self.level_of(None, name, level)
    }

    /// The same. An event with a reference is one of its own: the visitor who is told the reference leads to its line.
    pub(super) fn level_of(
        &self,
        reference: Option<String>,
        name: [&'static str; 2],
        level: Level,
    ) -> (Level, Option<u64>) {
        if level > Level::INFO {
            return (level, None);
        }
        // A panic elsewhere leaves the map whole: every change is a single insert.
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = reference
            .map(Kind::Reference)
            .filter(|kind| said.contains_key(kind) || said.len() < MAX_REFERENCES)
            .unwrap_or(Kind::Named(name));
        match said.entry(kind).or_default().ask() {
            Some(0) => (level, None),
            Some(unsaid) => (level, Some(unsaid)),
            None => (Level::DEBUG, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_strangers_repeat_is_said_once_and_the_others_at_debug_level() {
        let repeats = Repeats::default();
        let level = |name: [&'static str; 2], level| repeats.level(name, level).0;
        let malformed = ["front", "malformed"];
        assert_eq!(level(malformed, Level::WARN), Level::WARN);
        for _ in 0..1_000 {
            assert_eq!(level(malformed, Level::WARN), Level::DEBUG);
        }
        // Each name by itself.
        for other in [["back", "malformed"], ["front", "not-remembered"]] {
            assert_eq!(level(other, Level::ERROR), Level::ERROR);
            assert_eq!(level(other, Level::ERROR), Level::DEBUG);
        }
        // What is said at debug level anyway is not counted.
        for _ in 0..2 {
            assert_eq!(level(["front", "unknown"], Level::DEBUG), Level::DEBUG);
        }
        assert_eq!(repeats.0.lock().unwrap().len(), 3);
    }

    #[test]
    fn each_reference_is_said_but_only_so_many_are_kept() {
        let repeats = Repeats::default();
        let name = ["cas-unreadable", "status"];
        let level = |reference: &str| {
            repeats
                .level_of(Some(reference.to_owned()), name, Level::ERROR)
                .0
        };
        assert_eq!(level("A"), Level::ERROR);
        assert_eq!(level("A"), Level::DEBUG);
        assert_eq!(level("B"), Level::ERROR);
        for number in 0..2_000 {
            level(&number.to_string());
        }
        assert_eq!(level("C"), Level::DEBUG);
        assert_eq!(repeats.0.lock().unwrap().len(), MAX_REFERENCES + 1);
    }
}
