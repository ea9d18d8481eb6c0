//! What follows a ticket for which the CAS server does not vouch: another try, or a page.

use super::{callback::Entrant, standing::Standing};
use crate::{
    address::LoginKind,
    answer::{Answer, Detail},
    app::Host,
    client::{ValidationError, ValidationErrorKind},
    events::Refused,
    pages::PageKind,
    seldom::{Seldom, seldom},
};

/// The code of a ticket that the CAS server does not know, or no longer.
const GONE: &str = "INVALID_TICKET";

/// The code, on some servers, of a ticket for which nobody gave credentials, as was asked. Others say that it is gone, or
/// nothing at all.
const NOT_RENEWED: &str = "INVALID_TICKET_SPEC";

/// How often a login begins again because its ticket is gone. See [`LoginKind::goes_alone`].
const MAX_REFUSALS: u8 = 2;

/// The same if the user may have to give their credentials each time.
const MAX_RENEWALS: u8 = 1;

impl Entrant {
    /// A failure signs nobody in or out.
    pub(super) fn failed(&mut self, host: &Host, error: &ValidationError) -> Answer {
        // A login that begins again is told of once.
        if self.kind.refusals == 0 || !self.is_gone(error) {
            host.tell(Refused::by_validation(&host.client, error));
        }
        let next = self.next.as_ref();
        match error.kind() {
            ValidationErrorKind::Refused => {
                if self.goes_on() {
                    return self.go_on();
                }
                let again = self.next_try(host, error);
                if let Some(again) = again.and_then(|kind| self.begin_again(host, kind)) {
                    return again;
                }
                let detail = Detail::of_refusal(&host.client, error);
                Answer::page_with(PageKind::SignInRefused, self.next.as_ref(), detail)
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

    /// Whether a ticket is no longer good, or not good enough. Some servers delete an unused ticket when they give another
    /// tab one for the same service. Some do not ask for credentials if they were given seconds ago, and then refuse the
    /// ticket because nobody gave them.
    fn is_gone(&self, error: &ValidationError) -> bool {
        match error.code() {
            Some(GONE) => true,
            Some(NOT_RENEWED) | None => {
                let is_refused = error.kind() == ValidationErrorKind::Refused;
                self.kind.is_renewed && is_refused && error.proxies().is_empty()
            }
            Some(_) => false,
        }
    }

    /// The login that begins by itself in place of one whose ticket was refused, if it may do better.
    fn next_try(&self, host: &Host, error: &ValidationError) -> Option<LoginKind> {
        let kind = self.kind;
        if host.client.is_about_callback(error) && !kind.is_ungranted {
            return Some(LoginKind {
                is_ungranted: true,
                ..kind
            });
        }
        let most = if kind.is_renewed {
            MAX_RENEWALS
        } else {
            // The session of the other tab may have arrived by then.
            MAX_REFUSALS + u8::from(self.standing == Standing::Replaced)
        };
        // A ticket that comes with a bare service URL may belong to no login of this browser.
        let may_be_its_own = !host.app.sign_in.is_bare || kind.is_renewed;
        let may_help = self.is_gone(error) && may_be_its_own && kind.refusals < most;
        may_help.then(|| LoginKind {
            refusals: kind.refusals + 1,
            ..kind
        })
    }

    /// Back to the beginning. With a session at the CAS server, the user does not notice, unless they have to give their
    /// credentials. By then, another tab may also have signed in.
    fn begin_again(&mut self, host: &Host, kind: LoginKind) -> Option<Answer> {
        let (place, next) = (self.reader.place, self.next.as_ref());
        let link = place.again(host, &mut self.binding, (next, kind), self.now)?;
        Some(if kind.goes_alone() {
            Answer::page_with(PageKind::OtherTabs, next, Detail::Later(link))
        } else {
            Answer::redirect(link)
        })
    }

    /// Whether a ticket that is refused is none of the visitor's concern. A reload, or going back, brings a used one. Whoever
    /// was to be asked for nothing is shown nothing either.
    fn goes_on(&self) -> bool {
        self.kind.is_gateway || self.standing == Standing::Known && !self.kind.is_renewed
    }
}
