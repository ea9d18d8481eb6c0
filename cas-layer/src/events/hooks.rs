//! The app's own functions that are called when something happens.

use std::fmt;

use super::{Event, Refused, SignedOut, log::Repeats};
use crate::user::CasUser;

type Hook<F> = Option<Box<F>>;

/// Does nothing unless the app asked for it.
#[derive(Default)]
pub(crate) struct Hooks {
    /// What the log was told of what strangers do.
    pub(super) repeats: Repeats,
    pub(crate) sign_in: Hook<dyn Fn(&CasUser) + Send + Sync>,
    pub(crate) sign_out: Hook<dyn Fn(&SignedOut<'_>) + Send + Sync>,
    pub(crate) refused: Hook<dyn Fn(&Refused<'_>) + Send + Sync>,
}

impl Hooks {
    pub(super) fn call(&self, event: &Event<'_>) {
        match event {
            Event::SignedIn(user) => self.sign_in.iter().for_each(|hook| hook(user)),
            Event::SignedOut(signed_out) => self.sign_out.iter().for_each(|hook| hook(signed_out)),
            Event::Refused(refused) => self.refused.iter().for_each(|hook| hook(refused)),
            Event::SessionNotKept(_)
            | Event::Validated { .. }
            | Event::LogoutRequest(..)
            | Event::ProxyCallback(_)
            | Event::Grant(_)
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
