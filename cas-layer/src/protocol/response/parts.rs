//! What an answer is made of in any format: a user name, proxies, and attributes, within bounds.

use super::ResponseError;
use crate::{
    Attributes,
    protocol::{
        document::trim,
        name::{check_proxy, check_user_name},
    },
};

/// The most different names. Every value looks its name up among them, so this bounds the work, too.
const MAX_NAMES: usize = 1_000;
/// The most values of all names together. A list without values counts as one: it costs a look-up, too.
const MAX_VALUES: usize = 20_000;

/// The longest name that is made of several, in bytes.
const MAX_MADE_NAME_BYTES: usize = 1_024;

/// phpCAS's marker for the dialect in use. Servers send it like an attribute.
pub(super) const DIALECT_MARKER: &str = "attraStyle";

/// The user name, if it is one.
pub(in crate::protocol) fn user_name(text: &str) -> Result<String, ResponseError> {
    let user = trim(text);
    check_user_name(user).map_err(ResponseError::Unreadable)?;
    Ok(user.to_owned())
}

/// A proxy of a chain, if it is one.
pub(super) fn proxy_name(text: &str) -> Result<String, ResponseError> {
    let proxy = trim(text);
    check_proxy(proxy).map_err(ResponseError::Unreadable)?;
    Ok(proxy.to_owned())
}

/// Gathers attributes.
#[derive(Default)]
pub(super) struct Collector {
    attributes: Attributes,
    values: usize,
}

impl Collector {
    /// Adds values to `name`; the list may be empty. White space around a value is not part of it. An attribute needs
    /// a name: an answer with a nameless attribute is refused.
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
        let mut values = values.into_iter().peekable();
        self.values += usize::from(values.peek().is_none());
        for value in values {
            self.values += 1;
            if self.values > MAX_VALUES {
                break;
            }
            list.push(trim(value).to_owned());
        }
        if self.values > MAX_VALUES {
            return Err(ResponseError::Unreadable(
                "it has more than 20,000 attribute values",
            ));
        }
        if self.attributes.len() > MAX_NAMES {
            return Err(ResponseError::Unreadable(
                "it has more than 1,000 attributes",
            ));
        }
        Ok(())
    }

    /// The name of what is under `key` in the attribute `name`.
    pub(super) fn name_inside(name: &str, key: &str) -> Result<String, ResponseError> {
        let key = trim(key);
        if key.is_empty() {
            return Err(ResponseError::Unreadable(
                "something in an attribute has no name",
            ));
        }
        // Each thing inside repeats the name, so its length is bounded.
        if name.len() + key.len() >= MAX_MADE_NAME_BYTES {
            return Err(ResponseError::Unreadable(
                "the name of something in an attribute is too long",
            ));
        }
        Ok(format!("{name}.{key}"))
    }

    pub(super) fn finish(self) -> Attributes {
        self.attributes
    }
}
