//! An endpoint where a reverse proxy asks about requests to backends.

use super::session::SessionOptions;
use crate::{
    app::{AuthRequest, OriginalFields},
    error::ConfigError,
    introduction::IdentityHeadersBuilder,
    rules::Rules,
};

/// What [`CasConfigBuilder::auth_request`](crate::CasConfigBuilder::auth_request) changes: the endpoint where nginx asks
/// (`auth_request`) whether a request to a backend may pass. See the guide's page on
/// [nginx' `auth_request`](crate::guide::auth_request).
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthRequestOptions {
    pub(super) path: Option<String>,
    original_uri: Option<String>,
    original_method: Option<String>,
    identity: IdentityHeadersBuilder,
    /// Whether anything but the path was said.
    is_changed: bool,
}

impl Default for AuthRequestOptions {
    fn default() -> Self {
        Self {
            path: None,
            original_uri: None,
            original_method: None,
            identity: IdentityHeadersBuilder::new(),
            is_changed: false,
        }
    }
}

impl AuthRequestOptions {
    /// The path of the endpoint, relative to the app URL. By default, there is none.
    ///
    /// It answers `GET` with one of these, and no body that anybody sees:
    ///
    /// | status | when | header fields |
    /// | --- | --- | --- |
    /// | 204 | the request may pass | those of [`identity`](Self::identity) if there is a user; `Set-Cookie` when the session cookie is due to be renewed |
    /// | 401 | the visitor has to sign in | `Cas-Login-Url` if a browser opens a page: where to send it |
    /// | 403 | this user may not see the path, or nobody may | |
    /// | 503 | it is not known whether the session has ended | |
    /// | 400 | the proxy does not say which request it asks about | |
    ///
    /// nginx answers the visitor with 500 for the last two. [`CasLayer`](crate::CasLayer) alone has the endpoint.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The header field in which the proxy says which URI the browser asked for: path and query, as the browser sent
    /// them. In nginx, `proxy_set_header X-Original-URI $request_uri;`. Rules then decide about that path, and a sign-in
    /// leads back to it. [`original_method`](Self::original_method) belongs to it.
    ///
    /// By default, no such field is read: each request requires a user, and nothing else, and a sign-in leads to the
    /// [landing path](crate::SignInOptions::landing_path). [`build`](crate::CasConfigBuilder::build) refuses that if a rule
    /// asks for more than a user.
    ///
    /// # Security
    /// The proxy has to set the field itself, whatever the visitor sends. With a field of the visitor's, rules would
    /// decide about another path than the one that the backend gets.
    pub fn original_uri(mut self, field: impl Into<String>) -> Self {
        self.original_uri = Some(field.into());
        self.is_changed = true;
        self
    }

    /// The header field in which the proxy says which method the request has. In nginx,
    /// `proxy_set_header X-Original-Method $request_method;`. Only for a page that is being opened is there a
    /// `Cas-Login-Url`, and what is posted is not.
    pub fn original_method(mut self, field: impl Into<String>) -> Self {
        self.original_method = Some(field.into());
        self.is_changed = true;
        self
    }

    /// Changes which header fields tell the backend who the user is. By default, it is `Remote-User`, with the user's name.
    /// Names and values are those of an [`IdentityHeadersLayer`](crate::IdentityHeadersLayer).
    ///
    /// The proxy has to pass on each of them, and to overwrite what the visitor sends under its name.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .auth_request(|auth| {
    ///         auth.path("/auth")
    ///             .original_uri("X-Original-URI")
    ///             .original_method("X-Original-Method")
    ///             .identity(|it| it.attribute("memberOf", "Remote-Groups"))
    ///     })
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn identity(
        mut self,
        change: impl FnOnce(IdentityHeadersBuilder) -> IdentityHeadersBuilder,
    ) -> Self {
        self.identity = change(self.identity);
        self.is_changed = true;
        self
    }

    pub(super) fn check(
        self,
        rules: &Rules,
        session: &SessionOptions,
    ) -> Result<Option<AuthRequest>, ConfigError> {
        let refused = |reason| Err(ConfigError::InvalidAuthRequest { reason });
        // Everything is checked before the path is asked for: a mistake is one with or without it.
        let introduction = self.identity.check()?;
        let mut names = (*introduction.reserved).clone();
        let mut add = |name: &Option<String>| {
            let name = name.as_deref().map(|name| names.add_name(name));
            name.transpose()
        };
        let original = match (add(&self.original_uri)?, add(&self.original_method)?) {
            (None, None) => None,
            (Some(uri), Some(method)) => Some(OriginalFields { uri, method }),
            _ => {
                return refused(
                    "the fields with the URI and the method of the request belong together: name both, or none",
                );
            }
        };
        if self.path.is_none() {
            return if self.is_changed {
                refused("the endpoint has no path, so there is none")
            } else {
                Ok(None)
            };
        }
        if original.is_none() && rules.elsewhere().is_none() {
            return refused(
                "a rule asks for more than a user, so the proxy has to say which request it asks about: name the fields \
                 with its URI and its method",
            );
        }
        if session.frames()?.is_some() {
            return refused(
                "other sites may frame the app, and a proxy does not tell enough about a request to know theirs",
            );
        }
        Ok(Some(AuthRequest {
            original,
            introduction,
        }))
    }
}
