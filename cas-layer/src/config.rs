//! The configuration: every rule is checked in `build()`, and nothing later.

mod builder;
mod cookie_name;
mod end_all;

use std::sync::Arc;

pub use builder::{
    AuthRequestOptions, CasConfigBuilder, EndpointOptions, FurtherHost, PageOptions, ProxyOptions,
    SessionOptions, SignInOptions, SignOutOptions,
};
pub use end_all::EndAllError;
use http::HeaderMap;

use crate::{
    app::{Host, Hosts},
    client::CasClient,
    pages::PageLanguage,
};

/// A checked configuration. Built by [`CasConfig::builder`]. Cloning it is as cheap as cloning an [`Arc`].
///
/// Layers made from clones of one configuration are one app: they share sessions and registry.
#[derive(Clone, Debug)]
pub struct CasConfig(pub(crate) Hosts);

impl CasConfig {
    /// Begins a configuration for the app at `app_url`, whose visitors sign in at the CAS server
    /// at `cas_url`.
    ///
    /// Both are absolute URLs, https except on loopback. `cas_url` is the server's base, to which the layer adds
    /// `/login`: `https://cas.example.org/cas`. `app_url` is the app's public base, as a browser sees it:
    /// `https://app.example.org`, or `https://app.example.org/portal` for an app under a path. The layer never takes
    /// either of them from a request (`Host`, `Forwarded`, `X-Forwarded-*`).
    ///
    /// ```
    /// use cas_layer::{CasConfig, CasLayer, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .sign_in(|sign_in| sign_in.landing_path("/profile"))
    ///     .public("/")
    ///     .public_prefix("/static")
    ///     .build()?;
    /// let layer = CasLayer::new(config);
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn builder(cas_url: impl Into<String>, app_url: impl Into<String>) -> CasConfigBuilder {
        CasConfigBuilder::new(cas_url.into(), app_url.into())
    }

    /// What the layer works with at the first host.
    pub(crate) fn first_host(&self) -> &Arc<Host> {
        self.0.first()
    }

    /// The app's public URL, without a slash at the end. With several hosts, it is the URL of the first.
    /// [`CasUser::app_url`](crate::CasUser::app_url) is the URL of the host that the request came to.
    #[must_use]
    pub fn app_url(&self) -> String {
        self.first_host().url.as_string()
    }

    /// The public path of the login endpoint, for a link: `/login`, after the path of the (first) app URL.
    #[must_use]
    pub fn login_path(&self) -> String {
        self.first_host()
            .url
            .public_path(&self.first_host().app.endpoints.login)
    }

    /// The public path of the logout endpoint, for a link or a form, after the path of the (first) app URL.
    #[must_use]
    pub fn logout_path(&self) -> String {
        self.first_host()
            .url
            .public_path(&self.first_host().app.endpoints.logout)
    }

    /// The full name of the session cookie, with its prefix. With several hosts, it is the name at the first.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.first_host().session_cookie.name()
    }

    /// Whether this node's knowledge of ended sessions is recent enough to rely on, for a readiness probe. While it
    /// is not, a request with a session is answered with 503 if its path requires a user.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.first_host().app.registry.is_current()
    }

    /// The language of the [pages](crate::guide::pages) for a visitor whose browser sends these header fields
    /// (`Accept-Language`). An app whose own pages speak these languages too can go by it.
    #[must_use]
    pub fn page_language(&self, headers: &HeaderMap) -> Arc<PageLanguage> {
        self.first_host().app.pages.language(headers)
    }

    /// The client that talks to the CAS server. With several CAS servers, it is the one for the first host.
    #[must_use]
    pub fn client(&self) -> &CasClient {
        &self.first_host().client
    }
}
