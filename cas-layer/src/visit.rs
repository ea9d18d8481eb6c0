//! One request, as far as the layer looks at it.

pub(crate) mod navigation;

use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri};

use crate::{
    address::{self, in_place},
    app::Host,
    clock::UnixSeconds,
    paths::ReturnPath,
    session::{Binding, SessionCookie, SessionData},
    user::{CasUser, Place},
};

/// The visitor's session.
#[derive(Debug)]
pub(crate) enum Visitor {
    /// No session cookie that opens.
    Anonymous,
    /// A session cookie of ours whose session has expired or ended.
    Ended,
    /// A session that would be valid, but this node does not know which have ended.
    Unverified(CasUser),
    /// A session of ours that has been unused for too long. With another copy of its cookie it may be live.
    Idle(CasUser),
    /// A live session.
    SignedIn(CasUser),
}

/// A request and its visitor.
#[derive(Debug)]
pub(crate) struct Visit<'r> {
    pub(crate) method: &'r Method,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) uri: &'r Uri,
    pub(crate) extensions: &'r Extensions,
    pub(crate) place: Place,
    pub(crate) visitor: Visitor,
    pub(crate) now: UnixSeconds,
}

impl<'r> Visit<'r> {
    pub(crate) fn of<B>(request: &'r Request<B>, host: &Arc<Host>, place: Place) -> Self {
        let now = host.app.clock.now();
        let visitor = Visitor::of(request.headers(), host, place, now);
        Self::by(request, place, visitor, now)
    }

    /// The same for a visitor who is already known.
    pub(crate) fn by<B>(
        request: &'r Request<B>,
        place: Place,
        visitor: Visitor,
        now: UnixSeconds,
    ) -> Self {
        Self {
            method: request.method(),
            headers: request.headers(),
            uri: original_uri(request),
            extensions: request.extensions(),
            place,
            visitor,
            now,
        }
    }

    pub(crate) fn is_post(&self) -> bool {
        *self.method == Method::POST
    }

    /// The status of a redirect: 303 after a `POST`, and 302 otherwise.
    pub(crate) fn onward(&self) -> StatusCode {
        if self.is_post() {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::FOUND
        }
    }

    /// Whether the session of the visitor's cookie is over.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.visitor, Visitor::Ended | Visitor::Idle(_))
    }

    /// Whether they show a session that this node cannot judge at the moment.
    pub(crate) fn is_unverified(&self) -> bool {
        matches!(self.visitor, Visitor::Unverified(_))
    }

    pub(crate) fn user(&self) -> Option<&CasUser> {
        match &self.visitor {
            Visitor::SignedIn(user) => Some(user),
            Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) | Visitor::Unverified(_) => None,
        }
    }

    /// The session of this cookie, known to be valid or not: the one that a sign-out or another sign-in ends.
    pub(crate) fn owner(&self) -> Option<&CasUser> {
        match &self.visitor {
            Visitor::SignedIn(user) | Visitor::Idle(user) | Visitor::Unverified(user) => Some(user),
            Visitor::Anonymous | Visitor::Ended => None,
        }
    }

    /// What the login cookie of this browser says.
    pub(crate) fn binding(&self, host: &Host) -> Binding {
        host.binding_cookie.read(self.headers, self.now)
    }

    /// The requested page as a path to return to; `None` stands for the landing path.
    pub(crate) fn return_path(&self, host: &Host) -> Option<ReturnPath> {
        let path = host.app_path(self.uri.path())?;
        ReturnPath::parse(&address::without_tickets(host, path, self.uri.query()))
    }

    /// Where a sign-in that begins with this request leads; `None` stands for the landing path.
    pub(crate) fn next(&self, host: &Host) -> Option<ReturnPath> {
        match self.place {
            Place::Endpoint => self
                .return_path(host)
                .filter(|next| address::is_worth_naming(next, host)),
            Place::Page | Place::Request => in_place::page(host, self.uri),
        }
    }

    /// Where a sign-in leads that begins with a link of ours, in place.
    pub(crate) fn next_of_link(&self, host: &Host) -> Option<ReturnPath> {
        let is_page = self.place == Place::Page && navigation::is_reading(self.method);
        is_page.then(|| self.next(host)).flatten()
    }

    /// The same for a user who has to give their credentials: no other page would ask for them.
    pub(crate) fn next_to_renew(&self, host: &Host) -> Option<ReturnPath> {
        let is_in_place = self.place == Place::Page;
        is_in_place.then(|| self.next(host)).flatten()
    }

    /// Whether a page of this app made the request.
    pub(crate) fn is_same_origin(&self, host: &Host) -> bool {
        navigation::is_same_origin(host.url.origin(), self.headers)
    }

    /// Whether another site may have made the browser send this behind its user's back, where that brings the login
    /// cookie along. The cookie must not change then.
    pub(crate) fn is_hidden(&self, host: &Host) -> bool {
        self.place.takes_posts(host) && navigation::is_hidden(self.headers)
    }

    /// Whether the visitor may be sent to the CAS server.
    pub(crate) fn may_be_sent_away(&self, host: &Host) -> bool {
        self.place != Place::Request
            && navigation::is_navigation(self.method, self.headers)
            && !self.is_hidden(host)
    }

    /// Whether this visitor is better served with HTML than with a problem document.
    pub(crate) fn wants_page(&self) -> bool {
        self.place != Place::Request && navigation::shows_page(self.method, self.headers)
    }
}

impl Visitor {
    pub(crate) fn of(
        headers: &HeaderMap,
        host: &Arc<Host>,
        place: Place,
        now: UnixSeconds,
    ) -> Self {
        let Some(session) = read(&host.session_cookie, headers, now) else {
            return Self::Anonymous;
        };
        // The seal holds for all layers of an app, and not all of them need accept the same proxies, nor for ever.
        if !session.proxies.is_empty() && !host.client.accepts(&session.proxies) {
            return Self::Anonymous;
        }
        if host.app.lifetimes.is_over(&session, now)
            || host.app.registry.is_ended(&host.registered(&session))
        {
            return Self::Ended;
        }
        let is_idle = host.app.lifetimes.is_idle(&session, now);
        let user = CasUser::new(session, Arc::clone(host), place);
        if is_idle {
            return Self::Idle(user);
        }
        if host.app.registry.is_current() {
            Self::SignedIn(user)
        } else {
            Self::Unverified(user)
        }
    }
}

/// A session from a node whose clock is far ahead is left alone, like one that does not open.
fn read(cookie: &SessionCookie, headers: &HeaderMap, now: UnixSeconds) -> Option<SessionData> {
    cookie
        .read(headers)
        .filter(|session| !session.is_from_the_future(now))
}

/// The URI before a router took something off its path, where it says so.
pub(crate) fn original_uri<B>(request: &Request<B>) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = request.extensions().get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    request.uri()
}

/// Changes the query of a request, in the URI that a router keeps too.
pub(crate) fn change_query<B>(request: &mut Request<B>, change: impl Fn(&str) -> Option<String>) {
    if let Some(uri) = with_query(request.uri(), &change) {
        *request.uri_mut() = uri;
    }
    #[cfg(feature = "axum")]
    if let Some(original) = request
        .extensions_mut()
        .get_mut::<axum::extract::OriginalUri>()
        && let Some(uri) = with_query(&original.0, &change)
    {
        original.0 = uri;
    }
}

fn with_query(uri: &Uri, change: impl Fn(&str) -> Option<String>) -> Option<Uri> {
    let query = change(uri.query()?);
    let path_and_query = match query {
        Some(query) => format!("{}?{query}", uri.path()),
        None => uri.path().to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.try_into().ok()?);
    Uri::from_parts(parts).ok()
}
