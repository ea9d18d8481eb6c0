//! What a request's path asks for. Pure.

use std::borrow::Cow;

use super::{Host, endpoints::Endpoint};
use crate::{paths::canonical, rules::Access};

#[derive(Clone, Debug)]
pub(crate) enum Route<'s> {
    Endpoint(Endpoint),
    /// The inner service's.
    App(Cow<'s, Access>),
    /// Nobody's: a service that reads this path might take it for a path that requires more than a user.
    Nowhere,
}

impl Host {
    /// The path on this app for a path as it was requested. `None` if it is outside of the app.
    pub(crate) fn app_path<'p>(&self, requested: &'p str) -> Option<&'p str> {
        if self.app.prefix_stripped {
            Some(requested)
        } else {
            self.url.app_path(requested)
        }
    }

    /// What a requested path is: encoded, without the query. Only its exact spelling is an endpoint. The rules decide
    /// on every other spelling.
    pub(crate) fn route(&self, requested: &str) -> Route<'_> {
        let path = self.app_path(requested);
        match path.and_then(|path| self.app.endpoints.find(path)) {
            Some(endpoint) => Route::Endpoint(endpoint),
            None => self.ruled(requested),
        }
    }

    /// What a path is that a reverse proxy asks about: as the browser sent it, whatever the proxy removes from requests
    /// for us.
    pub(crate) fn route_of_original(&self, public: &str) -> Route<'_> {
        let path = self.url.app_path(public);
        match path.and_then(|path| self.app.endpoints.find(path)) {
            Some(endpoint) => Route::Endpoint(endpoint),
            None => self.ruled_at(public, |whole| self.url.app_path(whole)),
        }
    }

    /// Whether a path is one of our own where nobody looks at a user's attributes.
    pub(crate) fn needs_no_attributes(&self, requested: &str) -> bool {
        match self.route(requested) {
            Route::Endpoint(endpoint) => endpoint != Endpoint::AuthRequest,
            Route::App(_) | Route::Nowhere => false,
        }
    }

    /// Whether a path is one of our own.
    pub(crate) fn is_endpoint(&self, requested: &str) -> bool {
        matches!(self.route(requested), Route::Endpoint(_))
    }

    /// The same where no path is our own, except the one that the CAS server calls.
    pub(crate) fn route_in_place(&self, requested: &str) -> Route<'_> {
        match self.route(requested) {
            Route::Endpoint(endpoint) if endpoint != Endpoint::ProxyCallback => {
                self.ruled(requested)
            }
            route => route,
        }
    }

    /// The same for an API, where the CAS server calls too.
    pub(crate) fn route_of_api(&self, requested: &str, is_post: bool) -> Route<'_> {
        match self.route(requested) {
            Route::Endpoint(Endpoint::LogoutRequest) if is_post => {
                Route::Endpoint(Endpoint::LogoutRequest)
            }
            Route::Endpoint(endpoint) if endpoint != Endpoint::ProxyCallback => {
                self.ruled(requested)
            }
            route => route,
        }
    }

    /// The rules see a path as a whole, and only then is the path of the app URL removed. A service that reads
    /// `//portal/admin` after us, or `/%70ortal/admin`, may well take it for a path on this app.
    fn ruled(&self, requested: &str) -> Route<'_> {
        self.ruled_at(requested, |whole| self.app_path(whole))
    }

    fn ruled_at(&self, requested: &str, app_path: impl Fn(&str) -> Option<&str>) -> Route<'_> {
        let whole = canonical(requested);
        let path = whole.as_deref().and_then(app_path);
        let access = match path {
            Some(path) => Some(self.app.rules.access(path)),
            None => self.app.rules.elsewhere().map(Cow::Borrowed),
        };
        access.map_or(Route::Nowhere, Route::App)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasConfig, CasConfigBuilder, Key, Paths};

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
        match config.first_host().route(path) {
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
    fn a_path_is_judged_as_a_whole() {
        let strong = |app_url| {
            let admins = Access::required().any_of("memberOf", ["admins"]);
            builder(app_url).rule(Paths::prefix("/admin"), admins)
        };
        for (path, expected) in [
            ("/portal/public", PUBLIC),
            ("/portal/admin", REQUIRED),
            ("//portal/public", To::Nowhere),
            ("/./portal/public", To::Nowhere),
            ("/%70ortal/public", To::Nowhere),
            ("/portal//public", To::Nowhere),
            ("/portal;x/public", To::Nowhere),
            ("/Portal/public", To::Nowhere),
            ("/portal./public", To::Nowhere),
            ("/portals/public", To::Nowhere),
            ("/public", To::Nowhere),
            ("/", To::Nowhere),
            ("*", To::Nowhere),
            ("", To::Nowhere),
        ] {
            let config = strong("https://app.example.org/portal");
            assert_eq!(route(config, path), expected, "{path}");
        }
        // A character that has to be encoded for nobody may be.
        let config = strong("https://app.example.org/a@b");
        assert_eq!(route(config, "/a%40b/public"), PUBLIC);
    }

    #[test]
    fn paths_behind_a_proxy_that_strips_the_prefix() {
        let stripped = || {
            builder("https://app.example.org/portal")
                .endpoints(|endpoints| endpoints.prefix_stripped_by_proxy(true))
        };
        assert_eq!(route(stripped(), "/login"), To::Own(Endpoint::Login));
        assert_eq!(route(stripped(), "/public/a"), PUBLIC);
        assert_eq!(route(stripped(), "/portal/login"), REQUIRED);
    }
}
