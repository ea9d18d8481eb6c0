//! `/logout` (CAS protocol 2.3).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};

use super::params::Params;
use super::random::NoRandomness;
use super::state::Shared;
use super::{Quirk, cookies, pages, service, single_logout};

pub(super) async fn logout(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, NoRandomness> {
    let quirks = shared.quirks();
    let service = params
        .get("service")
        .filter(|service| service::acceptable(service, &quirks));
    // A page with a link rather than a redirect, as CAS 2 has it (2.3.1).
    let url = params.get("url").filter(|url| service::is_http_url(url));
    if params.get("url").is_some() && quirks.has(Quirk::LogoutUrlFails) {
        let text = "Something went wrong. You are still signed in.";
        return pages::message(StatusCode::INTERNAL_SERVER_ERROR, "Error", text);
    }
    let ended = match cookies::read(&headers, cookies::SESSION) {
        Some(session) => shared.end_session(&session),
        None => Vec::new(),
    };
    let notices = single_logout::notices(ended, &quirks)?;
    let sending = shared.back_channel().send(notices, &quirks, &shared);
    if !quirks.has(Quirk::LogoutInBackground) {
        sending.report().await;
    }
    let mut response = match service {
        Some(service) => pages::redirect(service),
        None => pages::signed_out(url)?,
    };
    if let Some(cookie) = cookies::clear(cookies::SESSION) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
