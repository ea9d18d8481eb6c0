//! Which path requires what.

mod access;
mod pattern;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use access::Access;
pub(crate) use access::Verdict;
pub use pattern::Paths;

use crate::error::ConfigError;

/// The rules in the order in which they were given. Everything else requires a user.
#[derive(Debug)]
pub(crate) struct Rules {
    list: Vec<(Paths, Access)>,
    required: Access,
    has_strong: bool,
}

impl Rules {
    pub(crate) fn new(list: Vec<(Paths, Access)>) -> Result<Self, ConfigError> {
        for (paths, access) in &list {
            paths.check()?;
            access.check()?;
        }
        Ok(Self {
            has_strong: list.iter().any(|(_, access)| access.is_strong()),
            list,
            required: Access::required(),
        })
    }

    /// What a path requires, canonical and decoded. The first rule that covers it applies. A service below that reads
    /// paths more loosely might take it for a path of an earlier rule. So earlier rules that ask for more apply as
    /// well.
    pub(crate) fn access(&self, path: &str) -> Cow<'_, Access> {
        let covering = self.list.iter().position(|(paths, _)| paths.cover(path));
        let (before, own) = match covering {
            Some(index) => (&self.list[..index], &self.list[index].1),
            None => (&*self.list, &self.required),
        };
        let mut asked = Cow::Borrowed(own);
        for (paths, access) in before {
            if access.asks_more_than(&asked) && paths.cover_loosely(path) {
                asked = if asked.is_strong() {
                    Cow::Owned(asked.and(access))
                } else {
                    Cow::Borrowed(access)
                };
            }
        }
        asked
    }

    /// What a path requires that is not canonical, or outside of the app. No rule can have been made for it.
    ///
    /// `None` means a 404: some rule asks for more than a user, and a service that reads such a path after us might
    /// take it for a path of that rule.
    pub(crate) fn elsewhere(&self) -> Option<&Access> {
        (!self.has_strong).then_some(&self.required)
    }

    /// A user, and nothing else.
    pub(crate) fn required(&self) -> &Access {
        &self.required
    }

    pub(crate) fn have_gateway(&self) -> bool {
        self.list.iter().any(|(_, access)| access.is_gateway())
    }
}
