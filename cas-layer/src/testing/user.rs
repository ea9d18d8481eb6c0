//! The people who can sign in.

use std::fmt;

/// Somebody who can sign in at the [`CasServer`](super::CasServer).
#[derive(Clone)]
pub struct User {
    name: String,
    password: String,
    attributes: Vec<(String, Vec<String>)>,
}

impl User {
    /// A user without attributes.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: password.into(),
            attributes: Vec::new(),
        }
    }

    /// Adds an attribute with its values, in the order in which they are to be sent.
    ///
    /// A name given before gets the further values. One of those that say something about the login
    /// (`longTermAuthenticationRequestTokenUsed`) takes the place of what the server would say. Where the name becomes an XML element,
    /// characters that no element name may have are sent as `_`.
    #[must_use]
    pub fn attribute(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let name = name.into();
        let values = values.into_iter().map(Into::into);
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(values),
            None => self.attributes.push((name, values.collect())),
        }
        self
    }

    /// `casuser` with the password `Mellon`, as real servers are shipped with.
    pub(super) fn example() -> Self {
        Self::new("casuser", "Mellon")
            .attribute("mail", ["casuser@example.org"])
            .attribute("displayName", ["Zoë <Čas> & \"User\" 猫"])
            .attribute("memberOf", ["staff", "wine & cheese"])
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    pub(super) fn has_password(&self, password: &str) -> bool {
        self.password == password
    }

    pub(super) fn attributes(&self) -> &[(String, Vec<String>)] {
        &self.attributes
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}
