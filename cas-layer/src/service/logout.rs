//! Signing out: here at once, then at the CAS server.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};

use super::{response, service_url::login_link, visit::Visit};
use crate::{
    clock::UnixSeconds,
    config::Shared,
    events::{Refused, RefusedReason, SignOutCause, SignedOut},
    pages::{Page, PageKind},
    registry::LogoutSender,
    session::{Binding, Remembered, SessionId},
    user::CasUser,
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
            (Some(user), _) => end(&shared, &user, SignOutCause::SignOut, now).await,
            // From another site a `POST` brings no session cookie.
            (None, Some(session)) => {
                end_remembered(&shared, session, SignOutCause::SignOut, now).await;
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
    response::text(StatusCode::FORBIDDEN, "not from a page of this app")
}

/// Whether a `POST` comes from a page of this app, as far as the browser says: `Sec-Fetch-Site`, or `Origin`
/// from an older one. Who sends neither is no browser, and nobody can make it sign out.
pub(crate) fn is_same_origin(shared: &Shared, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return [&b"same-origin"[..], b"none"].contains(&site.as_bytes());
    }
    headers
        .get(header::ORIGIN)
        .is_none_or(|origin| origin.as_bytes() == shared.app.origin().as_bytes())
}

/// What was opened for nothing is open no more. If this cannot be noted, the entries go when they expire.
pub(super) async fn take_back(shared: &Shared, ids: Vec<SessionId>, now: UnixSeconds) {
    let _ = shared
        .registry
        .end_if_opened(ids, LogoutSender::app(), now)
        .await;
}

/// Ends a session whose cookie was shown; a user without one has none to end. A registry that cannot be reached does
/// not keep the visitor here: on this node the session has ended, and the registry tells the others when it can.
pub(super) async fn end(shared: &Shared, user: &CasUser, cause: SignOutCause, now: UnixSeconds) {
    let Some(session) = user.session() else {
        return;
    };
    let ended = shared
        .registry
        .end(session.id, session.expires_at, now)
        .await;
    shared.tell(SignedOut::shown(user, cause).recorded(ended.as_ref().copied()));
}

/// Signs a user out for a handler of the app's own.
pub(crate) async fn sign_out(user: &CasUser) -> Response<Bytes> {
    let shared = user.shared();
    let now = shared.clock.now();
    end(shared, user, SignOutCause::SignOut, now).await;
    let onward = user.place().after_sign_out(shared);
    let mut response =
        response::redirect(StatusCode::SEE_OTHER, &onward).unwrap_or_else(response::ok);
    if user.session().is_none() {
        // Cookies that came along are of somebody's session, which goes on.
        return response;
    }
    response::add_cookie(&mut response, shared.session_cookie.clear());
    // The browser's own is not at hand.
    let mut binding = Binding::default();
    binding.signed_out(now);
    if let Some(confirmations) = &shared.confirmations {
        binding.know(confirmations.tag_of(user.name()), now);
    }
    let cookie = user.place().kept_login_cookie(shared, &binding);
    response::add_cookie(&mut response, cookie);
    response
}

/// The same for a session that the login cookie remembers. One that has ended meanwhile is left alone.
pub(super) async fn end_remembered(
    shared: &Shared,
    old: Remembered,
    cause: SignOutCause,
    now: UnixSeconds,
) {
    if shared.registry.ended().contain_id(old.id) || old.expires_at <= now {
        return;
    }
    let ended = shared.registry.end(old.id, old.expires_at, now).await;
    let signed_out = SignedOut::named(old.id, cause);
    shared.tell(signed_out.recorded(ended.as_ref().copied()));
}

/// On to the CAS server's logout, without session.
fn leave(shared: &Shared, visit: &Visit<'_>, binding: &Binding) -> Response<Bytes> {
    let status = if *visit.method == Method::POST {
        StatusCode::SEE_OTHER
    } else {
        StatusCode::FOUND
    };
    let onward = visit.place.after_sign_out(shared);
    let mut response =
        response::redirect(status, &onward).unwrap_or_else(|| logged_out_page(shared, visit));
    response::add_cookie(&mut response, shared.session_cookie.clear());
    // Kept even if it is empty: the page after sign-out has something to clear, see `forget_pages`.
    let cookie = visit.place.kept_login_cookie(shared, binding);
    response::add_cookie(&mut response, cookie);
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
            response::redirect(StatusCode::FOUND, &shared.app.public_path(path.as_str()))
        })
        .unwrap_or_else(|| logged_out_page(shared, visit))
}

/// Chromium keeps the page that was left in memory, `no-store` or not, and shows it again to whoever
/// goes back. It drops it when an `HttpOnly` cookie changes while it is kept, and the sign-out itself
/// comes too early for that. So the page after sign-out has an image, and its answer changes one.
fn forget_pages(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    let mut response = response::no_content();
    if visit.is_hidden(shared) {
        return response;
    }
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    binding.stir();
    response::add_cookie(&mut response, visit.place.login_cookie(shared, &binding));
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
    visit.page(shared, &page)
}
