//! Confirms a sign-in if the service URL is bare and the user is new to the browser: it counts only once the user has
//! confirmed the name.
//!
//! Nothing in a bare URL says which login a ticket is for. So another site can make a browser that has begun a login
//! come back with a ticket of its own. The user can tell only by the name whether the sign-in is theirs. Until then
//! nobody is signed in: the session is sealed in the form on the page. The form is valid only in this browser, whose
//! login cookie has the same random value, and only from a page of this app.

use std::sync::Arc;

use bytes::Bytes;
use form_urlencoded::parse;
use http::{Request, Response, StatusCode};

use super::{
    Entrant, Login, decision,
    opening::{self, NotOpened},
};
use crate::{
    address::LoginKind,
    answer::{Answer, Detail, Reader},
    app::Host,
    clock::UnixSeconds,
    events::{Refused, RefusedReason},
    pages::{ANSWER, CONTINUE, Confirmation, OTHER, PageKind, SEALED},
    paths::ReturnPath,
    protocol::{LoginPage, LogoutRequest},
    registry::{Begun, LogoutSender, Opened, RegistryError},
    session::{Confirmations, Identity, LoginValue, SessionData, SessionId, Unconfirmed, WAIT},
    user::Place,
    visit::{
        Visit, Visitor,
        navigation::{is_framed, opens_frame},
    },
};

/// The most bytes that the sealed part of the form may have, so that the form can be read again.
const MAX_SEALED: usize = LogoutRequest::MAX_BYTES - 1024;

impl Entrant {
    /// The confirmation that a sign-in of this user needs. `None` if it needs none, because this user signed in last
    /// in the browser, or is still signed in there.
    pub(super) fn who_asks<'s>(&self, host: &'s Host, user: &str) -> Option<&'s Confirmations> {
        let confirmations = host.confirmations.as_ref()?;
        let is_here = self.current.as_ref().is_some_and(|it| it.name() == user);
        let known = self.binding.known();
        let is_known = is_here || known.is_some_and(|tag| confirmations.is_tag_of(user, tag));
        (!is_known).then_some(confirmations)
    }

    /// Asks the user whether it is them. The registry has to hear a logout meanwhile, so the session stays open there
    /// while the layer waits for the answer.
    pub(super) async fn ask(
        &mut self,
        host: &Host,
        confirmations: &Confirmations,
        begun: Begun,
        identity: Identity,
        now: UnixSeconds,
    ) -> Answer {
        if !self.reader.wants_page {
            let reason = RefusedReason::NotConfirmed;
            host.tell(Refused::new(reason).signing_in(identity.user(), identity.id));
            return self.page(PageKind::ConfirmationNeeded);
        }
        let until = identity.expires_at.min(now.saturating_add(WAIT));
        // Nobody has signed in yet, so the session is of no family.
        let mut session = match begun.open(None, until, now).await {
            // The number shows whether all sessions of the user were ended meanwhile.
            Ok(Opened::Live { number }) => identity.open(number),
            Ok(Opened::Ended) => {
                return self.refused(host, RefusedReason::SignedOutMeanwhile, &identity);
            }
            Err(error) => return self.registry_failed(host, &error),
        };
        let id = session.id;
        if let Err(reason) = opening::stow(host, &mut session, now).await {
            host.take_back(vec![id], now).await;
            let identity = session.into_identity();
            return self.not_opened(host, &NotOpened { identity, reason });
        }
        match self.wait(host, confirmations, session, until, now).await {
            Ok(question) => {
                let (kind, question) = (PageKind::ConfirmationNeeded, Detail::Question(question));
                Answer::page_with(kind, self.next.as_ref(), question)
            }
            Err(answer) => {
                host.take_back(vec![id], now).await;
                answer
            }
        }
    }

    /// Lets the session wait for an answer to the question that can be read back, or returns the error.
    async fn wait(
        &mut self,
        host: &Host,
        confirmations: &Confirmations,
        session: SessionData,
        until: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Confirmation, Answer> {
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
            host.tell(Refused::new(reason).signing_in(&user, id));
            self.page(kind)
        };
        let Some(sealed) = sealed else {
            let kind = PageKind::InternalError;
            return Err(not_asked(RefusedReason::InternalError, kind));
        };
        if sealed.len() > MAX_SEALED {
            let kind = PageKind::SessionTooLarge;
            return Err(not_asked(RefusedReason::SessionTooLarge, kind));
        }
        for name in unconfirmed.names() {
            if let Err(error) = open(host, name, None, until, now).await {
                host.take_back(unconfirmed.names(), now).await;
                return Err(self.registry_failed(host, &error));
            }
        }
        self.binding.wait(value, now);
        let place = self.reader.place;
        let action = place.confirmation_path(host, self.next.as_ref());
        Ok(Confirmation::new(&user, action, sealed))
    }

    /// The user says that it is them.
    async fn confirm(&mut self, host: &Arc<Host>, unconfirmed: Unconfirmed) -> Answer {
        let Unconfirmed { value, session, .. } = unconfirmed;
        let (id, now) = (session.id, host.app.clock.now());
        // If several requests send this form, only one of them is the first.
        let confirmation = SessionId::of_confirmation(&value);
        let is_first = match host
            .app
            .registry
            .end_if_opened(vec![confirmation], LogoutSender::app(), now)
            .await
        {
            Ok(ended) => ended.contains(&confirmation),
            Err(error) => return self.registry_failed(host, &error),
        };
        if !is_first {
            return self.refused(host, RefusedReason::NotConfirmed, &session);
        }
        let opened = if host.app.lifetimes.is_over(&session, now)
            || host.app.registry.is_ended(&host.registered(&session))
        {
            Ok(Opened::Ended)
        } else {
            open(host, id, session.family, session.expires_at, now).await
        };
        match opened {
            // The number stays that of the first opening.
            Ok(Opened::Live { .. }) => {
                match opening::establish(host, session, self.reader.place, now).await {
                    Ok(opening) => self.enter(host, opening, now).await,
                    Err(not_opened) => self.not_opened(host, &not_opened),
                }
            }
            // Only a bare service URL asks for a confirmation. It says nothing of the browser, so no family has ended.
            Ok(Opened::Ended) => self.refused(host, RefusedReason::SignedOutMeanwhile, &session),
            Err(error) => self.registry_failed(host, &error),
        }
    }
}

/// Opens a session, or lets an open one last longer.
async fn open(
    host: &Host,
    id: SessionId,
    family: Option<SessionId>,
    expires_at: UnixSeconds,
    now: UnixSeconds,
) -> Result<Opened, RegistryError> {
    let begun = Begun::new(&host.app.registry, id, host.begun_for()).await?;
    begun.open(family, expires_at, now).await
}

/// What happens after an answer to the question.
enum Judged {
    Answer(Answer),
    Refuse(RefusedReason, Answer),
    Confirmed(Box<(Entrant, Unconfirmed)>),
    /// The user is somebody else. The sign-in ends, and another one begins.
    Declined(Box<(Unconfirmed, Login)>),
}

/// The response to a posted form with an answer.
pub(crate) async fn answer(
    host: &Arc<Host>,
    place: Place,
    request: &Request<()>,
    form: &[u8],
) -> Response<Bytes> {
    let now = host.app.clock.now();
    let visitor = Visitor::of_endpoint(request, host, place, now);
    let (answer, reader, declined, now) = {
        let visit = Visit::by(request, place, visitor, now);
        let reader = Reader::of(host, &visit);
        match judge(host, &visit, form) {
            Judged::Answer(answer) => return answer.render(host, &reader),
            Judged::Refuse(reason, answer) => {
                host.tell(Refused::new(reason));
                return answer.render(host, &reader);
            }
            Judged::Confirmed(confirmed) => return confirm(host, *confirmed).await,
            Judged::Declined(declined) => {
                let (declined, login) = *declined;
                let answer = login.begin(host, &visit);
                (
                    answer,
                    Reader::never_clearing(host, &visit),
                    declined,
                    visit.now,
                )
            }
        }
    };
    let session = &declined.session;
    let refused = Refused::new(RefusedReason::NotConfirmed);
    host.tell(refused.signing_in(session.user(), session.id));
    let mut ids = declined.names();
    ids.push(session.id);
    // Should this fail, the browser does not confirm it any more.
    host.take_back(ids, now).await;
    answer.render(host, &reader)
}

async fn confirm(host: &Arc<Host>, confirmed: (Entrant, Unconfirmed)) -> Response<Bytes> {
    let (mut entrant, unconfirmed) = confirmed;
    let answer = entrant.confirm(host, unconfirmed).await;
    entrant.leave(host, answer)
}

fn judge(host: &Host, visit: &Visit<'_>, form: &[u8]) -> Judged {
    let may_be_framed = host.app.frames.is_some() && opens_frame(visit.headers);
    let is_trapped = is_framed(visit.headers) && !may_be_framed;
    if !visit.is_same_origin(host) || is_trapped {
        let foreign = Answer::text(StatusCode::FORBIDDEN, "not from a page of this app");
        return Judged::Refuse(RefusedReason::ForeignConfirmation, foreign);
    }
    if visit.is_unverified() {
        return Judged::Answer(decision::not_current(host, visit));
    }
    let refused = |next: Option<&ReturnPath>| {
        let answer = Answer::page(PageKind::SignInRefused, next);
        Judged::Refuse(RefusedReason::NotConfirmed, answer)
    };
    let Some((unconfirmed, is_them)) = read(host, form) else {
        return refused(None);
    };
    let next = unconfirmed.next.as_deref().and_then(ReturnPath::parse);
    let mut binding = visit.binding(host);
    if !binding.take_waiting(&unconfirmed.value) {
        // A second click finds the user signed in by the first.
        return match visit.user() {
            Some(_) => Judged::Answer(Answer::go_on(next.as_ref())),
            None => refused(next.as_ref()),
        };
    }
    if is_them {
        let entrant = Entrant::of(host, visit, next, LoginKind::default(), binding);
        return Judged::Confirmed(Box::new((entrant, unconfirmed)));
    }
    let login = Login {
        next,
        kind: LoginKind::RENEWED,
        binding: Some(binding),
        page: LoginPage::default(),
    };
    Judged::Declined(Box::new((unconfirmed, login)))
}

/// What waits, and whether the user says that it is them. `None` for a form that is not one of ours, or not complete.
fn read(host: &Host, form: &[u8]) -> Option<(Unconfirmed, bool)> {
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
    let confirmations = host.confirmations.as_ref()?;
    Some((confirmations.open(&only(SEALED)?)?, is_them))
}
