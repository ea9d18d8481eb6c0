//! Who gets to the inner service of an API, and with what.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;

use super::{
    super::{Anonymous, extra_cookie::ExtraCookie, host, post},
    CasApiLayer, browser,
    credentials::{self, Credentials, Source},
    refusal,
};
use crate::{
    admission::{Peer, Validated, Validation},
    answer,
    app::{Endpoint, Route, Shared},
    clock::UnixSeconds,
    events::{Event, Refused, RefusedReason},
    pages::PageKind,
    protocol::{ServiceTicket, ServiceUrl},
    registry::{Begun, Opened, RegistryError},
    rules::{Access, Verdict},
    seldom::{Seldom, seldom},
    session::{Identity, SessionId},
    sign_in::{
        granting,
        validation::{self, Question},
    },
    user::{CasUser, Place},
    visit::{Visit, Visitor, change_query, original_uri},
};

/// The answer in place of the inner service's, boxed as most requests have none.
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
    /// Of a session that the ticket opened.
    cookie: Option<HeaderValue>,
    /// Of a session that is in use.
    renewal: Option<ExtraCookie>,
}

impl Finish {
    pub(super) fn apply(self, headers: &mut HeaderMap) {
        if self.cookie.is_some() {
            // It is for one program alone, whatever the app says.
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
    }
}

impl CasApiLayer {
    /// Lets a request in, or answers it.
    pub(super) async fn admit<B>(&self, mut request: Request<B>) -> Result<Admitted<B>, Refusal>
    where
        B: Body + Send + 'static,
    {
        let shared = match host::choose(&self.hosts, &request) {
            Ok(shared) => &Arc::clone(shared),
            Err(no_host) => return Err(no_host.answer().into()),
        };
        let now = shared.clock.now();
        let uri = original_uri(&request).clone();
        let path = shared.app_path(uri.path());
        let is_post = *request.method() == Method::POST;
        let access = match shared.route_of_api(uri.path(), is_post) {
            Route::Endpoint(endpoint) if is_post => {
                return Err(take_post(shared, endpoint, request, now).await.into());
            }
            Route::Endpoint(_) => {
                return Err(granting::answer(shared, &request).await.into());
            }
            Route::Nowhere => return Err(answer::not_found().into()),
            Route::App(access) => access,
        };
        let mut finish = Finish {
            is_private: access.is_private() && shared.private_by_default,
            ..Finish::default()
        };
        let service = path.and_then(|path| credentials::service_url(shared, path, uri.query()));
        let mut user = None;
        // Whatever the parameters of a public path are called, they are the app's.
        if access.is_private() {
            user = match Credentials::of(request.headers(), uri.query()) {
                Credentials::None => {
                    let user = self.session(shared, request.headers(), now)?;
                    let in_use = user.as_ref();
                    finish.renewal =
                        in_use.and_then(|user| ExtraCookie::renewal(shared, user, now));
                    user
                }
                Credentials::Unclear(reason) => {
                    return Err(not_taken(shared, StatusCode::BAD_REQUEST, reason));
                }
                Credentials::Ticket(_, Source::Query) if !self.tickets_in_query => {
                    let reason = "a ticket is not taken from the query: send it as `Authorization: CAS <ticket>`";
                    return Err(not_taken(shared, StatusCode::BAD_REQUEST, reason));
                }
                // Any link to the CAS server's login page has it sent here, with a good ticket.
                Credentials::Ticket(_, Source::Query)
                    if browser::may_have_sent(request.headers()) =>
                {
                    let reason = "a ticket in the query is not taken from a browser";
                    return Err(not_taken(shared, StatusCode::FORBIDDEN, reason));
                }
                Credentials::Ticket(ticket, source) => {
                    let Some(service) = &service else {
                        let reason = "this URL can be no service URL, so no ticket is for it";
                        return Err(not_taken(shared, StatusCode::BAD_REQUEST, reason));
                    };
                    let opens = self.sessions
                        && source == Source::Header
                        && !browser::has_sent(request.headers())
                        && matches!(self.session(shared, request.headers(), now), Ok(None));
                    let peer = shared.peers.of(request.extensions());
                    let (user, cookie) = validate(shared, peer, ticket, service, opens).await?;
                    finish.cookie = cookie;
                    hide_ticket(&mut request, source);
                    Some(user)
                }
            };
        }
        let judged = judge(shared, &access, user.as_ref(), service.as_ref(), now);
        if let Some(user) = user.as_ref().filter(|_| finish.cookie.is_some()) {
            if judged.is_err() {
                shared.take_back(vec![user.session_id()], now).await;
            } else {
                shared.tell(Event::SignedIn(user));
            }
        }
        judged?;
        let extensions = request.extensions_mut();
        // Whatever an outer layer left there, it is not a user who brought a ticket.
        extensions.remove::<CasUser>();
        match user {
            Some(user) => {
                extensions.insert(user);
            }
            None => {
                extensions.insert(Anonymous(Arc::clone(shared), Place::Request));
            }
        }
        Ok(Admitted { request, finish })
    }

    /// The user of a session, where sessions are kept.
    fn session(
        &self,
        shared: &Arc<Shared>,
        headers: &HeaderMap,
        now: UnixSeconds,
    ) -> Result<Option<CasUser>, Refusal> {
        if !self.sessions {
            return Ok(None);
        }
        match Visitor::of(headers, shared, Place::Request, now) {
            Visitor::SignedIn(user) => Ok(Some(user)),
            Visitor::Unverified(_) => Err(refusal::later(PageKind::SessionUnverified).into()),
            Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) => Ok(None),
        }
    }
}

fn judge(
    shared: &Shared,
    access: &Access,
    user: Option<&CasUser>,
    service: Option<&ServiceUrl>,
    now: UnixSeconds,
) -> Result<(), Refusal> {
    let unauthorized = |kind| {
        let problem = refusal::problem(kind, StatusCode::UNAUTHORIZED);
        refusal::challenge(problem, service)
    };
    match access.judge(user, now) {
        Verdict::Welcome => Ok(()),
        Verdict::SignIn => Err(unauthorized(PageKind::SignInNeeded).into()),
        Verdict::SignInAfresh => Err(unauthorized(PageKind::FreshSignInNeeded).into()),
        Verdict::Forbidden => {
            shared.tell(Refused::new(RefusedReason::NotAllowed).signed_in(user));
            let status = StatusCode::FORBIDDEN;
            Err(refusal::problem(PageKind::NotAllowed, status).into())
        }
    }
}

/// A ticket that is not brought to the CAS server, for the reason told.
fn not_taken(shared: &Shared, status: StatusCode, reason: &'static str) -> Refusal {
    shared.tell(Refused::new(RefusedReason::InvalidTicket));
    answer::text(status, reason).into()
}

/// Whose ticket it is, and the cookie of the session that it opens.
async fn validate(
    shared: &Arc<Shared>,
    peer: Option<Peer>,
    ticket: ServiceTicket,
    service: &ServiceUrl,
    opens_session: bool,
) -> Result<(CasUser, Option<HeaderValue>), Refusal> {
    let busy = || {
        shared.tell(Refused::new(RefusedReason::Busy));
        refusal::later(PageKind::Busy)
    };
    let slot = validation::admit_program(shared, peer).await;
    let slot = slot.ok_or_else(busy)?;
    let id = SessionId::of(&ticket);
    let begun = if opens_session {
        let begun = Begun::new(&shared.registry, id, shared.begun_for()).await;
        // The request is as good without a session.
        begun.inspect_err(no_session).ok()
    } else {
        None
    };
    let is_renewed = shared.sign_in.is_renewed;
    let question = Question {
        slot,
        ticket,
        service: service.clone(),
        is_renewed,
        begun,
        member: None,
    };
    let validation = question.ask(shared).end().await.validation();
    let Validation { begun, result } = validation.ok_or_else(busy)?;
    let Validated {
        authentication,
        granting_ticket,
    } = result.map_err(|error| {
        shared.tell(Refused::by(&error));
        refusal::not_validated(&error, service)
    })?;
    let content = shared
        .content
        .of(&authentication, shared.client.url())
        .map_err(|rejected| {
            shared.tell(Refused::by(&rejected).signing_in(authentication.user(), id));
            refusal::rejected(&rejected)
        })?;
    let now = shared.clock.now();
    let mut identity = Identity::new(content, id, is_renewed, now, &shared.lifetimes);
    if let Some(begun) = begun {
        match begun.open(identity.expires_at, now).await {
            Ok(Opened::Live { number }) => {
                let mut session = identity.open(number);
                if let Some(ticket) = granting_ticket.clone() {
                    granting::give(shared, &mut session, ticket, now).await;
                }
                match granting::cookie(shared, &mut session, now) {
                    Ok(cookie) => {
                        let user = CasUser::new(session, Arc::clone(shared), Place::Request);
                        return Ok((user, Some(cookie)));
                    }
                    Err(error) => {
                        not_opened(&error);
                        shared.take_back(vec![id], now).await;
                        identity = session.into_identity();
                    }
                }
            }
            Ok(Opened::Ended) => {
                let reason = RefusedReason::SignedOutMeanwhile;
                shared.tell(Refused::new(reason).signing_in(authentication.user(), id));
                let status = StatusCode::UNAUTHORIZED;
                let refused = refusal::problem(PageKind::SignInRefused, status);
                return Err(refusal::challenge(refused, Some(service)).into());
            }
            Err(error) => not_opened(&error),
        }
    }
    // No session: both tickets are good for this request.
    identity.granting_ticket = granting_ticket;
    let user = CasUser::of_ticket(identity, Arc::clone(shared));
    Ok((user, None))
}

/// A logout request, on a path that takes nothing else by `POST`.
async fn take_post<B>(
    shared: &Arc<Shared>,
    endpoint: Endpoint,
    request: Request<B>,
    now: UnixSeconds,
) -> Response<Bytes>
where
    B: Body + Send + 'static,
{
    let refusal = {
        let visit = Visit::of(&request, shared);
        post::refuse(shared, endpoint, &visit, request.extensions())
    };
    match refusal {
        Some(refusal) => refusal,
        None => post::take(Arc::clone(shared), endpoint, request, now).await,
    }
}

/// Said before the ticket is validated, so made-up ones bring it about too.
fn no_session(error: &RegistryError) {
    static NO_SESSION: Seldom = Seldom::new();
    seldom!(
        warn,
        NO_SESSION,
        %error,
        "the registry takes no session: a ticket is good for its request alone"
    );
}

fn not_opened(error: &dyn std::error::Error) {
    tracing::warn!(%error, "a ticket was accepted, but no session could be opened for it");
}

/// Takes a ticket that has been used out of the request, so that it gets into no log.
fn hide_ticket<B>(request: &mut Request<B>, source: Source) {
    match source {
        Source::Header => {
            request.headers_mut().remove(header::AUTHORIZATION);
        }
        Source::Query => change_query(request, credentials::without_ticket),
    }
}
