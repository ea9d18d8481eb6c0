//! The client that gets an answer.

use std::borrow::Cow;

use http::StatusCode;

use super::context;
use crate::{
    app::Host,
    pages::PageContext,
    protocol::ServiceUrl,
    user::Place,
    visit::{Visit, navigation::is_grpc},
};

/// The client that gets an answer, as far as the answer depends on it.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) place: Place,
    pub(crate) wants_page: bool,
    pub(super) reads: Reads,
    /// What a page for them depends on. Nobody shows a page to a program.
    context: Option<Box<PageContext>>,
    /// The status of a redirect: 302, or 303 after a `POST`. Never 307, which would send the body on to the CAS server.
    pub(super) onward: StatusCode,
    /// Whether the client's cookie is of a session that is over.
    pub(super) is_over: bool,
    /// What a program needs a ticket for.
    pub(super) service: Option<ServiceUrl>,
    /// Whether a program may send a password instead.
    pub(super) offers_passwords: bool,
}

/// The fields of an answer that a client reads besides those of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Http,
    Grpc,
    Htmx,
}

impl Reads {
    fn of(visit: &Visit<'_>) -> Self {
        if is_grpc(visit.headers) {
            Self::Grpc
        } else if visit.is_htmx() {
            Self::Htmx
        } else {
            Self::Http
        }
    }
}

impl Reader {
    pub(crate) fn of(host: &Host, visit: &Visit<'_>) -> Self {
        Self {
            context: Some(Box::new(context::of(host, visit))),
            place: visit.place,
            wants_page: visit.wants_page(),
            reads: Reads::of(visit),
            onward: visit.onward(),
            is_over: visit.is_over(),
            service: None,
            offers_passwords: false,
        }
    }

    /// A browser whose cookie may have been replaced by the time it gets the answer.
    pub(crate) fn never_clearing(host: &Host, visit: &Visit<'_>) -> Self {
        Self {
            is_over: false,
            ..Self::of(host, visit)
        }
    }

    /// A program, and the service URL of what it asked for, if there is one. What it gets has no fields of gRPC's.
    pub(crate) fn program(service: Option<ServiceUrl>) -> Self {
        Self {
            place: Place::Request,
            wants_page: false,
            reads: Reads::Http,
            context: None,
            onward: StatusCode::FOUND,
            is_over: false,
            service,
            offers_passwords: false,
        }
    }

    /// The same for one that may send a password instead. Never for a browser, which would ask its user for it.
    pub(crate) fn offering_passwords(mut self, offers: bool) -> Self {
        self.offers_passwords = offers;
        self
    }

    /// A handler of the app, which returns the answer to a request that we do not have.
    pub(crate) fn handler(place: Place) -> Self {
        Self {
            place,
            onward: StatusCode::SEE_OTHER,
            ..Self::program(None)
        }
    }

    pub(super) fn context(&self, host: &Host) -> Cow<'_, PageContext> {
        match &self.context {
            Some(context) => Cow::Borrowed(context),
            None => Cow::Owned(context::of_nobody(host)),
        }
    }
}
