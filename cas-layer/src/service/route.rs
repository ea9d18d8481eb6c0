//! What a request's path asks for. Pure.

use crate::{access::Access, config::Shared};

/// A path of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Login,
    Logout,
    LogoutCallback,
    LogoutRequest,
    ProxyCallback,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Route<'s> {
    Endpoint(Endpoint),
    /// The inner service's.
    App(&'s Access),
    /// Nobody's: who reads this path might arrive where more is asked than a user.
    Nowhere,
}

impl Shared {
    /// The path on this app of a path as it was requested; `None` when it lies outside of the app.
    pub(crate) fn app_path<'p>(&self, requested: &'p str) -> Option<&'p str> {
        if self.prefix_stripped {
            Some(requested)
        } else {
            self.app.app_path(requested)
        }
    }

    /// The same where no path is our own, but for the one where the CAS server calls.
    pub(crate) fn route_in_place(&self, path: Option<&str>) -> Route<'_> {
        if path.is_some() && self.endpoints.proxy_callback.as_deref() == path {
            return Route::Endpoint(Endpoint::ProxyCallback);
        }
        path.map_or(Some(self.rules.required()), |path| self.rules.access(path))
            .map_or(Route::Nowhere, Route::App)
    }

    /// `path` is a path on this app, as it was requested: encoded, without the query. An endpoint is
    /// known by its exact spelling only; every other spelling is a path that requires a user.
    pub(crate) fn route(&self, path: Option<&str>) -> Route<'_> {
        // Outside of the app nobody can have made a path public.
        let Some(path) = path else {
            return Route::App(self.rules.required());
        };
        let endpoints = &self.endpoints;
        for (own, endpoint) in [
            (&endpoints.login, Endpoint::Login),
            (&endpoints.logout, Endpoint::Logout),
            (&endpoints.logout_callback, Endpoint::LogoutCallback),
        ] {
            if own == path {
                return Route::Endpoint(endpoint);
            }
        }
        if endpoints.logout_request.as_deref() == Some(path) {
            return Route::Endpoint(Endpoint::LogoutRequest);
        }
        if endpoints.proxy_callback.as_deref() == Some(path) {
            return Route::Endpoint(Endpoint::ProxyCallback);
        }
        self.rules.access(path).map_or(Route::Nowhere, Route::App)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasConfig, CasConfigBuilder, Key};

    fn builder(app_url: &str) -> CasConfigBuilder {
        CasConfig::builder("https://cas.example.org/cas", app_url)
            .key(Key::generate())
            .public("/")
            .public_prefix("/public")
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum To {
        Own(Endpoint),
        App { required: bool },
        Nowhere,
    }

    fn route(builder: CasConfigBuilder, path: &str) -> To {
        let config = builder.build().unwrap();
        match config
            .first_host()
            .route(config.first_host().app_path(path))
        {
            Route::Endpoint(endpoint) => To::Own(endpoint),
            Route::App(access) => To::App {
                required: access.is_required(),
            },
            Route::Nowhere => To::Nowhere,
        }
    }

    const REQUIRED: To = To::App { required: true };
    const PUBLIC: To = To::App { required: false };

    #[test]
    fn paths_of_an_app_at_the_root() {
        for (path, expected) in [
            ("/login", To::Own(Endpoint::Login)),
            ("/logout", To::Own(Endpoint::Logout)),
            ("/logout_callback", To::Own(Endpoint::LogoutCallback)),
            ("/", PUBLIC),
            ("/public/a", PUBLIC),
            ("/profile", REQUIRED),
            ("/login/", REQUIRED),
            ("/LOGIN", REQUIRED),
            ("/%6cogin", REQUIRED),
            ("//login", REQUIRED),
            ("/public/../login", REQUIRED),
            ("*", REQUIRED),
            ("", REQUIRED),
        ] {
            assert_eq!(
                route(builder("https://app.example.org"), path),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn paths_of_an_app_under_a_prefix() {
        for (path, expected) in [
            ("/portal/login", To::Own(Endpoint::Login)),
            ("/portal", PUBLIC),
            ("/portal/", PUBLIC),
            ("/portal/public/a", PUBLIC),
            ("/portal/profile", REQUIRED),
            ("/login", REQUIRED),
            ("/", REQUIRED),
            ("/public/a", REQUIRED),
            ("/portals/login", REQUIRED),
        ] {
            assert_eq!(
                route(builder("https://app.example.org/portal"), path),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn paths_behind_a_proxy_that_strips_the_prefix() {
        let stripped = || builder("https://app.example.org/portal").prefix_stripped_by_proxy();
        assert_eq!(route(stripped(), "/login"), To::Own(Endpoint::Login));
        assert_eq!(route(stripped(), "/public/a"), PUBLIC);
        assert_eq!(route(stripped(), "/portal/login"), REQUIRED);
    }
}
