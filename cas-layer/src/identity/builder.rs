//! The configuration of the layer.

use std::sync::Arc;

use super::{Encoding, Identity, IdentityHeadersLayer, Reserved};
use crate::error::ConfigError;

/// Chooses the headers of an [`IdentityHeadersLayer`].
#[derive(Clone, Debug)]
pub struct IdentityHeadersBuilder {
    user: String,
    session: Option<String>,
    attributes: Vec<(String, String)>,
    prefixes: Vec<String>,
    separator: char,
}

impl IdentityHeadersBuilder {
    pub(super) fn new() -> Self {
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
    /// [`CasUser::attributes`](crate::CasUser::attributes). A user without a value gets none. May be called
    /// again for other headers.
    #[must_use]
    pub fn attribute(mut self, attribute: impl Into<String>, header: impl Into<String>) -> Self {
        self.attributes.push((attribute.into(), header.into()));
        self
    }

    /// A header with the [`SessionId`](crate::SessionId), 32 hexadecimal digits, so that the logs of the
    /// backend can be laid beside those of this app. By default there is none.
    #[must_use]
    pub fn session_id(mut self, header: impl Into<String>) -> Self {
        self.session = Some(header.into());
        self
    }

    /// Removes all headers from requests that begin with `prefix`, such as `X-CAS-` or `X-Forwarded-`, for a backend
    /// that knows more headers of the kind than are set here. May be called again. `Remote-` is always reserved: a
    /// backend that believes `Remote-User` may believe `Remote-Groups`, `Remote-Email` and `Remote-Name` too.
    #[must_use]
    pub fn reserve_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// What stands between the values of an attribute: ASCII punctuation other than `%`. The default value
    /// is `,`, as in `mod_auth_cas` and oauth2-proxy.
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// - [`ConfigError::InvalidHeaderName`] for what is no name of a header, or longer than 128 bytes;
    ///   for one with a meaning of its own in HTTP, such as `Host`, `Cookie` or `Authorization`, or a
    ///   prefix that would reserve one; for two that differ in case or punctuation alone.
    /// - [`ConfigError::InvalidSeparator`].
    pub fn build(self) -> Result<IdentityHeadersLayer, ConfigError> {
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
        Ok(IdentityHeadersLayer(Arc::new(Identity {
            user,
            session,
            attributes,
            encoding: Encoding::new(separator)
                .ok_or(ConfigError::InvalidSeparator { separator })?,
            reserved: Arc::new(reserved),
        })))
    }
}
