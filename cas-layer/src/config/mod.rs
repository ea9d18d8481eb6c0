//! The configuration: every rule is checked in `build()`, and nothing later.

mod builder;
mod cookie_name;

use std::sync::Arc;

pub use builder::CasConfigBuilder;
use tokio::sync::Semaphore;

use crate::{
    MemoryRegistry,
    client::CasClient,
    clock::Clock,
    pages::Pages,
    paths::{AppUrl, PathRules, ReturnPath},
    protocol::ServiceUrl,
    session::{BindingCookie, Content, Lifetimes, Sealer, SessionCookie},
};

/// A checked configuration. Built by [`CasConfig::builder`]; a clone costs as much as one of an
/// [`Arc`].
///
/// Layers made from clones of one configuration are one app: they share sessions and registry.
#[derive(Clone, Debug)]
pub struct CasConfig(pub(crate) Arc<Shared>);

/// What the layer works with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: CasClient,
    pub(crate) app: AppUrl,
    /// Whether a reverse proxy takes the app URL's path off before a request gets here.
    pub(crate) prefix_stripped: bool,
    pub(crate) endpoints: Endpoints,
    pub(crate) landing: ReturnPath,
    pub(crate) after_logout: Option<ReturnPath>,
    pub(crate) rules: PathRules,
    pub(crate) session_cookie: SessionCookie,
    pub(crate) binding_cookie: BindingCookie,
    pub(crate) service_tag: Sealer,
    /// Where the CAS server sends the visitor after sign-out.
    pub(crate) logged_out_url: ServiceUrl,
    pub(crate) registry: MemoryRegistry,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) content: Content,
    pub(crate) validations: Semaphore,
    pub(crate) private_by_default: bool,
    pub(crate) pages: Pages,
    pub(crate) clock: Clock,
}

/// The paths that the layer answers itself, relative to the app URL.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) login: String,
    pub(crate) logout: String,
    pub(crate) logout_callback: String,
}

impl Endpoints {
    /// Whether a visitor who is sent to `path` ends up at one of these.
    pub(crate) fn contain(&self, path: &ReturnPath) -> bool {
        let path = path.as_str().split(['?', '#']).next().unwrap_or_default();
        [&self.login, &self.logout, &self.logout_callback]
            .iter()
            .any(|own| **own == path)
    }
}

impl CasConfig {
    /// Begins a configuration for the app at `app_url`, whose visitors sign in at the CAS server
    /// at `cas_url`.
    ///
    /// Both are absolute URLs, https except on loopback. `cas_url` is the server's base, to which
    /// `/login` is added: `https://cas.example.org/cas`. `app_url` is the app's public base, as a
    /// browser sees it: `https://app.example.org`, or `https://app.example.org/portal` for an app
    /// under a path. Nothing of a request (`Host`, `Forwarded`, `X-Forwarded-*`) is ever used in
    /// its stead.
    ///
    /// ```
    /// use cas_layer::{CasConfig, CasLayer, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .landing_path("/profile")
    ///     .public("/")
    ///     .public_prefix("/static")
    ///     .build()?;
    /// let layer = CasLayer::new(config);
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn builder(cas_url: impl Into<String>, app_url: impl Into<String>) -> CasConfigBuilder {
        CasConfigBuilder::new(cas_url.into(), app_url.into())
    }

    /// The app's public URL, without a slash at the end.
    #[must_use]
    pub fn app_url(&self) -> String {
        self.0.app.as_string()
    }

    /// The public path of the login endpoint, for a link: `/login`, behind the path of the app URL.
    #[must_use]
    pub fn login_path(&self) -> String {
        self.0.app.public_path(&self.0.endpoints.login)
    }

    /// The public path of the logout endpoint, for a link or a form.
    #[must_use]
    pub fn logout_path(&self) -> String {
        self.0.app.public_path(&self.0.endpoints.logout)
    }

    /// The full name of the session cookie, prefix included.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.0.session_cookie.name()
    }

    /// The client that talks to the CAS server.
    #[must_use]
    pub fn client(&self) -> &CasClient {
        &self.0.client
    }
}
