//! The way to the CAS server.

use crate::{
    address::{self, LoginKind},
    answer::Answer,
    app::Host,
    pages::PageKind,
    paths::ReturnPath,
    seldom::{Seldom, seldom},
    session::{Binding, LoginValue, Remembered},
    user::CasUser,
    visit::{Visit, navigation::is_framed},
};

/// A login that is to begin.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) next: Option<ReturnPath>,
    pub(crate) kind: LoginKind,
    /// The browser's binding after this request. `None` leaves it as the browser sent it.
    pub(crate) binding: Option<Binding>,
}

impl Login {
    /// Sends the visitor to the CAS server, and ties the login to their browser.
    pub(crate) fn begin(self, host: &Host, visit: &Visit<'_>) -> Answer {
        let Self {
            next,
            kind,
            binding,
        } = self;
        let next = next.as_ref();
        let mut value = LoginValue::default();
        if getrandom::fill(&mut value).is_err() {
            static NO_RANDOM_BYTES: Seldom = Seldom::new();
            seldom!(
                error,
                NO_RANDOM_BYTES,
                "the operating system has no random bytes"
            );
            return Answer::page(PageKind::InternalError, next);
        }
        let place = visit.place;
        let tag = place.tag(host, &value, next, kind);
        let Ok(service) = place.service_url(host, next, kind, &tag) else {
            static NO_SERVICE_URL: Seldom = Seldom::new();
            seldom!(
                error,
                NO_SERVICE_URL,
                "the app URL and the return path make no service URL"
            );
            return Answer::page(PageKind::InternalError, next);
        };
        // With `POST`, some servers answer a gateway with an empty form, which would be no answer at all.
        let url = if place.takes_posts(host) && !kind.is_gateway {
            host.client.login_url_by_post(kind.mode(), &service)
        } else {
            host.client.login_url_in(kind.mode(), &service)
        };
        let mut binding = binding.unwrap_or_else(|| visit.binding(host));
        binding.begin(value, address::trip(host, next, kind), visit.now);
        let session = visit.owner().and_then(CasUser::session).map(Remembered::of);
        // A frame may not show an existing session.
        if host.app.sign_in.is_by_post && (session.is_some() || !is_framed(visit.headers)) {
            binding.remember(session);
        }
        Answer::redirect(url).with_cookie(place.login_cookie(host, &binding))
    }
}
