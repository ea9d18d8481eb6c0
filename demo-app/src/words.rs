//! What the pages say: in English, which is in the source, or in German.

use std::{collections::HashMap, sync::LazyLock};

static GERMAN: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("words/de.toml")).unwrap_or_default());

/// The words of a page in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    is_german: bool,
}

impl Words {
    /// English, if there is no other.
    pub(crate) fn of(tag: &str) -> Self {
        Self {
            is_german: tag == "de",
        }
    }

    pub(crate) fn tag(self) -> &'static str {
        if self.is_german { "de" } else { "en" }
    }

    pub(crate) fn say(self, english: &'static str) -> &'static str {
        let german = self.is_german.then(|| GERMAN.get(english)).flatten();
        german.map_or(english, String::as_str)
    }
}
