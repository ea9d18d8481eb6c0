//! The paths that are the layer's own.

use crate::paths::ReturnPath;

/// The paths that the layer answers itself, relative to the app URL.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) login: String,
    pub(crate) logout: String,
    pub(crate) logout_callback: String,
    /// A path for logout requests besides the login path, where they usually go.
    pub(crate) logout_request: Option<String>,
    pub(crate) proxy_callback: Option<String>,
    /// Where a reverse proxy asks about requests.
    pub(crate) auth_request: Option<String>,
}

impl Endpoints {
    fn all(&self) -> impl Iterator<Item = (&str, Endpoint)> {
        [
            (Some(&self.login), Endpoint::Login),
            (Some(&self.logout), Endpoint::Logout),
            (Some(&self.logout_callback), Endpoint::LogoutCallback),
            (self.logout_request.as_ref(), Endpoint::LogoutRequest),
            (self.proxy_callback.as_ref(), Endpoint::ProxyCallback),
            (self.auth_request.as_ref(), Endpoint::AuthRequest),
        ]
        .into_iter()
        .filter_map(|(path, endpoint)| Some((path?.as_str(), endpoint)))
    }

    pub(super) fn find(&self, path: &str) -> Option<Endpoint> {
        let mut all = self.all();
        all.find_map(|(own, endpoint)| (own == path).then_some(endpoint))
    }

    /// Whether a visitor who is sent to `path` arrives at one of these, however it is spelled.
    pub(crate) fn contain(&self, path: &ReturnPath) -> bool {
        self.all().any(|(own, _)| path.leads_to(own))
    }
}

/// A path of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Login,
    Logout,
    LogoutCallback,
    LogoutRequest,
    ProxyCallback,
    AuthRequest,
}

impl Endpoint {
    /// Whether a form decides what happens there. Signing out needs no form.
    pub(crate) fn takes_forms(self) -> bool {
        match self {
            Self::Login | Self::LogoutRequest | Self::ProxyCallback => true,
            Self::Logout | Self::LogoutCallback | Self::AuthRequest => false,
        }
    }
}
