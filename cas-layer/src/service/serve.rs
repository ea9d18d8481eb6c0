//! What a request brings to the inner service, and what its response gets.

use std::sync::Arc;

use http::{Extensions, HeaderValue};

use super::{Anonymous, Shows, extra_cookie::ExtraCookie, finish::Finish};
use crate::{
    app::Host,
    clock::UnixSeconds,
    session::Binding,
    user::{CasUser, Place},
    visit::{Visit, Visitor, navigation::is_navigation},
};

/// For how long a session may have a count of rounds behind it, in seconds.
const NEW: UnixSeconds = 120;

/// What the inner service gets with a request, and what its response gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Serve {
    /// The response gets a `Cache-Control` if it has none.
    pub(super) marks_private: bool,
    pub(super) brings: Brings,
}

/// The cookie that a response may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brings {
    Nothing,
    /// The session cookie, renewed, when it is due.
    Renewal,
    /// The login cookie, to see whether the browser keeps one.
    Probe,
}

/// A request that the inner service gets.
pub(super) struct Served {
    user: Option<CasUser>,
    place: Place,
    shows: Shows,
    marks_private: bool,
    extra: Option<ExtraCookie>,
}

impl Serve {
    /// Ends the count of rounds of a browser that now gets a page, if it has one. Only a sign-in of just now can have
    /// left it, so other requests do not pay for the search.
    fn end_of_count(self, host: &Host, visit: &Visit<'_>) -> Option<HeaderValue> {
        let session = visit.user().and_then(CasUser::session)?;
        let is_new = visit.now.abs_diff(session.issued_at) < NEW;
        if !is_new || self.brings != Brings::Renewal {
            return None;
        }
        // Next to no browser has a count, and to find that out costs less than to find out whether this is a page.
        let end = host.rounds_cookie.end(visit.headers)?;
        is_navigation(visit.method, visit.headers).then_some(end)
    }

    pub(super) fn to(self, host: &Arc<Host>, visit: Visit<'_>) -> Served {
        let (place, now) = (visit.place, visit.now);
        let count = self.end_of_count(host, &visit);
        let (user, shows) = match visit.visitor {
            Visitor::SignedIn(user) => (Some(user), Shows::Nothing),
            Visitor::Lost(user) => (None, Shows::Lost(user)),
            Visitor::Unverified(_) => (None, Shows::Unverified),
            Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) => (None, Shows::Nothing),
        };
        let extra = match (self.brings, &user) {
            (Brings::Renewal, _) if count.is_some() => {
                count.map(|cookie| ExtraCookie::probe(host, cookie))
            }
            (Brings::Renewal, Some(user)) => ExtraCookie::renewal(host, user, now),
            (Brings::Probe, _) => place
                .kept_login_cookie(host, &Binding::default(), now)
                .map(|cookie| ExtraCookie::probe(host, cookie)),
            (Brings::Renewal | Brings::Nothing, _) => None,
        };
        Served {
            user,
            place,
            shows,
            marks_private: self.marks_private,
            extra,
        }
    }
}

impl Served {
    /// Tells the next reader of the request which user it is from.
    pub(super) fn announce(&mut self, host: &Arc<Host>, extensions: &mut Extensions) {
        if let Some(user) = self.user.take() {
            extensions.insert(user);
        } else {
            // A user that an outer layer left there is not a user of ours.
            extensions.remove::<CasUser>();
            extensions.insert(Anonymous {
                host: Arc::clone(host),
                place: self.place,
                shows: self.shows.clone(),
            });
        }
    }

    /// What the response gets.
    pub(super) fn finish(self, host: &Host) -> Finish {
        Finish {
            private: self.marks_private,
            extra: self.extra,
            frames: host.app.frames.clone(),
        }
    }
}
