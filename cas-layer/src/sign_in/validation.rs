//! A ticket is shown to the CAS server.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::Response;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::granting;
#[cfg(feature = "jwt")]
use super::once;
use crate::{
    admission::{
        Heard, Member, PATIENCE, Party, Pass, Peer, Running, Turn, Unidentified, Validation,
        Validations,
    },
    answer::{Answer, Detail},
    app::Host,
    client::{CasClient, Demand, GrantWish, NodeChange, ValidationError, ValidationErrorKind},
    events::{Event, Refused, RefusedReason, validation_span},
    pages::PageKind,
    paths::ReturnPath,
    protocol::{Authentication, ProxyGrantingTicket, ServiceTicket, ServiceUrl},
    session::{Identity, LoginValue, Rejected, SessionId},
    turns::{Slot, Turns},
};

/// Leave to show a ticket to the CAS server.
pub(crate) struct Leave {
    slot: Slot<Party>,
    pass: Pass,
}

impl Leave {
    /// The CAS server was asked for something else, and now there is no ticket to show.
    pub(super) fn end(self, host: &Host, heard: Heard) {
        tell_breaker(host, self.pass, heard);
    }
}

/// Why a ticket is not shown to the CAS server. It is not used up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unasked {
    /// Too many wait.
    Busy,
    /// The CAS server has not answered for a while.
    CasAway,
}

impl Unasked {
    /// The page that says so, at once.
    pub(crate) fn answer(self, host: &Host, next: Option<&ReturnPath>) -> Answer {
        let (reason, kind, detail) = match self {
            Self::Busy => (RefusedReason::Busy, PageKind::Busy, Detail::Nothing),
            Self::CasAway => (
                RefusedReason::CasAway,
                PageKind::CasUnavailable,
                Detail::Away,
            ),
        };
        host.tell(Refused::new(reason));
        Answer::page_with(kind, next, detail)
    }
}

/// Which request may validate the ticket of a login.
pub(crate) enum Admitted {
    /// None: an earlier request with the same ticket got this answer.
    Answered(Response<Bytes>),
    /// A request that has gone away left its validation behind.
    TakesOver(Turn),
    Asks(Turn, Leave),
}

/// Waits for the turn of a ticket of this login: for other tickets of the login as long as their own identification may
/// take, and then for those of others as [`leave`] does.
pub(crate) async fn admit(
    host: &Host,
    login: LoginValue,
    peer: Option<Peer>,
    id: SessionId,
) -> Result<Admitted, Unasked> {
    let Validations {
        browsers, logins, ..
    } = &*host.validations;
    let own_turn = async {
        let mut turn = logins.turn(login).await?;
        if let Some(answer) = turn.answer_to(id) {
            return Some(Err(Admitted::Answered(answer)));
        }
        if turn.takes_over(id).await {
            return Some(Err(Admitted::TakesOver(turn)));
        }
        Some(Ok(turn))
    };
    let own_turn = timeout(host.identified_within(), own_turn).await;
    match own_turn.ok().flatten().ok_or(Unasked::Busy)? {
        Ok(turn) => {
            let party = peer.map_or(Party::Login(login), Party::Peer);
            let leave = leave(host, browsers, party).await?;
            Ok(Admitted::Asks(turn, leave))
        }
        Err(admitted) => Ok(admitted),
    }
}

/// The same for a ticket that belongs to no login.
pub(crate) async fn admit_program(host: &Host, peer: Option<Peer>) -> Result<Leave, Unasked> {
    let party = peer.map_or(Party::Anybody, Party::Peer);
    leave(host, &host.validations.programs, party).await
}

/// Waits for a turn, but not for long: a burst passes, and a CAS server that is slow or dead does not pile up requests.
/// Who cannot be served soon is told so at once, as far as that can be known.
async fn leave(host: &Host, turns: &Turns<Party>, party: Party) -> Result<Leave, Unasked> {
    let breaker = &host.validations.breaker;
    if breaker.says_no(party) {
        return Err(Unasked::CasAway);
    }
    let asked = turns.ask(party).ok_or(Unasked::Busy)?;
    let patience = PATIENCE.min(host.identified_within());
    let slot = timeout(patience, asked.slot()).await;
    let slot = slot.ok().flatten().ok_or(Unasked::Busy)?;
    // It may have gone away meanwhile.
    let pass = breaker.ask(party).ok_or(Unasked::CasAway)?;
    Ok(Leave { slot, pass })
}

/// A ticket that may be validated.
pub(crate) struct Question<B> {
    /// Its slot is free again as soon as the CAS server has answered, or the app, if it is asked too.
    pub(crate) leave: Leave,
    pub(crate) ticket: ServiceTicket,
    pub(crate) service: ServiceUrl,
    pub(crate) demand: Demand,
    /// The session that it may open.
    pub(crate) begun: B,
    /// The login that it belongs to.
    pub(crate) member: Option<Member>,
}

impl<B: Send + 'static> Question<B> {
    /// Asks the CAS server whose ticket this is, and then the app whether it admits the user.
    pub(crate) fn ask(self, host: &Arc<Host>) -> Running<B> {
        let host = Arc::clone(host);
        Running::new(async move {
            let _member = self.member;
            let (ticket, service) = (&self.ticket, &self.service);
            let validated = validate(&host, self.leave, self.demand, ticket, service)
                .await
                .map_err(Unidentified::NotValidated);
            #[cfg(feature = "jwt")]
            let validated = match validated {
                Ok(validated) => once::use_up(&host, ticket).await.map(|()| validated),
                refused => refused,
            };
            let result = match validated {
                Ok(validated) => {
                    let id = host.session_of(ticket);
                    let identified = identify(&host, validated, id, self.demand.is_renewed).await;
                    identified.map_err(Unidentified::Rejected)
                }
                Err(unidentified) => Err(unidentified),
            };
            Validation {
                begun: self.begun,
                result,
            }
        })
    }
}

/// Whoever asked the CAS server tells what they heard.
fn tell_breaker(host: &Host, pass: Pass, heard: Heard) {
    if let Some(change) = host.validations.breaker.tell(pass, heard) {
        host.tell(Event::CasServer(change));
    }
}

fn heard_of(client: &CasClient, result: Result<(), ValidationErrorKind>) -> Heard {
    match result {
        // One node is not the server: whoever comes next is sent to another.
        Err(ValidationErrorKind::TimedOut) if client.has_free_node() => Heard::NoConnection,
        Err(ValidationErrorKind::TimedOut) => Heard::Nothing,
        Err(ValidationErrorKind::Unreachable) => Heard::NoConnection,
        Ok(())
        | Err(
            ValidationErrorKind::Refused
            | ValidationErrorKind::ConditionsUnmet
            | ValidationErrorKind::Unreadable,
        ) => Heard::Answer,
    }
}

/// Somebody for whom the CAS server vouches.
struct Validated {
    authentication: Authentication,
    /// What the app needs to get proxy tickets for the user, if it asked for that.
    granting_ticket: Option<ProxyGrantingTicket>,
    /// Held while the app is asked, so that no user with many tickets takes up its whole database.
    slot: Option<Slot<Party>>,
}

async fn validate(
    host: &Host,
    Leave { slot, pass }: Leave,
    demand: Demand,
    ticket: &ServiceTicket,
    service: &ServiceUrl,
) -> Result<Validated, ValidationError> {
    let client = &host.client;
    let asking = if demand.grant == GrantWish::Asked {
        granting::ask(host).await
    } else {
        None
    };
    let span = validation_span(client.protocol());
    let validated = async {
        let started = Instant::now();
        let tell = |change: &NodeChange<'_>| host.tell(Event::CasNode(change));
        let validated = client.validate_as(demand, ticket, service, &tell).await;
        let heard = validated.as_ref().map(drop).map_err(ValidationError::kind);
        host.tell(Event::Validated {
            result: heard,
            took: started.elapsed(),
        });
        #[cfg(feature = "jwt")]
        let is_asked = !client.validates_here(ticket);
        #[cfg(not(feature = "jwt"))]
        let is_asked = true;
        // Whatever a token says, nobody has heard of the server.
        let heard = if is_asked {
            heard_of(client, heard)
        } else {
            Heard::NoConnection
        };
        tell_breaker(host, pass, heard);
        validated
    }
    .instrument(span)
    .await;
    let authentication = validated?;
    let slot = host.app.content.admit.as_ref().map(|_| slot);
    let granting_ticket = granting::obtain(host, demand.grant, asking, &authentication).await;
    if let Some(credential) = &authentication.released().credential {
        let result = credential.as_ref().map(drop).map_err(|reason| *reason);
        host.tell(Event::Credential(result));
    }
    Ok(Validated {
        authentication,
        granting_ticket,
        slot,
    })
}

/// The user under the app's name for them, if the app admits them, with the proxy-granting ticket that came along.
async fn identify(
    host: &Host,
    validated: Validated,
    id: SessionId,
    is_renewed: bool,
) -> Result<Identity, Rejected> {
    let app = &host.app;
    let authentication = Arc::new(validated.authentication);
    let content = app
        .content
        .of(&authentication, host.client.url(), app.clock.now())
        .await;
    drop(validated.slot);
    let content = content.inspect_err(|rejected| {
        host.tell(Refused::by(rejected).signing_in(authentication.user(), id));
    })?;
    let mut identity = Identity::new(content, id, is_renewed, app.clock.now(), &app.lifetimes);
    identity.granting_ticket = validated.granting_ticket;
    Ok(identity)
}
