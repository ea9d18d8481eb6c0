//! Signing out: here at once, then at the CAS server.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{
    address::login_link,
    answer,
    app::Shared,
    events::{Refused, RefusedReason, SignOutCause},
    pages::{Page, PageKind},
    session::Binding,
    visit::Visit,
};

/// The query with which the page after sign-out asks for its image.
const SEEN: &str = "seen";

/// `GET` or `POST` on the logout endpoint. The session ends here before anything else happens, so a
/// CAS server that is down keeps nobody signed in.
pub(crate) fn logout(
    shared: &Arc<Shared>,
    visit: &Visit<'_>,
) -> impl Future<Output = Response<Bytes>> + Send + use<> {
    let (user, now) = (visit.owner().cloned(), visit.now);
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    let remembered = binding.remembered();
    binding.signed_out(now);
    let response = leave(shared, visit, &binding);
    let shared = Arc::clone(shared);
    async move {
        match (user, remembered) {
            (Some(user), _) => shared.end(&user, SignOutCause::SignOut, now).await,
            // From another site a `POST` brings no session cookie.
            (None, Some(session)) => {
                shared
                    .end_remembered(session, SignOutCause::SignOut, now)
                    .await;
            }
            (None, None) => {}
        }
        response
    }
}

/// Another site has the browser sign out behind its user's back, and without the session cookie.
pub(crate) fn refuse_hidden(shared: &Shared, visit: &Visit<'_>) -> Option<Response<Bytes>> {
    visit.is_hidden(shared).then(|| refuse_foreign(shared))
}

pub(crate) fn refuse_foreign(shared: &Shared) -> Response<Bytes> {
    shared.tell(Refused::new(RefusedReason::ForeignSignOut));
    answer::text(StatusCode::FORBIDDEN, "not from a page of this app")
}

/// On to the CAS server's logout, without session.
fn leave(shared: &Shared, visit: &Visit<'_>, binding: &Binding) -> Response<Bytes> {
    let onward = visit.place.after_sign_out(shared);
    let mut response =
        answer::redirect(visit.onward(), &onward).unwrap_or_else(|| logged_out_page(shared, visit));
    answer::add_cookie(&mut response, shared.session_cookie.clear());
    // Kept even if it is empty: the page after sign-out has something to clear, see `forget_pages`.
    let cookie = visit.place.kept_login_cookie(shared, binding);
    answer::add_cookie(&mut response, cookie);
    response
}

/// The visitor comes back from the CAS server's logout. A session that was opened meanwhile, say in
/// another tab, is left alone.
pub(crate) fn logged_out(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    if visit.uri.query() == Some(SEEN) {
        return forget_pages(shared, visit);
    }
    shared
        .after_logout
        .as_ref()
        .and_then(|path| {
            answer::redirect(StatusCode::FOUND, &shared.app.public_path(path.as_str()))
        })
        .unwrap_or_else(|| logged_out_page(shared, visit))
}

/// Chromium keeps the page that was left in memory, `no-store` or not, and shows it again to whoever
/// goes back. It drops it when an `HttpOnly` cookie changes while it is kept, and the sign-out itself
/// comes too early for that. So the page after sign-out has an image, and its answer changes one.
fn forget_pages(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    let mut response = answer::no_content();
    if visit.is_hidden(shared) {
        return response;
    }
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    binding.stir();
    answer::add_cookie(&mut response, visit.place.login_cookie(shared, &binding));
    response
}

fn logged_out_page(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    let image = shared.app.public_path(&shared.endpoints.logout_callback);
    let page = Page::new(
        PageKind::LoggedOut,
        StatusCode::OK,
        login_link(shared, None),
    )
    .with_image(format!("{image}?{SEEN}"));
    answer::page(shared, visit, &page)
}
