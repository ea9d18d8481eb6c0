//! How visitors sign out, where they go afterwards, and from where the CAS server may sign them out.

use super::{endpoints::return_path, sources};
use crate::{
    admission::{Peers, Sources},
    app::{Endpoints, SignOut},
    error::ConfigError,
    paths::ReturnPath,
};

/// What [`CasConfigBuilder::sign_out`](crate::CasConfigBuilder::sign_out) changes: how visitors sign out, where they
/// go afterwards, and from where the CAS server may sign them out.
#[derive(Debug, Default)]
#[must_use]
pub struct SignOutOptions {
    after_logout: Option<String>,
    pub(super) way: SignOut,
    logout_sources: Option<Vec<String>>,
}

impl SignOutOptions {
    /// Where a visitor goes after sign-out, relative to the app URL. The default is a small page
    /// with a link to sign in again.
    pub fn after_logout_path(mut self, path: impl Into<String>) -> Self {
        self.after_logout = Some(path.into());
        self
    }

    /// Lets `/logout` end only the session at this app. The sessions at the CAS server and at other apps go on. The
    /// default is to sign out at the CAS server too.
    ///
    /// The next page that requires a user signs the visitor in again without a form. So
    /// [`after_logout_path`](Self::after_logout_path) and [`landing_path`](crate::SignInOptions::landing_path) should
    /// not require one.
    pub fn locally(mut self, locally: bool) -> Self {
        self.way.is_local = locally;
        self
    }

    /// Accepts a sign-out only by `POST` and only from a page of this app. So no other site can sign a visitor out by
    /// a link or a form. The default is to accept `GET` and `POST` from anywhere, as other CAS clients do.
    ///
    /// A browser says where a `POST` comes from by `Sec-Fetch-Site` or `Origin`. A `POST` from another site gets 403,
    /// and `GET` gets 405.
    pub fn by_post_only(mut self, post_only: bool) -> Self {
        self.way.is_post_only = post_only;
        self
    }

    /// Accepts single-logout requests that the CAS server posts (back channel) only from these addresses and
    /// networks. The default is to accept them from anywhere: a request ends nothing unless it names a ticket, and
    /// tickets are secrets.
    ///
    /// It needs [`peer_address`](crate::CasConfigBuilder::peer_address). A request without an address gets 403, and
    /// the log gets an error. Requests through the browser (front channel) come from the visitor's address and are
    /// not limited.
    ///
    /// ```
    /// # #[cfg(feature = "axum")]
    /// # fn main() -> Result<(), cas_layer::ConfigError> {
    /// use cas_layer::{CasConfig, Key, peer_address};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .peer_address(peer_address)
    ///     .sign_out(|sign_out| sign_out.logout_sources(["192.0.2.10", "2001:db8:7::/64"]))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "axum"))]
    /// # fn main() {}
    /// ```
    pub fn logout_sources(mut self, networks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.logout_sources = Some(networks.into_iter().map(Into::into).collect());
        self
    }

    /// Where a sign-out leads, and from where logout requests may come.
    pub(super) fn check(
        &self,
        endpoints: &Endpoints,
        peers: &Peers,
    ) -> Result<(Option<ReturnPath>, Option<Sources>), ConfigError> {
        let after_logout = self.after_logout.as_deref();
        let after_logout = after_logout
            .map(|path| return_path("path after sign-out", path, endpoints))
            .transpose()?;
        let sources = sources::check(self.logout_sources.as_deref(), peers)?;
        Ok((after_logout, sources))
    }
}
