//! How visitors sign out, where they go afterwards, and from where the CAS server may sign them out.

use std::time::Duration;

use super::{endpoints::return_path, sources};
use crate::{
    admission::{Peers, Sources},
    app::{Endpoints, SignOut},
    error::ConfigError,
    paths::ReturnPath,
    strict_url::{parse_http, printable},
};

/// How many nodes a single logout is passed on to.
const MAX_NODES: usize = 32;

/// How long that takes at most.
const WITHIN: Duration = Duration::from_secs(2);
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);

/// What [`CasConfigBuilder::sign_out`](crate::CasConfigBuilder::sign_out) changes: how visitors sign out, where they
/// go afterwards, and from where the CAS server may sign them out.
#[derive(Debug, Default)]
#[must_use]
pub struct SignOutOptions {
    after_logout: Option<String>,
    pub(super) way: SignOut,
    logout_sources: Option<Vec<String>>,
    nodes: Vec<String>,
    rebroadcast_within: Option<Duration>,
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

    /// Passes each single logout on to the other nodes of the app: `nodes` are the URLs under which this node reaches them
    /// directly, each in place of the app URL's scheme, host and port, such as `http://10.0.0.2:8080`. At most 32. The list
    /// may be the same on every node, itself included. The default is to pass nothing on.
    ///
    /// It is for nodes that share no registry: the CAS server's message reaches one of them, and the others would go on
    /// with the session. A shared [`RedisRegistry`](crate::RedisRegistry) or [`PostgresRegistry`](crate::PostgresRegistry)
    /// does more and needs no list: it knows sign-outs at this app too, and tells a node that was away, and ends the sessions of all tabs of a browser.
    ///
    /// Nodes post to the [path for logout requests](crate::EndpointOptions::logout_request), or the login path without one, with
    /// the app's name as `Host`. Under a [`CasApiLayer`](crate::CasApiLayer) set the first; under a
    /// [`CasInPlaceLayer`](crate::CasInPlaceLayer) the path must not be public. What they say is sealed with the app's [key](crate::CasConfigBuilder::key) and good for five minutes, so plain
    /// http is enough, and [`logout_sources`](Self::logout_sources) need not list them. Each message is passed on once, by the node that the CAS
    /// server has told, to all others [within 2 seconds](Self::rebroadcast_within); the CAS server waits for its answer meanwhile. If a node
    /// has not heard, that is an error in the log (`rebroadcast`), and the CAS server gets 503. It is not said again.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .sign_out(|sign_out| sign_out.rebroadcast_to(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn rebroadcast_to(mut self, nodes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.nodes = nodes.into_iter().map(Into::into).collect();
        self
    }

    /// How long passing on a single logout may take, from 200 ms to 30 s. The default is 2 s. Half of it is for the question
    /// who has opened the sessions, and half for telling all nodes. The CAS server waits meanwhile.
    pub fn rebroadcast_within(mut self, limit: Duration) -> Self {
        self.rebroadcast_within = Some(limit);
        self
    }

    pub(super) fn within(&self) -> Result<Duration, ConfigError> {
        let within = self.rebroadcast_within.unwrap_or(WITHIN);
        ConfigError::check_duration(
            "time for passing on a single logout",
            within,
            &[
                (within < SHORTEST, "it is under 200 ms"),
                (within > LONGEST, "it is over 30 s"),
            ],
        )?;
        Ok(within)
    }

    /// Where other nodes take logout requests: scheme, host and port of each.
    pub(super) fn nodes(&self) -> Result<Vec<String>, ConfigError> {
        let mut nodes: Vec<String> = Vec::new();
        for given in &self.nodes {
            let invalid = |reason| ConfigError::InvalidUrl {
                what: "URL of a node",
                url: printable(given),
                reason,
            };
            let url = parse_http(given).map_err(|fault| invalid(fault.as_str()))?;
            if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
                return Err(invalid("it has more than scheme, host and port"));
            }
            let node = url.origin().ascii_serialization();
            if nodes.contains(&node) {
                return Err(invalid("it is given twice"));
            }
            if nodes.len() == MAX_NODES {
                return Err(invalid("there are more than 32"));
            }
            nodes.push(node);
        }
        Ok(nodes)
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
