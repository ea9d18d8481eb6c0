//! A ticket comes back: it is validated, and a session opens.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{
    granting,
    validation::{self, Admitted, Question},
};
use crate::{
    address::LoginKind,
    admission::{Member, Party, Peer, Turn, Validated, Validation},
    answer::{self, render},
    app::Shared,
    client::{ValidationError, ValidationErrorKind},
    clock::UnixSeconds,
    events::{Event, Refused, RefusedReason, SignOutCause},
    pages::{Page, PageKind},
    paths::ReturnPath,
    protocol::{ProxyGrantingTicket, ServiceTicket, ServiceUrl},
    registry::{Begun, Opened, RegistryError, RegistryErrorKind},
    seldom::{Seldom, seldom},
    session::{
        Binding, Identity, LoginValue, NoCookie, Rejected, Remembered, SessionData, SessionId,
    },
    turns::Slot,
    user::{CasUser, Place},
    visit::Visit,
};

/// A ticket from the browser that began the login.
#[derive(Debug)]
pub(crate) struct Callback {
    pub(crate) ticket: ServiceTicket,
    pub(crate) service: ServiceUrl,
    /// The login that it is for.
    pub(crate) login: LoginValue,
    /// Whose browser it is, as far as addresses tell.
    pub(crate) peer: Option<Peer>,
    pub(crate) entrant: Entrant,
}

/// Who is signing in, as far as their request shows, and where that leads.
#[derive(Debug)]
pub(crate) struct Entrant {
    pub(super) place: Place,
    kind: LoginKind,
    pub(super) next: Option<ReturnPath>,
    /// The browser's login binding, from which this login has been taken out.
    pub(super) binding: Binding,
    /// The session that the browser has already, unused for too long or not.
    pub(super) current: Option<CasUser>,
    /// The session that it had when the login began, if it cannot show it now: a `POST` from another site comes
    /// without `Lax` cookies.
    remembered: Option<Remembered>,
    /// Whether the session that it shows is live.
    signed_in: bool,
    pub(super) wants_page: bool,
    /// The status of a redirect.
    onward: StatusCode,
}

impl Callback {
    pub(crate) async fn run(mut self, shared: &Arc<Shared>) -> Response<Bytes> {
        let id = SessionId::of(&self.ticket);
        let (mut turn, slot) = match validation::admit(shared, self.login, self.peer, id).await {
            Some(Admitted::Answered(answer)) => return answer,
            Some(Admitted::TakesOver(turn)) => (turn, None),
            Some(Admitted::Asks(turn, slot)) => (turn, Some(slot)),
            None => {
                let refusal = self.entrant.turned_away(shared);
                return self.entrant.leave(shared, refusal);
            }
        };
        let response = self.sign_in(shared, &mut turn, slot, id).await;
        let response = self.entrant.leave(shared, response);
        turn.answered(id, &response);
        response
    }

    /// Without a slot the CAS server is being asked already.
    async fn sign_in(
        &mut self,
        shared: &Arc<Shared>,
        turn: &mut Turn,
        slot: Option<Slot<Party>>,
        id: SessionId,
    ) -> Response<Bytes> {
        if let Some(slot) = slot {
            let begun = Begun::new(&shared.registry, id, shared.begun_for()).await;
            match begun {
                Ok(begun) => turn.ask(id, |member| self.question(slot, begun, member).ask(shared)),
                Err(error) => return self.entrant.registry_failed(shared, &error),
            }
        }
        let Some(Validation { begun, result }) = turn.outcome().await else {
            return self.entrant.turned_away(shared);
        };
        match result {
            Ok(validated) => self.entrant.open(shared, begun, id, validated).await,
            Err(error) => self.entrant.failed(shared, &error),
        }
    }

    fn question(&self, slot: Slot<Party>, begun: Begun, member: Member) -> Question<Begun> {
        Question {
            slot,
            ticket: self.ticket.clone(),
            service: self.service.clone(),
            is_renewed: self.entrant.kind.is_renewed,
            begun,
            member: Some(member),
        }
    }
}

impl Entrant {
    pub(super) fn of(
        visit: &Visit<'_>,
        next: Option<ReturnPath>,
        kind: LoginKind,
        binding: Binding,
    ) -> Self {
        Self {
            place: visit.place,
            kind,
            next,
            remembered: binding.remembered().filter(|_| visit.is_post()),
            binding,
            current: visit.owner().cloned(),
            signed_in: visit.user().is_some(),
            wants_page: visit.wants_page(),
            onward: visit.onward(),
        }
    }

    /// The answer, with what has become of the browser's binding.
    pub(super) fn leave(self, shared: &Shared, mut response: Response<Bytes>) -> Response<Bytes> {
        answer::add_cookie(
            &mut response,
            self.place.login_cookie(shared, &self.binding),
        );
        response
    }

    /// The CAS server vouches for the user.
    async fn open(
        &mut self,
        shared: &Arc<Shared>,
        begun: Begun,
        id: SessionId,
        validated: Validated,
    ) -> Response<Bytes> {
        let now = shared.clock.now();
        let user_name = validated.authentication.user();
        let content = match shared
            .content
            .of(&validated.authentication, shared.client.url())
        {
            Ok(content) => content,
            Err(rejected) => {
                shared.tell(Refused::by(&rejected).signing_in(user_name, id));
                return self.rejected(shared, &rejected);
            }
        };
        let mut identity = Identity::new(content, id, self.kind.is_renewed, now, &shared.lifetimes);
        if let Some(confirmations) = self.who_asks(shared, identity.user()) {
            identity.granting_ticket = validated.granting_ticket;
            return self.ask(shared, confirmations, begun, identity, now).await;
        }
        let session = match begun.open(identity.expires_at, now).await {
            Ok(Opened::Live { number }) => identity.open(number),
            Ok(Opened::Ended) => {
                let reason = RefusedReason::SignedOutMeanwhile;
                return self.refused(shared, reason, user_name, id);
            }
            Err(error) => return self.registry_failed(shared, &error),
        };
        self.enter(shared, session, validated.granting_ticket, now)
            .await
    }

    /// The session is open: the browser gets its cookie, and goes where it was going.
    pub(super) async fn enter(
        &mut self,
        shared: &Arc<Shared>,
        mut session: SessionData,
        granting_ticket: Option<ProxyGrantingTicket>,
        now: UnixSeconds,
    ) -> Response<Bytes> {
        let id = session.id;
        if let Some(ticket) = granting_ticket {
            granting::give(shared, &mut session, ticket, now).await;
        }
        let cookie = match granting::cookie(shared, &mut session, now) {
            Ok(cookie) => cookie,
            Err(no_cookie) => {
                shared.take_back(vec![id], now).await;
                shared.tell(Refused::by(&no_cookie).signing_in(session.user(), id));
                return self.no_cookie(shared, &no_cookie);
            }
        };
        match (&self.current, self.remembered) {
            (Some(old), _) if old.session_id() != id => {
                shared.end(old, SignOutCause::Replaced, now).await;
            }
            (None, Some(old)) if old.id != id => {
                shared
                    .end_remembered(old, SignOutCause::Replaced, now)
                    .await;
            }
            _ => {}
        }
        if shared.sign_in.is_by_post {
            self.binding.remember(Some(Remembered {
                id,
                expires_at: session.expires_at,
            }));
        }
        if let Some(confirmations) = &shared.confirmations {
            self.binding.know(confirmations.tag_of(session.user()), now);
        }
        let user = CasUser::new(session, Arc::clone(shared), self.place);
        shared.tell(Event::SignedIn(&user));
        let had_session = self.current.is_some() || self.remembered.is_some();
        let not_kept = self.binding.finish(had_session, now);
        let mut response = if not_kept {
            shared.tell(Event::SessionNotKept(id));
            let link = shared.destination(self.next.as_ref());
            let page = Page::new(PageKind::SessionNotKept, StatusCode::BAD_REQUEST, link);
            self.render(shared, &page)
        } else {
            self.go_on(shared)
        };
        answer::add_cookie(&mut response, Some(cookie));
        response
    }

    /// Nobody is signed in, for a reason that the visitor need not know more of.
    pub(super) fn refused(
        &self,
        shared: &Shared,
        reason: RefusedReason,
        user_name: &str,
        id: SessionId,
    ) -> Response<Bytes> {
        shared.tell(Refused::new(reason).signing_in(user_name, id));
        self.page(shared, PageKind::SignInRefused, StatusCode::FORBIDDEN)
    }

    /// The app does not admit the user, or made something of the name that is none.
    fn rejected(&self, shared: &Shared, rejected: &Rejected) -> Response<Bytes> {
        match rejected {
            Rejected::Vetoed(veto) => {
                // Who has another account has to leave the CAS server first.
                let link = self.place.logout_link(shared);
                let page = Page::new(PageKind::SignInVetoed, StatusCode::FORBIDDEN, link);
                self.render(shared, &page.with_veto(veto))
            }
            Rejected::BadName(_) => self.page(
                shared,
                PageKind::InternalError,
                StatusCode::INTERNAL_SERVER_ERROR,
            ),
        }
    }

    fn no_cookie(&self, shared: &Shared, no_cookie: &NoCookie) -> Response<Bytes> {
        let kind = match no_cookie {
            NoCookie::TooLarge { .. } => PageKind::SessionTooLarge,
            NoCookie::NotSealed => PageKind::InternalError,
        };
        self.page(shared, kind, StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Nobody is signed in or out by a failure.
    fn failed(&self, shared: &Shared, error: &ValidationError) -> Response<Bytes> {
        shared.tell(Refused::by(error));
        let status = match error.kind() {
            ValidationErrorKind::Refused => {
                if self.kind.is_gateway {
                    return self.go_on(shared);
                }
                // A used ticket is what reloading the page or going back brings. But where credentials
                // were to be given, the visitor might be sent around for ever.
                if self.signed_in && !self.kind.is_renewed {
                    return self.go_on(shared);
                }
                let link = self.place.login_link(shared, self.next.as_ref());
                let page = Page::new(PageKind::SignInRefused, StatusCode::FORBIDDEN, link)
                    .with_code(error.code());
                return self.render(shared, &page);
            }
            // For the operator, whose clocks or configuration it is about.
            ValidationErrorKind::ConditionsUnmet => {
                static NOT_ACCEPTED: Seldom = Seldom::new();
                seldom!(
                    error,
                    NOT_ACCEPTED,
                    %error,
                    "an assertion of the CAS server is not accepted"
                );
                return self.page(shared, PageKind::SignInRefused, StatusCode::FORBIDDEN);
            }
            ValidationErrorKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        if self.kind.is_gateway {
            return self.go_on(shared);
        }
        self.page(shared, PageKind::CasUnavailable, status)
    }

    fn go_on(&self, shared: &Shared) -> Response<Bytes> {
        answer::redirect(self.onward, &shared.destination(self.next.as_ref())).unwrap_or_else(
            || {
                self.page(
                    shared,
                    PageKind::InternalError,
                    StatusCode::INTERNAL_SERVER_ERROR,
                )
            },
        )
    }

    /// Without the registry nobody is signed in: a logout could not end that session.
    pub(super) fn registry_failed(
        &self,
        shared: &Shared,
        error: &RegistryError,
    ) -> Response<Bytes> {
        shared.tell(Refused::by(error));
        if error.kind() == RegistryErrorKind::Full {
            self.busy(shared)
        } else {
            self.later(shared, PageKind::RegistryUnavailable)
        }
    }

    fn turned_away(&self, shared: &Shared) -> Response<Bytes> {
        shared.tell(Refused::new(RefusedReason::Busy));
        self.busy(shared)
    }

    fn busy(&self, shared: &Shared) -> Response<Bytes> {
        self.later(shared, PageKind::Busy)
    }

    fn later(&self, shared: &Shared, kind: PageKind) -> Response<Bytes> {
        answer::retry_later(self.page(shared, kind, StatusCode::SERVICE_UNAVAILABLE))
    }

    pub(super) fn page(
        &self,
        shared: &Shared,
        kind: PageKind,
        status: StatusCode,
    ) -> Response<Bytes> {
        let link = self.place.login_link(shared, self.next.as_ref());
        self.render(shared, &Page::new(kind, status, link))
    }

    pub(super) fn render(&self, shared: &Shared, page: &Page) -> Response<Bytes> {
        let next = self.next.as_ref().filter(|_| self.place == Place::Page);
        render(shared, page, self.wants_page, self.place, next)
    }
}
