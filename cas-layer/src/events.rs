//! Events: a closed list of names. The log, the metrics and the app are told, in this order. None of them says more
//! than this list has: no ticket, no cookie, no attribute.

mod circle;
mod event;
mod line;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod proxying;
mod refused;
mod repeats;
#[cfg(feature = "tower-http")]
mod request_span;
mod signed_out;
mod storage;

use std::fmt;

pub(crate) use circle::CircleCause;
pub(crate) use event::{Channel, Event, LogoutOutcome, PassedOn};
pub(crate) use log::validation_span;
#[cfg(feature = "metrics")]
pub(crate) use metrics::describe as describe_metrics;
pub(crate) use proxying::{GrantOutcome, ProxyCallbackOutcome};
pub use refused::{Refused, RefusedReason};
use repeats::Repeats;
#[cfg(feature = "tower-http")]
pub use request_span::RequestSpan;
pub use signed_out::{SignOutCause, SignedOut};
pub(crate) use storage::StorageOutcome;

use crate::user::CasUser;

type Hook<F> = Option<Box<F>>;

/// Does nothing unless the app set it.
#[derive(Default)]
pub(crate) struct Hooks {
    /// What the log has already said about strangers.
    repeats: Repeats,
    pub(crate) sign_in: Hook<dyn Fn(&CasUser) + Send + Sync>,
    pub(crate) sign_out: Hook<dyn Fn(&SignedOut<'_>) + Send + Sync>,
    pub(crate) refused: Hook<dyn Fn(&Refused<'_>) + Send + Sync>,
}

impl Hooks {
    /// Tells the log, the metrics and the app.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        log::write(event, &self.repeats);
        #[cfg(feature = "metrics")]
        metrics::count(event);
        self.call(event);
    }

    fn call(&self, event: &Event<'_>) {
        match event {
            Event::SignedIn(user) => self.sign_in.iter().for_each(|hook| hook(user)),
            Event::SignedOut(signed_out) => self.sign_out.iter().for_each(|hook| hook(signed_out)),
            Event::Refused(refused) => self.refused.iter().for_each(|hook| hook(refused)),
            Event::SessionNotKept(_)
            | Event::Storage(..)
            | Event::Validated { .. }
            | Event::CasServer(_)
            | Event::CasNode(_)
            | Event::LogoutRequest(..)
            | Event::PassedOn(_)
            | Event::ProxyCallback(_)
            | Event::Grant(_)
            | Event::Credential(_)
            | Event::ProxyTicket(_) => {}
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("sign_in", &self.sign_in.is_some())
            .field("sign_out", &self.sign_out.is_some())
            .field("refused", &self.refused.is_some())
            .finish_non_exhaustive()
    }
}
