//! What a path asks of its visitors. Pure.

use std::{fmt, sync::Arc, time::Duration};

use crate::{clock::UnixSeconds, error::ConfigError, protocol::ProxyChain, user::CasUser};

/// The longest that credentials may date back, as long as the longest session.
const MAX_AGE: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a path asks of its visitors, given to [`CasConfigBuilder::rule`](crate::CasConfigBuilder::rule).
///
/// ```
/// use std::time::Duration;
/// use cas_layer::{Access, ProxyChain};
///
/// // Anybody; who has signed in is known.
/// Access::public();
/// // The same, for pages that look different to who has signed in: no shared cache may keep them.
/// Access::optional();
/// // The same, and who has signed in at the CAS server is signed in here without being asked.
/// Access::gateway();
/// // A signed-in user.
/// Access::required();
/// // One who has one of these values, or all of those.
/// Access::required().any_of("memberOf", ["admin", "staff"]).all_of("licence", ["read", "write"]);
/// // One who came by themselves, or through this proxy.
/// Access::required().no_proxy();
/// Access::required().through([ProxyChain::exact(["https://portal.example.org/cas/proxy"])]);
/// // One who has given the password within the last minute.
/// Access::required().fresh(Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    mode: Mode,
    demands: Vec<Demand>,
    fresh: Option<Duration>,
}

/// From what asks the least to what asks the most.
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
    /// There is no user, and there has to be one.
    SignIn,
    /// The user has to give their credentials again.
    SignInAfresh,
    /// This user may not.
    Forbidden,
}

impl Access {
    /// Anybody. Who has signed in is known.
    #[must_use]
    pub fn public() -> Self {
        Self::of(Mode::Public)
    }

    /// Anybody, and the response may depend on who it is: it is kept out of shared caches like that of a path
    /// that requires a user.
    #[must_use]
    pub fn optional() -> Self {
        Self::of(Mode::Optional)
    }

    /// As [`optional`](Self::optional); and a visitor who has signed in at the CAS server already is signed in
    /// here without being asked (`gateway`, CAS protocol 2.1.1). Who has not comes back without having seen a
    /// form.
    ///
    /// Only a page that a browser opens is worth the trip to the CAS server, only when the browser keeps
    /// cookies, and only once in [`gateway_interval`](crate::SignInOptions::gateway_interval).
    #[must_use]
    pub fn gateway() -> Self {
        Self::of(Mode::Gateway)
    }

    /// A signed-in user: what every path asks for which there is no rule.
    #[must_use]
    pub fn required() -> Self {
        Self::of(Mode::Required)
    }

    /// A user who has at least one of these values of an attribute, exactly.
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

    /// A user who has all of these values of an attribute, exactly.
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

    /// A user of whom this is true. It is asked on every request, so it must not block.
    #[must_use]
    pub fn user_if(
        mut self,
        is_welcome: impl Fn(&CasUser) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.demands.push(Demand::If(Arc::new(is_welcome)));
        self
    }

    /// A user whose own browser signed in, and nobody in their name.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.demands.push(Demand::NoProxy);
        self
    }

    /// A user who came through one of these chains of proxies, and not by themselves. Those that are accepted at
    /// all are named by [`accept_proxies`](crate::CasClientBuilder::accept_proxies).
    #[must_use]
    pub fn through(mut self, chains: impl IntoIterator<Item = ProxyChain>) -> Self {
        let chains = chains.into_iter().collect();
        self.demands.push(Demand::Through(chains));
        self
    }

    /// A user who gave their credentials within this time, at least 1 second, in whole seconds. A visitor whose
    /// password dates further back, or for whom the CAS server did not say, is asked for it again (`renew`, CAS
    /// protocol 2.1.1).
    #[must_use]
    pub fn fresh(mut self, within: Duration) -> Self {
        self.fresh = Some(within);
        self
    }

    fn of(mode: Mode) -> Self {
        Self {
            mode,
            demands: Vec::new(),
            fresh: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |reason| Err(ConfigError::InvalidRule { reason });
        if self.mode != Mode::Required && self.is_strong() {
            return invalid(
                "asks something of a user where none is required: begin with `Access::required()`",
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
                    return invalid("asks for a proxy and names none");
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

    /// Whether a user has to be there.
    pub(crate) fn is_required(&self) -> bool {
        self.mode == Mode::Required
    }

    pub(crate) fn is_gateway(&self) -> bool {
        self.mode == Mode::Gateway
    }

    /// Whether the response is for one visitor alone.
    pub(crate) fn is_private(&self) -> bool {
        self.mode != Mode::Public
    }

    /// Whether more is asked than a user.
    pub(crate) fn is_strong(&self) -> bool {
        !self.demands.is_empty() || self.fresh.is_some()
    }

    /// Whether this asks for something that `other` does not. Of two that ask for more than a user each may.
    pub(crate) fn asks_more_than(&self, other: &Self) -> bool {
        self.mode > other.mode || self.is_strong()
    }

    /// What asks for all that either asks for.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            mode: self.mode.max(other.mode),
            demands: [&*self.demands, &other.demands].concat(),
            fresh: self.fresh.into_iter().chain(other.fresh).min(),
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
