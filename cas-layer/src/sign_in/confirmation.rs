//! A sign-in as somebody who is new to the browser, where the service URL is bare: it counts once its user has
//! confirmed it by name.
//!
//! Nothing in a bare URL says for which login a ticket is, so another site can have a browser that has begun one come back
//! with a ticket of its own. What has to be told apart is only whether its user knows the name. Until then nobody is signed in:
//! the session lies sealed in the form on the page, and the form counts in this browser alone, whose login
//! cookie has the same random value, when it comes from a page of this app.

use std::sync::Arc;

use bytes::Bytes;
use form_urlencoded::parse;
use http::{Request, Response, StatusCode};

use super::{begin, callback::Entrant};
use crate::{
    address::LoginKind,
    answer,
    app::Shared,
    clock::UnixSeconds,
    events::{Refused, RefusedReason},
    pages::{ANSWER, CONTINUE, Confirmation, OTHER, Page, PageKind, SEALED},
    paths::ReturnPath,
    protocol::LogoutRequest,
    registry::{Begun, LogoutSender, Opened, RegistryError},
    session::{Confirmations, Identity, LoginValue, SessionData, SessionId, Unconfirmed, WAIT},
    user::Place,
    visit::{
        Visit, Visitor,
        navigation::{is_framed, is_same_origin},
    },
};

/// The most bytes that the sealed part of the form may have, so that the form can be read again.
const MAX_SEALED: usize = LogoutRequest::MAX_BYTES - 1024;

impl Entrant {
    /// What a sign-in of this user is confirmed with; `None` if it need not be, as the browser has had them signed in last
    /// or still has.
    pub(super) fn who_asks<'s>(&self, shared: &'s Shared, user: &str) -> Option<&'s Confirmations> {
        let confirmations = shared.confirmations.as_ref()?;
        let is_here = self.current.as_ref().is_some_and(|it| it.name() == user);
        let known = self.binding.known();
        let is_known = is_here || known.is_some_and(|tag| confirmations.is_tag_of(user, tag));
        (!is_known).then_some(confirmations)
    }

    /// Asks the user whether it is them. The registry has to hear a logout meanwhile, so the session is open there for as
    /// long as the answer is waited for.
    pub(super) async fn ask(
        &mut self,
        shared: &Shared,
        confirmations: &Confirmations,
        begun: Begun,
        identity: Identity,
        now: UnixSeconds,
    ) -> Response<Bytes> {
        let id = identity.id;
        if !self.wants_page {
            let reason = RefusedReason::NotConfirmed;
            shared.tell(Refused::new(reason).signing_in(identity.user(), id));
            return self.page(shared, PageKind::ConfirmationNeeded, StatusCode::FORBIDDEN);
        }
        let until = identity.expires_at.min(now.saturating_add(WAIT));
        let session = match begun.open(until, now).await {
            // By the number it is known that all sessions of the user were ended meanwhile.
            Ok(Opened::Live { number }) => identity.open(number),
            Ok(Opened::Ended) => {
                let reason = RefusedReason::SignedOutMeanwhile;
                return self.refused(shared, reason, identity.user(), id);
            }
            Err(error) => return self.registry_failed(shared, &error),
        };
        match self
            .question(shared, confirmations, session, until, now)
            .await
        {
            Ok(page) => self.render(shared, &page),
            Err(answer) => {
                shared.take_back(vec![id], now).await;
                *answer
            }
        }
    }

    /// The page with the question, or what there is instead.
    async fn question(
        &mut self,
        shared: &Shared,
        confirmations: &Confirmations,
        session: SessionData,
        until: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Page, Box<Response<Bytes>>> {
        let user = session.user().to_owned();
        let id = session.id;
        let mut value = LoginValue::default();
        let is_random = getrandom::fill(&mut value).is_ok();
        let unconfirmed = Unconfirmed {
            value,
            next: self.next.as_ref().map(|next| next.as_str().to_owned()),
            session,
        };
        let sealed = confirmations.seal(&unconfirmed, now).filter(|_| is_random);
        let not_asked = |reason, kind| {
            shared.tell(Refused::new(reason).signing_in(&user, id));
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Box::new(self.page(shared, kind, status))
        };
        let Some(sealed) = sealed else {
            return Err(not_asked(
                RefusedReason::InternalError,
                PageKind::InternalError,
            ));
        };
        if sealed.len() > MAX_SEALED {
            return Err(not_asked(
                RefusedReason::SessionTooLarge,
                PageKind::SessionTooLarge,
            ));
        }
        for name in unconfirmed.names() {
            if let Err(error) = open(shared, name, until, now).await {
                shared.take_back(unconfirmed.names(), now).await;
                return Err(self.registry_failed(shared, &error).into());
            }
        }
        self.binding.wait(value, now);
        let (place, next) = (self.place, self.next.as_ref());
        let action = place.confirmation_path(shared, next);
        let link = place.renewal_link(shared, next);
        let page = Page::new(PageKind::ConfirmationNeeded, StatusCode::OK, link);
        Ok(page.with_confirmation(Confirmation::new(&user, action, sealed)))
    }

    /// The user says that it is them.
    async fn confirm(&mut self, shared: &Arc<Shared>, unconfirmed: Unconfirmed) -> Response<Bytes> {
        let Unconfirmed {
            value, mut session, ..
        } = unconfirmed;
        let (id, now) = (session.id, shared.clock.now());
        let granting_ticket = session.granting_ticket.take();
        // Of all who send this form one is told that it is the first.
        let confirmation = SessionId::of_confirmation(&value);
        let is_first = match shared
            .registry
            .end_if_opened(vec![confirmation], LogoutSender::app(), now)
            .await
        {
            Ok(ended) => ended.contains(&confirmation),
            Err(error) => return self.registry_failed(shared, &error),
        };
        if !is_first {
            return self.refused(shared, RefusedReason::NotConfirmed, session.user(), id);
        }
        let is_over = shared.lifetimes.is_over(&session, now);
        let opened = if is_over || shared.registry.is_ended(&shared.registered(&session)) {
            Ok(Opened::Ended)
        } else {
            open(shared, id, session.expires_at, now).await
        };
        match opened {
            // The number stays that of the first opening.
            Ok(Opened::Live { .. }) => self.enter(shared, session, granting_ticket, now).await,
            Ok(Opened::Ended) => {
                let reason = RefusedReason::SignedOutMeanwhile;
                self.refused(shared, reason, session.user(), id)
            }
            Err(error) => self.registry_failed(shared, &error),
        }
    }
}

/// Opens a session, or lets an open one last longer.
async fn open(
    shared: &Shared,
    id: SessionId,
    expires_at: UnixSeconds,
    now: UnixSeconds,
) -> Result<Opened, RegistryError> {
    let begun = Begun::new(&shared.registry, id, shared.begun_for()).await?;
    begun.open(expires_at, now).await
}

/// What becomes of an answer to the question.
enum Judged {
    Answer(Response<Bytes>),
    Confirmed(Box<(Entrant, Unconfirmed)>),
    /// The user is somebody else. The sign-in ends, and the response leads to another one.
    Declined(Box<SessionData>, Vec<SessionId>, Response<Bytes>),
}

/// The answer to a posted form with somebody's answer.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    place: Place,
    request: &Request<()>,
    form: &[u8],
) -> Response<Bytes> {
    let (judged, now) = {
        let visit = match place {
            Place::Endpoint => Visit::of(request, shared),
            Place::Page | Place::Request => Visit::in_place(request, shared),
        };
        let judged = match judge(shared, &visit, form) {
            Judged::Answer(answer) => {
                Judged::Answer(answer::clear_if_ended(shared, &visit, answer))
            }
            judged => judged,
        };
        (judged, visit.now)
    };
    match judged {
        Judged::Answer(response) => response,
        Judged::Confirmed(confirmed) => {
            let (mut entrant, unconfirmed) = *confirmed;
            let response = entrant.confirm(shared, unconfirmed).await;
            entrant.leave(shared, response)
        }
        Judged::Declined(session, ids, response) => {
            let reason = RefusedReason::NotConfirmed;
            shared.tell(Refused::new(reason).signing_in(session.user(), session.id));
            // Should this fail, the browser does not confirm it any more.
            shared.take_back(ids, now).await;
            response
        }
    }
}

fn judge(shared: &Shared, visit: &Visit<'_>, form: &[u8]) -> Judged {
    if !is_same_origin(shared.app.origin(), visit.headers) || is_framed(visit.headers) {
        shared.tell(Refused::new(RefusedReason::ForeignConfirmation));
        let foreign = answer::text(StatusCode::FORBIDDEN, "not from a page of this app");
        return Judged::Answer(foreign);
    }
    if matches!(visit.visitor, Visitor::Unverified(_)) {
        return Judged::Answer(begin::not_current(shared, visit));
    }
    let Some((unconfirmed, is_them)) = read(shared, form) else {
        return Judged::Answer(refused(shared, visit, None));
    };
    let next = unconfirmed.next.as_deref().and_then(ReturnPath::parse);
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    if !binding.take_waiting(&unconfirmed.value) {
        // A second click finds the user signed in by the first.
        return Judged::Answer(match visit.user() {
            Some(_) => begin::go_on(shared, visit, next.as_ref()),
            None => refused(shared, visit, next.as_ref()),
        });
    }
    if is_them {
        let entrant = Entrant::of(visit, next, LoginKind::default(), binding);
        return Judged::Confirmed(Box::new((entrant, unconfirmed)));
    }
    let kind = LoginKind {
        is_renewed: true,
        ..LoginKind::default()
    };
    let response = begin::begin_with(shared, visit, next.as_ref(), kind, binding);
    let mut ids = unconfirmed.names();
    ids.push(unconfirmed.session.id);
    Judged::Declined(Box::new(unconfirmed.session), ids, response)
}

/// What waits, and whether the user says that it is them. `None` for a form that is not one of ours, whole.
fn read(shared: &Shared, form: &[u8]) -> Option<(Unconfirmed, bool)> {
    let only = |wanted: &str| {
        let mut values = parse(form)
            .filter(|(name, _)| name == wanted)
            .map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    };
    let is_them = match &*only(ANSWER)? {
        CONTINUE => true,
        OTHER => false,
        _ => return None,
    };
    let confirmations = shared.confirmations.as_ref()?;
    Some((confirmations.open(&only(SEALED)?)?, is_them))
}

fn refused(shared: &Shared, visit: &Visit<'_>, next: Option<&ReturnPath>) -> Response<Bytes> {
    shared.tell(Refused::new(RefusedReason::NotConfirmed));
    let link = visit.place.login_link(shared, next);
    let page = Page::new(PageKind::SignInRefused, StatusCode::FORBIDDEN, link);
    answer::page(shared, visit, &page)
}
