//! What becomes of a request in place. Pure, but for a form, which has to be looked at.

use std::borrow::Cow;

use super::{
    super::decide::{Action, Task, at_app},
    arrival,
};
use crate::{
    address::in_place as address,
    answer::Answer,
    app::{Host, Route},
    rules::Access,
    sign_out::single_logout::FrontChannel,
    visit::Visit,
};

/// What becomes of a request in place.
#[derive(Debug)]
pub(super) enum First {
    /// Nothing of it may be for the layer but its cookies.
    Act(Action),
    /// It is somebody's answer to the question whether a sign-in is theirs.
    Confirm,
    /// Its form may be a logout request. If it is not, this is what becomes of it.
    Peek(Action),
    /// The logout request in its address may be about a session of this app.
    Ask(Box<FrontChannel>),
}

/// `may_be_logout_request` is what its method, its fields and its length say.
pub(super) fn first(host: &Host, visit: &Visit<'_>, may_be_logout_request: bool) -> First {
    let access = match host.route_in_place(visit.uri.path()) {
        Route::App(access) => access,
        // A logout request, as on every path of the app's.
        Route::Endpoint(_) if may_be_logout_request => Cow::Borrowed(host.app.rules.required()),
        Route::Endpoint(_) => return First::Act(Action::Own(Task::TakePair)),
        Route::Nowhere => return First::Act(nowhere()),
    };
    if arrival::is_confirmation(host, visit) {
        return First::Confirm;
    }
    // Where no sign-in comes back to, no logout request is sent to.
    if access.is_private() || address::is_fallback(host, visit.uri) {
        if may_be_logout_request {
            return First::Peek(at_app(host, visit, &access));
        }
        if let Some(front_channel) = arrival::front_channel(host, visit) {
            return First::Ask(Box::new(front_channel));
        }
    }
    First::Act(decide(host, visit, &access))
}

/// The same for a request that has turned out to be no logout request.
pub(super) fn afterwards(host: &Host, visit: &Visit<'_>) -> Action {
    match host.route_in_place(visit.uri.path()) {
        Route::App(access) => decide(host, visit, &access),
        Route::Endpoint(_) | Route::Nowhere => nowhere(),
    }
}

fn decide(host: &Host, visit: &Visit<'_>, access: &Access) -> Action {
    match arrival::step(host, visit, access) {
        Some(step) => Action::Own(Task::SignIn(step)),
        None => at_app(host, visit, access),
    }
}

fn nowhere() -> Action {
    Action::Own(Task::Answer(Answer::not_found()))
}

#[cfg(test)]
mod tests;
