//! Why a user for whom the CAS server vouches gets no session.

use std::{error::Error, time::Duration};

use super::new_session::Veto;

/// Why a sign-in opens no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("the app does not admit the user")]
    Vetoed(Veto),
    /// The app made an invalid user name, for the given reason.
    #[error("{0}")]
    BadName(&'static str),
    /// The app could not decide, for a reason of its own.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
    #[error("the app took longer than {0:?}")]
    TimedOut(Duration),
    /// The panic's message is for the app: there may be secrets in it.
    #[error("the app panicked")]
    Panicked,
}
