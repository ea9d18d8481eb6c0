//! The keys that seal and open cookies.

use crate::{error::ConfigError, session::Key};

/// At least one key, and each of them is checked.
pub(super) struct Keys {
    /// Seals new cookies, and opens existing ones.
    pub(super) first: Key,
    /// These only open.
    pub(super) others: Vec<Key>,
}

impl Keys {
    pub(super) fn check(keys: Vec<Key>) -> Result<Self, ConfigError> {
        let mut numbered = keys.iter().zip(1..);
        numbered.try_for_each(|(key, position)| key.check(position))?;
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(ConfigError::KeyMissing)?;
        let others = keys.collect();
        Ok(Self { first, others })
    }

    /// Whether one of them is gone with this process.
    pub(super) fn end_with_process(&self) -> bool {
        self.first.is_generated() || self.others.iter().any(Key::is_generated)
    }
}
