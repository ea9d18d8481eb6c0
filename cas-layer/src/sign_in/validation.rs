//! A ticket is shown to the CAS server.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::Response;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::granting;
use crate::{
    admission::{Member, Party, Peer, Running, Turn, Validated, Validation, Validations},
    app::Host,
    client::ValidationError,
    events::{Event, validation_span},
    protocol::{ServiceTicket, ServiceUrl},
    seldom::{Seldom, seldom},
    session::{LoginValue, SessionId},
    turns::Slot,
};

/// Which request may validate the ticket of a login.
pub(crate) enum Admitted {
    /// None: an earlier request with the same ticket got this answer.
    Answered(Response<Bytes>),
    /// A request that has gone away left its validation behind.
    TakesOver(Turn),
    Asks(Turn, Slot<Party>),
}

/// Waits for the turn of a ticket of this login, for as long as its validation may itself take. So a burst passes,
/// and a dead CAS server does not pile up requests. `None` after that, and at once if too many wait.
pub(crate) async fn admit(
    host: &Host,
    login: LoginValue,
    peer: Option<Peer>,
    id: SessionId,
) -> Option<Admitted> {
    let Validations {
        browsers, logins, ..
    } = &*host.validations;
    let admitted = async {
        let mut turn = logins.turn(login).await?;
        if let Some(answer) = turn.answer_to(id) {
            return Some(Admitted::Answered(answer));
        }
        if turn.takes_over(id).await {
            return Some(Admitted::TakesOver(turn));
        }
        let party = peer.map_or(Party::Login(login), Party::Peer);
        let slot = browsers.ask(party)?.slot().await?;
        Some(Admitted::Asks(turn, slot))
    };
    timeout(host.client.timeout(), admitted).await.ok()?
}

/// The same for a ticket that belongs to no login.
pub(crate) async fn admit_program(host: &Host, peer: Option<Peer>) -> Option<Slot<Party>> {
    let party = peer.map_or(Party::Anybody, Party::Peer);
    let asked = host.validations.programs.ask(party)?;
    timeout(host.client.timeout(), asked.slot()).await.ok()?
}

/// A ticket that may be validated.
pub(crate) struct Question<B> {
    /// The slot. Free again as soon as the CAS server has answered.
    pub(crate) slot: Slot<Party>,
    pub(crate) ticket: ServiceTicket,
    pub(crate) service: ServiceUrl,
    /// Whether it counts only with fresh credentials.
    pub(crate) is_renewed: bool,
    /// The session that it may open.
    pub(crate) begun: B,
    /// The login that it belongs to.
    pub(crate) member: Option<Member>,
}

impl<B: Send + 'static> Question<B> {
    /// Asks the CAS server whose ticket this is.
    pub(crate) fn ask(self, host: &Arc<Host>) -> Running<B> {
        let host = Arc::clone(host);
        Running::new(async move {
            let _member = self.member;
            let (ticket, service) = (&self.ticket, &self.service);
            let result = validate(&host, self.slot, self.is_renewed, ticket, service).await;
            Validation {
                begun: self.begun,
                result,
            }
        })
    }
}

async fn validate(
    host: &Host,
    slot: Slot<Party>,
    is_renewed: bool,
    ticket: &ServiceTicket,
    service: &ServiceUrl,
) -> Result<Validated, ValidationError> {
    let client = &host.client;
    let asking = granting::ask(host).await;
    let span = validation_span(client.protocol());
    let validated = async {
        let started = Instant::now();
        let validated = if is_renewed {
            client.validate_renewed(ticket, service).await
        } else {
            client.validate(ticket, service).await
        };
        host.tell(Event::Validated {
            result: validated.as_ref().map(drop).map_err(ValidationError::kind),
            took: started.elapsed(),
        });
        validated
    }
    .instrument(span)
    .await;
    drop(slot);
    let authentication = validated.inspect_err(|error| tell_operator(host, error))?;
    let granting_ticket = match asking {
        Some(asking) => asking.collect(host, &authentication).await,
        None => None,
    };
    Ok(Validated {
        authentication,
        granting_ticket,
    })
}

/// Nobody can sign in then, and no visitor is to blame.
fn tell_operator(host: &Host, error: &ValidationError) {
    let is_about_proxies = matches!(
        error.code(),
        Some("INVALID_PROXY_CALLBACK" | "UNAUTHORIZED_SERVICE_PROXY")
    );
    if is_about_proxies && host.client.asks_for_grants() {
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
