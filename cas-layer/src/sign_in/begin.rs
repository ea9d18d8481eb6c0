//! The way to the CAS server: the login endpoint, and the demand to sign in.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::callback::{Callback, Entrant};
use crate::{
    address::{self, LoginKind, LoginQuery, NoTicket},
    answer::{self, render},
    app::Shared,
    events::{Refused, RefusedReason},
    pages::{Page, PageKind},
    paths::ReturnPath,
    protocol::ServiceTicket,
    seldom::{Seldom, seldom},
    session::{Binding, LoginValue, Remembered},
    user::CasUser,
    visit::{
        Visit, Visitor,
        navigation::{is_framed, is_grpc},
    },
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// What the login endpoint does with a request.
pub(crate) enum Login {
    Answer(Response<Bytes>),
    /// The browser that began this login brings a ticket for it.
    Validate(Callback),
}

/// Answers a request that needs a user and has none: a page that is being opened is sent to the CAS
/// server, all else is told where to sign in.
pub(crate) fn demand(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    if visit.may_be_sent_away(shared) {
        let next = visit.next(shared);
        let kind = LoginKind {
            is_renewed: shared.sign_in.is_renewed,
            ..LoginKind::default()
        };
        return answer::clear_if_ended(shared, visit, begin(shared, visit, next.as_ref(), kind));
    }
    unauthorized(shared, visit)
}

/// Says where to sign in.
fn unauthorized(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    let next = visit.next_of_link(shared);
    let link = visit.place.login_link(shared, next.as_ref());
    let page = Page::new(PageKind::SignInNeeded, StatusCode::UNAUTHORIZED, link);
    challenge(visit, answer::page(shared, visit, &page))
}

/// Answers a request that needs a user whose credentials are fresh, when those of this one are not.
pub(crate) fn demand_renewal(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    if visit.may_be_sent_away(shared) {
        let next = visit.next(shared);
        let kind = LoginKind {
            is_renewed: true,
            ..LoginKind::default()
        };
        return begin(shared, visit, next.as_ref(), kind);
    }
    let next = visit.next_to_renew(shared);
    let link = visit.place.renewal_link(shared, next.as_ref());
    let page = Page::new(PageKind::FreshSignInNeeded, StatusCode::UNAUTHORIZED, link);
    let wants_page = visit.wants_page();
    challenge(
        visit,
        render(shared, &page, wants_page, visit.place, next.as_ref()),
    )
}

/// Answers a request of a user who may not do this. Signing in again would change nothing.
pub(crate) fn forbid(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    shared.tell(Refused::new(RefusedReason::NotAllowed).signed_in(visit.user()));
    let link = shared.destination(None);
    answer::page(
        shared,
        visit,
        &Page::new(PageKind::NotAllowed, StatusCode::FORBIDDEN, link),
    )
}

/// Sends a visitor who came to a gateway path to the CAS server, or says what to tell the browser so that it can
/// be done next time.
pub(crate) fn ask_without_form(shared: &Shared, visit: &Visit<'_>) -> AskWithoutForm {
    if !visit.may_be_sent_away(shared) {
        return AskWithoutForm::No;
    }
    // Without this cookie the browser may keep none at all, and would be sent on its way for ever.
    let Some(mut binding) = shared.binding_cookie.find(visit.headers, visit.now) else {
        let probe = visit.place.kept_login_cookie(shared, &Binding::default());
        return probe.map_or(AskWithoutForm::No, AskWithoutForm::Probe);
    };
    if !binding.may_ask(shared.gateway_interval, visit.now) {
        return AskWithoutForm::No;
    }
    let next = visit.next(shared);
    let kind = LoginKind {
        is_gateway: true,
        ..LoginKind::default()
    };
    binding.ask(visit.now);
    let redirect = begin_with(shared, visit, next.as_ref(), kind, binding);
    AskWithoutForm::Redirect(Box::new(answer::clear_if_ended(shared, visit, redirect)))
}

/// What comes of a visitor without a session on a gateway path.
pub(crate) enum AskWithoutForm {
    /// The page, as it is for visitors.
    No,
    /// The page, and this cookie with it.
    Probe(HeaderValue),
    Redirect(Box<Response<Bytes>>),
}

/// Tells a program that its request was one for signed-in users.
fn challenge(visit: &Visit<'_>, mut response: Response<Bytes>) -> Response<Bytes> {
    // RFC 9110, section 11.6.1: a 401 names a challenge. Browsers ignore one they do not know.
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("CAS"));
    if is_grpc(visit.headers) {
        // Clients are to map 401 to UNAUTHENTICATED, but some read the body as gRPC before they look
        // at the status. A status in the head is one that all of them see.
        let fields = [(GRPC_STATUS, "16"), (GRPC_MESSAGE, "sign-in needed")];
        response
            .headers_mut()
            .extend(fields.map(|(name, value)| (name, HeaderValue::from_static(value))));
    }
    response
}

/// The visitor may have a session: whether it has ended is not known at the moment. The cookie stays, and the
/// CAS server is not asked: it would sign in again whoever has just signed out.
pub(crate) fn not_current(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    let link = shared.destination(visit.next(shared).as_ref());
    let page = Page::new(
        PageKind::SessionUnverified,
        StatusCode::SERVICE_UNAVAILABLE,
        link,
    );
    answer::retry_later(answer::page(shared, visit, &page))
}

/// `GET` on the login endpoint, with or without a ticket. A page of another site that has the browser ask behind its
/// user's back begins no login and ends none.
pub(crate) fn login(shared: &Shared, visit: &Visit<'_>) -> Login {
    if visit.is_hidden(shared) {
        return Login::Answer(unauthorized(shared, visit));
    }
    finish(shared, visit, LoginQuery::parse(visit.uri.query(), shared))
}

/// The same for a ticket that came in whatever way.
pub(crate) fn finish(shared: &Shared, visit: &Visit<'_>, query: LoginQuery) -> Login {
    if matches!(visit.visitor, Visitor::Unverified(_)) {
        return Login::Answer(not_current(shared, visit));
    }
    match query.ticket(shared.client.protocol()) {
        Some(ticket) => with_ticket(shared, visit, query, ticket),
        None => Login::Answer(without_ticket(shared, visit, &query)),
    }
}

/// A visitor comes back with what they were given for a ticket.
pub(crate) fn with_ticket(
    shared: &Shared,
    visit: &Visit<'_>,
    mut query: LoginQuery,
    ticket: Result<ServiceTicket, NoTicket>,
) -> Login {
    let next = query.next.as_ref();
    let Ok(ticket) = ticket else {
        shared.tell(Refused::new(RefusedReason::InvalidTicket));
        let link = visit.place.login_link(shared, next);
        let page = Page::new(PageKind::InvalidTicket, StatusCode::BAD_REQUEST, link);
        return Login::Answer(answer::page(shared, visit, &page));
    };
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    let claimed = visit
        .place
        .claim(shared, visit.uri, &mut binding, &mut query);
    let Some(login) = claimed else {
        return Login::Answer(not_bound(shared, visit, &query));
    };
    let next = query.next.as_ref();
    let tag = query.tag.as_deref().unwrap_or_default();
    let Ok(service) = visit.place.service_url(shared, next, query.kind, tag) else {
        return Login::Answer(internal_error(shared, visit, next));
    };
    let entrant = Entrant::of(visit, query.next, query.kind, binding);
    Login::Validate(Callback {
        ticket,
        service,
        login,
        peer: shared.peers.of(visit.extensions),
        entrant,
    })
}

pub(crate) fn without_ticket(
    shared: &Shared,
    visit: &Visit<'_>,
    query: &LoginQuery,
) -> Response<Bytes> {
    let next = query.next.as_ref();
    if query.kind.is_gateway {
        // Whether we made this address or not: it leads to a page of this app, and nobody is asked anything.
        let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
        binding.take(|value| visit.place.tag_matches(shared, value, query));
        let mut response = go_on(shared, visit, next);
        answer::add_cookie(&mut response, visit.place.login_cookie(shared, &binding));
        return response;
    }
    let kind = LoginKind {
        is_renewed: shared.sign_in.is_renewed || query.wants_renewal || query.kind.is_renewed,
        is_retry: query.kind.is_retry,
        is_gateway: false,
    };
    if visit.user().is_some() && !query.wants_renewal {
        go_on(shared, visit, next)
    } else {
        begin(shared, visit, next, kind)
    }
}

/// The ticket is not for a login that this browser began, so it is not validated: it may be somebody
/// else's, who wants this visitor to work under their name. Unless the visitor has signed in
/// already, the login starts afresh, which one who has a session at the CAS server does not notice.
/// That happens once: a browser that does not send cookies back would go in circles. One in which a sign-in waits to
/// be confirmed has shown that it does: its page was loaded again.
pub(crate) fn not_bound(shared: &Shared, visit: &Visit<'_>, query: &LoginQuery) -> Response<Bytes> {
    let next = query.next.as_ref();
    if visit.user().is_some() || query.kind.is_gateway {
        return go_on(shared, visit, next);
    }
    // A bare service URL does not say how often it was tried.
    if !query.kind.is_retry && !shared.sign_in.is_bare {
        shared.tell(Refused::new(RefusedReason::NotBegunHere));
        if visit.is_post() {
            // From another site a `POST` brings no session cookie. The `GET` that follows does, so it shows
            // whether somebody has signed in already.
            let link = address::retry_link(shared, next, query.kind);
            return answer::redirect(StatusCode::SEE_OTHER, &link)
                .unwrap_or_else(|| internal_error(shared, visit, next));
        }
        let kind = LoginKind {
            is_retry: true,
            ..query.kind
        };
        return begin(shared, visit, next, kind);
    }
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    if !visit.is_post() && binding.give_up_waiting() {
        shared.tell(Refused::new(RefusedReason::NotBegunHere));
        return begin_with(shared, visit, next, query.kind, binding);
    }
    shared.tell(Refused::new(RefusedReason::CookiesNeeded));
    let link = visit.place.login_link(shared, next);
    answer::page(
        shared,
        visit,
        &Page::new(PageKind::CookiesNeeded, StatusCode::BAD_REQUEST, link),
    )
}

/// Sends the visitor to the CAS server, and ties the login to this browser.
fn begin(
    shared: &Shared,
    visit: &Visit<'_>,
    next: Option<&ReturnPath>,
    kind: LoginKind,
) -> Response<Bytes> {
    let binding = shared.binding_cookie.read(visit.headers, visit.now);
    begin_with(shared, visit, next, kind, binding)
}

pub(crate) fn begin_with(
    shared: &Shared,
    visit: &Visit<'_>,
    next: Option<&ReturnPath>,
    kind: LoginKind,
    mut binding: Binding,
) -> Response<Bytes> {
    let mut value = LoginValue::default();
    if getrandom::fill(&mut value).is_err() {
        static NO_RANDOM_BYTES: Seldom = Seldom::new();
        seldom!(
            error,
            NO_RANDOM_BYTES,
            "the operating system gives no random bytes"
        );
        return internal_error(shared, visit, next);
    }
    let place = visit.place;
    let tag = place.tag(shared, &value, next, kind);
    let redirect = place
        .service_url(shared, next, kind, &tag)
        .ok()
        .and_then(|service| {
            // Some servers answer a gateway by `POST` without anything in it, which would be no answer at all.
            let url = if place.takes_posts(shared) && !kind.is_gateway {
                shared.client.login_url_by_post(kind.mode(), &service)
            } else {
                shared.client.login_url_in(kind.mode(), &service)
            };
            answer::redirect(visit.onward(), &url)
        });
    let Some(mut redirect) = redirect else {
        static NO_SERVICE_URL: Seldom = Seldom::new();
        seldom!(
            error,
            NO_SERVICE_URL,
            "the app URL and the return path make no service URL"
        );
        return internal_error(shared, visit, next);
    };
    binding.begin(value, address::trip(shared, next, kind), visit.now);
    let session = visit.owner().and_then(CasUser::session).map(Remembered::of);
    // A frame may not show a session that there is.
    if shared.sign_in.is_by_post && (session.is_some() || !is_framed(visit.headers)) {
        binding.remember(session);
    }
    answer::add_cookie(&mut redirect, place.login_cookie(shared, &binding));
    redirect
}

/// The visitor has a session: on to where they were going.
pub(crate) fn go_on(
    shared: &Shared,
    visit: &Visit<'_>,
    next: Option<&ReturnPath>,
) -> Response<Bytes> {
    answer::redirect(visit.onward(), &shared.destination(next))
        .unwrap_or_else(|| internal_error(shared, visit, next))
}

fn internal_error(
    shared: &Shared,
    visit: &Visit<'_>,
    next: Option<&ReturnPath>,
) -> Response<Bytes> {
    let link = visit.place.login_link(shared, next);
    answer::page(
        shared,
        visit,
        &Page::new(
            PageKind::InternalError,
            StatusCode::INTERNAL_SERVER_ERROR,
            link,
        ),
    )
}
