//! Decides on the next step of a visitor on their way to a session. This is pure.

use super::{
    Callback, Entrant, Login, Step,
    circle::{self, Circle},
};
use crate::{
    address::{self, LoginKind, LoginQuery, NoTicket, Unclaimed},
    answer::{Answer, Detail},
    app::Host,
    events::{CircleCause, RefusedReason},
    pages::PageKind,
    protocol::{LoginPage, ServiceTicket},
    rules::Access,
    session::Binding,
    user::{CasUser, Place},
    visit::{Visit, navigation},
};

/// A request needs a user and has none. A page that is being opened is redirected to the CAS server; everything else
/// is told where to sign in. A `POST` is never redirected: its form would be lost, and from another site it comes
/// without the session cookie, so that a signed-in user looks like a stranger.
pub(crate) fn demand(host: &Host, visit: &Visit<'_>, access: &Access) -> Step {
    let is_renewed = access.is_fresh();
    if !may_be_sent_away(host, visit, access) {
        let detail = if is_renewed {
            Detail::Renewed
        } else {
            Detail::Nothing
        };
        let answer = unauthorized(host, visit, detail);
        return Step::Answer(answer.staying(!access.may_redirect()));
    }
    let login = |next, was_renewed, round| Login {
        next,
        kind: LoginKind {
            is_renewed: host.app.sign_in.is_renewed || is_renewed || was_renewed,
            round,
            ..LoginKind::default()
        },
        binding: None,
        page: LoginPage::default(),
    };
    let begun = match visit.place.misplaced(host, visit.uri, visit.now) {
        Some(query) => {
            let cause = CircleCause::other_path(
                visit.uri.path(),
                host.url.as_string(),
                host.url.public_path(&host.app.endpoints.login),
            );
            let (was_renewed, round) = (query.kind.is_renewed, query.kind.round.max(1));
            let login = login(query.next, was_renewed, round);
            if host.app.sign_in.is_bare && !host.binding_cookie.came(visit.headers) {
                // Nothing would count the rounds.
                Err(Circle::end(host, visit, &login, cause))
            } else {
                circle::begin_again(host, visit, login, cause)
            }
        }
        None => circle::begin(host, visit, login(visit.next(host), false, 0)),
    };
    begin(begun)
}

/// Whether the visitor may be sent to the CAS server from a path that requires this.
fn may_be_sent_away(host: &Host, visit: &Visit<'_>, access: &Access) -> bool {
    access.may_redirect() && visit.may_be_sent_away(host)
}

/// The step of a login that begins, or does not.
fn begin(begun: Result<Login, Circle>) -> Step {
    begun.map_or_else(Step::from, |login| Step::Begin(Box::new(login)))
}

/// Says where to sign in.
fn unauthorized(host: &Host, visit: &Visit<'_>, detail: Detail) -> Answer {
    let next = visit.next_of_answer(host);
    Answer::page_with(PageKind::SignInNeeded, next.as_ref(), detail)
        .keeping_form(visit.is_own_form(host))
}

/// A request needs a user whose credentials are fresh, and those of this one are not.
pub(crate) fn demand_renewal(host: &Host, visit: &Visit<'_>, access: &Access) -> Step {
    if !may_be_sent_away(host, visit, access) {
        let next = match visit.place {
            Place::Page => visit.next_to_renew(host),
            Place::Endpoint | Place::Request => visit.next_of_answer(host),
        };
        let kind = PageKind::FreshSignInNeeded;
        let answer = Answer::page(kind, next.as_ref()).staying(!access.may_redirect());
        return Step::Answer(answer.keeping_form(visit.is_own_form(host)));
    }
    Step::Begin(Box::new(Login {
        next: visit.next(host),
        kind: LoginKind::RENEWED,
        binding: None,
        page: LoginPage::default(),
    }))
}

/// A user has no permission. Somebody else may have it, and signs in for the same page.
pub(crate) fn forbid(host: &Host, visit: &Visit<'_>) -> Step {
    let next = match visit.place {
        Place::Page => visit.next_of_link(host),
        Place::Endpoint | Place::Request => visit.next_of_answer(host),
    };
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
        return Step::Answer(unauthorized(host, visit, Detail::Nothing));
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

/// The same with a ticket in a form that the app did not ask for: in some CAS servers, an operator can set it for a
/// service. With the form of another site, none of our cookies comes, because they are `Lax`. Then nothing tells whether
/// this browser began the login, and another try would end here too.
pub(crate) fn arrive_by_post_unasked(host: &Host, visit: &Visit<'_>, query: LoginQuery) -> Step {
    let brings_cookies = host.binding_cookie.came(visit.headers)
        || host.session_cookie.came(visit.headers)
        || navigation::is_of_this_site(visit.headers);
    // Anybody can post something. Advice for the operator is given only where the form came to an address of ours.
    let is_ours = host.app.sign_in.is_bare || query.has_mark();
    if brings_cookies || !is_ours || !matches!(query.ticket(), Some(Ok(_))) {
        return arrive(host, visit, query);
    }
    let answer = Answer::page(PageKind::TicketByPost, query.next.as_ref());
    Step::Refuse(RefusedReason::TicketByPost, answer)
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
    if is_of_session(host, visit, &binding, &ticket) {
        return Step::Answer(if visit.is_post() {
            Answer::redirect(address::retry_link(host, query.next.as_ref(), query.kind))
        } else {
            Answer::go_on(query.next.as_ref())
        });
    }
    let parts = (&mut binding, &mut query);
    let claimed = match visit.place.claim(host, visit.uri, parts, visit.now) {
        Ok(claimed) => claimed,
        Err(unclaimed) => return not_bound(host, visit, query, unclaimed),
    };
    let next = query.next.as_ref();
    let tag = query.tag.as_deref().unwrap_or_default();
    let Ok(service) = visit.place.service_url(host, next, query.kind, tag) else {
        return Step::Answer(Answer::page(PageKind::InternalError, next));
    };
    let peer = host.app.peers.of(visit.extensions);
    let mut entrant = Entrant::of(host, visit, query.next, query.kind, binding);
    entrant.begun_at = claimed.begun_at;
    entrant.kin = claimed.kin;
    Step::Validate(Box::new(Callback {
        ticket,
        service,
        login: claimed.login,
        peer,
        entrant,
    }))
}

/// Whether the visitor has a session that was opened with this very ticket: the page was loaded again. From a `POST` of
/// another site only the login cookie shows it. A bare service URL does not say where that leads.
fn is_of_session(
    host: &Host,
    visit: &Visit<'_>,
    binding: &Binding,
    ticket: &ServiceTicket,
) -> bool {
    let session = visit.user().and_then(CasUser::session);
    let remembered = binding.remembered().filter(|_| visit.is_post());
    let id = session.map(|session| session.id);
    let id = id.or(remembered.map(|session| session.id));
    !host.app.sign_in.is_bare && id.is_some_and(|id| id == host.session_of(ticket))
}

fn without_ticket(host: &Host, visit: &Visit<'_>, mut query: LoginQuery) -> Step {
    // Anybody can write a link. Nobody else may leave a user without a proxy-granting ticket, or have their login wait.
    let kind = query.kind;
    let is_own = (kind.is_ungranted || kind.goes_alone()) && {
        let binding = visit.binding(host);
        visit.place.is_own(host, &binding, &query, visit.now)
    };
    query.kind.is_ungranted &= is_own;
    if query.kind.is_gateway {
        // Whether we made this address or not: it leads to a page of this app, and nobody is asked anything.
        return Step::Answer(Answer::go_on(query.next.as_ref()));
    }
    // Somebody whose attributes the registry has lost would come back, again and again.
    if visit.surely_has_user() && !query.wants_renewal && !query.kind.insists() {
        return Step::Answer(Answer::go_on(query.next.as_ref()));
    }
    let wants_renewal = query.wants_renewal || query.kind.is_renewed;
    let login = Login {
        next: query.next,
        kind: LoginKind {
            is_renewed: host.app.sign_in.is_renewed || wants_renewal,
            ..query.kind
        },
        binding: None,
        page: query.page,
    };
    if is_own && login.kind.goes_alone() {
        return Step::BeginAlone(Box::new(login));
    }
    // A link behind a `POST` was counted when it was written.
    if login.kind.tries > 0 || login.kind.round > 0 {
        return Step::Begin(Box::new(login));
    }
    begin(circle::begin(host, visit, login))
}

/// The ticket is not for a login that this browser began, so it is not validated. It may belong to an attacker who
/// wants this visitor to work under the attacker's name. Unless the visitor is signed in already, the login begins
/// again. With a session at the CAS server, the user does not notice. How often is limited, and depends on what came:
/// - No cookie of ours: once. A browser that does not send cookies back would go in circles.
/// - A login cookie that does not open: something is wrong with the keys.
/// - The cookie of another login: this happens when several tabs of a browser without a cookie begin at once. Each
///   gets a cookie, and the last one stays.
pub(crate) fn not_bound(
    host: &Host,
    visit: &Visit<'_>,
    query: LoginQuery,
    unclaimed: Unclaimed,
) -> Step {
    let LoginQuery { next, kind, .. } = query;
    // Its mark would have to vouch for that.
    let kind = LoginKind {
        is_ungranted: false,
        ..kind
    };
    if visit.surely_has_user() || kind.is_gateway {
        return Step::Answer(Answer::go_on(next.as_ref()));
    }
    let binding = host.binding_cookie.find(visit.headers, visit.now);
    let login = Login {
        next,
        kind,
        binding: None,
        page: LoginPage::default(),
    };
    let begun = match (unclaimed, binding) {
        (Unclaimed::OutOfTime { begun_at }, _) => {
            let seconds = visit.now.abs_diff(begun_at);
            let cause = CircleCause::LoginOutOfTime { seconds };
            circle::begin_again(host, visit, login, cause)
        }
        (Unclaimed::Unknown, Some(mut binding)) => {
            // A page that asks for a confirmation was loaded again.
            if !visit.is_post() && binding.give_up_waiting() {
                let binding = Some(binding);
                Ok(Login { binding, ..login })
            } else if host.app.sign_in.is_bare {
                let (kind, detail) = (PageKind::SignInRefused, Detail::NotUnderWay);
                let answer = Answer::page_with(kind, login.next.as_ref(), detail);
                return Step::Refuse(RefusedReason::NotBegunHere, answer);
            } else {
                circle::try_again(host, visit, login)
            }
        }
        (Unclaimed::Unknown, None) if host.binding_cookie.came(visit.headers) => {
            let cause = CircleCause::UnknownKey { cookie: "login" };
            circle::begin_again(host, visit, login, cause)
        }
        (Unclaimed::Unknown, None) => {
            // A bare service URL does not say how often that was tried.
            if login.kind.tries > 0 || host.app.sign_in.is_bare {
                return cookies_needed(host, visit, &login);
            }
            circle::try_again(host, visit, login)
        }
    };
    let login = match begun {
        Ok(login) => login,
        Err(circle) => return circle.into(),
    };
    // From another site, a `POST` brings no session cookie. The `GET` that follows does, so it shows whether the visitor
    // is signed in already.
    if visit.is_post() {
        let link = address::retry_link(host, login.next.as_ref(), login.kind);
        return Step::Refuse(RefusedReason::NotBegunHere, Answer::redirect(link));
    }
    Step::BeginAgain(RefusedReason::NotBegunHere, Box::new(login))
}

/// No login cookie came, and not for the first time.
fn cookies_needed(host: &Host, visit: &Visit<'_>, login: &Login) -> Step {
    if host.session_cookie.came(visit.headers) {
        return Circle::end(host, visit, login, CircleCause::NoLoginCookie).into();
    }
    let answer = Answer::page(PageKind::CookiesNeeded, login.next.as_ref());
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
        page: LoginPage::default(),
    }))
}
