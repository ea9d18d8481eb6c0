//! A validation under way, and its result.

use std::panic::resume_unwind;

use tokio::task::{JoinError, JoinHandle};
use tracing::{Instrument as _, instrument::WithSubscriber as _};

use crate::{
    client::ValidationError,
    protocol::{Authentication, ProxyGrantingTicket},
};

/// The CAS server's answer about a ticket, and the session that it may open.
pub(crate) struct Validation<B> {
    pub(crate) begun: B,
    pub(crate) result: Result<Validated, ValidationError>,
}

pub(crate) struct Validated {
    pub(crate) authentication: Authentication,
    /// What the app needs to get proxy tickets for the user, if it asked for that.
    pub(crate) granting_ticket: Option<ProxyGrantingTicket>,
}

/// A validation under way. It runs to its end even if this is dropped: the CAS server is working on it, even if the
/// request went away, and the slot is not free until the server has answered.
pub(crate) struct Running<B>(JoinHandle<Validation<B>>);

impl<B: Send + 'static> Running<B> {
    pub(crate) fn new(validation: impl Future<Output = Validation<B>> + Send + 'static) -> Self {
        let validation = validation.in_current_span().with_current_subscriber();
        Self(tokio::spawn(validation))
    }

    /// It is not to be asked for again.
    pub(crate) async fn end(&mut self) -> End<B> {
        End((&mut self.0).await)
    }
}

/// How a validation ended.
pub(crate) struct End<B>(Result<Validation<B>, JoinError>);

impl<B> End<B> {
    /// `None` if the runtime stopped before. A panic goes on here, as it would without a task between.
    pub(crate) fn validation(self) -> Option<Validation<B>> {
        match self.0.map_err(JoinError::try_into_panic) {
            Ok(validation) => Some(validation),
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => None,
        }
    }
}
