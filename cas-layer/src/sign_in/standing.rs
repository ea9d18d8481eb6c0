//! What a visitor who brings a ticket is known as already.

use super::begin::was_replaced;
use crate::{app::Host, visit::Visit};

/// What the session cookie says that came with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is no session, or none that can be judged now.
    Stranger,
    /// The session is over.
    Over,
    /// The same, as another tab has just put its own in its place.
    Replaced,
    /// The session is live, but the app may not know its user: the attributes are not here.
    SignedIn,
    /// The session is live, and the app knows its user.
    Known,
}

impl Standing {
    pub(super) fn of(host: &Host, visit: &Visit<'_>) -> Self {
        if visit.surely_has_user() {
            Self::Known
        } else if visit.user().is_some() {
            Self::SignedIn
        } else if was_replaced(host, visit) {
            Self::Replaced
        } else if visit.is_over() {
            Self::Over
        } else {
            Self::Stranger
        }
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Over | Self::Replaced)
    }

    pub(super) fn is_signed_in(self) -> bool {
        matches!(self, Self::SignedIn | Self::Known)
    }
}
