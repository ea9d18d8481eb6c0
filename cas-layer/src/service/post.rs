//! `POST` on the login path, or on the path for logout requests: a form that says what it is. The CAS server itself
//! posts logout requests. A browser posts the ticket that it brings back from there, if `method=POST` was asked for
//! (CAS protocol 2.1.1, 2.2.4), or if the CAS server is set up to do so for this service. Or it posts its user's answer
//! to the question whether a sign-in is theirs.

use std::sync::Arc;

use bytes::Bytes;
use form_urlencoded::parse;
use http::{Request, Response, StatusCode};
use http_body::Body;

use crate::{
    address::{ARTIFACT, LoginQuery, TICKET},
    answer::{Answer, Reader},
    app::{Endpoint, Host},
    clock::UnixSeconds,
    events::{Channel, Refused, RefusedReason},
    pages::SEALED,
    protocol::{InvalidLogoutRequest, Protocol},
    sign_in::{Taken, confirmation, decision},
    sign_out::{
        form::{self, NO_ROOM, Unread},
        single_logout::{self, NoLogout},
    },
    user::Place,
    visit::{Visit, Visitor, navigation, original_uri},
};

const LOGOUT_REQUEST: &str = "logoutRequest";
/// The other name of a logout request in a query.
const SAML_REQUEST: &str = "SAMLRequest";

const NEITHER: Unread = (
    StatusCode::BAD_REQUEST,
    "there is neither a ticket nor a logout request",
);
const NOT_BY_POST: Unread = (
    StatusCode::BAD_REQUEST,
    "tickets are not taken by POST here",
);

/// Why a form is not read, or leads to nothing.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A browser's prefetch.
    Prefetch,
    /// A logout request from a refused sender, or another form where only logout requests are accepted.
    Logout(NoLogout),
    /// Where tickets come in forms, it is a ticket that went wrong rather than a logout request.
    Ticket(Unread),
}

impl Refusal {
    /// Tells the app and the sender.
    pub(super) fn tell(self, host: &Host) -> Answer {
        match self {
            Self::Prefetch => Answer::not_now(),
            Self::Logout(no_logout) => no_logout.tell(host, Channel::Back),
            Self::Ticket(unread) => {
                host.tell(Refused::new(if unread == NO_ROOM {
                    RefusedReason::Busy
                } else {
                    RefusedReason::InvalidTicket
                }));
                Answer::text(unread.0, unread.1)
            }
        }
    }

    fn of(host: &Host, endpoint: Endpoint, unread: Unread) -> Self {
        if takes_tickets(host, endpoint) {
            Self::Ticket(unread)
        } else {
            Self::Logout(NoLogout::Unread(unread))
        }
    }
}

/// Why a `POST` cannot be one of them, judged by everything but its body.
pub(super) fn refuse(host: &Host, endpoint: Endpoint, visit: &Visit<'_>) -> Option<Refusal> {
    if navigation::is_prefetch(visit.headers) {
        return Some(Refusal::Prefetch);
    }
    let wrong = form::check_type(visit.headers).err();
    // Any browser may send its form, so the sender matters only once it is known what was sent.
    let is_anybodys = takes_browsers_forms(host, endpoint)
        || endpoint == Endpoint::Login && wrong.is_none() && visit.wants_page();
    let source = if is_anybodys {
        None
    } else {
        single_logout::refuse_unread(host, visit.extensions)
    };
    let wrong = wrong.map(|wrong| Refusal::of(host, endpoint, wrong));
    source.map(Refusal::Logout).or(wrong)
}

fn takes_tickets(host: &Host, endpoint: Endpoint) -> bool {
    host.app.sign_in.is_by_post && endpoint == Endpoint::Login
}

fn takes_confirmations(host: &Host, endpoint: Endpoint) -> bool {
    host.confirmations.is_some() && endpoint == Endpoint::Login
}

fn takes_browsers_forms(host: &Host, endpoint: Endpoint) -> bool {
    takes_tickets(host, endpoint) || takes_confirmations(host, endpoint)
}

/// Reads the form and does what it says.
pub(super) async fn take<B: Body>(
    host: Arc<Host>,
    endpoint: Endpoint,
    request: Request<B>,
    now: UnixSeconds,
) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let read = form::read(&host, &head.extensions, body).await;
    let request = Request::from_parts(head, ());
    let refusal = match read {
        Err(unread) => Refusal::of(&host, endpoint, unread),
        Ok(form) => {
            let query = original_uri(&request).query();
            match Posted::read(form.data(), query, host.client.protocol()) {
                Posted::Ticket(ticket) if endpoint == Endpoint::Login => {
                    drop(form);
                    return sign_in(&host, &request, ticket).await;
                }
                Posted::Confirmation if takes_confirmations(&host, endpoint) => {
                    let place = Place::Endpoint;
                    return confirmation::answer(&host, place, &request, form.data()).await;
                }
                Posted::LogoutRequest => {
                    let extensions = request.extensions();
                    let answer = single_logout::posted(&host, extensions, form, now).await;
                    return answer.render(&host, &Reader::program(None));
                }
                Posted::Ticket(_) => Refusal::Logout(NoLogout::Unread(NOT_BY_POST)),
                Posted::Both => {
                    Refusal::Logout(NoLogout::Invalid(InvalidLogoutRequest::WithTicket))
                }
                Posted::Confirmation | Posted::Neither => Refusal::of(&host, endpoint, NEITHER),
            }
        }
    };
    // Where only logout requests are expected, what a refused sender has sent does not matter.
    let refused_source = if takes_browsers_forms(&host, endpoint) {
        None
    } else {
        single_logout::refuse_source(&host, request.extensions())
    };
    let refusal = refused_source.map_or(refusal, Refusal::Logout);
    refusal.tell(&host).render(&host, &Reader::program(None))
}

/// The rest is the same as for a ticket in the query.
async fn sign_in(host: &Arc<Host>, request: &Request<()>, ticket: String) -> Response<Bytes> {
    let now = host.app.clock.now();
    let visitor = Visitor::of_endpoint(request, host, Place::Endpoint, now);
    let callback = {
        let visit = Visit::by(request, Place::Endpoint, visitor, now);
        let query = LoginQuery::parse(visit.uri.query(), host).with_posted(ticket);
        let step = if host.app.sign_in.is_by_post {
            decision::arrive(host, &visit, query)
        } else {
            decision::arrive_by_post_unasked(host, &visit, query)
        };
        match step.take(host, &visit) {
            Taken::Answer(answer) => return answer.render(host, &Reader::of(host, &visit)),
            Taken::Validate(callback) => callback,
        }
    };
    callback.run(host).await
}

/// What a form is. It holds a ticket, so it is not printed.
enum Posted {
    /// Empty if there are two different tickets: an empty text is no ticket.
    Ticket(String),
    LogoutRequest,
    Confirmation,
    Both,
    Neither,
}

impl Posted {
    /// The fields of the form decide. It was posted to the service URL, whose query must not contradict them.
    fn read(form: &[u8], query: Option<&str>, protocol: Protocol) -> Self {
        let is_ticket =
            |name: &str| name == TICKET || name == ARTIFACT && protocol == Protocol::Saml1;
        let fields = || parse(form);
        let parameters = || parse(query.unwrap_or_default().as_bytes());
        let mut tickets = fields()
            .filter(|(name, _)| is_ticket(name))
            .map(|(_, value)| value);
        let ticket = tickets.next();
        let asks_to_end = fields().any(|(name, _)| name == LOGOUT_REQUEST);
        let confirms = fields().any(|(name, _)| name == SEALED);
        match (ticket, asks_to_end) {
            (None, false) if confirms => Self::Confirmation,
            (None, false) => Self::Neither,
            (None, true) if parameters().any(|(name, _)| is_ticket(&name)) => Self::Both,
            (None, true) => Self::LogoutRequest,
            (Some(_), true) => Self::Both,
            (Some(_), false)
                if parameters().any(|(name, _)| name == LOGOUT_REQUEST || name == SAML_REQUEST) =>
            {
                Self::Both
            }
            (Some(ticket), false) => {
                let mut others = tickets.chain(
                    parameters()
                        .filter(|(name, _)| is_ticket(name))
                        .map(|(_, value)| value),
                );
                if others.all(|other| other == ticket) {
                    Self::Ticket(ticket.into_owned())
                } else {
                    Self::Ticket(String::new())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str, query: &str, protocol: Protocol) -> &'static str {
        match Posted::read(form.as_bytes(), Some(query), protocol) {
            Posted::Ticket(ticket) if ticket == "ST-1" => "ticket",
            Posted::Ticket(ticket) if ticket.is_empty() => "no ticket",
            Posted::Ticket(_) => "another ticket",
            Posted::LogoutRequest => "logout",
            Posted::Confirmation => "confirmation",
            Posted::Both => "both",
            Posted::Neither => "neither",
        }
    }

    #[test]
    fn a_form_is_a_ticket_or_a_logout_request() {
        for (form, query, expected) in [
            ("ticket=ST-1", "", "ticket"),
            ("ticket=ST%2D1&x=y", "b=1&next=/a", "ticket"),
            ("ticket=ST-1&ticket=ST-1", "ticket=ST-1", "ticket"),
            ("ticket=ST-1&ticket=ST-2", "", "no ticket"),
            ("ticket=ST-2", "ticket=ST-1", "no ticket"),
            ("ticket=ST-1", "ticket=", "no ticket"),
            ("ticket=", "", "no ticket"),
            ("ticket", "", "no ticket"),
            ("ticket=ST-3", "", "another ticket"),
            ("logoutRequest=x", "b=1", "logout"),
            ("logoutRequest=x&logoutRequest=y", "", "logout"),
            ("ticket=ST-1&logoutRequest=x", "", "both"),
            ("logoutRequest=x", "ticket=ST-1", "both"),
            ("ticket=ST-1", "logoutRequest=x", "both"),
            ("ticket=ST-1", "SAMLRequest=x", "both"),
            ("cas_answer=a&cas_confirmation=x", "", "confirmation"),
            ("cas_confirmation=x&ticket=ST-1", "", "ticket"),
            ("cas_confirmation=x&logoutRequest=x", "", "logout"),
            ("", "cas_confirmation=x", "neither"),
            ("", "", "neither"),
            ("", "ticket=ST-1", "neither"),
            ("", "logoutRequest=x", "neither"),
            ("Ticket=ST-1&LOGOUTREQUEST=x", "", "neither"),
            ("SAMLart=ST-1", "", "neither"),
        ] {
            assert_eq!(
                read(form, query, Protocol::Cas3),
                expected,
                "{form} {query}"
            );
        }
    }

    #[test]
    fn with_saml_a_ticket_has_a_second_name() {
        for (form, query, expected) in [
            ("SAMLart=ST-1", "", "ticket"),
            ("SAMLart=ST-1&ticket=ST-1", "", "ticket"),
            ("SAMLart=ST-1&ticket=ST-2", "", "no ticket"),
            ("ticket=ST-1", "SAMLart=ST-2", "no ticket"),
            ("SAMLart=ST-1&logoutRequest=x", "", "both"),
        ] {
            assert_eq!(
                read(form, query, Protocol::Saml1),
                expected,
                "{form} {query}"
            );
        }
    }
}
