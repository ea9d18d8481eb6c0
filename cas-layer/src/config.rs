//! The configuration: every rule is checked in `build()`, and nothing later.

mod builder;
mod cookie_name;
mod end_all;
mod granting;
mod hosts;
mod peers;
mod sources;

use std::sync::Arc;

pub use builder::CasConfigBuilder;
pub use end_all::EndAllError;
pub(crate) use granting::{Granting, Label};
pub(crate) use hosts::Hosts;
use http::HeaderMap;
pub(crate) use peers::{Peer, Peers};
pub(crate) use sources::{Source, Sources};

use crate::{
    client::CasClient,
    clock::{Clock, UnixSeconds},
    events::{Event, Hooks, SignedOut},
    pages::Pages,
    paths::{AppUrl, ReturnPath, Rules},
    protocol::ServiceUrl,
    registry::{AccountId, RegisteredSession, Registry, RegistryError},
    service::{Forms, Validations},
    session::{
        BindingCookie, Confirmations, Content, Lifetimes, Sealer, SessionCookie, SessionData,
        remove_cookies,
    },
};

/// A checked configuration. Built by [`CasConfig::builder`]; a clone costs as much as one of an
/// [`Arc`].
///
/// Layers made from clones of one configuration are one app: they share sessions and registry.
#[derive(Clone, Debug)]
pub struct CasConfig(pub(crate) Hosts);

/// What the layer works with at one public host. What all hosts have in common is behind an [`Arc`], or small.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: CasClient,
    pub(crate) app: AppUrl,
    /// Whether a reverse proxy takes the app URL's path off before a request gets here.
    pub(crate) prefix_stripped: bool,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) landing: ReturnPath,
    pub(crate) after_logout: Option<ReturnPath>,
    pub(crate) rules: Arc<Rules>,
    /// How long a browser is not sent to the CAS server again without being asked to, in seconds.
    pub(crate) gateway_interval: UnixSeconds,
    pub(crate) sign_out: SignOut,
    pub(crate) sign_in: SignIn,
    pub(crate) session_cookie: SessionCookie,
    pub(crate) binding_cookie: BindingCookie,
    /// Where a sign-in as somebody new to the browser waits until its user confirms it.
    pub(crate) confirmations: Option<Confirmations>,
    /// The names of the cookies of all hosts.
    pub(crate) own_cookies: Arc<[String]>,
    pub(crate) service_tag: Sealer,
    /// Where the CAS server sends the visitor after sign-out.
    pub(crate) logged_out_url: ServiceUrl,
    pub(crate) peers: Peers,
    /// Without a list they may come from anywhere.
    pub(crate) logout_sources: Option<Sources>,
    /// How the app comes to proxy-granting tickets, where it asks for them.
    pub(crate) granting: Option<Arc<Granting>>,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) content: Arc<Content>,
    /// Those of hosts with the same CAS server are counted together: another one that is slow is not in their way.
    pub(crate) validations: Arc<Validations>,
    /// Those of all hosts.
    pub(crate) forms: Forms,
    pub(crate) private_by_default: bool,
    pub(crate) pages: Pages,
    pub(crate) clock: Clock,
    pub(crate) hooks: Arc<Hooks>,
}

impl Shared {
    /// Tells the log, the metrics and the app what has happened.
    pub(crate) fn tell<'e>(&'e self, event: impl Into<Event<'e>>) {
        self.hooks.tell(&event.into().at(self.client.url()));
    }

    /// A session as the registry sees it.
    pub(crate) fn registered<'s>(&'s self, session: &'s SessionData) -> RegisteredSession<'s> {
        RegisteredSession::new(
            session.id,
            session.number,
            session.expires_at,
            self.client.url(),
            session.user(),
        )
    }

    /// The longest that any session of this app lasts, in seconds.
    fn longest_lifetime(&self) -> UnixSeconds {
        self.lifetimes.longest()
    }

    /// Takes the cookies of this app out of a request, and leaves all others. Browsers do not know ports, so they
    /// send those of another host of the app too.
    pub(crate) fn remove_own_cookies(&self, headers: &mut HeaderMap) {
        remove_cookies(headers, &self.own_cookies);
    }

    pub(crate) async fn end_all(&self, user: &str) -> Result<(), RegistryError> {
        let now = self.clock.now();
        let user = self.content.user_name(user);
        let account = AccountId::of(self.client.url(), &user);
        let last_expires_at = now.saturating_add(self.longest_lifetime());
        let ended = self.registry.end_all(account, last_expires_at, now).await;
        self.tell(SignedOut::all_of(&user).recorded(ended.as_ref().copied()));
        ended
    }
}

/// How a visitor signs in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignIn {
    /// With credentials every time.
    pub(crate) is_renewed: bool,
    /// With a service URL that has no query.
    pub(crate) is_bare: bool,
    /// The CAS server is asked to have the browser post the ticket.
    pub(crate) is_by_post: bool,
}

/// How a visitor signs out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignOut {
    /// Not at the CAS server.
    pub(crate) is_local: bool,
    /// By `POST` from a page of this app alone.
    pub(crate) is_post_only: bool,
}

/// The paths that the layer answers itself, relative to the app URL.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) login: String,
    pub(crate) logout: String,
    pub(crate) logout_callback: String,
    /// Besides the login path, where logout requests go as a rule.
    pub(crate) logout_request: Option<String>,
    pub(crate) proxy_callback: Option<String>,
}

impl Endpoints {
    /// Whether a visitor who is sent to `path` ends up at one of these, however it is spelled.
    pub(crate) fn contain(&self, path: &ReturnPath) -> bool {
        [&self.login, &self.logout, &self.logout_callback]
            .into_iter()
            .chain(&self.logout_request)
            .chain(&self.proxy_callback)
            .any(|own| path.leads_to(own))
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

    /// What the layer works with at the first host.
    pub(crate) fn first_host(&self) -> &Arc<Shared> {
        self.0.first()
    }

    /// The app's public URL, without a slash at the end; with several hosts, that of the first.
    /// [`CasUser::app_url`](crate::CasUser::app_url) is that of the host where somebody is.
    #[must_use]
    pub fn app_url(&self) -> String {
        self.first_host().app.as_string()
    }

    /// The public path of the login endpoint, for a link: `/login`, behind the path of the (first) app URL.
    #[must_use]
    pub fn login_path(&self) -> String {
        self.first_host()
            .app
            .public_path(&self.first_host().endpoints.login)
    }

    /// The public path of the logout endpoint, for a link or a form, behind the path of the (first) app
    /// URL.
    #[must_use]
    pub fn logout_path(&self) -> String {
        self.first_host()
            .app
            .public_path(&self.first_host().endpoints.logout)
    }

    /// The full name of the session cookie, prefix included; with several hosts, at the first.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.first_host().session_cookie.name()
    }

    /// Whether what this node knows of ended sessions is recent enough to rely on, for a readiness probe.
    /// While it is not, requests that bring a session are answered with 503.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.first_host().registry.is_current()
    }

    /// The client that talks to the CAS server; with several, to that of the first host.
    #[must_use]
    pub fn client(&self) -> &CasClient {
        &self.first_host().client
    }
}
