//! A ticket is shown to the CAS server.

use std::{
    panic::resume_unwind,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Response;
use tokio::{
    task::{JoinError, JoinHandle},
    time::timeout,
};
use tracing::{Instrument as _, instrument::WithSubscriber as _};

use super::{
    granting,
    logins::{Logins, Member, Turn},
};
use crate::{
    client::ValidationError,
    config::{Peer, Shared},
    events::{Event, validation_span},
    protocol::{Authentication, ProxyGrantingTicket, ServiceTicket, ServiceUrl},
    seldom::{Seldom, seldom},
    session::{LoginValue, SessionId},
    turns::{Slot, Turns},
};

/// How long a session may take to open once its ticket is validated.
const OPENING: Duration = Duration::from_secs(30);

/// How many may wait for each ticket that can be validated at once.
const WAITING_PER_SLOT: usize = 16;

/// The validations at one CAS server.
#[derive(Debug)]
pub(crate) struct Validations {
    /// Of tickets that browsers bring back from a login.
    browsers: Turns<Party>,
    /// Of tickets that any request may bring. Neither keeps the other waiting.
    programs: Turns<Party>,
    logins: Arc<Logins>,
}

impl Validations {
    /// `limit` tickets of each kind at once.
    pub(crate) fn new(limit: usize) -> Self {
        let turns = || Turns::new(limit, limit.saturating_mul(WAITING_PER_SLOT));
        Self {
            browsers: turns(),
            programs: turns(),
            logins: Arc::default(),
        }
    }
}

/// Those who wait in one line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    /// Who comes from one address.
    Peer(Peer),
    /// Who has begun one login: another place takes another login.
    Login(LoginValue),
    Anybody,
}

/// Who may validate the ticket of a login.
pub(super) enum Admitted {
    /// Nobody any more: a request with the same ticket, which was under way, got this answer.
    Answered(Response<Bytes>),
    /// A request that has gone away left its validation behind.
    TakesOver(Turn),
    Asks(Turn, Slot<Party>),
}

/// Waits for the turn of a ticket of this login, as long as its validation may itself take: a burst passes, and a dead CAS
/// server does not pile up requests. `None` after that, and at once where too many wait.
pub(super) async fn admit(
    shared: &Shared,
    login: LoginValue,
    peer: Option<Peer>,
    id: SessionId,
) -> Option<Admitted> {
    let Validations {
        browsers, logins, ..
    } = &*shared.validations;
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
    timeout(shared.client.timeout(), admitted).await.ok()?
}

/// The same for a ticket that belongs to no login.
pub(super) async fn admit_program(shared: &Shared, peer: Option<Peer>) -> Option<Slot<Party>> {
    let party = peer.map_or(Party::Anybody, Party::Peer);
    let asked = shared.validations.programs.ask(party)?;
    timeout(shared.client.timeout(), asked.slot()).await.ok()?
}

/// How long a session is begun at most before it is open.
pub(super) fn lasts(shared: &Shared) -> Duration {
    shared.client.timeout() + OPENING
}

/// A ticket that may be validated.
pub(super) struct Question<B> {
    /// Free again as soon as the CAS server has answered.
    pub(super) slot: Slot<Party>,
    pub(super) ticket: ServiceTicket,
    pub(super) service: ServiceUrl,
    /// It counts only with fresh credentials.
    pub(super) is_renewed: bool,
    /// The session that it may open.
    pub(super) begun: B,
    /// The login that it is of.
    pub(super) member: Option<Member>,
}

/// What the CAS server made of a ticket, and the session that it may open.
pub(super) struct Validation<B> {
    pub(super) begun: B,
    pub(super) result: Result<Validated, ValidationError>,
}

pub(super) struct Validated {
    pub(super) authentication: Authentication,
    /// With what the app gets proxy tickets for the user, where it asked for that.
    pub(super) granting_ticket: Option<ProxyGrantingTicket>,
}

/// A validation under way. It goes on to its end if this is dropped: the CAS server is at work for it, whoever has gone
/// away, and until it has answered the slot is not free.
pub(super) struct Running<B>(JoinHandle<Validation<B>>);

impl<B: Send + 'static> Question<B> {
    /// Asks the CAS server whose ticket this is.
    pub(super) fn ask(self, shared: &Arc<Shared>) -> Running<B> {
        let shared = Arc::clone(shared);
        Running::new(async move {
            let _member = self.member;
            let (ticket, service) = (&self.ticket, &self.service);
            let result = validate(&shared, self.slot, self.is_renewed, ticket, service).await;
            Validation {
                begun: self.begun,
                result,
            }
        })
    }
}

impl<B: Send + 'static> Running<B> {
    pub(super) fn new(validation: impl Future<Output = Validation<B>> + Send + 'static) -> Self {
        let validation = validation.in_current_span().with_current_subscriber();
        Self(tokio::spawn(validation))
    }

    /// It is not to be asked for again.
    pub(super) async fn end(&mut self) -> End<B> {
        End((&mut self.0).await)
    }
}

/// How a validation ended.
pub(super) struct End<B>(Result<Validation<B>, JoinError>);

impl<B> End<B> {
    /// `None` if the runtime stopped before. A panic goes on here, as it would without a task between.
    pub(super) fn validation(self) -> Option<Validation<B>> {
        match self.0.map_err(JoinError::try_into_panic) {
            Ok(validation) => Some(validation),
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => None,
        }
    }
}

async fn validate(
    shared: &Shared,
    slot: Slot<Party>,
    is_renewed: bool,
    ticket: &ServiceTicket,
    service: &ServiceUrl,
) -> Result<Validated, ValidationError> {
    let client = &shared.client;
    let asking = granting::ask(shared).await;
    let span = validation_span(client.protocol());
    let validated = async {
        let started = Instant::now();
        let validated = if is_renewed {
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
