//! What happens to a request at an API. Pure.

use std::borrow::Cow;

use http::StatusCode;

use super::{
    super::{decide::Task, post},
    CasApiLayer, browser,
    credentials::{self, Credentials, Source},
    passwords::Given,
};
use crate::{
    admission::Peer,
    answer::Answer,
    app::{Endpoint, Host, Route},
    events::RefusedReason,
    pages::PageKind,
    protocol::{ServiceTicket, ServiceUrl},
    rules::Access,
    sign_in::Step,
    user::CasUser,
    visit::{Visit, Visitor},
};

/// What happens to a request.
#[derive(Debug)]
pub(super) enum First<'s> {
    Own(Task),
    /// The form that is posted to this endpoint is read.
    Read(Endpoint),
    Judge(Asked<'s>),
}

/// A request for a path of the inner service.
#[derive(Debug)]
pub(super) struct Asked<'s> {
    pub(super) access: Cow<'s, Access>,
    /// The service URL that a ticket needs. `None` if this URL cannot be a service URL.
    pub(super) service: Option<ServiceUrl>,
    pub(super) by: By,
}

/// The sender of the request.
#[derive(Debug)]
pub(super) enum By {
    Nobody,
    /// The user of a session.
    User(CasUser),
    /// The user of this ticket, which the CAS server will name.
    Ticket(Box<Brought>),
    /// The user with this password, if the CAS server or this process knows them.
    Password(Box<Given>),
}

/// A ticket that came with a request.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) ticket: ServiceTicket,
    pub(super) service: ServiceUrl,
    pub(super) source: Source,
    pub(super) peer: Option<Peer>,
    pub(super) opens_session: bool,
}

impl CasApiLayer {
    /// `visitor` is the user of a cookie. Without sessions, cookies do not matter.
    pub(super) fn decide<'s>(
        &self,
        host: &'s Host,
        visit: &Visit<'_>,
        visitor: Visitor,
    ) -> First<'s> {
        let access = match host.route_of_api(visit.uri.path(), visit.is_post()) {
            Route::Endpoint(endpoint) if visit.is_post() => {
                return match post::refuse(host, endpoint, visit) {
                    None => First::Read(endpoint),
                    Some(refusal) => First::Own(Task::RefuseForm(refusal)),
                };
            }
            Route::Endpoint(_) => return First::Own(Task::TakePair),
            Route::Nowhere => return First::Own(Task::Answer(Answer::not_found())),
            Route::App(access) => access,
        };
        let path = host.app_path(visit.uri.path());
        let service = path.and_then(|path| credentials::service_url(host, path, visit.uri.query()));
        // Whatever the parameters of a public path are called, they are the app's.
        let by = if access.is_private() {
            match self.by(host, visit, visitor, service.as_ref()) {
                Ok(by) => by,
                Err(task) => return First::Own(task),
            }
        } else {
            By::Nobody
        };
        First::Judge(Asked {
            access,
            service,
            by,
        })
    }

    fn by(
        &self,
        host: &Host,
        visit: &Visit<'_>,
        visitor: Visitor,
        service: Option<&ServiceUrl>,
    ) -> Result<By, Task> {
        let visitor = if self.sessions {
            visitor
        } else {
            Visitor::Anonymous
        };
        let (ticket, source) =
            match Credentials::of(visit.headers, visit.uri.query(), self.passwords.is_some()) {
                Credentials::None => return by_session(visitor),
                Credentials::Unclear(reason) => {
                    return Err(not_taken(StatusCode::BAD_REQUEST, reason));
                }
                Credentials::Ticket(ticket, source) => (ticket, source),
                // A browser that has a password sends it with whatever any page has it request.
                Credentials::Password(..) if browser::has_sent(visit.headers) => {
                    let reason = "a password is not taken from a browser";
                    return Err(not_taken(StatusCode::FORBIDDEN, reason));
                }
                Credentials::Password(user, password) => {
                    return Ok(By::Password(Box::new(Given {
                        user,
                        password,
                        peer: host.app.peers.of(visit.extensions),
                    })));
                }
            };
        if source == Source::Query && !self.tickets_in_query {
            let reason =
                "a ticket is not taken from the query: send it as `Authorization: CAS <ticket>`";
            return Err(not_taken(StatusCode::BAD_REQUEST, reason));
        }
        // Any link to the CAS server's login page can cause this request, with a good ticket.
        if source == Source::Query && browser::may_have_sent(visit.headers) {
            let reason = "a ticket in the query is not taken from a browser";
            return Err(not_taken(StatusCode::FORBIDDEN, reason));
        }
        let Some(service) = service else {
            let reason = "this URL can be no service URL, so no ticket is for it";
            return Err(not_taken(StatusCode::BAD_REQUEST, reason));
        };
        let has_session = matches!(visitor, Visitor::SignedIn(_) | Visitor::Unverified(_));
        let opens_session = self.sessions
            && source == Source::Header
            && !browser::has_sent(visit.headers)
            && !has_session;
        Ok(By::Ticket(Box::new(Brought {
            ticket,
            service: service.clone(),
            source,
            peer: host.app.peers.of(visit.extensions),
            opens_session,
        })))
    }
}

fn by_session(visitor: Visitor) -> Result<By, Task> {
    match visitor {
        Visitor::SignedIn(user) => Ok(By::User(user)),
        Visitor::Unverified(_) => Err(Task::Answer(Answer::page(
            PageKind::SessionUnverified,
            None,
        ))),
        Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) | Visitor::Lost(_) => Ok(By::Nobody),
    }
}

/// A ticket that is not brought to the CAS server, for the given reason.
fn not_taken(status: StatusCode, reason: &'static str) -> Task {
    let answer = Answer::text(status, reason);
    Task::SignIn(Step::Refuse(RefusedReason::InvalidTicket, answer))
}

#[cfg(test)]
mod tests;
