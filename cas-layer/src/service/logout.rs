//! Signing out: here at once, then at the CAS server.

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use super::{response, service_url::login_link, visit::Visit};
use crate::{
    config::Shared,
    pages::{Page, PageKind},
};

/// `GET` or `POST` on the logout endpoint. The session ends here before anything else happens, so a
/// CAS server that is down keeps nobody signed in.
pub(crate) fn logout(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    if let Some(user) = visit.user() {
        shared
            .registry
            .end(user.session_id(), user.expires_at_unix(), visit.now);
        tracing::info!(session = %user.session_id(), "signed out");
    }
    let status = if *visit.method == Method::POST {
        StatusCode::SEE_OTHER
    } else {
        StatusCode::FOUND
    };
    let cas = shared.client.logout_url(Some(&shared.logged_out_url));
    let mut response =
        response::redirect(status, &cas).unwrap_or_else(|| logged_out_page(shared, visit));
    response::add_cookie(&mut response, shared.session_cookie.clear());
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    binding.signed_out();
    response::add_cookie(&mut response, shared.binding_cookie.write(&binding));
    response
}

/// The visitor comes back from the CAS server's logout. A session that was opened meanwhile, say in
/// another tab, is left alone.
pub(crate) fn logged_out(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    shared
        .after_logout
        .as_ref()
        .and_then(|path| {
            response::redirect(StatusCode::FOUND, &shared.app.public_path(path.as_str()))
        })
        .unwrap_or_else(|| logged_out_page(shared, visit))
}

fn logged_out_page(shared: &Shared, visit: &Visit<'_>) -> Response<Bytes> {
    visit.page(
        shared,
        &Page::new(
            PageKind::LoggedOut,
            StatusCode::OK,
            login_link(shared, None),
        ),
    )
}
