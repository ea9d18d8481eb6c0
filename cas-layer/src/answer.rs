//! The layer's own answers, in place of the inner service's response. An answer is a value, and becomes a response
//! here. None of our answers may be stored.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{
    app::Host,
    pages::{Confirmation, Page, PageKind, Pages},
    paths::ReturnPath,
    protocol::ServiceUrl,
    seldom::{Seldom, seldom},
    user::Place,
    visit::{Visit, navigation::is_grpc},
};

/// How long a client should wait before it comes back, in seconds.
const RETRY_AFTER: &str = "10";

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// An answer in place of the inner service's response.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Answer {
    /// Boxed, as a decision is on its way with every request.
    says: Box<Says>,
    cookies: Vec<HeaderValue>,
    /// Whether the session cookie stays, even if its session is over.
    leaves_session: bool,
}

#[derive(Clone, Debug)]
enum Says {
    /// A status and nothing else.
    Status(StatusCode),
    /// The methods that are allowed.
    Allow(&'static str),
    /// A line for a program.
    Text(StatusCode, Cow<'static, str>),
    /// A script that calls a function, whose name has been checked.
    Script(String),
    /// A URL, or a path on this host.
    Redirect(String),
    /// A path of the app, or the landing path.
    GoOn(Option<ReturnPath>),
    Page(Notice),
}

/// A page of ours for a visitor, or a problem document for a program.
#[derive(Clone, Debug)]
struct Notice {
    kind: PageKind,
    /// Where a sign-in from here leads.
    next: Option<ReturnPath>,
    detail: Detail,
}

/// What a page says besides its kind.
#[derive(Clone, Debug)]
pub(crate) enum Detail {
    Nothing,
    /// The CAS server's own code, if it gave one.
    Code(Option<String>),
    /// The app's own reason.
    Veto(String),
    /// Why sign-ins lead nowhere.
    Cause(String),
    /// The CAS server was there, but took too long.
    TimedOut,
    /// The ticket was not looked at: this browser has no login under way for it.
    NotUnderWay,
    /// What a visitor can tell the operator, who finds it in the log.
    Reference(Option<String>),
    Question(Confirmation),
    /// The path of an image.
    Image(String),
}

/// The client that gets an answer, as far as the answer depends on it.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) place: Place,
    pub(crate) wants_page: bool,
    is_grpc: bool,
    /// The status of a redirect: 302, or 303 after a `POST`. Never 307, which would send the body on to the CAS server.
    onward: StatusCode,
    /// Whether the client's cookie is of a session that is over.
    is_over: bool,
    /// What a program needs a ticket for.
    service: Option<ServiceUrl>,
}

impl Reader {
    pub(crate) fn of(visit: &Visit<'_>) -> Self {
        Self {
            place: visit.place,
            wants_page: visit.wants_page(),
            is_grpc: is_grpc(visit.headers),
            onward: visit.onward(),
            is_over: visit.is_over(),
            service: None,
        }
    }

    /// A browser whose cookie may have been replaced by the time it gets the answer.
    pub(crate) fn never_clearing(visit: &Visit<'_>) -> Self {
        Self {
            is_over: false,
            ..Self::of(visit)
        }
    }

    /// A program, and the service URL of what it asked for, if there is one. What it gets has no fields of gRPC's.
    pub(crate) fn program(service: Option<ServiceUrl>) -> Self {
        Self {
            place: Place::Request,
            wants_page: false,
            is_grpc: false,
            onward: StatusCode::FOUND,
            is_over: false,
            service,
        }
    }

    /// A handler of the app, which returns the answer to a request that we do not have.
    pub(crate) fn handler(place: Place) -> Self {
        Self {
            place,
            onward: StatusCode::SEE_OTHER,
            ..Self::program(None)
        }
    }
}

impl Answer {
    fn saying(says: Says) -> Self {
        Self {
            says: Box::new(says),
            cookies: Vec::new(),
            leaves_session: false,
        }
    }

    /// `HEAD` on an endpoint: it exists, and nothing happens. Or something happened, and there is nothing to say.
    pub(crate) fn ok() -> Self {
        Self::saying(Says::Status(StatusCode::OK))
    }

    /// Done, and nothing to show.
    pub(crate) fn no_content() -> Self {
        Self::saying(Says::Status(StatusCode::NO_CONTENT))
    }

    /// A prefetch of an endpoint: the browser asks again when its user really goes there.
    pub(crate) fn not_now() -> Self {
        Self::saying(Says::Status(StatusCode::SERVICE_UNAVAILABLE))
    }

    /// A path that no endpoint or service has.
    pub(crate) fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "not found")
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self::saying(Says::Allow(allow))
    }

    pub(crate) fn text(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self::saying(Says::Text(status, text.into()))
    }

    pub(crate) fn script(function: String) -> Self {
        Self::saying(Says::Script(function))
    }

    /// To a URL that has been checked, or a public path of this app.
    pub(crate) fn redirect(location: String) -> Self {
        Self::saying(Says::Redirect(location))
    }

    /// On to the visitor's destination. `None` stands for the landing path.
    pub(crate) fn go_on(next: Option<&ReturnPath>) -> Self {
        Self::saying(Says::GoOn(next.cloned()))
    }

    /// `next` is where a sign-in from here leads. `None` stands for the landing path.
    pub(crate) fn page(kind: PageKind, next: Option<&ReturnPath>) -> Self {
        Self::page_with(kind, next, Detail::Nothing)
    }

    pub(crate) fn page_with(kind: PageKind, next: Option<&ReturnPath>, detail: Detail) -> Self {
        Self::saying(Says::Page(Notice {
            kind,
            next: next.cloned(),
            detail,
        }))
    }

    pub(crate) fn with_cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        self.cookies.extend(cookie);
        self
    }

    /// For a browser in which another tab may just have got the cookie of a new session.
    pub(crate) fn leaving_session(mut self, leaves: bool) -> Self {
        self.leaves_session = leaves;
        self
    }

    /// The one place where an answer becomes a response.
    pub(crate) fn render(self, host: &Host, reader: &Reader) -> Response<Bytes> {
        let Self {
            says,
            cookies,
            leaves_session,
        } = self;
        let clears = reader.is_over && !leaves_session && !says.leaves_cookie();
        let mut response = says.render(host, reader);
        let headers = response.headers_mut();
        for cookie in cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        if clears
            && !host.session_cookie.is_set_by(headers)
            && let Some(cookie) = host.session_cookie.clear()
        {
            headers.append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl Says {
    /// Requests of one page run side by side. By the time a script reads that it needs a user, or reads a line of
    /// text, another answer may have brought the cookie of a new session.
    fn leaves_cookie(&self) -> bool {
        match self {
            Self::Text(..) => true,
            Self::Page(notice) => notice.kind == PageKind::SignInNeeded,
            _ => false,
        }
    }

    fn render(self, host: &Host, reader: &Reader) -> Response<Bytes> {
        match self {
            Self::Status(status) => empty(status),
            Self::Allow(methods) => {
                let status = StatusCode::METHOD_NOT_ALLOWED;
                with(empty(status), [(header::ALLOW, methods)])
            }
            Self::Text(status, line) => {
                let is_later = status == StatusCode::SERVICE_UNAVAILABLE;
                retry(text(status, line), is_later)
            }
            Self::Script(function) => with(
                text(StatusCode::OK, format!("{function}();")),
                [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
            ),
            Self::Redirect(location) => redirect(host, reader, &location),
            Self::GoOn(next) => redirect(host, reader, &host.destination(next.as_ref())),
            Self::Page(notice) => notice.render(host, reader),
        }
    }
}

impl Notice {
    fn render(self, host: &Host, reader: &Reader) -> Response<Bytes> {
        let (kind, place) = (self.kind, reader.place);
        let status = self.status(place);
        // Having signed out is no problem to a program either.
        let mut response = if reader.wants_page || kind == PageKind::LoggedOut {
            host.app.pages.html(&self.page(host, place, status))
        } else {
            let is_renewal = kind == PageKind::FreshSignInNeeded;
            let login_url = place.login_url(host, self.next.as_ref(), is_renewal);
            let page = self.detail.put_on(Page::new(kind, status, String::new()));
            Pages::problem(&page, login_url.as_deref())
        };
        if status == StatusCode::UNAUTHORIZED {
            response = challenge(response, reader);
        }
        retry(response, status == StatusCode::SERVICE_UNAVAILABLE)
    }

    fn status(&self, place: Place) -> StatusCode {
        match (self.kind, &self.detail) {
            (PageKind::CasUnavailable, Detail::TimedOut) => StatusCode::GATEWAY_TIMEOUT,
            (PageKind::ConfirmationNeeded, Detail::Question(_)) => StatusCode::OK,
            (PageKind::SignInRefused, Detail::NotUnderWay) => StatusCode::BAD_REQUEST,
            // A program can try again with another ticket.
            (PageKind::SignInRefused, _) if place == Place::Request => StatusCode::UNAUTHORIZED,
            (kind, _) => kind.usual_status(),
        }
    }

    fn page(self, host: &Host, place: Place, status: StatusCode) -> Page {
        let next = self.next.as_ref();
        let link = match self.kind {
            PageKind::SessionUnverified | PageKind::SessionNotKept => host.destination(next),
            // Signing in again would change nothing.
            PageKind::NotAllowed => host.destination(None),
            PageKind::FreshSignInNeeded | PageKind::ConfirmationNeeded => {
                place.renewal_link(host, next)
            }
            // A user with another account has to sign out at the CAS server first.
            PageKind::SignInVetoed | PageKind::SessionTooLarge => place.logout_link(host),
            _ => place.login_link(host, next),
        };
        self.detail.put_on(Page::new(self.kind, status, link))
    }
}

impl Detail {
    fn put_on(self, page: Page) -> Page {
        match self {
            Self::Nothing | Self::TimedOut | Self::NotUnderWay => page,
            Self::Code(code) => page.with_code(code),
            Self::Reference(reference) => page.with_reference(reference),
            Self::Veto(reason) => page.with_veto(reason),
            Self::Cause(cause) => page.with_cause(cause),
            Self::Question(confirmation) => page.with_confirmation(confirmation),
            Self::Image(path) => page.with_image(path),
        }
    }
}

/// A line for a program, at a host without an app.
pub(crate) fn text(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Response<Bytes> {
    let mut response = empty(status);
    *response.body_mut() = match text.into() {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    };
    with(
        response,
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
    )
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    with(response, [(header::CACHE_CONTROL, "no-store")])
}

fn with<const N: usize>(
    mut response: Response<Bytes>,
    fields: [(HeaderName, &'static str); N],
) -> Response<Bytes> {
    for (name, value) in fields {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// Says when to come back.
fn retry(response: Response<Bytes>, is_later: bool) -> Response<Bytes> {
    if is_later {
        with(response, [(header::RETRY_AFTER, RETRY_AFTER)])
    } else {
        response
    }
}

fn redirect(host: &Host, reader: &Reader, location: &str) -> Response<Bytes> {
    // What has been checked is a header value.
    let Ok(location) = HeaderValue::try_from(location) else {
        static NO_LOCATION: Seldom = Seldom::new();
        seldom!(error, NO_LOCATION, "a redirect leads to what is no URL");
        let kind = PageKind::InternalError;
        return Answer::page(kind, None).says.render(host, reader);
    };
    let mut response = with(
        empty(reader.onward),
        [(header::REFERRER_POLICY, "no-referrer")],
    );
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// RFC 9110, section 11.6.1: a 401 names a challenge. Browsers ignore one they do not know.
fn challenge(mut response: Response<Bytes>, reader: &Reader) -> Response<Bytes> {
    let service = reader.service.as_ref();
    // A service URL has neither quotes nor backslashes.
    let challenge = service
        .and_then(|url| HeaderValue::try_from(format!("CAS service=\"{}\"", url.as_str())).ok())
        .unwrap_or(HeaderValue::from_static("CAS"));
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    if !reader.is_grpc {
        return response;
    }
    // Clients are to map 401 to UNAUTHENTICATED, but some read the body as gRPC before they look at the status. A
    // status in the head is one that all of them see.
    with(
        response,
        [(GRPC_STATUS, "16"), (GRPC_MESSAGE, "sign-in needed")],
    )
}

#[cfg(test)]
impl Answer {
    /// A short form, for tables of decisions.
    pub(crate) fn label(&self) -> String {
        let cookies = if self.cookies.is_empty() {
            ""
        } else {
            " +cookie"
        };
        let says = match &*self.says {
            Says::Status(status) => status.as_str().to_owned(),
            Says::Allow(methods) => format!("405 {methods}"),
            Says::Text(status, _) => format!("line {}", status.as_str()),
            Says::Script(function) => format!("{function}()"),
            Says::Redirect(location) => format!("to {location}"),
            Says::GoOn(next) => {
                format!("on {}", next.as_ref().map_or("home", ReturnPath::as_str))
            }
            Says::Page(notice) => format!("{:?}", notice.kind),
        };
        says + cookies
    }
}
