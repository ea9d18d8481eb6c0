//! Signing out: here at once, then at the CAS server.

use http::StatusCode;

use crate::{
    answer::{Answer, Detail},
    app::Host,
    clock::UnixSeconds,
    events::{Refused, RefusedReason, SignOutCause},
    pages::PageKind,
    session::Remembered,
    user::CasUser,
    visit::Visit,
};

/// The query of the image on the page after sign-out.
const SEEN: &str = "seen";

/// A visitor who signs out.
#[derive(Debug)]
pub(crate) struct Leaving {
    user: Option<CasUser>,
    /// Another session to end: one that does not count at this node, or the one that the login cookie remembers. From
    /// another site a `POST` brings no session cookie.
    remembered: Option<Remembered>,
    answer: Answer,
    now: UnixSeconds,
}

impl Leaving {
    /// `GET` or `POST` on the logout endpoint.
    pub(crate) fn of(host: &Host, visit: &Visit<'_>) -> Self {
        let mut binding = visit.binding(host);
        let remembered = uncounted(host, visit).or(binding.remembered());
        binding.signed_out(visit.now);
        let onward = visit.place.after_sign_out(host);
        // The login cookie is kept even if it is empty: the page after sign-out has something to clear, see
        // `forget_pages`.
        let kept = visit.place.kept_login_cookie(host, &binding, visit.now);
        Self {
            user: visit.owner().cloned(),
            remembered,
            answer: Answer::redirect(onward)
                .with_cookie(host.session_cookie.clear())
                .with_cookie(host.rounds_cookie.end(visit.headers))
                .with_cookie(kept),
            now: visit.now,
        }
    }

    /// The session ends here before anything else happens, so the user is signed out here even if the CAS server is
    /// down.
    pub(crate) async fn run(self, host: &Host) -> Answer {
        let cause = SignOutCause::SignOut;
        match (&self.user, self.remembered) {
            (Some(user), _) => host.end(user, cause, self.now).await,
            (None, Some(session)) => host.end_remembered(session, cause, None, self.now).await,
            (None, None) => {}
        }
        self.answer
    }
}

/// The session of a cookie that is genuine and does not count here: it has expired by this node's clock, or is from the
/// future. By the clock of another node, or by this one's once it is right, a copy of the cookie may be good. One that
/// has ended already adds nothing to the registry.
fn uncounted(host: &Host, visit: &Visit<'_>) -> Option<Remembered> {
    let read = host.session_cookie.read(visit.headers)?;
    let has_ended = host
        .app
        .registry
        .ended()
        .contain(&host.registered(&read.session));
    (visit.owner().is_none() && !has_ended).then(|| Remembered::of(&read.session))
}

pub(crate) fn refuse_foreign(host: &Host) -> Answer {
    host.tell(Refused::new(RefusedReason::ForeignSignOut));
    Answer::text(StatusCode::FORBIDDEN, "not from a page of this app")
}

/// The visitor comes back from the CAS server's logout. A session that was opened meanwhile, say in
/// another tab, is left alone.
pub(crate) fn logged_out(host: &Host, visit: &Visit<'_>) -> Answer {
    if visit.uri.query() == Some(SEEN) {
        return forget_pages(host, visit);
    }
    if let Some(path) = &host.app.after_logout {
        return Answer::go_on(Some(path));
    }
    let image = host.url.public_path(&host.app.endpoints.logout_callback);
    let image = Detail::Image(format!("{image}?{SEEN}"));
    Answer::page_with(PageKind::LoggedOut, None, image)
}

/// Chromium keeps the previous page in memory, `no-store` or not, and shows it again when the user goes back. It
/// drops that page when an `HttpOnly` cookie changes while it is kept, but the sign-out itself comes too early for
/// that. So the page after sign-out has an image, and the response to that changes a cookie.
fn forget_pages(host: &Host, visit: &Visit<'_>) -> Answer {
    if visit.is_hidden(host) {
        return Answer::no_content();
    }
    let mut binding = visit.binding(host);
    binding.stir();
    Answer::no_content().with_cookie(visit.place.login_cookie(host, &binding, visit.now))
}
