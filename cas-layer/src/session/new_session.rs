//! A session that is about to open, as the app's hooks see it.

use std::{fmt, sync::Arc};

use crate::{attributes::Attributes, clock::UnixSeconds, protocol::Authentication};

/// A session that is about to open, as [`SessionOptions::map`](crate::SessionOptions::map) and
/// [`SessionOptions::admit`](crate::SessionOptions::admit) see it.
///
/// Attributes have already been chosen and renamed, and the user name has been written in the configured way.
/// [`authentication`](Self::authentication) has the CAS server's own answer.
///
/// `Debug` prints neither the user name nor the values of attributes.
pub struct NewSession {
    pub(super) authentication: Arc<Authentication>,
    pub(super) cas_url: String,
    pub(super) name: String,
    pub(super) attributes: Attributes,
    /// When the CAS server vouched for the user.
    pub(super) validated_at: UnixSeconds,
}

impl NewSession {
    /// The CAS server's whole answer.
    #[must_use]
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    /// The URL of the CAS server that vouches for the user, normalised. If hosts of the app have [different CAS
    /// servers](crate::FurtherHost::cas_client), each vouches for users and attributes of its own.
    #[must_use]
    pub fn cas_url(&self) -> &str {
        &self.cas_url
    }

    /// The user name that the session will have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes the user name. A valid name has at most 1,024 bytes and at least one visible character. It has no
    /// white space at either end, no control characters, and no invisible ones (format characters and what Unicode
    /// calls default ignorable: zero-width ones, those that turn the direction of writing). With any other name
    /// nobody is signed in: the user gets a 500, and the log an error.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// The attributes that the session will carry.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The same attributes, for changes.
    pub fn attributes_mut(&mut self) -> &mut Attributes {
        &mut self.attributes
    }

    pub(super) fn into_attributes(self) -> Attributes {
        self.attributes
    }
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}

/// The app does not admit a user, although the CAS server vouches for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    reason: String,
}

impl Veto {
    /// `reason` is shown to the user, as text: `Only staff may sign in.`
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    /// The reason, as the user reads it.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::protocol::parse_service_response;

    /// Alice, as a CAS server vouches for her.
    pub(in super::super) fn new_session() -> NewSession {
        let answer = "<serviceResponse xmlns=\"http://www.yale.edu/tp/cas\"><authenticationSuccess>\
                      <user>alice</user></authenticationSuccess></serviceResponse>";
        let parsed = parse_service_response(answer.as_bytes());
        NewSession {
            authentication: Arc::new(parsed.ok().expect("an authentication")),
            cas_url: "https://cas.example.org".to_owned(),
            name: "alice".to_owned(),
            attributes: Attributes::new(),
            validated_at: 1_000,
        }
    }

    #[test]
    fn names_of_attributes_are_printed_and_neither_values_nor_the_user() {
        let mut new = new_session();
        new.attributes_mut().set("mail", ["a@wonderland.example"]);
        let printed = format!("{new:?}");
        assert!(printed.contains("mail"), "{printed}");
        for value in ["alice", "wonderland"] {
            assert!(!printed.contains(value), "{printed}");
        }
    }
}
