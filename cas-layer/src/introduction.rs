//! What a backend is told about a user, by headers: their names, and how values are written.

mod encode;
mod names;

use std::sync::Arc;

use http::{HeaderMap, HeaderName};

use self::encode::Encoding;
#[cfg(test)]
pub(crate) use self::encode::MAX_VALUE_BYTES;
pub(crate) use self::names::Reserved;
use crate::{
    error::ConfigError,
    seldom::{Seldom, seldom},
    user::CasUser,
};

/// What the backend is told, and how.
#[derive(Debug)]
pub(crate) struct Introduction {
    user: HeaderName,
    session: Option<HeaderName>,
    /// Names of attributes, each with its header.
    attributes: Vec<(String, HeaderName)>,
    encoding: Encoding,
    /// The names that nobody else may use.
    pub(crate) reserved: Arc<Reserved>,
}

impl Introduction {
    /// Sets the headers that say who `user` is.
    pub(crate) fn introduce(&self, user: &CasUser, headers: &mut HeaderMap) {
        let name = encode::single(user.name());
        let session = self.session.as_ref().map(|header| {
            let id = user.session_id().to_string();
            (header, id)
        });
        let attributes = self.attributes.iter().filter_map(|(name, header)| {
            let values = user.attributes().all(name);
            (!values.is_empty()).then(|| (header, self.encoding.joined(values)))
        });
        let all = std::iter::once((&self.user, name))
            .chain(session)
            .chain(attributes);
        for (header, value) in all {
            let bytes = value.len();
            let is_set = encode::header_value(value)
                .is_some_and(|value| headers.try_insert(header, value).is_ok());
            if !is_set {
                static LEFT_OUT: Seldom = Seldom::new();
                seldom!(
                    error,
                    LEFT_OUT,
                    %header,
                    bytes,
                    session = %user.session_id(),
                    "an identity header is left out: its value, or all headers together, are too large"
                );
            }
        }
    }
}

/// Chooses the headers of an [`IdentityHeadersLayer`](crate::IdentityHeadersLayer), or those of an
/// [answer to nginx](crate::AuthRequestOptions::identity).
#[derive(Clone, Debug)]
pub struct IdentityHeadersBuilder {
    user: String,
    session: Option<String>,
    attributes: Vec<(String, String)>,
    prefixes: Vec<String>,
    separator: char,
}

impl IdentityHeadersBuilder {
    pub(crate) fn new() -> Self {
        Self {
            user: "Remote-User".to_owned(),
            session: None,
            attributes: Vec::new(),
            prefixes: vec!["Remote-".to_owned()],
            separator: ',',
        }
    }

    /// The header with the user's name. The default value is `Remote-User`; oauth2-proxy's is
    /// `X-Forwarded-User`.
    #[must_use]
    pub fn user(mut self, header: impl Into<String>) -> Self {
        self.user = header.into();
        self
    }

    /// A header with all values of an attribute, which is named as in
    /// [`CasUser::attributes`](crate::CasUser::attributes). A user without a value gets no such header. May be called
    /// again for other headers.
    #[must_use]
    pub fn attribute(mut self, attribute: impl Into<String>, header: impl Into<String>) -> Self {
        self.attributes.push((attribute.into(), header.into()));
        self
    }

    /// A header with the [`SessionId`](crate::SessionId), 32 hexadecimal digits, so that you can compare the logs of
    /// the backend with those of this app. There is no such header by default.
    #[must_use]
    pub fn session_id(mut self, header: impl Into<String>) -> Self {
        self.session = Some(header.into());
        self
    }

    /// Removes all headers that begin with `prefix` from requests, such as `X-CAS-` or `X-Forwarded-`. Use it for a
    /// backend that trusts more such headers than are set here. May be called again. `Remote-` is always reserved: a
    /// backend that trusts `Remote-User` may trust `Remote-Groups`, `Remote-Email` and `Remote-Name` too.
    #[must_use]
    pub fn reserve_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// The separator between the values of an attribute: ASCII punctuation other than `%`. The default value is `,`,
    /// as in `mod_auth_cas` and oauth2-proxy.
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Checks everything.
    pub(crate) fn check(self) -> Result<Introduction, ConfigError> {
        let mut reserved = Reserved::default();
        let user = reserved.add_name(&self.user)?;
        let session = self.session.map(|header| reserved.add_name(&header));
        let session = session.transpose()?;
        let attributes = self.attributes.into_iter().map(|(attribute, header)| {
            let header = reserved.add_name(&header)?;
            Ok((attribute, header))
        });
        let attributes = attributes.collect::<Result<_, ConfigError>>()?;
        for prefix in &self.prefixes {
            reserved.add_prefix(prefix)?;
        }
        let separator = self.separator;
        Ok(Introduction {
            user,
            session,
            attributes,
            encoding: Encoding::new(separator)
                .ok_or(ConfigError::InvalidSeparator { separator })?,
            reserved: Arc::new(reserved),
        })
    }
}
