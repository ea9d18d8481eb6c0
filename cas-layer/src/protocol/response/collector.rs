//! Attributes gathered from a response, within bounds.

use super::{ResponseError, trim};
use crate::Attributes;

/// The most different names. Every value looks its name up among them, so this bounds the work, too.
const MAX_NAMES: usize = 1_000;
/// The most values of all names together.
const MAX_VALUES: usize = 10_000;

/// phpCAS's marker for the dialect in use. Servers send it like an attribute.
const DIALECT_MARKER: &str = "attraStyle";

#[derive(Default)]
pub(super) struct Collector {
    attributes: Attributes,
    values: usize,
}

impl Collector {
    /// Adds values to `name`, which may be none. White space around a value is not part of it. What has no name
    /// is no attribute, and an answer with it is none.
    pub(super) fn add<'a>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), ResponseError> {
        let name = trim(name);
        if name.is_empty() {
            return Err(ResponseError::Unreadable("an attribute has no name"));
        }
        if name == DIALECT_MARKER {
            return Ok(());
        }
        let list = self.attributes.values_mut(name.to_owned());
        for value in values {
            self.values += 1;
            if self.values > MAX_VALUES {
                return Err(ResponseError::Unreadable(
                    "it has more than 10,000 attribute values",
                ));
            }
            list.push(trim(value).to_owned());
        }
        if self.attributes.len() > MAX_NAMES {
            return Err(ResponseError::Unreadable(
                "it has more than 1,000 attributes",
            ));
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Attributes {
        self.attributes
    }
}
