//! What is known of logins, sessions and tickets.

use jiff::Timestamp;
use tokio::time::Instant;

/// Who typed a password, and when.
#[derive(Clone)]
pub(in crate::testing) struct Login {
    pub(in crate::testing) user: String,
    pub(in crate::testing) at: Timestamp,
    /// By `rememberMe`.
    pub(in crate::testing) is_remembered: bool,
}

impl Login {
    pub(in crate::testing) fn now(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            at: Timestamp::now(),
            is_remembered: false,
        }
    }

    pub(in crate::testing) fn remembered(self, is_remembered: bool) -> Self {
        Self {
            is_remembered,
            ..self
        }
    }
}

/// Who is signed in, and for how long.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) login: Login,
    pub(super) ends: Instant,
}

/// What a service ticket or a proxy ticket is good for.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) login: Login,
    pub(super) service: String,
    pub(super) from_password: bool,
    pub(super) session: Option<String>,
    /// Whom a proxy ticket came through, the newest first. A service ticket has nobody here.
    pub(super) chain: Vec<Link>,
    /// Never, when that is further off than the clock can tell.
    pub(super) ends: Option<Instant>,
}

/// What a good ticket says.
pub(in crate::testing) struct Redeemed {
    pub(super) ticket: String,
    pub(in crate::testing) login: Login,
    pub(in crate::testing) from_password: bool,
    pub(in crate::testing) chain: Vec<Link>,
    /// The ticket as it was, to be put back.
    pub(super) spent: Ticket,
}

/// Why a ticket is not good.
pub(in crate::testing) enum Refused {
    Unknown,
    Expired,
    OtherService,
    FromCookie,
}

/// What a proxy-granting ticket is good for.
pub(super) struct Grant {
    pub(super) login: Login,
    /// The `pgtUrl` that it was sent to, which stands for the proxy.
    pub(super) proxy: String,
    /// Whom the ticket came through that it was granted for, the newest first.
    pub(super) chain: Vec<Link>,
    /// It is good as long as this session.
    pub(super) session: Option<String>,
    /// For one that is of no session.
    pub(super) ends: Instant,
}

impl Grant {
    /// Whom a ticket for `target` comes through: this proxy, and those before it.
    pub(super) fn chain_to(&self, target: &str) -> Vec<Link> {
        let link = Link {
            proxy: self.proxy.clone(),
            target: target.to_owned(),
        };
        std::iter::once(link)
            .chain(self.chain.iter().cloned())
            .collect()
    }
}

/// A proxy, and the service that it has a ticket for.
#[derive(Clone)]
pub(in crate::testing) struct Link {
    pub(in crate::testing) proxy: String,
    pub(in crate::testing) target: String,
}
