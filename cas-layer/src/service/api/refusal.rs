//! What a program is told that may not have what it asked for.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    answer,
    client::{ValidationError, ValidationErrorKind},
    pages::{Page, PageKind, Pages},
    protocol::ServiceUrl,
    session::Rejected,
};

/// A problem document.
pub(super) fn problem(kind: PageKind, status: StatusCode) -> Response<Bytes> {
    of_page(&Page::new(kind, status, String::new()))
}

fn of_page(page: &Page) -> Response<Bytes> {
    Pages::problem(page, None)
}

/// 401: says for which service URL a ticket is needed (RFC 9110, section 11.6.1).
pub(super) fn challenge(
    mut response: Response<Bytes>,
    service: Option<&ServiceUrl>,
) -> Response<Bytes> {
    let challenge = match service {
        // A service URL has neither quotes nor backslashes.
        Some(url) => HeaderValue::try_from(format!("CAS service=\"{}\"", url.as_str())).ok(),
        None => None,
    };
    let challenge = challenge.unwrap_or(HeaderValue::from_static("CAS"));
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// The CAS server did not vouch for anybody.
pub(super) fn not_validated(error: &ValidationError, service: &ServiceUrl) -> Response<Bytes> {
    let unavailable = |status| problem(PageKind::CasUnavailable, status);
    match error.kind() {
        ValidationErrorKind::Refused | ValidationErrorKind::ConditionsUnmet => {
            let page = Page::new(
                PageKind::SignInRefused,
                StatusCode::UNAUTHORIZED,
                String::new(),
            );
            let refused = of_page(&page.with_code(error.code()));
            challenge(refused, Some(service))
        }
        ValidationErrorKind::TimedOut => unavailable(StatusCode::GATEWAY_TIMEOUT),
        _ => unavailable(StatusCode::BAD_GATEWAY),
    }
}

/// The app does not admit the user.
pub(super) fn rejected(rejected: &Rejected) -> Response<Bytes> {
    match rejected {
        Rejected::Vetoed(veto) => {
            let page = Page::new(PageKind::SignInVetoed, StatusCode::FORBIDDEN, String::new());
            of_page(&page.with_veto(veto))
        }
        Rejected::BadName(_) => problem(PageKind::InternalError, StatusCode::INTERNAL_SERVER_ERROR),
    }
}

pub(super) fn later(kind: PageKind) -> Response<Bytes> {
    answer::retry_later(problem(kind, StatusCode::SERVICE_UNAVAILABLE))
}
