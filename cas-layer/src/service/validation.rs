//! A ticket is shown to the CAS server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::SemaphorePermit;
use tracing::Instrument as _;

use super::granting;
use crate::{
    client::ValidationError,
    config::Shared,
    events::{Event, validation_span},
    protocol::{Authentication, ProxyGrantingTicket, ServiceTicket, ServiceUrl},
    seldom::{Seldom, seldom},
};

/// How long a session may take to open once its ticket is validated.
const OPENING: Duration = Duration::from_secs(30);

/// What the CAS server made of a ticket.
pub(super) struct Validated {
    pub(super) authentication: Authentication,
    /// With what the app gets proxy tickets for the user, where it asked for that.
    pub(super) granting_ticket: Option<ProxyGrantingTicket>,
}

/// A place among those that are validated at once. A validation waits for it as long as it may itself take, so
/// a burst passes and a dead CAS server does not pile up requests.
pub(super) async fn slot(shared: &Shared) -> Option<SemaphorePermit<'_>> {
    tokio::time::timeout(shared.client.timeout(), shared.validations.acquire())
        .await
        .ok()?
        .ok()
}

/// How long a session is begun at most before it is open.
pub(super) fn lasts(shared: &Shared) -> Duration {
    shared.client.timeout() + OPENING
}

/// Asks the CAS server whose ticket this is. `renewed`: it counts only with fresh credentials. The `slot` is free again as
/// soon as the server has answered.
pub(super) async fn validate(
    shared: &Arc<Shared>,
    slot: SemaphorePermit<'_>,
    renewed: bool,
    ticket: &ServiceTicket,
    service: &ServiceUrl,
) -> Result<Validated, ValidationError> {
    let client = &shared.client;
    let asking = granting::ask(shared).await;
    let span = validation_span(client.protocol());
    let validated = async {
        let started = Instant::now();
        let validated = if renewed {
            client.validate_renewed(ticket, service).await
        } else {
            client.validate(ticket, service).await
        };
        shared.tell(Event::Validated {
            result: validated.as_ref().map(drop).map_err(ValidationError::kind),
            took: started.elapsed(),
        });
        validated
    }
    .instrument(span)
    .await;
    drop(slot);
    let authentication = validated.inspect_err(|error| tell_operator(shared, error))?;
    let granting_ticket = match asking {
        Some(asking) => asking.collect(shared, &authentication).await,
        None => None,
    };
    Ok(Validated {
        authentication,
        granting_ticket,
    })
}

/// Nobody can sign in then, and it is the fault of no visitor.
fn tell_operator(shared: &Shared, error: &ValidationError) {
    let is_about_proxies = matches!(
        error.code(),
        Some("INVALID_PROXY_CALLBACK" | "UNAUTHORIZED_SERVICE_PROXY")
    );
    if is_about_proxies && shared.client.asks_for_grants() {
        static REFUSED: Seldom = Seldom::new();
        seldom!(
            error,
            REFUSED,
            %error,
            "the CAS server refuses a sign-in over the proxy callback: it cannot reach it, does not trust its \
             certificate, or does not let this app be a proxy"
        );
    }
}
