//! A validation under way, and its result.

use std::panic::resume_unwind;

use tokio::task::{JoinError, JoinHandle};
use tracing::{Instrument as _, instrument::WithSubscriber as _};

#[cfg(feature = "jwt")]
use crate::registry::RegistryError;
use crate::{
    client::ValidationError,
    session::{Identity, Rejected},
};

/// Who the user of a ticket is, if there is one, and the session that they may open.
pub(crate) struct Validation<B> {
    pub(crate) begun: B,
    pub(crate) result: Result<Identity, Unidentified>,
}

/// Why a ticket gives no user.
pub(crate) enum Unidentified {
    /// The CAS server vouches for nobody.
    NotValidated(ValidationError),
    /// It is a JSON web token that is good, and the registry cannot say whether it was used before.
    #[cfg(feature = "jwt")]
    NotRemembered(RegistryError),
    /// The app does not admit the user.
    Rejected(Rejected),
}

/// A validation under way, and what the app then does before it admits the user. It runs to its end even if this is
/// dropped: the CAS server is working on it, even if the request went away, and the slot is not free until the server has
/// answered.
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
