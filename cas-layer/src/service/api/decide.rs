//! What becomes of a request at an API. Pure.

use std::borrow::Cow;

use http::StatusCode;

use super::{
    super::decide::{Task, refuse_form},
    CasApiLayer, browser,
    credentials::{self, Credentials, Source},
};
use crate::{
    answer::Answer,
    app::{Endpoint, Route, Shared},
    events::RefusedReason,
    pages::PageKind,
    protocol::{ServiceTicket, ServiceUrl},
    rules::Access,
    sign_in::Step,
    user::CasUser,
    visit::{Visit, Visitor},
};

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Action<'s> {
    Own(Task),
    /// The form that is posted to this endpoint is read.
    Read(Endpoint),
    Judge(Asked<'s>),
}

/// A request for something of the inner service's.
#[derive(Debug)]
pub(super) struct Asked<'s> {
    pub(super) access: Cow<'s, Access>,
    /// For what a ticket has to be; `None` where this URL can be no service URL.
    pub(super) service: Option<ServiceUrl>,
    pub(super) by: By,
}

/// Who asks for it.
#[derive(Debug)]
pub(super) enum By {
    Nobody,
    /// The user of a session.
    User(CasUser),
    Ticket {
        ticket: ServiceTicket,
        service: ServiceUrl,
        source: Source,
        opens_session: bool,
    },
}

impl CasApiLayer {
    pub(super) fn decide<'s>(&self, shared: &'s Shared, visit: &Visit<'_>) -> Action<'s> {
        let access = match shared.route_of_api(visit.uri.path(), visit.is_post()) {
            Route::Endpoint(endpoint) if visit.is_post() => {
                return match refuse_form(shared, endpoint, visit) {
                    None => Action::Read(endpoint),
                    Some(task) => Action::Own(task),
                };
            }
            Route::Endpoint(_) => return Action::Own(Task::TakePair),
            Route::Nowhere => return Action::Own(Task::Answer(Answer::not_found())),
            Route::App(access) => access,
        };
        let path = shared.app_path(visit.uri.path());
        let service =
            path.and_then(|path| credentials::service_url(shared, path, visit.uri.query()));
        // Whatever the parameters of a public path are called, they are the app's.
        let by = if access.is_private() {
            match self.by(visit, service.as_ref()) {
                Ok(by) => by,
                Err(task) => return Action::Own(task),
            }
        } else {
            By::Nobody
        };
        Action::Judge(Asked {
            access,
            service,
            by,
        })
    }

    fn by(&self, visit: &Visit<'_>, service: Option<&ServiceUrl>) -> Result<By, Task> {
        let (ticket, source) = match Credentials::of(visit.headers, visit.uri.query()) {
            Credentials::None => return by_session(&visit.visitor),
            Credentials::Unclear(reason) => {
                return Err(not_taken(StatusCode::BAD_REQUEST, reason));
            }
            Credentials::Ticket(ticket, source) => (ticket, source),
        };
        if source == Source::Query && !self.tickets_in_query {
            let reason =
                "a ticket is not taken from the query: send it as `Authorization: CAS <ticket>`";
            return Err(not_taken(StatusCode::BAD_REQUEST, reason));
        }
        // Any link to the CAS server's login page has it sent here, with a good ticket.
        if source == Source::Query && browser::may_have_sent(visit.headers) {
            let reason = "a ticket in the query is not taken from a browser";
            return Err(not_taken(StatusCode::FORBIDDEN, reason));
        }
        let Some(service) = service else {
            let reason = "this URL can be no service URL, so no ticket is for it";
            return Err(not_taken(StatusCode::BAD_REQUEST, reason));
        };
        let has_session = matches!(visit.visitor, Visitor::SignedIn(_) | Visitor::Unverified(_));
        let opens_session = self.sessions
            && source == Source::Header
            && !browser::has_sent(visit.headers)
            && !has_session;
        Ok(By::Ticket {
            ticket,
            service: service.clone(),
            source,
            opens_session,
        })
    }
}

fn by_session(visitor: &Visitor) -> Result<By, Task> {
    match visitor {
        Visitor::SignedIn(user) => Ok(By::User(user.clone())),
        Visitor::Unverified(_) => Err(Task::Answer(Answer::page(
            PageKind::SessionUnverified,
            None,
        ))),
        Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) => Ok(By::Nobody),
    }
}

/// A ticket that is not brought to the CAS server, for the reason told.
fn not_taken(status: StatusCode, reason: &'static str) -> Task {
    let answer = Answer::text(status, reason);
    Task::SignIn(Step::Refuse(RefusedReason::InvalidTicket, answer))
}
