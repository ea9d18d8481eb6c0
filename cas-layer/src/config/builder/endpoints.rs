//! The paths that the layer answers itself.

use crate::{
    app::Endpoints,
    error::ConfigError,
    paths::{AppUrl, ReturnPath, canonical},
    protocol::ServiceUrl,
    strict_url::printable,
};

/// What [`CasConfigBuilder::endpoints`](crate::CasConfigBuilder::endpoints) changes: the paths that the layer answers
/// itself, and whether a reverse proxy takes the app's path off all requests. A callback for proxy tickets is in [`ProxyOptions`](crate::ProxyOptions).
#[derive(Debug)]
#[must_use]
pub struct EndpointOptions {
    login: String,
    logout: String,
    logout_callback: String,
    logout_request: Option<String>,
    pub(super) prefix_stripped: bool,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self {
            login: "/login".to_owned(),
            logout: "/logout".to_owned(),
            logout_callback: "/logout_callback".to_owned(),
            logout_request: None,
            prefix_stripped: false,
        }
    }
}

impl EndpointOptions {
    /// The path of the login endpoint, relative to the app URL. The default value is `/login`.
    pub fn login(mut self, path: impl Into<String>) -> Self {
        self.login = path.into();
        self
    }

    /// The path of the logout endpoint, relative to the app URL. The default value is `/logout`.
    pub fn logout(mut self, path: impl Into<String>) -> Self {
        self.logout = path.into();
        self
    }

    /// The path where the CAS server sends a visitor after sign-out, relative to the app URL. The default value is
    /// `/logout_callback`.
    pub fn logout_callback(mut self, path: impl Into<String>) -> Self {
        self.logout_callback = path.into();
        self
    }

    /// A further path for single-logout requests, relative to the app URL, for a CAS server that sends them there.
    /// The login path accepts them in any case. By default, there is no further path.
    pub fn logout_request(mut self, path: impl Into<String>) -> Self {
        self.logout_request = Some(path.into());
        self
    }

    /// Says that a reverse proxy removes the path of the app URL before a request gets here. By default, requests
    /// have to arrive with the path that the browser sent. The feature `axum` restores what axum's `nest` removes.
    pub fn prefix_stripped_by_proxy(mut self, stripped: bool) -> Self {
        self.prefix_stripped = stripped;
        self
    }

    /// All of them, the proxy callback and the one for a reverse proxy included: each a plain path, and no two the same.
    pub(super) fn check(
        self,
        proxy_callback: Option<String>,
        auth_request: Option<String>,
    ) -> Result<Endpoints, ConfigError> {
        let endpoints = Endpoints {
            login: self.login,
            logout: self.logout,
            logout_callback: self.logout_callback,
            logout_request: self.logout_request,
            proxy_callback,
            auth_request,
        };
        check(&endpoints)?;
        Ok(endpoints)
    }
}

/// Where the CAS server sends visitors of this host after sign-out.
pub(super) fn logged_out_url(
    app: &AppUrl,
    endpoints: &Endpoints,
) -> Result<ServiceUrl, ConfigError> {
    ServiceUrl::parse(app.join(&endpoints.logout_callback)).map_err(|_| ConfigError::InvalidPath {
        what: "logout callback path",
        path: printable(&endpoints.logout_callback),
        reason: "makes a URL that CAS servers do not accept",
    })
}

fn check(endpoints: &Endpoints) -> Result<(), ConfigError> {
    let mut named = vec![
        ("login path", &endpoints.login),
        ("logout path", &endpoints.logout),
        ("logout callback path", &endpoints.logout_callback),
    ];
    let logout_request = endpoints.logout_request.as_ref();
    named.extend(logout_request.map(|path| ("logout request path", path)));
    let proxy_callback = endpoints.proxy_callback.as_ref();
    named.extend(proxy_callback.map(|path| ("proxy callback path", path)));
    let auth_request = endpoints.auth_request.as_ref();
    named.extend(auth_request.map(|path| ("path for `auth_request`", path)));
    for &(what, path) in &named {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
        let reason = if !path.starts_with('/') || path.len() < 2 {
            "does not begin with `/` and name something"
        } else if !path.bytes().all(plain) {
            "has other characters than letters, digits, `-`, `.`, `_`, `~` and `/`"
        } else if canonical(path).is_none() || path.ends_with('/') {
            "has empty or dot segments or others without a name, or a slash at the end"
        } else {
            continue;
        };
        return Err(ConfigError::InvalidPath {
            what,
            path: printable(path),
            reason,
        });
    }
    for (index, (first, path)) in named.iter().enumerate() {
        if let Some((second, _)) = named
            .iter()
            .skip(index + 1)
            .find(|(_, other)| other == path)
        {
            return Err(ConfigError::PathsCollide {
                first,
                second,
                path: (*path).clone(),
            });
        }
    }
    Ok(())
}

/// A path that visitors are sent to. It must not be one of the endpoints.
pub(super) fn return_path(
    what: &'static str,
    path: &str,
    endpoints: &Endpoints,
) -> Result<ReturnPath, ConfigError> {
    let invalid = |reason| ConfigError::InvalidPath {
        what,
        path: printable(path),
        reason,
    };
    let parsed = ReturnPath::parse(path).ok_or_else(|| {
        invalid("is not a path on this app: one `/` at its beginning, and no dot segments")
    })?;
    if endpoints.contain(&parsed) {
        return Err(invalid(
            "is one of the layer's own endpoints, which would be a loop",
        ));
    }
    Ok(parsed)
}
