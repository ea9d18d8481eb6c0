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
/// The most values of all names together.
const MAX_VALUES: usize = 20_000;

/// phpCAS's marker for the dialect in use. Servers send it like an attribute.
const DIALECT_MARKER: &str = "attraStyle";

/// The user name, if it is one.
pub(super) fn user_name(text: &str) -> Result<String, ResponseError> {
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
        for value in values {
            self.values += 1;
            if self.values > MAX_VALUES {
                return Err(ResponseError::Unreadable(
                    "it has more than 20,000 attribute values",
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
