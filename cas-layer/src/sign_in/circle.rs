//! Ends circles: a browser that is sent to sign in, comes back, and is sent again, because something is set up in a
//! wrong way. The third round of such a browser is a page that names the cause.
//!
//! A round that went wrong shows in the request. Rounds are counted in the service URL on the way to the CAS server
//! and back, and in a cookie on the way from there to the page. Only a sign-in that is finished counts, so tabs that
//! begin at once do not count for each other.

use super::Login;
use crate::{
    answer::{Answer, Detail},
    app::Host,
    events::CircleCause,
    pages::PageKind,
    session::SessionData,
    visit::{Visit, Visitor},
};

/// The round that does not happen.
const LAST: u8 = 3;

/// How often a login does not begin again. To tabs that sign in at once this may happen now and then.
const LAST_TRY: u8 = 9;

/// What a browser gets that goes round in circles.
pub(super) struct Circle {
    pub(super) cause: CircleCause,
    pub(super) answer: Answer,
}

impl Circle {
    /// Whoever tries again from the page begins anew.
    pub(super) fn end(host: &Host, visit: &Visit<'_>, login: &Login, cause: CircleCause) -> Self {
        let detail = Detail::Cause(cause.to_string());
        let answer = Answer::page_with(PageKind::InCircles, login.next.as_ref(), detail);
        Self {
            cause,
            answer: answer.with_cookie(host.rounds_cookie.end(visit.headers)),
        }
    }
}

/// A login, unless its browser goes round in circles, for a cause that the session cookie shows.
pub(super) fn begin(host: &Host, visit: &Visit<'_>, login: Login) -> Result<Login, Circle> {
    match session_cause(host, visit) {
        Some(cause) => begin_again(host, visit, login, cause),
        None => Ok(login),
    }
}

/// The same for a cause that is known.
pub(super) fn begin_again(
    host: &Host,
    visit: &Visit<'_>,
    mut login: Login,
    cause: CircleCause,
) -> Result<Login, Circle> {
    let counted = host.rounds_cookie.read(visit.headers);
    login.kind.round = match login.kind.round.max(counted) {
        // The browser has been to the CAS server lately, and before that nothing was wrong.
        0 if host.binding_cookie.came(visit.headers) => 2,
        round => round.saturating_add(1),
    };
    if login.kind.round < LAST {
        Ok(login)
    } else {
        Err(Circle::end(host, visit, &login, cause))
    }
}

/// The same for a browser whose cookie is that of another login: another tab has overwritten it.
pub(super) fn try_again(host: &Host, visit: &Visit<'_>, mut login: Login) -> Result<Login, Circle> {
    login.kind.tries = login.kind.tries.saturating_add(1);
    if login.kind.tries < LAST_TRY {
        Ok(login)
    } else {
        Err(Circle::end(host, visit, &login, CircleCause::OtherLogin))
    }
}

/// Why a visitor who has a session cookie is nobody here.
fn session_cause(host: &Host, visit: &Visit<'_>) -> Option<CircleCause> {
    match visit.visitor {
        Visitor::Anonymous => {}
        Visitor::Lost(_) => return Some(CircleCause::NotInRegistry),
        _ => return None,
    }
    if let Some(read) = host.session_cookie.read(visit.headers) {
        return from_the_future(&read.session, visit);
    }
    let came = host.session_cookie.came(visit.headers);
    came.then_some(CircleCause::UnknownKey { cookie: "session" })
}

fn from_the_future(session: &SessionData, visit: &Visit<'_>) -> Option<CircleCause> {
    let latest = session.issued_at.max(session.seen_at);
    session
        .is_from_the_future(visit.now)
        .then(|| CircleCause::FromTheFuture {
            seconds: latest.saturating_sub(visit.now),
        })
}
