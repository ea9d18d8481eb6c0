//! The login endpoint, and the demand to sign in.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::{
    callback::Callback,
    navigation::{is_grpc, is_navigation},
    response,
    service_url::{self, LoginQuery, login_link},
    visit::{Visit, Visitor},
};
use crate::{
    config::Shared,
    pages::{Page, PageKind},
    paths::ReturnPath,
    session::LoginValue,
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
    if is_navigation(visit.method, visit.headers) {
        let next = visit
            .return_path(shared)
            .filter(|next| service_url::is_worth_naming(next, shared));
        return visit.clear_if_ended(shared, begin(shared, visit, next.as_ref(), 0));
    }
    let page = Page::new(
        PageKind::SignInNeeded,
        StatusCode::UNAUTHORIZED,
        login_link(shared, None),
    );
    let mut response = visit.page(shared, &page);
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
    let link = match visit.return_path(shared) {
        Some(path) if !shared.endpoints.contain(&path) => destination(shared, Some(&path)),
        _ => destination(shared, None),
    };
    let page = Page::new(
        PageKind::SessionUnverified,
        StatusCode::SERVICE_UNAVAILABLE,
        link,
    );
    response::retry_later(visit.page(shared, &page))
}

/// `GET` on the login endpoint, with or without a ticket.
pub(crate) fn login(shared: &Shared, visit: &Visit<'_>) -> Login {
    if matches!(visit.visitor, Visitor::Unverified(_)) {
        return Login::Answer(not_current(shared, visit));
    }
    let query = LoginQuery::parse(visit.uri.query(), shared);
    let next = query.next.as_ref();
    let Some(ticket) = query.ticket(shared.client.protocol()) else {
        return Login::Answer(match visit.user() {
            Some(_) => go_on(shared, visit, next),
            None => begin(shared, visit, next, 0),
        });
    };
    let Ok(ticket) = ticket else {
        tracing::warn!("a sign-in came back with a ticket that is none");
        let link = login_link(shared, next);
        let page = Page::new(PageKind::InvalidTicket, StatusCode::BAD_REQUEST, link);
        return Login::Answer(visit.page(shared, &page));
    };
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    if !binding.take(|value| service_url::tag_matches(shared, value, &query)) {
        return Login::Answer(not_bound(shared, visit, &query));
    }
    let tag = query.tag.as_deref().unwrap_or_default();
    let Ok(service) = service_url::service_url(shared, next, query.attempt, tag) else {
        return Login::Answer(internal_error(shared, visit, next));
    };
    Login::Validate(Callback {
        ticket,
        service,
        next: query.next.clone(),
        binding,
        current: visit.user().cloned(),
        wants_page: visit.wants_page(),
    })
}

/// The ticket is not for a login that this browser began, so it is not validated: it may be somebody
/// else's, who wants this visitor to work under their name. Unless the visitor has signed in
/// already, the login starts afresh, which one who has a session at the CAS server does not notice.
/// That happens once: a browser that does not send cookies back would go in circles.
fn not_bound(shared: &Shared, visit: &Visit<'_>, query: &LoginQuery) -> Response<Bytes> {
    let next = query.next.as_ref();
    if visit.user().is_some() {
        return go_on(shared, visit, next);
    }
    if query.attempt == 0 {
        tracing::info!(
            "a ticket came from a browser that did not begin the login: starting afresh"
        );
        return begin(shared, visit, next, 1);
    }
    tracing::warn!("a browser does not send the login cookie back");
    let link = login_link(shared, next);
    visit.page(
        shared,
        &Page::new(PageKind::CookiesNeeded, StatusCode::BAD_REQUEST, link),
    )
}

/// Sends the visitor to the CAS server, and ties the login to this browser.
fn begin(
    shared: &Shared,
    visit: &Visit<'_>,
    next: Option<&ReturnPath>,
    attempt: u8,
) -> Response<Bytes> {
    let mut value = LoginValue::default();
    if getrandom::fill(&mut value).is_err() {
        tracing::error!("the operating system gives no random bytes");
        return internal_error(shared, visit, next);
    }
    let tag = service_url::tag(shared, &value, next, attempt);
    let redirect = service_url::service_url(shared, next, attempt, &tag)
        .ok()
        .and_then(|service| {
            response::redirect(StatusCode::FOUND, &shared.client.login_url(&service))
        });
    let Some(mut redirect) = redirect else {
        tracing::error!("the app URL and the return path make no service URL");
        return internal_error(shared, visit, next);
    };
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    binding.begin(value, visit.now);
    response::add_cookie(&mut redirect, shared.binding_cookie.write(&binding));
    redirect
}

/// The visitor has a session: on to where they were going.
fn go_on(shared: &Shared, visit: &Visit<'_>, next: Option<&ReturnPath>) -> Response<Bytes> {
    response::redirect(StatusCode::FOUND, &destination(shared, next))
        .unwrap_or_else(|| internal_error(shared, visit, next))
}

/// The public path that a sign-in leads to.
pub(crate) fn destination(shared: &Shared, next: Option<&ReturnPath>) -> String {
    shared
        .app
        .public_path(next.unwrap_or(&shared.landing).as_str())
}

fn internal_error(
    shared: &Shared,
    visit: &Visit<'_>,
    next: Option<&ReturnPath>,
) -> Response<Bytes> {
    let link = login_link(shared, next);
    visit.page(
        shared,
        &Page::new(
            PageKind::InternalError,
            StatusCode::INTERNAL_SERVER_ERROR,
            link,
        ),
    )
}
