//! Makes a session of a ticket for which the CAS server vouches, for browsers and programs alike.

use http::HeaderValue;

use super::granting;
use crate::{
    answer::{Answer, Detail},
    app::{Host, NotKept, NotThere},
    clock::UnixSeconds,
    events::{Event, StorageOutcome},
    pages::PageKind,
    paths::ReturnPath,
    registry::{Begun, Opened, RegistryError},
    session::{
        COOKIE_BUDGET, Identity, MAX_ATTRIBUTES, MAX_COOKIE_BYTES, NoCookie, Rejected, SessionData,
        SessionId, SessionPlace, TooLarge,
    },
    user::Place,
};

/// An open session, and the cookie for its user.
#[must_use = "a session without its cookie is open for nobody"]
pub(crate) struct Opening {
    pub(crate) session: SessionData,
    pub(crate) cookie: HeaderValue,
}

/// A user for whom the CAS server vouches, but who has no session.
pub(crate) struct NotOpened {
    pub(crate) identity: Identity,
    pub(crate) reason: NoSession,
}

/// Why a session does not open.
#[derive(Debug)]
pub(crate) enum NoSession {
    /// A logout for it came while it was being opened.
    Ended,
    Registry(RegistryError),
    TooLarge(TooLarge),
    /// The operating system gives no random bytes.
    NotSealed,
}

/// The answer to a user whom the app does not admit. `next` is where a sign-in from there leads.
pub(crate) fn rejection(rejected: &Rejected, next: Option<&ReturnPath>) -> Answer {
    match rejected {
        Rejected::Vetoed(veto) => {
            let reason = Detail::Veto(veto.reason().to_owned());
            Answer::page_with(PageKind::SignInVetoed, next, reason)
        }
        Rejected::Failed(_) | Rejected::TimedOut(_) => {
            Answer::page(PageKind::AdmissionUnavailable, next)
        }
        Rejected::BadName(_) | Rejected::Panicked => Answer::page(PageKind::InternalError, next),
    }
}

/// Opens the session of a user. With a bare service URL, the browser is first asked for a confirmation (`who_asks` in
/// `confirmation.rs`). Otherwise another site could sign a visitor in under a foreign name.
pub(crate) async fn open(
    host: &Host,
    begun: Begun,
    identity: Identity,
    place: Place,
    now: UnixSeconds,
) -> Result<Opening, Box<NotOpened>> {
    let family = identity.family;
    let reason = match begun.open(family, identity.expires_at, now).await {
        Ok(Opened::Live { number }) => {
            return establish(host, identity.open(number), place, now).await;
        }
        Ok(Opened::Ended) => {
            came_too_late(host, family, now).await;
            NoSession::Ended
        }
        Err(error) => NoSession::Registry(error),
    };
    Err(Box::new(NotOpened { identity, reason }))
}

/// A logout for this session came before it was open. Of the sessions of its family, the CAS server may have named
/// this one alone.
async fn came_too_late(host: &Host, family: Option<SessionId>, now: UnixSeconds) {
    if let Some(family) = family {
        // If it cannot be recorded, the family has still ended on this node, and the registry tells the others.
        let _ = host.end_family(family, now).await;
    }
}

/// Gives a session that the registry has opened what it needs: its proxy-granting ticket, and its cookie.
pub(crate) async fn establish(
    host: &Host,
    mut session: SessionData,
    place: Place,
    now: UnixSeconds,
) -> Result<Opening, Box<NotOpened>> {
    let granting_ticket = session.granting_ticket.take();
    if let Some(ticket) = granting_ticket.clone() {
        granting::give(host, &mut session, ticket, now).await;
    }
    match settle(host, &mut session, place, now).await {
        Ok(cookie) => Ok(Opening { session, cookie }),
        Err(reason) => {
            host.withdraw(&session, now).await;
            let mut identity = session.into_identity();
            identity.granting_ticket = granting_ticket;
            Err(Box::new(NotOpened { identity, reason }))
        }
    }
}

/// The cookie of an open session, when its attributes are where they belong.
async fn settle(
    host: &Host,
    session: &mut SessionData,
    place: Place,
    now: UnixSeconds,
) -> Result<HeaderValue, NoSession> {
    // The form for a confirmation does not bring what the registry keeps.
    fetch(host, session, now).await?;
    // A program that keeps no cookies opens a session with every request, and would fill the registry.
    if place != Place::Request {
        stow(host, session, now).await?;
    }
    granting::cookie(host, session, now).map_err(|no_cookie| match no_cookie {
        NoCookie::TooLarge { bytes, limit } => {
            NoSession::TooLarge(TooLarge::new("the cookie", bytes, limit, session))
        }
        NoCookie::NotSealed => NoSession::NotSealed,
    })
}

/// Has the registry keep the attributes of an open session, if they do not belong into a cookie.
pub(super) async fn stow(
    host: &Host,
    session: &mut SessionData,
    now: UnixSeconds,
) -> Result<(), NoSession> {
    let app = &host.app;
    let fits = |session: &SessionData, limit| {
        let cookie = host.session_cookie.write_within(limit, session, now);
        cookie.is_ok()
    };
    let stays = match app.kept.place {
        SessionPlace::Cookie => true,
        SessionPlace::CookieFirst => fits(session, COOKIE_BUDGET),
        SessionPlace::Registry => false,
    };
    if stays || session.is_kept() || session.attributes().is_empty() {
        return Ok(());
    }
    let owner = host.owner(session);
    let kept = app
        .kept
        .keep(owner, &*app.registry, &app.vault, session, now);
    let no_session = match kept.await {
        Ok(bytes) => {
            host.tell(Event::Storage(session.id, StorageOutcome::Kept { bytes }));
            return Ok(());
        }
        Err(NotKept::Nowhere) => return Ok(()),
        // Browsers take it, though not every proxy does.
        Err(NotKept::Registry(error))
            if app.kept.place == SessionPlace::CookieFirst && fits(session, MAX_COOKIE_BYTES) =>
        {
            host.tell(Event::Storage(session.id, StorageOutcome::NotKept(&error)));
            return Ok(());
        }
        Err(NotKept::TooLong(bytes)) => {
            let too_large = TooLarge::new("the attributes", bytes, MAX_ATTRIBUTES, session);
            NoSession::TooLarge(too_large)
        }
        Err(NotKept::NotSealed) => NoSession::NotSealed,
        Err(NotKept::Ended) => NoSession::Ended,
        Err(NotKept::Registry(error)) => NoSession::Registry(error),
    };
    Err(no_session)
}

/// Reads the attributes of an open session that the registry keeps.
async fn fetch(host: &Host, session: &mut SessionData, now: UnixSeconds) -> Result<(), NoSession> {
    let app = &host.app;
    let owner = host.owner(session);
    if !session.lacks_attributes() || app.kept.complete(owner, session) {
        return Ok(());
    }
    let fetched = app
        .kept
        .fetch(owner, &*app.registry, &app.vault, session, now);
    match fetched.await {
        Ok(_) => Ok(()),
        Err(NotThere::Registry(error)) => Err(NoSession::Registry(error)),
        // What was there at the first opening is gone: so is the session.
        Err(NotThere::Gone | NotThere::Unreadable) => Err(NoSession::Ended),
    }
}
