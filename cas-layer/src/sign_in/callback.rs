//! A ticket comes back: it is validated, and a session opens.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response};

use super::{
    opening::{self, NoSession, NotOpened, Opening},
    validation::{self, Admitted, Question},
};
use crate::{
    address::LoginKind,
    admission::{Member, Party, Peer, Turn, Validated, Validation},
    answer::{Answer, Detail, Reader},
    app::Host,
    client::{ValidationError, ValidationErrorKind},
    clock::UnixSeconds,
    events::{Event, Refused, RefusedReason, SignOutCause},
    pages::PageKind,
    paths::ReturnPath,
    protocol::{ServiceTicket, ServiceUrl},
    registry::{Begun, RegistryError, RegistryErrorKind},
    seldom::{Seldom, seldom},
    session::{Binding, Identity, LoginValue, Rejected, Remembered, SessionId, Shown},
    turns::Slot,
    user::CasUser,
    visit::Visit,
};

/// The code of a ticket that the CAS server does not know, or no longer.
const GONE: &str = "INVALID_TICKET";

/// How often a login begins again because its ticket is gone.
const MAX_REFUSALS: u8 = 2;

/// A ticket from the browser that began the login.
#[derive(Debug)]
pub(crate) struct Callback {
    pub(crate) ticket: ServiceTicket,
    pub(crate) service: ServiceUrl,
    /// The login that it is for.
    pub(crate) login: LoginValue,
    /// The browser's address, if addresses are known.
    pub(crate) peer: Option<Peer>,
    pub(crate) entrant: Entrant,
}

/// What the request says about the user who is signing in, and where the sign-in leads.
#[derive(Debug)]
pub(crate) struct Entrant {
    pub(super) reader: Reader,
    kind: LoginKind,
    /// When the login began, if its service URL is good for more than one ticket.
    pub(super) begun_at: Option<UnixSeconds>,
    pub(super) next: Option<ReturnPath>,
    /// The browser's login binding, from which this login has been taken out.
    pub(super) binding: Binding,
    /// The same as the browser sent it.
    before: Option<Binding>,
    /// Ends the count of rounds, if the browser has one.
    ends_count: Option<HeaderValue>,
    /// The browser's current session, idle for too long or not.
    pub(super) current: Option<CasUser>,
    /// The session that the browser had when the login began, if it cannot show it now: a `POST` from another site
    /// comes without `Lax` cookies.
    remembered: Option<Remembered>,
    /// Whether the session that the browser shows is live.
    signed_in: bool,
    /// The same, and the app surely knows the user.
    has_user: bool,
    /// Whether it shows one that is over, perhaps since another tab has signed in.
    is_over: bool,
    now: UnixSeconds,
}

impl Callback {
    pub(crate) async fn run(mut self, host: &Arc<Host>) -> Response<Bytes> {
        let id = SessionId::of(&self.ticket);
        let (mut turn, slot) = match validation::admit(host, self.login, self.peer, id).await {
            Some(Admitted::Answered(answer)) => return answer,
            Some(Admitted::TakesOver(turn)) => (turn, None),
            Some(Admitted::Asks(turn, slot)) => (turn, Some(slot)),
            None => {
                let answer = self.entrant.turned_away(host);
                return self.entrant.leave(host, answer);
            }
        };
        let answer = self.sign_in(host, &mut turn, slot, id).await;
        let response = self.entrant.leave(host, answer);
        turn.answered(id, &response);
        response
    }

    /// Without a slot, the CAS server is already being asked.
    async fn sign_in(
        &mut self,
        host: &Arc<Host>,
        turn: &mut Turn,
        slot: Option<Slot<Party>>,
        id: SessionId,
    ) -> Answer {
        if let Some(slot) = slot {
            let begun = Begun::new(&host.app.registry, id, host.begun_for()).await;
            match begun {
                Ok(begun) => turn.ask(id, |member| self.question(slot, begun, member).ask(host)),
                Err(error) => return self.entrant.registry_failed(host, &error),
            }
        }
        let Some(Validation { begun, result }) = turn.outcome().await else {
            return self.entrant.turned_away(host);
        };
        match result {
            Ok(validated) => self.entrant.open(host, begun, id, validated).await,
            Err(error) => self.entrant.failed(host, &error),
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
        host: &Host,
        visit: &Visit<'_>,
        next: Option<ReturnPath>,
        kind: LoginKind,
        binding: Binding,
    ) -> Self {
        Self {
            reader: Reader::never_clearing(visit),
            kind,
            begun_at: None,
            next,
            remembered: binding.remembered().filter(|_| visit.is_post()),
            binding,
            before: host.binding_cookie.find(visit.headers, visit.now),
            // With a form of another site, the cookie does not come.
            ends_count: if visit.is_post() {
                host.rounds_cookie.clear()
            } else {
                host.rounds_cookie.end(visit.headers)
            },
            current: visit.owner().cloned(),
            signed_in: visit.user().is_some(),
            has_user: visit.surely_has_user(),
            is_over: visit.is_over(),
            now: visit.now,
        }
    }

    /// The answer, with the browser's binding after it, if that has changed.
    pub(super) fn leave(self, host: &Host, answer: Answer) -> Response<Bytes> {
        let place = self.reader.place;
        let has_changed = self.before.unwrap_or_default() != self.binding;
        let cookie = has_changed.then(|| place.login_cookie(host, &self.binding, self.now));
        answer
            .with_cookie(cookie.flatten())
            .render(host, &self.reader)
    }

    /// The CAS server vouches for the user.
    async fn open(
        &mut self,
        host: &Arc<Host>,
        begun: Begun,
        id: SessionId,
        validated: Validated,
    ) -> Answer {
        let now = host.app.clock.now();
        let identity = opening::identify(host, validated, id, self.kind.is_renewed, now);
        let identity = match identity {
            Ok(identity) => identity,
            Err(rejected) => return self.rejected(&rejected),
        };
        if self.is_of_somebody_else(&identity) {
            host.tell(Refused::new(RefusedReason::NotBegunHere));
            return self.go_on();
        }
        if let Some(confirmations) = self.who_asks(host, identity.user()) {
            return self.ask(host, confirmations, begun, identity, now).await;
        }
        match opening::open(host, begun, identity, self.reader.place, now).await {
            Ok(opening) => self.enter(host, opening, now).await,
            Err(not_opened) => self.not_opened(host, &not_opened),
        }
    }

    /// Whether another user than this one has signed in since the login began. Whoever sees a service URL can get a
    /// ticket of their own for it, and send it to the browser that began the login.
    fn is_of_somebody_else(&self, identity: &Identity) -> bool {
        let current = self.current.as_ref().filter(|_| self.signed_in);
        let session = current.and_then(CasUser::session).zip(self.begun_at);
        session.is_some_and(|(session, begun_at)| {
            session.issued_at >= begun_at && session.user() != identity.user()
        })
    }

    /// The session is open: the browser gets its cookie, and goes to the page that it asked for.
    pub(super) async fn enter(
        &mut self,
        host: &Arc<Host>,
        opening: Opening,
        now: UnixSeconds,
    ) -> Answer {
        let Opening { session, cookie } = opening;
        let id = session.id;
        match (&self.current, self.remembered) {
            (Some(old), _) if old.session_id() != id => {
                host.app.replaced.note(old.session_id());
                host.end(old, SignOutCause::Replaced, now).await;
            }
            (None, Some(old)) if old.id != id => {
                host.end_remembered(old, SignOutCause::Replaced, now).await;
            }
            _ => {}
        }
        if host.app.sign_in.is_by_post {
            self.binding.remember(Some(Remembered {
                id,
                expires_at: session.expires_at,
            }));
        }
        if let Some(confirmations) = &host.confirmations {
            self.binding.know(confirmations.tag_of(session.user()), now);
        }
        let next_secret =
            |secret: &LoginValue| host.service_tag.hash(&[secret, session.user().as_bytes()]);
        self.binding.rotate(next_secret, now);
        let user = CasUser::new(session, Arc::clone(host), self.reader.place);
        host.tell(Event::SignedIn(&user));
        let shown = match (&self.current, self.remembered) {
            (None, None) if self.is_over => Shown::Ended,
            (None, None) => Shown::Nothing,
            _ => Shown::Session,
        };
        let not_kept = self.binding.finish(shown, now);
        // With a bare service URL, the count was written when the login began.
        let count = match self.kind.round {
            _ if host.app.sign_in.is_bare => None,
            0 => self.ends_count.take(),
            round => host.rounds_cookie.write(round),
        };
        let answer = if not_kept {
            host.tell(Event::SessionNotKept(id));
            self.page(PageKind::SessionNotKept)
        } else {
            self.go_on()
        };
        answer.with_cookie(Some(cookie)).with_cookie(count)
    }

    /// Nobody is signed in, though the CAS server vouches for the user.
    pub(super) fn not_opened(&self, host: &Host, not_opened: &NotOpened) -> Answer {
        let NotOpened { identity, reason } = not_opened;
        match reason {
            NoSession::Ended => self.refused(host, RefusedReason::SignedOutMeanwhile, identity),
            NoSession::Registry(error) => self.registry_failed(host, error),
            NoSession::TooLarge(too_large) => {
                let refused = Refused::by(too_large);
                host.tell(refused.signing_in(identity.user(), identity.id));
                self.page(PageKind::SessionTooLarge)
            }
            NoSession::NotSealed => {
                let refused = Refused::new(RefusedReason::InternalError);
                host.tell(refused.signing_in(identity.user(), identity.id));
                self.page(PageKind::InternalError)
            }
        }
    }

    /// Nobody is signed in, and the visitor need not know more about the reason.
    pub(super) fn refused(
        &self,
        host: &Host,
        reason: RefusedReason,
        identity: &Identity,
    ) -> Answer {
        host.tell(Refused::new(reason).signing_in(identity.user(), identity.id));
        self.page(PageKind::SignInRefused)
    }

    /// The app does not admit the user, or made an invalid user name.
    fn rejected(&self, rejected: &Rejected) -> Answer {
        match rejected {
            Rejected::Vetoed(veto) => {
                let reason = Detail::Veto(veto.reason().to_owned());
                Answer::page_with(PageKind::SignInVetoed, self.next.as_ref(), reason)
            }
            Rejected::BadName(_) => self.page(PageKind::InternalError),
        }
    }

    /// A failure signs nobody in or out.
    fn failed(&self, host: &Host, error: &ValidationError) -> Answer {
        let is_gone = error.code() == Some(GONE);
        // A login that begins again is told of once.
        if !is_gone || self.kind.refusals == 0 {
            host.tell(Refused::by_validation(&host.client, error));
        }
        let next = self.next.as_ref();
        match error.kind() {
            ValidationErrorKind::Refused => {
                // A reload, or going back, brings a used ticket. But if credentials had to be given, the visitor
                // might be sent around for ever.
                if self.kind.is_gateway || self.has_user && !self.kind.is_renewed {
                    return self.go_on();
                }
                if is_gone && let Some(again) = self.begin_again(host) {
                    return again;
                }
                let code = Detail::Code(error.code().map(str::to_owned));
                Answer::page_with(PageKind::SignInRefused, next, code)
            }
            // For the operator: the clocks or the configuration are wrong.
            ValidationErrorKind::ConditionsUnmet => {
                static NOT_ACCEPTED: Seldom = Seldom::new();
                seldom!(
                    error,
                    NOT_ACCEPTED,
                    %error,
                    "an assertion of the CAS server is not accepted"
                );
                self.page(PageKind::SignInRefused)
            }
            _ if self.kind.is_gateway => self.go_on(),
            ValidationErrorKind::TimedOut => {
                Answer::page_with(PageKind::CasUnavailable, next, Detail::TimedOut)
            }
            _ if error.is_temporary() => self.page(PageKind::CasUnavailable),
            _ => {
                let reference = Detail::Reference(error.reference());
                Answer::page_with(PageKind::CasNotUnderstood, next, reference)
            }
        }
    }

    /// Back to the beginning, as the ticket of this login is no longer good. Some servers delete an unused ticket when
    /// they give another tab one for the same service. With a session at the CAS server, the user does not notice. By
    /// then, another tab may also have signed in. A bare service URL cannot say how often that was done.
    fn begin_again(&self, host: &Host) -> Option<Answer> {
        // A visitor who is signed in and has to give their credentials would first go on to the page, which begins another
        // login, and another count.
        let would_go_on = self.signed_in || self.remembered.is_some();
        let is_counted = !(host.app.sign_in.is_bare || self.kind.is_renewed && would_go_on);
        if !is_counted || self.kind.refusals >= MAX_REFUSALS {
            return None;
        }
        let kind = LoginKind {
            refusals: self.kind.refusals + 1,
            ..self.kind
        };
        let place = self.reader.place;
        place
            .again(host, self.next.as_ref(), kind)
            .map(Answer::redirect)
    }

    fn go_on(&self) -> Answer {
        Answer::go_on(self.next.as_ref())
    }

    /// Without the registry nobody is signed in: a logout could not end that session.
    pub(super) fn registry_failed(&self, host: &Host, error: &RegistryError) -> Answer {
        host.tell(Refused::by(error));
        self.page(if error.kind() == RegistryErrorKind::Full {
            PageKind::Busy
        } else {
            PageKind::RegistryUnavailable
        })
    }

    fn turned_away(&self, host: &Host) -> Answer {
        host.tell(Refused::new(RefusedReason::Busy));
        self.page(PageKind::Busy)
    }

    pub(super) fn page(&self, kind: PageKind) -> Answer {
        Answer::page(kind, self.next.as_ref())
    }
}
