//! The next step of a visitor on their way to a session. The decision is pure: nothing begins, and nobody is told,
//! until the step is taken.

use super::{Callback, Entrant, Login};
use crate::{
    address::{self, LoginKind, LoginQuery, NoTicket},
    answer::Answer,
    app::Host,
    events::{Refused, RefusedReason},
    pages::PageKind,
    protocol::ServiceTicket,
    user::Place,
    visit::Visit,
};

/// The next step of a visitor who signs in, or has to.
#[derive(Debug)]
#[must_use]
pub(crate) enum Step {
    Answer(Answer),
    /// An answer, and a reason that is told to the app.
    Refuse(RefusedReason, Answer),
    /// A signed-in user has no permission. The app is told who it is.
    Forbid(Answer),
    Begin(Box<Login>),
    /// The login begins again, for a reason that is told to the app.
    BeginAgain(RefusedReason, Box<Login>),
    /// The browser that began this login brings a ticket for it.
    Validate(Box<Callback>),
}

/// The result of a step.
pub(crate) enum Taken {
    Answer(Answer),
    Validate(Box<Callback>),
}

impl Step {
    /// Carries out everything but a validation, which takes time.
    pub(crate) fn take(self, host: &Host, visit: &Visit<'_>) -> Taken {
        let (refused, answer) = match self {
            Self::Validate(callback) => return Taken::Validate(callback),
            Self::Answer(answer) => (None, answer),
            Self::Begin(login) => (None, login.begin(host, visit)),
            Self::BeginAgain(reason, login) => {
                (Some(Refused::new(reason)), login.begin(host, visit))
            }
            Self::Refuse(reason, answer) => (Some(Refused::new(reason)), answer),
            Self::Forbid(answer) => {
                let refused = Refused::new(RefusedReason::NotAllowed);
                (Some(refused.signed_in(visit.user())), answer)
            }
        };
        if let Some(refused) = refused {
            host.tell(refused);
        }
        Taken::Answer(answer)
    }
}

/// A request needs a user and has none. A page that is being opened is redirected to the CAS server; everything else
/// is told where to sign in. A `POST` is never redirected: its form would be lost, and from another site it comes
/// without the session cookie, so that a signed-in user looks like a stranger.
pub(crate) fn demand(host: &Host, visit: &Visit<'_>) -> Step {
    if !visit.may_be_sent_away(host) {
        return Step::Answer(unauthorized(host, visit));
    }
    Step::Begin(Box::new(Login {
        next: visit.next(host),
        kind: LoginKind {
            is_renewed: host.app.sign_in.is_renewed,
            ..LoginKind::default()
        },
        binding: None,
    }))
}

/// Says where to sign in.
fn unauthorized(host: &Host, visit: &Visit<'_>) -> Answer {
    Answer::page(PageKind::SignInNeeded, visit.next_of_link(host).as_ref())
}

/// A request needs a user whose credentials are fresh, and those of this one are not.
pub(crate) fn demand_renewal(host: &Host, visit: &Visit<'_>) -> Step {
    if !visit.may_be_sent_away(host) {
        let next = visit.next_to_renew(host);
        let kind = PageKind::FreshSignInNeeded;
        return Step::Answer(Answer::page(kind, next.as_ref()));
    }
    Step::Begin(Box::new(Login {
        next: visit.next(host),
        kind: LoginKind::RENEWED,
        binding: None,
    }))
}

/// A user has no permission.
pub(crate) fn forbid(host: &Host, visit: &Visit<'_>) -> Step {
    let next = visit.next_of_link(host);
    Step::Forbid(Answer::page(PageKind::NotAllowed, next.as_ref()))
}

/// The visitor may have a session: at the moment it is not known whether it has ended. The cookie stays, and the CAS
/// server is not asked: it would sign in again a user who has just signed out.
pub(crate) fn not_current(host: &Host, visit: &Visit<'_>) -> Answer {
    // What was posted cannot be posted again by a link.
    let next = match visit.place {
        Place::Page => visit.next_of_link(host),
        Place::Endpoint | Place::Request => visit.next(host),
    };
    Answer::page(PageKind::SessionUnverified, next.as_ref())
}

/// `GET` on the login endpoint, with or without a ticket. If a page of another site makes the browser send this
/// behind its user's back, it begins no login and ends none.
pub(crate) fn at_login(host: &Host, visit: &Visit<'_>) -> Step {
    if visit.is_hidden(host) {
        return Step::Answer(unauthorized(host, visit));
    }
    arrive(host, visit, LoginQuery::parse(visit.uri.query(), host))
}

/// The same with a query that has been read, or a ticket that came in a form.
pub(crate) fn arrive(host: &Host, visit: &Visit<'_>, query: LoginQuery) -> Step {
    if visit.is_unverified() {
        return Step::Answer(not_current(host, visit));
    }
    match query.ticket() {
        Some(ticket) => with_ticket(host, visit, query, ticket),
        None => without_ticket(host, visit, query),
    }
}

/// A visitor comes back with the text that they were given as a ticket.
fn with_ticket(
    host: &Host,
    visit: &Visit<'_>,
    mut query: LoginQuery,
    ticket: Result<ServiceTicket, NoTicket>,
) -> Step {
    let Ok(ticket) = ticket else {
        let answer = Answer::page(PageKind::InvalidTicket, query.next.as_ref());
        return Step::Refuse(RefusedReason::InvalidTicket, answer);
    };
    let mut binding = visit.binding(host);
    let claimed = visit.place.claim(host, visit.uri, &mut binding, &mut query);
    let Some(login) = claimed else {
        return not_bound(host, visit, query);
    };
    let next = query.next.as_ref();
    let tag = query.tag.as_deref().unwrap_or_default();
    let Ok(service) = visit.place.service_url(host, next, query.kind, tag) else {
        return Step::Answer(Answer::page(PageKind::InternalError, next));
    };
    let peer = host.app.peers.of(visit.extensions);
    let entrant = Entrant::of(visit, query.next, query.kind, binding);
    Step::Validate(Box::new(Callback {
        ticket,
        service,
        login,
        peer,
        entrant,
    }))
}

fn without_ticket(host: &Host, visit: &Visit<'_>, query: LoginQuery) -> Step {
    if query.kind.is_gateway {
        // Whether we made this address or not: it leads to a page of this app, and nobody is asked anything.
        let mut binding = visit.binding(host);
        binding.take(|value| visit.place.tag_matches(host, value, &query));
        let cookie = visit.place.login_cookie(host, &binding);
        return Step::Answer(Answer::go_on(query.next.as_ref()).with_cookie(cookie));
    }
    if visit.user().is_some() && !query.wants_renewal {
        return Step::Answer(Answer::go_on(query.next.as_ref()));
    }
    let wants_renewal = query.wants_renewal || query.kind.is_renewed;
    Step::Begin(Box::new(Login {
        next: query.next,
        kind: LoginKind {
            is_renewed: host.app.sign_in.is_renewed || wants_renewal,
            is_retry: query.kind.is_retry,
            is_gateway: false,
        },
        binding: None,
    }))
}

/// The ticket is not for a login that this browser began, so it is not validated. It may belong to an attacker who
/// wants this visitor to work under the attacker's name. Unless the visitor is signed in already, the login begins
/// again. With a session at the CAS server, the user does not notice. This happens only once: a browser that does not
/// send cookies back would go in circles. A browser in which a sign-in waits to be confirmed does send them: its page
/// was loaded again.
pub(crate) fn not_bound(host: &Host, visit: &Visit<'_>, query: LoginQuery) -> Step {
    let LoginQuery { next, kind, .. } = query;
    if visit.user().is_some() || kind.is_gateway {
        return Step::Answer(Answer::go_on(next.as_ref()));
    }
    // A bare service URL does not say how often it was tried.
    if !kind.is_retry && !host.app.sign_in.is_bare {
        if visit.is_post() {
            // From another site, a `POST` brings no session cookie. The `GET` that follows does, so it shows whether
            // the visitor is signed in already.
            let link = address::retry_link(host, next.as_ref(), kind);
            return Step::Refuse(RefusedReason::NotBegunHere, Answer::redirect(link));
        }
        let login = Box::new(Login {
            next,
            kind: LoginKind {
                is_retry: true,
                ..kind
            },
            binding: None,
        });
        return Step::BeginAgain(RefusedReason::NotBegunHere, login);
    }
    let mut binding = visit.binding(host);
    if !visit.is_post() && binding.give_up_waiting() {
        let login = Box::new(Login {
            next,
            kind,
            binding: Some(binding),
        });
        return Step::BeginAgain(RefusedReason::NotBegunHere, login);
    }
    let answer = Answer::page(PageKind::CookiesNeeded, next.as_ref());
    Step::Refuse(RefusedReason::CookiesNeeded, answer)
}

/// What happens to a visitor of a page that both users and visitors may see.
#[derive(Debug)]
pub(crate) enum Gateway {
    /// They see the page as visitors.
    Pass,
    /// They see it, and their browser gets the login cookie. A browser without one may keep no cookies at all, and
    /// would be redirected for ever.
    Probe,
    /// They are sent to the CAS server, which asks them for nothing.
    Ask(Box<Login>),
}

pub(crate) fn gateway(host: &Host, visit: &Visit<'_>) -> Gateway {
    if !visit.may_be_sent_away(host) {
        return Gateway::Pass;
    }
    let Some(mut binding) = host.binding_cookie.find(visit.headers, visit.now) else {
        return Gateway::Probe;
    };
    if !binding.may_ask(host.app.gateway_interval, visit.now) {
        return Gateway::Pass;
    }
    binding.ask(visit.now);
    Gateway::Ask(Box::new(Login {
        next: visit.next(host),
        kind: LoginKind {
            is_gateway: true,
            ..LoginKind::default()
        },
        binding: Some(binding),
    }))
}
