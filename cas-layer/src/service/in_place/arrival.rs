//! What a sign-in or a sign-out has put into the address of a page.

use http::{Method, header};

use crate::{
    address::{LoginQuery, Unclaimed, in_place as address},
    answer::Answer,
    app::Host,
    protocol::is_form,
    rules::Access,
    sign_in::{Step, decision},
    sign_out::single_logout::FrontChannel,
    user::Place,
    visit::{
        Visit,
        navigation::{is_navigation, is_prefetch},
    },
};

/// The logout request in an address. A text that cannot be read as one is ignored. A readable one may still belong to
/// the app.
pub(super) fn front_channel(host: &Host, visit: &Visit<'_>) -> Option<FrontChannel> {
    may_arrive(visit)
        .then(|| FrontChannel::read(host, visit))?
        .ok()
}

/// Decides on a request whose query belongs to a sign-in of ours. `None` leaves the request to the rules of the path,
/// like every other request.
pub(super) fn step(host: &Host, visit: &Visit<'_>, access: &Access) -> Option<Step> {
    if !may_arrive(visit) {
        return None;
    }
    let query = visit.uri.query()?;
    let path = host.app_path(visit.uri.path());
    let needs_user = visit.user().is_none() && access.is_required();
    if host.app.sign_in.is_bare {
        let read = address::read_bare(path, Some(query), host)?;
        // Any ticket may be the app's own, unless a login is under way here that brings one back.
        let is_ours = needs_user || is_awaited(host, visit);
        return is_ours.then(|| decision::arrive(host, visit, read));
    }
    let read = LoginQuery::in_place(path, Some(query), host)?;
    let has_ticket = read.ticket().is_some();
    // Only this address says that the login begins again, so it does, whatever the path requires.
    let begins_again = read.kind.is_again() && (visit.user().is_none() || read.kind.insists());
    if has_ticket || read.kind.is_gateway || begins_again && visit.may_be_sent_away(host) {
        return Some(decision::arrive(host, visit, read));
    }
    // A visitor who needs a user goes on to the sign-in for this page.
    (!needs_user).then(|| {
        Step::Answer(if visit.is_unverified() {
            decision::not_current(host, visit)
        } else {
            Answer::go_on(read.next.as_ref())
        })
    })
}

/// Whether a posted form answers the question whether a sign-in is the user's own.
pub(super) fn is_confirmation(host: &Host, visit: &Visit<'_>) -> bool {
    let content_type = visit.headers.get(header::CONTENT_TYPE);
    host.confirmations.is_some()
        && *visit.method == Method::POST
        && address::is_confirmation(visit.uri.query())
        && content_type.is_some_and(|value| is_form(value.as_bytes()))
        && !is_prefetch(visit.headers)
}

/// Neither a `HEAD` nor a browser's prefetch signs anyone in or out.
fn may_arrive(visit: &Visit<'_>) -> bool {
    *visit.method == Method::GET && !is_prefetch(visit.headers)
}

/// Decides on a visitor if a layer below requires a user, and the visitor comes from a CAS server with a ticket for a
/// login that this browser knows nothing of. With a bare service URL, nothing says how often that was tried. In a
/// browser without cookies, each trip to the CAS server would bring another ticket and begin another trip.
pub(crate) fn unbound(host: &Host, visit: &Visit<'_>) -> Option<Step> {
    let may_go_in_circles = visit.place == Place::Page
        && host.app.sign_in.is_bare
        && *visit.method == Method::GET
        && is_navigation(visit.method, visit.headers);
    if !may_go_in_circles {
        return None;
    }
    let path = host.app_path(visit.uri.path());
    let read = address::read_bare(path, visit.uri.query(), host)?;
    Some(decision::not_bound(host, visit, read, Unclaimed::Unknown))
}

/// Whether a login is under way in this browser whose ticket comes back here.
fn is_awaited(host: &Host, visit: &Visit<'_>) -> bool {
    let mut binding = visit.binding(host);
    let trip = binding.take_newest_trip(|trip| address::is_callback(host, trip, visit.uri));
    trip.is_some()
}
