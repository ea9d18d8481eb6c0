//! The layer's own answers, in place of the inner service's response. An answer is a value, and becomes a response
//! here. None of our answers may be stored.

mod context;
mod fields;
mod notice;
mod reader;

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use self::{
    fields::{retry, with},
    notice::Notice,
};
pub(crate) use self::{notice::Detail, reader::Reader};
use crate::{
    app::Host,
    pages::PageKind,
    paths::ReturnPath,
    seldom::{Seldom, seldom},
};

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

    /// A status for a program, and nothing else.
    pub(crate) fn status(status: StatusCode) -> Self {
        Self::saying(Says::Status(status))
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
            keeps_form: false,
            stays: false,
        }))
    }

    /// For a visitor who has sent a form: the page says how it is sent again.
    pub(crate) fn keeping_form(mut self, keeps: bool) -> Self {
        if let Says::Page(notice) = &mut *self.says {
            notice.keeps_form = keeps;
        }
        self
    }

    /// For a path from which nobody is redirected: no script leads its page away either.
    pub(crate) fn staying(mut self, stays: bool) -> Self {
        if let Says::Page(notice) = &mut *self.says {
            notice.stays = stays;
        }
        self
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
        if let Some(frames) = &host.app.frames {
            let status = response.status();
            frames.guard(status, response.headers_mut());
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
                let is_later = matches!(
                    status,
                    StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
                );
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
