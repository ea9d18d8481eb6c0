//! The answers to tickets and passwords for which the CAS server did not vouch.

use http::StatusCode;

use crate::{
    answer::{Answer, Detail},
    app::Host,
    client::{RestError, ValidationError, ValidationErrorKind},
    events::{Refused, RefusedReason},
    pages::PageKind,
};

/// The CAS server did not vouch for anybody.
pub(super) fn not_validated(host: &Host, error: &ValidationError) -> Answer {
    host.tell(Refused::by_validation(&host.client, error));
    let (kind, detail) = match error.kind() {
        ValidationErrorKind::Refused | ValidationErrorKind::ConditionsUnmet => {
            let detail = Detail::of_refusal(&host.client, error);
            (PageKind::SignInRefused, detail)
        }
        ValidationErrorKind::TimedOut => (PageKind::CasUnavailable, Detail::TimedOut),
        _ if error.is_temporary() => (PageKind::CasUnavailable, Detail::Nothing),
        _ => (
            PageKind::CasNotUnderstood,
            Detail::Reference(error.reference()),
        ),
    };
    Answer::page_with(kind, None, detail)
}

/// The CAS server gave no ticket for a password.
pub(super) fn no_ticket(host: &Host, error: &RestError) -> Answer {
    host.tell(Refused::by(error));
    match RefusedReason::from(error) {
        RefusedReason::WrongPassword => Answer::page(PageKind::SignInRefused, None),
        RefusedReason::TooManyAttempts => too_many(),
        RefusedReason::CasTimedOut => {
            Answer::page_with(PageKind::CasUnavailable, None, Detail::TimedOut)
        }
        _ if error.is_temporary() => Answer::page(PageKind::CasUnavailable, None),
        _ => Answer::page(PageKind::CasNotUnderstood, None),
    }
}

/// RFC 6585, section 4.
pub(super) fn too_many() -> Answer {
    let line = "too many attempts with a wrong password: wait a minute";
    Answer::text(StatusCode::TOO_MANY_REQUESTS, line)
}
