//! The ids of the stream's entries.

use std::fmt;

/// The place of an entry: milliseconds by Redis's clock, and a number within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId {
    pub(super) millis: u64,
    sequence: u64,
}

impl EntryId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (millis, sequence) = text.split_once('-')?;
        Some(Self {
            millis: millis.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    }

    /// Whether this stands for no entry.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_is_that_of_no_entry() {
        assert!(EntryId::default().is_none());
        assert!(!EntryId::parse("0-1").unwrap().is_none());
        assert!(!EntryId::parse("1-0").unwrap().is_none());
    }

    #[test]
    fn ids_are_compared_as_numbers() {
        let id = |text| EntryId::parse(text).unwrap();
        assert!(id("99-5") < id("100-0"));
        assert!(id("100-9") < id("100-10"));
        assert_eq!(id("100-9").to_string(), "100-9");
        for text in ["", "-", "1", "1-", "a-1", "1-2-3"] {
            assert_eq!(EntryId::parse(text), None, "{text}");
        }
    }
}
