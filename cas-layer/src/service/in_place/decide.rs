//! What happens to a request in place. Pure, except for a form, which has to be looked at.

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

/// What happens to a request in place.
#[derive(Debug)]
pub(super) enum First {
    /// Only its cookies can be for the layer.
    Act(Action),
    /// It answers the question whether a sign-in is the user's own.
    Confirm,
    /// Its form may be a logout request. If it is not, this happens to it.
    Peek(Action),
    /// The logout request in its address may be about a session of this app.
    Ask(Box<FrontChannel>),
}

/// `may_be_logout_request` is judged by its method, its fields and its length.
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
    // No logout request is sent to a path where no sign-in comes back.
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
