//! `/logout` (CAS protocol 2.3).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};

use super::{
    FrontChannel, Quirk, cookies,
    pages::{self, Element, Unseen},
    params::Params,
    random::NoRandomness,
    single_logout::{self, Notice},
    state::Shared,
    visits::{Onward, Visits},
};

pub(super) async fn logout(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, NoRandomness> {
    if params.get("_eventId") == Some("next") {
        return come_back(&shared, &params);
    }
    let quirks = shared.quirks();
    if params.get("url").is_some() && quirks.has(Quirk::LogoutUrlFails) {
        let text = "Something went wrong. You are still signed in.";
        return pages::message(StatusCode::INTERNAL_SERVER_ERROR, "Error", text);
    }
    let onward = Onward::of(&params, &quirks);
    let mut ended = match cookies::read(&headers, cookies::SESSION) {
        Some(session) => shared.end_session(&session),
        None => Vec::new(),
    };
    let front_channel = shared.front_channel();
    if front_channel.is_some() {
        // No browser has been where proxies are called back, and it may not get there.
        ended.retain(|issued| !issued.by_proxy);
    }
    let notices = single_logout::notices(ended, &quirks)?;
    let mut response = match front_channel {
        Some(front_channel) if !notices.is_empty() => {
            by_browser(&shared, front_channel, notices, onward)?
        }
        _ => {
            let sending = shared.back_channel().send(notices, &quirks);
            if !quirks.has(Quirk::LogoutInBackground) {
                sending.report().await;
            }
            onward.answer()?
        }
    };
    if let Some(cookie) = cookies::clear(cookies::SESSION) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The browser carries the logout requests.
fn by_browser(
    shared: &Shared,
    front_channel: FrontChannel,
    notices: Vec<Notice>,
    onward: Onward,
) -> Result<Response, NoRandomness> {
    let urls = front_channel.urls(notices);
    let element = match front_channel {
        FrontChannel::Frames(_) => Element::Frame,
        FrontChannel::Images(_) => Element::Image,
        FrontChannel::Scripts(_) => Element::Script,
        FrontChannel::Redirects => {
            let left = urls.into();
            return visit(shared, Visits { left, onward });
        }
    };
    let unseen = Unseen { element, urls };
    match onward {
        Onward::Service(service) => {
            pages::signing_out(&service, &unseen, shared.back_channel().limit())
        }
        Onward::Page(url) => pages::signed_out(url.as_deref(), Some(&unseen)),
    }
}

/// Sends the browser to the next service, or on when it has been at each.
fn visit(shared: &Shared, mut visits: Visits) -> Result<Response, NoRandomness> {
    let Some(mut url) = visits.left.pop_front() else {
        return visits.onward.answer();
    };
    let token = shared.open_visits(visits)?;
    url.query_pairs_mut().append_pair("RelayState", &token);
    Ok(pages::redirect(url.as_str()))
}

/// A service has sent the browser back.
fn come_back(shared: &Shared, params: &Params) -> Result<Response, NoRandomness> {
    if let Some(visits) = shared.take_visits(params.get("RelayState").unwrap_or_default()) {
        return visit(shared, visits);
    }
    let text = "This step of a logout is not known, or was taken before.";
    pages::message(StatusCode::BAD_REQUEST, "Unknown step", text)
}
