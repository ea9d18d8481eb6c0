//! What a path requires. Pure.

use std::{fmt, sync::Arc, time::Duration};

use crate::{clock::UnixSeconds, error::ConfigError, protocol::ProxyChain, user::CasUser};

/// The longest time for [`Access::fresh`]: as long as the longest session.
const MAX_AGE: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a path requires, for [`CasConfigBuilder::rule`](crate::CasConfigBuilder::rule).
///
/// ```
/// use std::time::Duration;
/// use cas_layer::{Access, ProxyChain};
///
/// // Everybody. The app still knows users who are signed in.
/// Access::public();
/// // The same, for pages that differ for signed-in users: no shared cache may keep them.
/// Access::optional();
/// // The same. Visitors with a session at the CAS server are signed in without being asked.
/// Access::gateway();
/// // A signed-in user.
/// Access::required();
/// // A user with at least one of these values, and a user with all of those.
/// Access::required().any_of("memberOf", ["admin", "staff"]).all_of("licence", ["read", "write"]);
/// // A user who came without a proxy, or through this one.
/// Access::required().no_proxy();
/// Access::required().through([ProxyChain::exact(["https://portal.example.org/cas/proxy"])]);
/// // A user who gave the password within the last minute.
/// Access::required().fresh(Duration::from_secs(60));
/// // A signed-in user. Without one it is 401, for browsers too.
/// Access::required().no_redirect();
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    mode: Mode,
    demands: Vec<Demand>,
    fresh: Option<Duration>,
    never_redirects: bool,
}

/// From what requires the least to what requires the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Public,
    Optional,
    Gateway,
    Required,
}

#[derive(Clone)]
enum Demand {
    AnyOf { name: String, values: Vec<String> },
    AllOf { name: String, values: Vec<String> },
    If(Arc<dyn Fn(&CasUser) -> bool + Send + Sync>),
    NoProxy,
    Through(Vec<ProxyChain>),
}

/// What follows for a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Welcome,
    /// There is no user, and the path requires one.
    SignIn,
    /// The user has to give their credentials again.
    SignInAfresh,
    /// This user has no permission.
    Forbidden,
}

impl Access {
    /// Everybody. The app still knows users who are signed in.
    #[must_use]
    pub fn public() -> Self {
        Self::of(Mode::Public)
    }

    /// Everybody. The response may depend on the user, so it is kept out of shared caches, like a response of a path
    /// that requires a user.
    #[must_use]
    pub fn optional() -> Self {
        Self::of(Mode::Optional)
    }

    /// As [`optional`](Self::optional). In addition, visitors with a session at the CAS server are signed in here
    /// without being asked (`gateway`, CAS protocol 2.1.1). All other visitors come back without having seen a form.
    ///
    /// The layer redirects to the CAS server only if a browser opens a page and keeps cookies, and only once in
    /// [`gateway_interval`](crate::SignInOptions::gateway_interval).
    #[must_use]
    pub fn gateway() -> Self {
        Self::of(Mode::Gateway)
    }

    /// A signed-in user. Every path without a rule requires this.
    #[must_use]
    pub fn required() -> Self {
        Self::of(Mode::Required)
    }

    /// A user with at least one of these values of an attribute, exactly.
    #[must_use]
    pub fn any_of(
        mut self,
        attribute: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.demands.push(Demand::AnyOf {
            name: attribute.into(),
            values: values.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// A user with all of these values of an attribute, exactly.
    #[must_use]
    pub fn all_of(
        mut self,
        attribute: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.demands.push(Demand::AllOf {
            name: attribute.into(),
            values: values.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// A user for whom the function returns `true`. It is called on every request, so it must not block.
    #[must_use]
    pub fn user_if(
        mut self,
        is_welcome: impl Fn(&CasUser) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.demands.push(Demand::If(Arc::new(is_welcome)));
        self
    }

    /// A user whose own browser signed in, not a proxy in the user's name.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.demands.push(Demand::NoProxy);
        self
    }

    /// A user who came through one of these chains of proxies, not one whose own browser signed in.
    /// [`accept_proxies`](crate::CasClientBuilder::accept_proxies) has to accept these chains in the first place.
    #[must_use]
    pub fn through(mut self, chains: impl IntoIterator<Item = ProxyChain>) -> Self {
        let chains = chains.into_iter().collect();
        self.demands.push(Demand::Through(chains));
        self
    }

    /// A user who gave their credentials within this time, in whole seconds, at least 1. If the user gave the
    /// password earlier, or if the CAS server did not say when, it asks for the password again (`renew`, CAS protocol
    /// 2.1.1). A visitor who has no session here is asked for it at once, signed in at the CAS server or not.
    #[must_use]
    pub fn fresh(mut self, within: Duration) -> Self {
        self.fresh = Some(within);
        self
    }

    /// Nobody is redirected to the CAS server from here. Without a user, or with credentials that are too old, every
    /// request gets 401, also from a browser that opens a page: that page has a link to sign in. It is for paths that
    /// only programs ask for, whatever they say in `Accept`.
    #[must_use]
    pub fn no_redirect(mut self) -> Self {
        self.never_redirects = true;
        self
    }

    fn of(mode: Mode) -> Self {
        Self {
            mode,
            demands: Vec::new(),
            fresh: None,
            never_redirects: false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |reason| Err(ConfigError::InvalidRule { reason });
        if self.mode != Mode::Required && self.is_strong() {
            return invalid(
                "asks something of a user, but requires none: begin with `Access::required()`",
            );
        }
        if self.mode != Mode::Required && self.never_redirects {
            return invalid(
                "forbids redirects, but requires no user: begin with `Access::required()`",
            );
        }
        for demand in &self.demands {
            if let Demand::AnyOf { name, values } | Demand::AllOf { name, values } = demand
                && (name.is_empty() || values.is_empty())
            {
                return invalid("asks for an attribute without name or without values");
            }
            if let Demand::Through(chains) = demand {
                if chains.is_empty() {
                    return invalid("asks for a proxy, but names none");
                }
                chains.iter().try_for_each(ProxyChain::check)?;
            }
        }
        match self.fresh {
            Some(within) if within < Duration::from_secs(1) || within > MAX_AGE => {
                invalid("asks for credentials within less than a second or more than 366 days")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn judge(&self, user: Option<&CasUser>, now: UnixSeconds) -> Verdict {
        if self.mode != Mode::Required {
            return Verdict::Welcome;
        }
        let Some(user) = user else {
            return Verdict::SignIn;
        };
        // First what no password could change.
        if !self.demands.iter().all(|demand| demand.is_met_by(user)) {
            return Verdict::Forbidden;
        }
        match self.fresh {
            Some(within) if !user.gave_credentials_within(within, now) => Verdict::SignInAfresh,
            _ => Verdict::Welcome,
        }
    }

    /// Whether this requires a user.
    pub(crate) fn is_required(&self) -> bool {
        self.mode == Mode::Required
    }

    pub(crate) fn is_gateway(&self) -> bool {
        self.mode == Mode::Gateway
    }

    /// Whether a user has to have given their credentials lately. Then a sign-in asks for them at once: a server may not
    /// say how old they are, and the user would be asked twice.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh.is_some()
    }

    /// Whether a visitor may be sent to the CAS server.
    pub(crate) fn may_redirect(&self) -> bool {
        !self.never_redirects
    }

    /// Whether the response is for one visitor only.
    pub(crate) fn is_private(&self) -> bool {
        self.mode != Mode::Public
    }

    /// Whether this requires more than a user.
    pub(crate) fn is_strong(&self) -> bool {
        !self.demands.is_empty() || self.fresh.is_some()
    }

    /// Whether this requires something that `other` does not. If both require more than a user, this can be true both
    /// ways.
    pub(crate) fn asks_more_than(&self, other: &Self) -> bool {
        self.mode > other.mode || self.is_strong()
    }

    /// Requires everything that either of the two requires.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            mode: self.mode.max(other.mode),
            demands: [&*self.demands, &other.demands].concat(),
            fresh: self.fresh.into_iter().chain(other.fresh).min(),
            never_redirects: self.never_redirects || other.never_redirects,
        }
    }
}

impl Demand {
    fn is_met_by(&self, user: &CasUser) -> bool {
        match self {
            Self::AnyOf { name, values } => values
                .iter()
                .any(|value| user.attributes().contains(name, value)),
            Self::AllOf { name, values } => values
                .iter()
                .all(|value| user.attributes().contains(name, value)),
            Self::If(is_welcome) => is_welcome(user),
            Self::NoProxy => user.proxies().is_empty(),
            Self::Through(chains) => chains.iter().any(|chain| chain.admits(user.proxies())),
        }
    }
}

impl fmt::Debug for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyOf { name, values } => write!(f, "{name} any of {values:?}"),
            Self::AllOf { name, values } => write!(f, "{name} all of {values:?}"),
            Self::If(_) => f.write_str("if …"),
            Self::NoProxy => f.write_str("no proxy"),
            Self::Through(chains) => write!(f, "through {chains:?}"),
        }
    }
}
