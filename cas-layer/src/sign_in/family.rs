//! The family of a session: the sessions that tabs of one browser open for one user at the same time.
//!
//! Apereo CAS sends its single logout for the newest ticket alone, and the browser keeps the cookie of whichever tab was
//! last. So whatever ends one of these sessions has to end all of them.

use std::time::Instant;

use crate::{
    app::Host,
    session::{LoginValue, SessionId},
};

/// How many families of one browser secret may end before a session has none.
const MAX_ENDED: usize = 16;

/// A session that its browser shows when it comes back with a ticket.
#[derive(Clone, Copy)]
pub(super) enum Before {
    /// It was there before the login began: the sign-in takes the place of its whole family.
    Left(Option<SessionId>),
    /// Another tab has opened it at about the same time, for the same user.
    Beside(Option<SessionId>),
}

/// The family ended while the ticket was being validated.
pub(super) struct EndedMeanwhile;

/// The family of a session that opens now for this user. `kin` is what its login has in common with others of its
/// browser. The hash takes a key, so a family tells nobody the browser's secret, and nobody without the secret can join
/// it.
///
/// A browser's secret may outlast a single logout, of which the browser learns nothing. The next session must not be of
/// a family that has ended, or it would have ended itself. So each ended family has a successor.
///
/// But a family that ended after the ticket had `begun` takes the session with it: the CAS server may have named
/// another ticket for all of them, and may never name this one.
pub(super) fn of(
    host: &Host,
    (kin, user): (LoginValue, &str),
    before: Option<Before>,
    begun: Instant,
) -> Result<Option<SessionId>, EndedMeanwhile> {
    let next = |value: &LoginValue| host.service_tag.hash(&[value, user.as_bytes(), b"family"]);
    let families = std::iter::successors(Some(next(&kin)), |value| Some(next(value)));
    let families = families.take(MAX_ENDED).map(SessionId::from);
    let ended = host.app.registry.ended();
    let has_ended_meanwhile = |family| ended.contain_since(family, begun);
    // The one of the other tab may be of the secret before, and so none of these.
    if let Some(Before::Beside(Some(family))) = before {
        if !ended.contain_id(family) {
            return Ok(Some(family));
        }
        if has_ended_meanwhile(family) {
            return Err(EndedMeanwhile);
        }
    }
    // Those up to the one that is left ended when that one did, or earlier.
    let past = match before {
        Some(Before::Left(Some(left))) => families.clone().position(|family| family == left),
        _ => None,
    };
    for family in families.skip(past.map_or(0, |at| at + 1)) {
        if !ended.contain_id(family) {
            return Ok(Some(family));
        }
        if has_ended_meanwhile(family) {
            return Err(EndedMeanwhile);
        }
    }
    Ok(None)
}
