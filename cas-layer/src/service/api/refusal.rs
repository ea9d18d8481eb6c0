//! The answers to tickets and passwords for which the CAS server did not vouch.

use http::StatusCode;

#[cfg(feature = "jwt")]
use crate::registry::RegistryError;
use crate::{
    answer::{Answer, Detail},
    app::Host,
    client::{RestError, RestErrorKind, ValidationError, ValidationErrorKind},
    events::{Refused, RefusedReason},
    pages::PageKind,
    protocol::ServiceUrl,
    seldom::{Seldom, seldom},
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

/// The registry cannot say whether a token was used before.
#[cfg(feature = "jwt")]
pub(super) fn not_remembered(host: &Host, error: &RegistryError) -> Answer {
    host.tell(Refused::by(error));
    Answer::page(PageKind::RegistryUnavailable, None)
}

/// The CAS server does not take a password.
pub(super) fn not_signed_in(host: &Host, error: &RestError) -> Answer {
    host.tell(Refused::by(error));
    match RefusedReason::from(error) {
        RefusedReason::WrongPassword => wrong(),
        RefusedReason::TooManyAttempts => too_many(),
        _ => cas_failed(error),
    }
}

/// It takes the password, and gives no ticket. That is for whoever runs the app to see to.
pub(super) fn no_ticket(host: &Host, error: &RestError, service: &ServiceUrl) -> Answer {
    static NO_TICKET: Seldom = Seldom::new();
    let is_refused = RefusedReason::from(error) == RefusedReason::WrongPassword;
    if !is_refused {
        host.tell(Refused::by(error));
        return cas_failed(error);
    }
    seldom!(
        error,
        NO_TICKET,
        %error,
        service = service.as_str(),
        "the CAS server takes a password and gives no ticket: is this a registered service, and may the user use it?"
    );
    host.tell(Refused::new(RefusedReason::TicketRefused));
    Answer::page(PageKind::SignInRefused, None)
}

fn cas_failed(error: &RestError) -> Answer {
    if error.kind() == RestErrorKind::TimedOut {
        Answer::page_with(PageKind::CasUnavailable, None, Detail::TimedOut)
    } else if error.is_temporary() {
        Answer::page(PageKind::CasUnavailable, None)
    } else {
        Answer::page(PageKind::CasNotUnderstood, None)
    }
}

/// As for a ticket that the CAS server refuses.
pub(super) fn wrong() -> Answer {
    Answer::page(PageKind::SignInRefused, None)
}

/// RFC 6585, section 4.
pub(super) fn too_many() -> Answer {
    let line = "too many attempts with a wrong password: wait a minute";
    Answer::text(StatusCode::TOO_MANY_REQUESTS, line)
}
