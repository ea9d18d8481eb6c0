//! A validation under way, and what comes of it.

use std::panic::resume_unwind;

use tokio::task::{JoinError, JoinHandle};
use tracing::{Instrument as _, instrument::WithSubscriber as _};

use crate::{
    client::ValidationError,
    protocol::{Authentication, ProxyGrantingTicket},
};

/// What the CAS server made of a ticket, and the session that it may open.
pub(crate) struct Validation<B> {
    pub(crate) begun: B,
    pub(crate) result: Result<Validated, ValidationError>,
}

pub(crate) struct Validated {
    pub(crate) authentication: Authentication,
    /// With what the app gets proxy tickets for the user, where it asked for that.
    pub(crate) granting_ticket: Option<ProxyGrantingTicket>,
}

/// A validation under way. It goes on to its end if this is dropped: the CAS server is at work for it, whoever has gone
/// away, and until it has answered the slot is not free.
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
