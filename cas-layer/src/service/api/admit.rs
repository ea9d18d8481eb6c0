//! Which requests get to the inner service of an API, and with what.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;

#[cfg(feature = "jwt")]
use super::refusal::not_remembered;
use super::{
    super::{Anonymous, Shows, extra_cookie::ExtraCookie, host, post},
    CasApiLayer, browser,
    credentials::{self, Source},
    decide::{Asked, Brought, By, First},
    refusal::not_validated,
};
use crate::{
    admission::{Unidentified, Validation},
    answer::{Answer, Reader},
    app::{Frames, Host},
    client::Demand,
    clock::UnixSeconds,
    events::{Event, Refused, RefusedReason},
    pages::PageKind,
    registry::{Begun, RegistryError},
    rules::{Access, Verdict},
    seldom::{Seldom, seldom},
    session::SessionId,
    sign_in::{
        opening::{self, NoSession, NotOpened, Opening},
        validation::{self, Question, Unasked},
    },
    user::{CasUser, Place},
    visit::{Visit, Visitor, change_query},
};

/// The answer in place of the inner service's, boxed because most requests have none.
pub(super) type Refusal = Box<Response<Bytes>>;

/// A request that goes on to the inner service.
pub(super) struct Admitted<B> {
    pub(super) request: Request<B>,
    pub(super) finish: Finish,
}

/// What the response gets.
#[derive(Default)]
pub(super) struct Finish {
    is_private: bool,
    /// The cookie of a session that the ticket opened.
    cookie: Option<HeaderValue>,
    /// The cookie of a session that is in use.
    renewal: Option<ExtraCookie>,
    /// Where the used ticket or password was.
    used: Option<Source>,
    frames: Option<Arc<Frames>>,
}

impl Finish {
    pub(super) fn apply(self, status: StatusCode, headers: &mut HeaderMap) {
        if self.cookie.is_some() {
            // It is for this one program, whatever the app says.
            headers.insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("private, no-store"),
            );
        } else if self.is_private {
            headers
                .entry(header::CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("private, no-store"));
        }
        if let Some(cookie) = self.cookie {
            headers.append(header::SET_COOKIE, cookie);
        }
        if let Some(renewal) = self.renewal {
            renewal.add_to(headers);
        }
        if let Some(frames) = self.frames {
            frames.guard(status, headers);
        }
    }
}

impl CasApiLayer {
    /// Lets a request in, or answers it.
    pub(super) async fn admit<B>(&self, mut request: Request<B>) -> Result<Admitted<B>, Refusal>
    where
        B: Body + Send + 'static,
    {
        let host = match host::choose(&self.hosts, &request) {
            Ok(host) => &Arc::clone(host),
            Err(no_host) => return Err(no_host.answer().into()),
        };
        let (place, now) = (Place::Request, host.app.clock.now());
        let looked_up = if self.sessions {
            Visitor::of(&request, host, place, now)
        } else {
            Ok(Visitor::Anonymous)
        };
        let visitor = match looked_up {
            Ok(visitor) => visitor,
            Err(absent) => absent.fetch().await,
        };
        let visit = Visit::by(&request, place, Visitor::Anonymous, now);
        let mut asked = match self.decide(host, &visit, visitor) {
            First::Judge(asked) => asked,
            First::Own(task) => {
                let reply = task.run(host, &visit);
                return Err(reply.wait().await);
            }
            First::Read(endpoint) => {
                let answer = post::take(Arc::clone(host), endpoint, request, now);
                return Err(answer.await.into());
            }
        };
        let service = asked.service.take();
        // A browser would ask its user for the password.
        let offers_passwords =
            self.passwords.is_some() && !browser::may_have_sent(request.headers());
        let (user, finish) = match self.let_in(host, asked, now).await {
            Ok(let_in) => let_in,
            Err(answer) => {
                let reader = Reader::program(service).offering_passwords(offers_passwords);
                return Err(answer.render(host, &reader).into());
            }
        };
        if let Some(source) = finish.used {
            hide_ticket(&mut request, source);
        }
        let extensions = request.extensions_mut();
        // A user that an outer layer left there is not one who brought a ticket.
        extensions.remove::<CasUser>();
        match user {
            Some(user) => {
                extensions.insert(user);
            }
            None => {
                extensions.insert(Anonymous {
                    host: Arc::clone(host),
                    place: Place::Request,
                    shows: Shows::Nothing,
                });
            }
        }
        Ok(Admitted { request, finish })
    }

    /// Admits a request or answers it, and says what its response gets.
    async fn let_in(
        &self,
        host: &Arc<Host>,
        asked: Asked<'_>,
        now: UnixSeconds,
    ) -> Result<(Option<CasUser>, Finish), Answer> {
        let mut finish = Finish {
            is_private: asked.access.is_private() && host.app.private_by_default,
            frames: host.app.frames.clone(),
            ..Finish::default()
        };
        let user = match asked.by {
            By::Nobody => None,
            By::User(user) => {
                finish.renewal = ExtraCookie::renewal(host, &user, now);
                Some(user)
            }
            By::Password(given) => {
                // Whoever could be asked for a password takes it.
                let Some(passwords) = &self.passwords else {
                    return Err(Answer::page(PageKind::SignInNeeded, None));
                };
                finish.used = Some(Source::Header);
                Some(passwords.user(host, *given).await?)
            }
            By::Ticket(brought) => {
                finish.used = Some(brought.source);
                let (user, cookie) = brought.validate(host).await?;
                finish.cookie = cookie;
                Some(user)
            }
        };
        let judged = judge(host, &asked.access, user.as_ref(), now);
        if let Some(user) = user.as_ref().filter(|_| finish.cookie.is_some()) {
            if judged.is_err() {
                host.take_back(vec![user.session_id()], now).await;
            } else {
                host.tell(Event::SignedIn(user));
            }
        }
        judged.map(|()| (user, finish))
    }
}

fn judge(
    host: &Host,
    access: &Access,
    user: Option<&CasUser>,
    now: UnixSeconds,
) -> Result<(), Answer> {
    let kind = match access.judge(user, now) {
        Verdict::Welcome => return Ok(()),
        Verdict::SignIn => PageKind::SignInNeeded,
        Verdict::SignInAfresh => PageKind::FreshSignInNeeded,
        Verdict::Forbidden => {
            host.tell(Refused::new(RefusedReason::NotAllowed).signed_in(user));
            PageKind::NotAllowed
        }
    };
    Err(Answer::page(kind, None))
}

impl Brought {
    /// The user of the ticket, and the cookie of the session that it opens.
    async fn validate(self, host: &Arc<Host>) -> Result<(CasUser, Option<HeaderValue>), Answer> {
        let id = host.session_of(&self.ticket);
        let is_renewed = host.app.sign_in.is_renewed;
        let Validation { begun, result } = self.ask(host, id, is_renewed).await?;
        let identity = result.map_err(|unidentified| match unidentified {
            Unidentified::NotValidated(error) => not_validated(host, &error),
            #[cfg(feature = "jwt")]
            Unidentified::NotRemembered(error) => not_remembered(host, &error),
            Unidentified::Rejected(rejected) => opening::rejection(&rejected, None),
        })?;
        let now = host.app.clock.now();
        let Some(begun) = begun else {
            return Ok((CasUser::of_ticket(identity, Arc::clone(host)), None));
        };
        let not_opened = match opening::open(host, begun, identity, Place::Request, now).await {
            Ok(Opening { session, cookie }) => {
                let user = CasUser::new(session, Arc::clone(host), Place::Request);
                return Ok((user, Some(cookie)));
            }
            Err(not_opened) => *not_opened,
        };
        let NotOpened { identity, reason } = not_opened;
        match &reason {
            NoSession::Ended => {
                let refused = Refused::new(RefusedReason::SignedOutMeanwhile);
                host.tell(refused.signing_in(identity.user(), id));
                return Err(Answer::page(PageKind::SignInRefused, None));
            }
            NoSession::Registry(error) => without_session(error),
            NoSession::TooLarge(error) => without_session(error),
            NoSession::NotSealed => without_session(&"there are no random bytes"),
        }
        // Both tickets are good for this request.
        Ok((CasUser::of_ticket(identity, Arc::clone(host)), None))
    }

    async fn ask(
        self,
        host: &Arc<Host>,
        id: SessionId,
        is_renewed: bool,
    ) -> Result<Validation<Option<Begun>>, Answer> {
        let turn_away = |unasked: Unasked| unasked.answer(host, None);
        let leave = validation::admit_program(host, self.peer).await;
        let leave = leave.map_err(turn_away)?;
        let begun = if self.opens_session {
            let begun = Begun::new(&host.app.registry, id, host.begun_for()).await;
            // The request succeeds without a session too.
            begun.inspect_err(no_session).ok()
        } else {
            None
        };
        let question = Question {
            leave,
            ticket: self.ticket,
            service: self.service,
            demand: Demand {
                is_renewed,
                ..Demand::default()
            },
            begun,
            member: None,
        };
        let validation = question.ask(host).end().await.validation();
        validation.ok_or(Unasked::Busy).map_err(turn_away)
    }
}

/// This is said before the ticket is validated, so made-up tickets cause it too.
fn no_session(error: &RegistryError) {
    static NO_SESSION: Seldom = Seldom::new();
    seldom!(
        warn,
        NO_SESSION,
        %error,
        "the registry accepts no session: a ticket is good only for its request"
    );
}

fn without_session(error: &dyn std::fmt::Display) {
    tracing::warn!(%error, "a ticket was accepted, but no session could be opened for it");
}

/// Takes a ticket or a password that has been used out of the request, so that it gets into no log.
fn hide_ticket<B>(request: &mut Request<B>, source: Source) {
    match source {
        Source::Header => {
            request.headers_mut().remove(header::AUTHORIZATION);
        }
        Source::Query => change_query(request, credentials::without_ticket),
    }
}
