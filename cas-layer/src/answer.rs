//! Our own answers. None of them may be stored.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    app::Shared,
    pages::{Page, PageKind, Pages},
    paths::ReturnPath,
    user::Place,
    visit::Visit,
};

/// When a client that was told to come back may do so, in seconds.
const RETRY_AFTER: &str = "10";

/// An answer without a body.
fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A redirect by 302, or 303 after a `POST`: never 307, which would send the body on to the CAS
/// server. `None` when the location is no header value, which a checked URL always is.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Option<Response<Bytes>> {
    let mut response = empty(status);
    response
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::try_from(location).ok()?);
    response.headers_mut().insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    Some(response)
}

/// `HEAD` on an endpoint: it exists, and nothing happens. Or something did, and there is nothing to say.
pub(crate) fn ok() -> Response<Bytes> {
    empty(StatusCode::OK)
}

/// Done, and nothing to show.
pub(crate) fn no_content() -> Response<Bytes> {
    empty(StatusCode::NO_CONTENT)
}

/// A prefetch of an endpoint: the browser asks again when its user really goes there.
pub(crate) fn not_now() -> Response<Bytes> {
    empty(StatusCode::SERVICE_UNAVAILABLE)
}

/// Nobody's path.
pub(crate) fn not_found() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, "not found")
}

/// A line for a program.
pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = empty(status);
    *response.body_mut() = text.into();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// A script that calls a function, whose name has been checked.
pub(crate) fn script(function: &str) -> Response<Bytes> {
    let mut response = text(StatusCode::OK, format!("{function}();"));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/javascript; charset=utf-8"),
    );
    response
}

/// Says when to come back.
pub(crate) fn retry_later(mut response: Response<Bytes>) -> Response<Bytes> {
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    response
}

pub(crate) fn method_not_allowed(allow: &'static str) -> Response<Bytes> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

pub(crate) fn add_cookie(response: &mut Response<Bytes>, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// `next` is where a sign-in from here leads.
pub(crate) fn render(
    shared: &Shared,
    page: &Page,
    as_html: bool,
    place: Place,
    next: Option<&ReturnPath>,
) -> Response<Bytes> {
    // Having signed out is no problem to a program either.
    if as_html || page.kind() == PageKind::LoggedOut {
        shared.pages.html(page)
    } else {
        let is_renewal = page.kind() == PageKind::FreshSignInNeeded;
        Pages::problem(page, place.login_url(shared, next, is_renewal).as_deref())
    }
}

/// A page of ours for this visitor, or a problem document for a program.
pub(crate) fn page(shared: &Shared, visit: &Visit<'_>, page: &Page) -> Response<Bytes> {
    let next = visit.next_of_link(shared);
    render(shared, page, visit.wants_page(), visit.place, next.as_ref())
}

/// Clears the cookie of a session that has ended, unless the answer sets a new one.
pub(crate) fn clear_if_ended(
    shared: &Shared,
    visit: &Visit<'_>,
    mut response: Response<Bytes>,
) -> Response<Bytes> {
    if visit.is_over() && !shared.session_cookie.is_set_by(response.headers()) {
        add_cookie(&mut response, shared.session_cookie.clear());
    }
    response
}
