//! One request, as far as the layer looks at it.

pub(crate) mod library;
pub(crate) mod navigation;
mod visitor;

use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri, header};
pub(crate) use visitor::{Absent, Visitor};

use crate::{
    address::{self, in_place},
    app::Host,
    clock::UnixSeconds,
    paths::ReturnPath,
    session::Binding,
    user::{CasUser, Place},
};

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
        matches!(
            self.visitor,
            Visitor::Ended | Visitor::Idle(_) | Visitor::Lost(_)
        )
    }

    /// Whether they show a session that this node cannot judge at the moment.
    pub(crate) fn is_unverified(&self) -> bool {
        matches!(self.visitor, Visitor::Unverified(_))
    }

    pub(crate) fn user(&self) -> Option<&CasUser> {
        match &self.visitor {
            Visitor::SignedIn(user) => Some(user),
            Visitor::Anonymous
            | Visitor::Ended
            | Visitor::Idle(_)
            | Visitor::Lost(_)
            | Visitor::Unverified(_) => None,
        }
    }

    /// Whether the app would know the visitor as a user. At an endpoint it is not looked up whether the registry still
    /// has their attributes.
    pub(crate) fn surely_has_user(&self) -> bool {
        let lacks = |user: &CasUser| user.session().is_some_and(|it| it.lacks_attributes());
        self.user().is_some_and(|user| !lacks(user))
    }

    /// The session of this cookie, known to be valid or not: the one that a sign-out or another sign-in ends.
    pub(crate) fn owner(&self) -> Option<&CasUser> {
        match &self.visitor {
            Visitor::SignedIn(user)
            | Visitor::Idle(user)
            | Visitor::Lost(user)
            | Visitor::Unverified(user) => Some(user),
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

    /// Where a sign-in leads that begins with a link on the answer to this request.
    pub(crate) fn next_of_answer(&self, host: &Host) -> Option<ReturnPath> {
        let is_link = library::is_boosted(self.headers) && navigation::is_reading(self.method);
        if is_link || self.may_be_sent_away(host) {
            return self.next(host);
        }
        let shown = if library::is_htmx(self.headers) {
            library::shown_by_htmx(self.headers)
        } else if self.is_own_form(host) {
            library::only(self.headers, &header::REFERER)
        } else {
            return self.next_of_link(host);
        };
        address::shown_page(host, self.place, shown?)
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
    /// cookie along. The cookie must not change then. Where other sites may frame the app, a frame is no secret.
    pub(crate) fn is_hidden(&self, host: &Host) -> bool {
        let is_shown = host.app.frames.is_some() && navigation::opens_frame(self.headers);
        self.is_part_of_another_site(host) && !is_shown
    }

    /// The same for whoever signs out. A page that may frame the app must not sign its users out either.
    pub(crate) fn is_part_of_another_site(&self, host: &Host) -> bool {
        let is_framed = host.app.frames.is_some();
        // Such a session does not count, so nothing would be ended but a cookie.
        if is_framed && navigation::may_be_forged(host.url.origin(), self.method, self.headers) {
            return true;
        }
        (self.place.takes_posts(host) || is_framed) && navigation::is_hidden(self.headers)
    }

    /// Whether the visitor may be sent to the CAS server.
    pub(crate) fn may_be_sent_away(&self, host: &Host) -> bool {
        self.place != Place::Request
            && navigation::is_navigation(self.method, self.headers)
            && !self.is_hidden(host)
    }

    /// Whether somebody has sent a form on a page of this app. A browser that says nothing of where a form comes from has
    /// to name that page.
    pub(crate) fn is_own_form(&self, host: &Host) -> bool {
        let is_own_page = || {
            library::only(self.headers, &header::REFERER)
                .and_then(|url| url.strip_prefix(host.url.origin()))
                .is_some_and(|path| path.starts_with('/'))
        };
        self.is_post()
            && self.wants_page()
            && self.is_same_origin(host)
            && (navigation::says_where_from(self.headers) || is_own_page())
    }

    /// Whether htmx sent this. It goes to another page if the answer says so.
    pub(crate) fn is_htmx(&self) -> bool {
        self.place != Place::Request && library::is_htmx(self.headers)
    }

    /// Whether this visitor is better served with HTML than with a problem document.
    pub(crate) fn wants_page(&self) -> bool {
        self.place != Place::Request && navigation::shows_page(self.headers)
    }
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
