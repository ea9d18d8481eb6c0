//! The way to the CAS server.

use crate::{
    address::{self, LoginKind, Salt},
    answer::{Answer, Detail},
    app::Host,
    pages::PageKind,
    paths::ReturnPath,
    protocol::LoginPage,
    seldom::{Seldom, seldom},
    session::{Binding, LoginValue, Remembered},
    user::{CasUser, Place},
    visit::{Visit, navigation::is_framed},
};

/// The most bytes that a return path may add to the URL of a redirect to the CAS server, where it is encoded twice:
/// with the rest of the head, cookies included, these are less than the 4,096 bytes of a buffer of nginx.
const MAX_IN_REDIRECT: usize = 2_800;

/// A return path of so many bytes has room everywhere, however it is encoded, even if the URL has it twice.
const SURELY_FITS: usize = 256;

/// A login that is to begin.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) next: Option<ReturnPath>,
    pub(crate) kind: LoginKind,
    /// The browser's binding after this request. `None` leaves it as the browser sent it.
    pub(crate) binding: Option<Binding>,
    /// What the CAS server's login page is asked for, beside what every login of the app asks for.
    pub(crate) page: LoginPage,
}

impl Login {
    /// The same when no other tab of the browser is on its way. Until then, the visitor sees a page that comes back.
    pub(super) fn begin_alone(self, host: &Host, visit: &Visit<'_>) -> Answer {
        let mut binding = visit.binding(host);
        let secret = binding.current_secret();
        // Without a secret, the browser has no other login.
        let may_go = secret.is_none_or(|secret| host.validations.tabs.may_go(*secret));
        let (place, next) = (visit.place, self.next.as_ref());
        let link = || place.again(host, &mut binding, (next, self.kind), visit.now);
        match (!may_go).then(link).flatten() {
            Some(link) => Answer::page_with(PageKind::OtherTabs, next, Detail::Later(link)),
            None => self.begin(host, visit),
        }
    }

    /// Sends the visitor to the CAS server, and ties the login to their browser.
    pub(crate) fn begin(self, host: &Host, visit: &Visit<'_>) -> Answer {
        let Self {
            next,
            kind,
            binding,
            page,
        } = self;
        let page = &host.app.login_page.always.with(&page);
        let next = next.and_then(|next| address::clean(host, next));
        let next = fitting(host, visit, kind, next);
        let next = next.as_ref();
        let (mut value, mut salt) = (LoginValue::default(), Salt::default());
        if getrandom::fill(&mut value).is_err() || getrandom::fill(&mut salt).is_err() {
            static NO_RANDOM_BYTES: Seldom = Seldom::new();
            seldom!(
                error,
                NO_RANDOM_BYTES,
                "the operating system has no random bytes"
            );
            return Answer::page(PageKind::InternalError, next);
        }
        let place = visit.place;
        let before = host.binding_cookie.find(visit.headers, visit.now);
        let mut binding = binding.unwrap_or_else(|| before.clone().unwrap_or_default());
        let mark = match address::trip(host, next, kind) {
            Some(trip) => {
                binding.begin_trip(value, trip, visit.now);
                String::new()
            }
            None => place.mark(
                host,
                binding.secret(value, visit.now),
                (next, kind),
                salt,
                visit.now,
            ),
        };
        let Some(url) = login_url(host, place, (next, kind), page, &mark) else {
            static NO_SERVICE_URL: Seldom = Seldom::new();
            seldom!(
                error,
                NO_SERVICE_URL,
                "the app URL and the return path make no service URL"
            );
            return Answer::page(PageKind::InternalError, next);
        };
        let session = visit.owner().and_then(CasUser::session).map(Remembered::of);
        // A frame may not show an existing session.
        if host.app.sign_in.is_by_post && (session.is_some() || !is_framed(visit.headers)) {
            binding.remember(session);
        }
        // If nothing has to be said, the cookie stays as it is: other tabs may be about to get another one.
        let is_said = before.as_ref() == Some(&binding) && !binding.is_due(visit.now);
        let cookie = (!is_said).then(|| place.login_cookie(host, &binding, visit.now));
        // A bare service URL cannot carry the count.
        let counts = host.app.sign_in.is_bare && kind.round > 0;
        let count = counts.then(|| host.rounds_cookie.write(kind.round));
        Answer::redirect(url)
            .with_cookie(cookie.flatten())
            .with_cookie(count.flatten())
            .leaving_session(was_replaced(host, visit))
    }
}

/// Whether the visitor shows a session that another tab has replaced: the cookie of the new one may be on the way.
pub(super) fn was_replaced(host: &Host, visit: &Visit<'_>) -> bool {
    let read = || host.session_cookie.read(visit.headers);
    let shown = visit.is_over().then(read).flatten();
    shown.is_some_and(|read| host.app.replaced.contains(read.session.id))
}

/// The CAS server's login page for this login. `None` if app URL and return path make no service URL.
fn login_url(
    host: &Host,
    place: Place,
    (next, kind): (Option<&ReturnPath>, LoginKind),
    page: &LoginPage,
    mark: &str,
) -> Option<String> {
    let service = place.service_url(host, next, kind, mark).ok()?;
    // With `POST`, some servers answer a gateway with an empty form, which would be no answer at all.
    Some(if place.takes_posts(host) && !kind.is_gateway {
        host.client.login_url_by_post(kind.mode(), page, &service)
    } else {
        host.client.login_url_for(kind.mode(), page, &service)
    })
}

/// As much of a return path as the redirect to the CAS server has room for: with its query, or without, or none.
fn fitting(
    host: &Host,
    visit: &Visit<'_>,
    kind: LoginKind,
    next: Option<ReturnPath>,
) -> Option<ReturnPath> {
    let next = next?;
    if next.as_str().len() <= SURELY_FITS {
        return Some(next);
    }
    // Only differences in length count.
    let page = LoginPage::default();
    let length = |next: Option<&ReturnPath>| {
        login_url(host, visit.place, (next, kind), &page, "").map_or(0, |url| url.len())
    };
    let without = length(None);
    let fits = |next: &ReturnPath| length(Some(next)) <= without + MAX_IN_REDIRECT;
    if fits(&next) {
        return Some(next);
    }
    Some(next.without_query()).filter(fits)
}
