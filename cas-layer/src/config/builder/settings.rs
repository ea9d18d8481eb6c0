//! The settings that all hosts share.

use std::{sync::Arc, time::Duration};

use super::{
    auth_request::AuthRequestOptions,
    cookies::Cookies,
    endpoints::{EndpointOptions, logged_out_url},
    hosts::AppAndCas,
    keys::Keys,
    pages::PageOptions,
    proxy::ProxyOptions,
    session::SessionOptions,
    sign_in::SignInOptions,
    sign_out::SignOutOptions,
};
use crate::{
    MemoryRegistry,
    admission::{Forms, Peers, Validations},
    app::{App, Host, Kept, Rebroadcast, Replaced, Vault, Watch},
    clock::Clock,
    error::ConfigError,
    events::Hooks,
    paths::AppUrl,
    registry::Registry,
    rules::{Access, Paths, Rules},
    session::{Encrypter, Key, Purpose, Sealer, VerifiedCookies, VerifiedHere},
};

/// As they were given.
pub(super) struct Settings {
    pub(super) keys: Vec<Key>,
    pub(super) allow_insecure_http: bool,
    pub(super) rules: Vec<(Paths, Access)>,
    pub(super) session: SessionOptions,
    pub(super) sign_in: SignInOptions,
    pub(super) sign_out: SignOutOptions,
    pub(super) endpoints: EndpointOptions,
    pub(super) auth_request: AuthRequestOptions,
    pub(super) proxy: ProxyOptions,
    pub(super) peers: Peers,
    pub(super) registry: Arc<dyn Registry>,
    pub(super) pages: PageOptions,
    pub(super) clock: Clock,
    pub(super) hooks: Hooks,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            allow_insecure_http: false,
            rules: Vec::new(),
            session: SessionOptions::default(),
            sign_in: SignInOptions::default(),
            sign_out: SignOutOptions::default(),
            endpoints: EndpointOptions::default(),
            auth_request: AuthRequestOptions::default(),
            proxy: ProxyOptions::default(),
            peers: Peers::default(),
            registry: Arc::new(MemoryRegistry::default()),
            pages: PageOptions::default(),
            clock: Clock::default(),
            hooks: Hooks::default(),
        }
    }
}

impl Settings {
    /// `app` is the app's URL at its first host.
    pub(super) fn check(self, app: &AppUrl) -> Result<Checked, ConfigError> {
        let registry = &*self.registry;
        self.proxy.check(self.session.is_encrypted(), registry)?;
        self.session.check_place(registry)?;
        let keys = Keys::check(self.keys)?;
        let granting = self.proxy.granting(&self.peers)?;
        // Those of all hosts are sealed alike: the CAS server calls one host, whichever signs the user in.
        let (first, others) = (&keys.first, &keys.others);
        let encrypter = Encrypter::new(first, others, Purpose::Kept, &[&app.as_string()]);
        let prefix_stripped = self.endpoints.prefix_stripped;
        let auth_path = self.auth_request.path.clone();
        let endpoints = self.endpoints.check(self.proxy.callback_path, auth_path)?;
        let rules = Rules::new(self.rules)?;
        let auth_request = self.auth_request.check(&rules, &self.session)?;
        let (landing, gateway_interval) = self.sign_in.check(&rules, &endpoints)?;
        let login_page = self.sign_in.login_page()?;
        let (after_logout, logout_sources) = self.sign_out.check(&endpoints, &self.peers)?;
        let (lifetimes, content) = self.session.check()?;
        let frames = self.session.frames()?.map(Arc::new);
        Ok(Checked {
            keys,
            app: Arc::new(App {
                prefix_stripped,
                endpoints,
                auth_request,
                rules,
                sign_in: self.sign_in.way,
                login_page,
                landing,
                gateway_interval,
                sign_out: self.sign_out.way,
                after_logout,
                peers: self.peers,
                logout_sources,
                granting,
                watch: Watch::new(self.clock.clone(), Arc::clone(&self.registry)),
                registry: self.registry,
                vault: Vault::new(encrypter),
                kept: Kept::new(self.session.place),
                lifetimes,
                replaced: Replaced::default(),
                content,
                forms: Forms::new(),
                private_by_default: !self.session.leaves_cache_control,
                pages: self.pages.check(frames.is_some())?,
                frames,
                clock: self.clock,
                hooks: self.hooks,
            }),
            nodes: self.sign_out.nodes()?,
            within: self.sign_out.within()?,
            verified: VerifiedCookies::new(self.session.cookie_cache).map(Arc::new),
            session: self.session,
            sign_in: self.sign_in,
        })
    }
}

/// The same, checked.
pub(super) struct Checked {
    keys: Keys,
    /// Scheme, host and port of each.
    nodes: Vec<String>,
    /// How long telling them something may take.
    within: Duration,
    session: SessionOptions,
    sign_in: SignInOptions,
    /// Those of all hosts.
    verified: Option<Arc<VerifiedCookies>>,
    app: Arc<App>,
}

impl Checked {
    /// Turns at a CAS server.
    pub(super) fn validations(&self) -> Arc<Validations> {
        Arc::new(Validations::new(self.sign_in.max_concurrent_validations))
    }

    /// What the layer works with at one host, whose CAS server validates as `validations` has room. `number` is another
    /// one for each host.
    pub(super) fn at(
        &self,
        host: AppAndCas,
        number: usize,
        validations: Arc<Validations>,
    ) -> Result<Host, ConfigError> {
        let verified = VerifiedHere::new(self.verified.clone(), number);
        let cookies = Cookies::new(&host, &self.keys, &self.session, &self.sign_in, verified)?;
        let (url, client) = host;
        self.sign_in.check_client(&client)?;
        let rebroadcast = self.rebroadcast(&url, cookies.rebroadcast);
        Ok(Host {
            rebroadcast,
            app: Arc::clone(&self.app),
            logged_out_url: logged_out_url(&url, &self.app.endpoints)?,
            url,
            client,
            session_cookie: cookies.session,
            binding_cookie: cookies.binding,
            rounds_cookie: cookies.rounds,
            confirmations: cookies.confirmations,
            own_cookies: Arc::default(),
            service_tag: cookies.service_tag,
            validations,
        })
    }

    /// The other nodes, as one host of this one talks to them.
    fn rebroadcast(&self, url: &AppUrl, sealer: Sealer) -> Option<Arc<Rebroadcast>> {
        if self.nodes.is_empty() {
            return None;
        }
        let App {
            endpoints,
            prefix_stripped,
            ..
        } = &*self.app;
        let path = endpoints.logout_request.as_deref();
        let path = path.unwrap_or(&endpoints.login);
        let path = if *prefix_stripped {
            path.to_owned()
        } else {
            url.public_path(path)
        };
        let urls = self.nodes.iter().map(|node| format!("{node}{path}"));
        let (_, authority) = url.origin().split_once("://")?;
        Some(Arc::new(Rebroadcast::new(
            urls.collect(),
            authority.to_owned(),
            sealer,
            self.within,
        )))
    }

    /// Warns in the log if a restart would make sessions that were signed out good again.
    pub(super) fn warn_of_restarts(&self) {
        if !self.app.registry.outlives_process() && !self.keys.end_with_process() {
            tracing::warn!(
                "the registry is in memory and the keys outlive this process: after a restart, a \
                 copy of the cookie of a signed-out session works again until it expires, \
                 and a single logout finds an earlier session only if it was used again"
            );
        }
    }
}
