//! A ticket comes back: it is validated, and a session opens.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response};

use super::{
    family::{self, Before, EndedMeanwhile},
    opening::{self, NoSession, NotOpened, Opening},
    standing::Standing,
    validation::{self, Admitted, Leave, Question, Unasked},
};
use crate::{
    address::{self, LoginKind},
    admission::{Member, Peer, Turn, Unidentified, Validation},
    answer::{Answer, Reader},
    app::Host,
    clock::UnixSeconds,
    events::{Event, Refused, RefusedReason, SignOutCause},
    pages::PageKind,
    paths::ReturnPath,
    protocol::{ServiceTicket, ServiceUrl},
    registry::{Begun, RegistryError, RegistryErrorKind},
    session::{Binding, Identity, LoginValue, Remembered, SessionId, Shown},
    user::CasUser,
    visit::Visit,
};

/// How long after a sign-in of its browser a login may begin and still be one of several tabs that were opened
/// together, in seconds: it may have begun before the browser had the cookie, and on a node whose clock is ahead.
const TOGETHER: UnixSeconds = 60;

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
    pub(super) kind: LoginKind,
    /// When the login began, if its service URL is good for more than one ticket.
    pub(super) begun_at: Option<UnixSeconds>,
    /// What the login has in common with others of its browser.
    pub(super) kin: Option<LoginValue>,
    pub(super) next: Option<ReturnPath>,
    /// The browser's login binding, from which this login has been taken out.
    pub(super) binding: Binding,
    /// The same as the browser sent it.
    sent: Option<Binding>,
    /// Ends the count of rounds, if the browser has one.
    ends_count: Option<HeaderValue>,
    /// The browser's current session, idle for too long or not.
    pub(super) current: Option<CasUser>,
    /// The session that the browser had when the login began, if it cannot show it now: a `POST` from another site
    /// comes without `Lax` cookies.
    remembered: Option<Remembered>,
    pub(super) standing: Standing,
    pub(super) now: UnixSeconds,
}

impl Callback {
    pub(crate) async fn run(mut self, host: &Arc<Host>) -> Response<Bytes> {
        let id = host.session_of(&self.ticket);
        let (mut turn, leave) = match validation::admit(host, self.login, self.peer, id).await {
            Ok(Admitted::Answered(answer)) => return answer,
            Ok(Admitted::TakesOver(turn)) => (turn, None),
            Ok(Admitted::Asks(turn, leave)) => (turn, Some(leave)),
            Err(unasked) => {
                let answer = self.entrant.turned_away(host, unasked);
                return self.entrant.leave(host, answer);
            }
        };
        let answer = self.sign_in(host, &mut turn, leave, id).await;
        let response = self.entrant.leave(host, answer);
        turn.answered(id, &response);
        response
    }

    /// Without leave, the CAS server is already being asked.
    async fn sign_in(
        &mut self,
        host: &Arc<Host>,
        turn: &mut Turn,
        leave: Option<Leave>,
        id: SessionId,
    ) -> Answer {
        if let Some(leave) = leave {
            let begun = Begun::new(&host.app.registry, id, host.begun_for()).await;
            match begun {
                Ok(begun) => turn.ask(id, |member| self.question(leave, begun, member).ask(host)),
                Err(error) => return self.entrant.registry_failed(host, &error),
            }
        }
        let Some(Validation { begun, result }) = turn.outcome().await else {
            return self.entrant.turned_away(host, Unasked::Busy);
        };
        match result {
            Ok(identity) => self.entrant.open(host, begun, identity).await,
            Err(Unidentified::NotValidated(error)) => self.entrant.failed(host, &error),
            #[cfg(feature = "jwt")]
            Err(Unidentified::NotRemembered(error)) => self.entrant.registry_failed(host, &error),
            // Who was to be asked for nothing is shown nothing either.
            Err(Unidentified::Rejected(_)) if self.entrant.kind.is_gateway => self.entrant.go_on(),
            Err(Unidentified::Rejected(rejected)) => {
                opening::rejection(&rejected, self.entrant.next.as_ref())
            }
        }
    }

    fn question(&self, leave: Leave, begun: Begun, member: Member) -> Question<Begun> {
        Question {
            leave,
            ticket: self.ticket.clone(),
            service: self.service.clone(),
            demand: self.entrant.kind.demand(),
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
            reader: Reader::never_clearing(host, visit),
            kind,
            begun_at: None,
            kin: None,
            next,
            remembered: binding.remembered().filter(|_| visit.is_post()),
            binding,
            sent: host.binding_cookie.find(visit.headers, visit.now),
            // With a form of another site, the cookie does not come.
            ends_count: if visit.is_post() {
                host.rounds_cookie.clear()
            } else {
                host.rounds_cookie.end(visit.headers)
            },
            current: visit.owner().cloned(),
            standing: Standing::of(host, visit),
            now: visit.now,
        }
    }

    /// The answer, with the browser's binding after it, if that has changed.
    pub(super) fn leave(self, host: &Host, answer: Answer) -> Response<Bytes> {
        let place = self.reader.place;
        let has_changed = self.sent.unwrap_or_default() != self.binding;
        let cookie = has_changed.then(|| place.login_cookie(host, &self.binding, self.now));
        answer
            .with_cookie(cookie.flatten())
            .render(host, &self.reader)
    }

    /// The CAS server vouches for the user, and the app admits them.
    async fn open(&mut self, host: &Arc<Host>, begun: Begun, mut identity: Identity) -> Answer {
        let now = host.app.clock.now();
        if self.is_of_somebody_else(&identity) {
            host.tell(Refused::new(RefusedReason::NotBegunHere));
            return self.go_on();
        }
        if let Some(kin) = self.kin {
            let user = identity.user();
            let before = self.before(user);
            identity.family = match family::of(host, (kin, user), before, begun.since()) {
                Ok(family) => family,
                Err(EndedMeanwhile) => {
                    return self.refused(host, RefusedReason::SignedOutMeanwhile, &identity);
                }
            };
        }
        if let Some(confirmations) = self.who_asks(host, identity.user()) {
            return self.ask(host, confirmations, begun, identity, now).await;
        }
        match opening::open(host, begun, identity, self.reader.place, now).await {
            Ok(opening) => self.enter(host, opening, now).await,
            Err(not_opened) => self.not_opened(host, &not_opened),
        }
    }

    /// The session that the sign-in of this user takes the place of.
    fn before(&self, user: &str) -> Option<Before> {
        let shown = self.current.as_ref().and_then(CasUser::session);
        let old = shown.map(Remembered::of).or(self.remembered)?;
        let is_left = self.begun_at? > old.issued_at.saturating_add(TOGETHER);
        match shown {
            _ if is_left => Some(Before::Left(old.family)),
            Some(shown) if shown.user() == user => Some(Before::Beside(old.family)),
            // Whose it is, the login cookie does not say.
            _ => None,
        }
    }

    /// Whether another user than this one has signed in since the login began. Whoever sees a service URL can get a
    /// ticket of their own for it, and send it to the browser that began the login.
    fn is_of_somebody_else(&self, identity: &Identity) -> bool {
        let current = self
            .current
            .as_ref()
            .filter(|_| self.standing.is_signed_in());
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
                host.replace(old, &session, now).await;
            }
            (None, Some(old)) if old.id != id && old.expires_at > now => {
                let cause = SignOutCause::Replaced;
                host.end_remembered(old, cause, session.family, now).await;
            }
            _ => {}
        }
        if host.app.sign_in.is_by_post {
            self.binding.remember(Some(Remembered::of(&session)));
        }
        if let Some(confirmations) = &host.confirmations {
            self.binding.know(confirmations.tag_of(session.user()), now);
        }
        let next_secret =
            |secret: &LoginValue| host.service_tag.hash(&[secret, session.user().as_bytes()]);
        let has_current = |secret: &LoginValue| {
            let of_secret = address::kin(host, secret);
            self.kin.is_none_or(|kin| kin == of_secret)
        };
        if self.binding.current_secret().is_some_and(has_current) {
            self.binding.rotate(next_secret, now);
        }
        let user = CasUser::new(session, Arc::clone(host), self.reader.place);
        host.tell(Event::SignedIn(&user));
        let shown = match (&self.current, self.remembered) {
            (None, None) if self.standing.is_over() => Shown::Ended,
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

    pub(super) fn go_on(&self) -> Answer {
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

    fn turned_away(&self, host: &Host, unasked: Unasked) -> Answer {
        match unasked {
            // Who was to be asked for nothing is shown nothing either.
            Unasked::CasAway if self.kind.is_gateway => {
                host.tell(Refused::new(RefusedReason::CasAway));
                self.go_on()
            }
            _ => unasked.answer(host, self.next.as_ref()),
        }
    }

    pub(super) fn page(&self, kind: PageKind) -> Answer {
        Answer::page(kind, self.next.as_ref())
    }
}
