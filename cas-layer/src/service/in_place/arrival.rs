//! What a sign-in or a sign-out has put into the address of a page.

use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, Method, Response, header};

use super::super::CasFuture;
use crate::{
    address::{LoginQuery, in_place as address},
    answer,
    app::Shared,
    protocol::is_form,
    rules::Access,
    sign_in::begin::{self, Login},
    sign_out::single_logout::{self, FrontChannel},
    user::Place,
    visit::{
        Visit, Visitor,
        navigation::{is_navigation, is_prefetch},
    },
};

/// The logout request in an address. What cannot be read as one is not taken for one, and what can may be the app's
/// own too.
pub(super) fn front_channel(
    shared: &Shared,
    visit: &Visit<'_>,
    extensions: &Extensions,
) -> Option<FrontChannel> {
    may_arrive(visit)
        .then(|| single_logout::front_channel(shared, visit, extensions))??
        .ok()
}

/// The answer to a request whose query has something of a sign-in of ours; `None` leaves it to the rules of the path,
/// as it does everything else.
pub(super) fn answer<F>(
    shared: &Arc<Shared>,
    visit: &Visit<'_>,
    access: &Access,
) -> Option<CasFuture<F>> {
    if !may_arrive(visit) {
        return None;
    }
    let query = visit.uri.query()?;
    let path = shared.app_path(visit.uri.path());
    let needs_user = visit.user().is_none() && access.is_required();
    let arrived = if shared.sign_in.is_bare {
        let read = address::read_bare(path, Some(query), shared)?;
        // Any ticket may be the app's own, unless a login is under way here that brings one back.
        (needs_user || is_awaited(shared, visit)).then(|| with_ticket(shared, visit, read))?
    } else {
        let read = address::read(path, Some(query), shared)?;
        let has_ticket = read.ticket(shared.client.protocol()).is_some();
        if !has_ticket && needs_user && !read.kind.is_gateway {
            // On to the sign-in for this page.
            return None;
        }
        with_ticket(shared, visit, read)
    };
    Some(match arrived {
        Login::Answer(response) => {
            CasFuture::ready(answer::clear_if_ended(shared, visit, response))
        }
        Login::Validate(callback) => {
            let shared = Arc::clone(shared);
            CasFuture::endpoint(async move { callback.run(&shared).await })
        }
    })
}

/// Whether a form is posted with an answer to the question whether a sign-in is somebody's.
pub(super) fn is_confirmation(shared: &Shared, visit: &Visit<'_>) -> bool {
    let content_type = visit.headers.get(header::CONTENT_TYPE);
    shared.confirmations.is_some()
        && *visit.method == Method::POST
        && address::is_confirmation(visit.uri.query())
        && content_type.is_some_and(|value| is_form(value.as_bytes()))
        && !is_prefetch(visit.headers)
}

/// Neither a question about an answer nor a browser that guesses ahead signs anyone in or out.
fn may_arrive(visit: &Visit<'_>) -> bool {
    *visit.method == Method::GET && !is_prefetch(visit.headers)
}

fn with_ticket(shared: &Shared, visit: &Visit<'_>, read: LoginQuery) -> Login {
    if matches!(visit.visitor, Visitor::Unverified(_)) {
        return Login::Answer(begin::not_current(shared, visit));
    }
    match read.ticket(shared.client.protocol()) {
        Some(ticket) => begin::with_ticket(shared, visit, read, ticket),
        None if read.kind.is_gateway => Login::Answer(begin::without_ticket(shared, visit, &read)),
        None => Login::Answer(begin::go_on(shared, visit, read.next.as_ref())),
    }
}

/// The answer to a visitor of whom a layer below asks for a user, and who comes from a CAS server with a ticket for a
/// login that this browser shows nothing of. With a bare service URL nothing says how often that was tried: in a
/// browser without cookies, each trip to the CAS server would bring another ticket and begin another trip.
pub(crate) fn unbound(shared: &Shared, visit: &Visit<'_>) -> Option<Response<Bytes>> {
    let may_go_in_circles = visit.place == Place::Page
        && shared.sign_in.is_bare
        && *visit.method == Method::GET
        && is_navigation(visit.method, visit.headers);
    if !may_go_in_circles {
        return None;
    }
    let path = shared.app_path(visit.uri.path());
    let read = address::read_bare(path, visit.uri.query(), shared)?;
    Some(begin::not_bound(shared, visit, &read))
}

/// Whether a login is under way in this browser whose ticket comes back here.
fn is_awaited(shared: &Shared, visit: &Visit<'_>) -> bool {
    let mut binding = shared.binding_cookie.read(visit.headers, visit.now);
    let trip = binding.take_newest_trip(|trip| address::is_callback(shared, trip, visit.uri));
    trip.is_some()
}
