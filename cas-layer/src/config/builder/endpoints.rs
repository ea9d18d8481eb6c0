//! The paths of a configuration, checked.

use crate::{
    app::Endpoints,
    error::ConfigError,
    paths::{AppUrl, ReturnPath, canonical},
    protocol::ServiceUrl,
    strict_url::printable,
};

/// Where the CAS server sends visitors of this host after sign-out.
pub(super) fn logged_out_url(
    app: &AppUrl,
    endpoints: &Endpoints,
) -> Result<ServiceUrl, ConfigError> {
    ServiceUrl::parse(app.join(&endpoints.logout_callback)).map_err(|_| ConfigError::InvalidPath {
        what: "logout callback path",
        path: printable(&endpoints.logout_callback),
        reason: "makes no URL that a CAS server takes",
    })
}

/// Each a plain path, and no two the same.
pub(super) fn check(endpoints: &Endpoints) -> Result<(), ConfigError> {
    let mut named = vec![
        ("login path", &endpoints.login),
        ("logout path", &endpoints.logout),
        ("logout callback path", &endpoints.logout_callback),
    ];
    let logout_request = endpoints.logout_request.as_ref();
    named.extend(logout_request.map(|path| ("logout request path", path)));
    let proxy_callback = endpoints.proxy_callback.as_ref();
    named.extend(proxy_callback.map(|path| ("proxy callback path", path)));
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

/// A path that visitors are sent to: none of the endpoints.
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
