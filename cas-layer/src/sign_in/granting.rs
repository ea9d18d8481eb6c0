//! Proxy-granting tickets: from the CAS server's callback to the session that they are for (CAS protocol 2.5.4).

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};

use crate::{
    admission::Source,
    answer::Answer,
    app::{Granting, Host, Label},
    client::GrantWish,
    clock::UnixSeconds,
    events::{Event, GrantOutcome, ProxyCallbackOutcome},
    protocol::{Authentication, InvalidProxyCallback, ProxyCallback, ProxyGrantingTicket},
    registry::{
        Begun, Delivered, Expected, IouId, Item, Opened, ProxyGrants, RegistryError, Sealed,
        SessionStorage,
    },
    session::{Identity, NoCookie, SessionData, SessionId},
    visit::Visit,
};

/// How late the callback may be. By the protocol it comes while the ticket is validated. But it may come to another
/// node, and some servers send it a little later.
const PATIENCE: Duration = Duration::from_secs(2);

/// The CAS server's request of the proxy callback, with or without a pair.
pub(crate) struct Call {
    method: Method,
    source: Source,
    read: Result<ProxyCallback, InvalidProxyCallback>,
    now: UnixSeconds,
}

impl Call {
    pub(crate) fn of(host: &Host, visit: &Visit<'_>) -> Self {
        let address = host.app.peers.address(visit.extensions);
        let granting = host.app.granting.as_ref();
        Self {
            method: visit.method.clone(),
            source: granting.map_or(Source::Unknown, |granting| granting.source(address)),
            read: ProxyCallback::parse(visit.uri.query().unwrap_or_default()),
            now: visit.now,
        }
    }

    pub(crate) async fn run(self, host: &Host) -> Answer {
        let refused = match self.source {
            Source::Listed => None,
            Source::Unlisted => Some(ProxyCallbackOutcome::SourceRefused),
            Source::Unknown => Some(ProxyCallbackOutcome::SourceUnknown),
        };
        if let Some(outcome) = refused {
            host.tell(Event::ProxyCallback(outcome));
            return Answer::text(StatusCode::FORBIDDEN, "not a source of proxy callbacks");
        }
        match (self.method, self.read) {
            (Method::GET, Ok(ProxyCallback::Pair { ticket, iou })) => {
                let iou = IouId::of(iou.expose_secret());
                let delivered = deliver(host, iou, &ticket, self.now).await;
                host.tell(Event::ProxyCallback(match &delivered {
                    Ok(Delivered::Kept) => ProxyCallbackOutcome::Kept,
                    Ok(Delivered::Twice) => ProxyCallbackOutcome::Twice,
                    Ok(Delivered::Unexpected) => ProxyCallbackOutcome::Unexpected,
                    Ok(Delivered::Full) => ProxyCallbackOutcome::Full,
                    Err(error) => ProxyCallbackOutcome::NotTaken(error),
                }));
                // Always 200, whatever happened to the pair: without a 200 some servers refuse the sign-in itself,
                // and no stranger must be able to cause that. A stranger also learns nothing from it.
                Answer::ok()
            }
            (Method::GET, Ok(ProxyCallback::Probe)) | (Method::HEAD, _) => Answer::ok(),
            (Method::GET, Err(error)) => {
                let outcome = ProxyCallbackOutcome::Malformed(&error);
                host.tell(Event::ProxyCallback(outcome));
                Answer::text(StatusCode::BAD_REQUEST, error.to_string())
            }
            _ => Answer::method_not_allowed("GET, HEAD, POST"),
        }
    }
}

async fn deliver(
    host: &Host,
    iou: IouId,
    ticket: &ProxyGrantingTicket,
    now: UnixSeconds,
) -> Result<Delivered, RegistryError> {
    let Some(grants) = grants(host) else {
        return Ok(Delivered::Unexpected);
    };
    let ticket = ticket.expose_secret().as_bytes();
    match host.app.vault.seal(ticket, Label::Pair(iou)) {
        Some(sealed) => grants.deliver(iou, sealed, now).await,
        // Without random bytes nothing is sealed, and nothing is kept.
        None => Ok(Delivered::Full),
    }
}

fn grants(host: &Host) -> Option<&dyn ProxyGrants> {
    host.app
        .granting
        .as_ref()
        .and_then(|_| host.app.registry.proxy_grants())
}

/// The registry, if it keeps the proxy-granting tickets of sessions.
fn storage(host: &Host) -> Option<&dyn SessionStorage> {
    host.app
        .granting
        .as_ref()
        .filter(|granting| granting.in_registry)
        .and_then(|_| host.app.registry.storage())
}

/// What was sealed here as a proxy-granting ticket.
fn opened(host: &Host, sealed: &Sealed, label: Label) -> Option<ProxyGrantingTicket> {
    let ticket = host.app.vault.open(sealed, label)?;
    ProxyGrantingTicket::parse(str::from_utf8(&ticket).ok()?).ok()
}

/// A validation that asks for a proxy-granting ticket, while it is under way.
pub(crate) struct Asking<'s> {
    grants: &'s dyn ProxyGrants,
    _expected: Expected,
}

/// Makes the registry expect a pair. `None` if the app asks for none. A failure of the registry does not stop the
/// sign-in.
pub(crate) async fn ask(host: &Host) -> Option<Asking<'_>> {
    let is_called = |granting: &Granting| granting.by_callback && host.client.asks_for_grants();
    let grants = grants(host).filter(|_| host.app.granting.as_ref().is_some_and(is_called))?;
    let lasts = host.begun_for();
    match grants.expect(lasts, host.app.clock.now()).await {
        Ok(expected) => Some(Asking {
            grants,
            _expected: expected,
        }),
        Err(error) => {
            host.tell(Event::Grant(GrantOutcome::RegistryFailed(&error)));
            None
        }
    }
}

/// The proxy-granting ticket of a user for whom the CAS server has vouched, if it gave one: as an attribute, or else by the
/// callback. The attribute is in the answer to this very ticket, so it counts more.
pub(crate) async fn obtain(
    host: &Host,
    wish: GrantWish,
    asking: Option<Asking<'_>>,
    authentication: &Authentication,
) -> Option<ProxyGrantingTicket> {
    let granting = host.app.granting.as_ref();
    let granting = granting.filter(|_| wish != GrantWish::NotWanted)?;
    let released = authentication.released().granting_ticket.as_ref();
    if let Some(Ok(ticket)) = released {
        host.tell(Event::Grant(GrantOutcome::Given));
        return Some(ticket.clone());
    }
    if let Some(Err(unreadable)) = released {
        host.tell(Event::Grant(GrantOutcome::Unreadable(*unreadable)));
        authentication.proxy_granting_ticket_iou()?;
    }
    let is_missed = wish == GrantWish::GivenUp
        || (!granting.by_callback && released.is_none() && host.client.asks_for_grants());
    if let Some(asking) = asking {
        return asking.collect(host, authentication).await;
    }
    if is_missed {
        host.tell(Event::Grant(GrantOutcome::NotGiven));
    }
    None
}

impl Asking<'_> {
    /// The ticket that the CAS server brought for this user, if it did.
    async fn collect(
        self,
        host: &Host,
        authentication: &Authentication,
    ) -> Option<ProxyGrantingTicket> {
        let Some(iou) = authentication.proxy_granting_ticket_iou() else {
            host.tell(Event::Grant(GrantOutcome::NotGiven));
            return None;
        };
        let iou = IouId::of(iou.expose_secret());
        let collected = self
            .grants
            .collect(iou, PATIENCE, host.app.clock.now())
            .await;
        let outcome = match &collected {
            Ok(Some(_)) => GrantOutcome::Given,
            Ok(None) => GrantOutcome::NotDelivered,
            Err(error) => GrantOutcome::RegistryFailed(error),
        };
        host.tell(Event::Grant(outcome));
        opened(host, &collected.ok()??, Label::Pair(iou))
    }
}

/// Gives an open session its proxy-granting ticket, and makes single logout find that ticket too. If it fails, the
/// session goes on without the ticket.
pub(crate) async fn give(
    host: &Host,
    session: &mut SessionData,
    ticket: ProxyGrantingTicket,
    now: UnixSeconds,
) {
    let given = try_give(host, session, ticket, now).await;
    if let Err(error) = given {
        host.tell(Event::Grant(GrantOutcome::RegistryFailed(&error)));
    }
}

async fn try_give(
    host: &Host,
    session: &mut SessionData,
    ticket: ProxyGrantingTicket,
    now: UnixSeconds,
) -> Result<(), RegistryError> {
    if host.app.granting.is_none() {
        return Ok(());
    }
    let id = SessionId::of_granting(&ticket);
    let begun = Begun::new(&host.app.registry, id, host.begun_for()).await?;
    if begun.open(None, session.expires_at, now).await? == Opened::Ended {
        return Ok(());
    }
    let Some(storage) = storage(host) else {
        session.granting_ticket = Some(ticket);
        return Ok(());
    };
    let ticket = ticket.expose_secret().as_bytes();
    let label = Label::GrantingTicket(session.id);
    if let Some(sealed) = host.app.vault.seal(ticket, label) {
        let item = Item::GrantingTicket;
        storage.keep(session.id, item, sealed, now).await?;
    }
    Ok(())
}

/// The proxy-granting ticket of a session, unless one of the two has ended. A handler may hold a user for a long
/// time.
pub(crate) async fn of_session(
    host: &Host,
    session: &SessionData,
) -> Result<Granted, RegistryError> {
    let now = host.app.clock.now();
    if session.is_expired(now) || host.app.registry.is_ended(&host.registered(session)) {
        return Ok(Granted::Ended);
    }
    let ticket = match (&session.granting_ticket, storage(host)) {
        (Some(ticket), _) => Some(ticket.clone()),
        (None, Some(storage)) => {
            let kept = storage.kept(session.id, Item::GrantingTicket, now).await?;
            kept.and_then(|sealed| opened(host, &sealed, Label::GrantingTicket(session.id)))
        }
        (None, None) => None,
    };
    Ok(match ticket {
        None => Granted::None,
        Some(ticket) => {
            let id = SessionId::of_granting(&ticket);
            if host.app.registry.ended().contain_id(id) {
                Granted::Ended
            } else {
                Granted::Ticket(ticket)
            }
        }
    })
}

/// The same for a user without a session: only the proxy-granting ticket that came with the user's ticket is there.
pub(crate) fn of_ticket(host: &Host, identity: &Identity) -> Granted {
    if identity.is_expired(host.app.clock.now()) {
        return Granted::Ended;
    }
    match &identity.granting_ticket {
        Some(ticket) => Granted::Ticket(ticket.clone()),
        None => Granted::None,
    }
}

/// What a user needs to get proxy tickets.
pub(crate) enum Granted {
    None,
    Ended,
    Ticket(ProxyGrantingTicket),
}

/// The CAS server says that the ticket of a session is not valid.
pub(crate) async fn forget(host: &Host, session: &SessionData) {
    if let Some(storage) = storage(host) {
        // If it stays, it is refused again.
        let _ = storage.forget(session.id, Item::GrantingTicket).await;
    }
}

/// The cookie of a session. If a proxy-granting ticket would make it too large, the ticket is left out, so that the
/// user can still sign in.
pub(crate) fn cookie(
    host: &Host,
    session: &mut SessionData,
    now: UnixSeconds,
) -> Result<HeaderValue, NoCookie> {
    let written = host.session_cookie.write(session, now);
    match written {
        Err(NoCookie::TooLarge { .. }) if session.granting_ticket.take().is_some() => {
            host.tell(Event::Grant(GrantOutcome::TooLarge));
            host.session_cookie.write(session, now)
        }
        _ => written,
    }
}
