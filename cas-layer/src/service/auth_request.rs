//! Answers a reverse proxy that asks, for each request to a backend, whether it may pass, and who sent it.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::serve::{Brings, Serve};
use crate::{
    address,
    answer::{Answer, Reader},
    app::{AuthRequest, Host, Route},
    events::{Refused, RefusedReason},
    paths::ReturnPath,
    rules::{Access, Verdict},
    seldom::{Seldom, seldom},
    user::Place,
    visit::{Visit, Visitor, navigation::is_navigation},
};

/// Where a visitor without a session signs in, if a page is being opened.
const LOGIN_URL: HeaderName = HeaderName::from_static("cas-login-url");

/// With the rest of the head, these are less than the 4,096 bytes of a buffer of nginx.
const MAX_LOGIN_URL: usize = 2_800;

/// The answer to the question whether a request may pass. `visit` is the question.
pub(super) fn answer(host: &Arc<Host>, visit: &Visit<'_>) -> Response<Bytes> {
    let Some(auth_request) = &host.app.auth_request else {
        return plain(host, Answer::not_found());
    };
    let Some(fields) = &auth_request.original else {
        let access = Cow::Borrowed(host.app.rules.required());
        let (method, next) = (visit.method.clone(), None);
        let asked = Asked {
            access,
            method,
            next,
        };
        return asked.judge(host, auth_request, visit);
    };
    let Ok(original) = fields.read(visit.headers) else {
        static NOT_TOLD: Seldom = Seldom::new();
        seldom!(
            error,
            NOT_TOLD,
            "a reverse proxy asks about a request and does not say which: it has to set both fields, once each"
        );
        let text = "which request is it about?";
        return plain(host, Answer::text(StatusCode::BAD_REQUEST, text));
    };
    let route = original
        .uri
        .as_ref()
        .map(|uri| (uri, host.route_of_original(uri.path())));
    // The layer's own paths are no pages of a backend.
    let Some((uri, Route::App(access))) = route else {
        return plain(host, Answer::status(StatusCode::FORBIDDEN));
    };
    let url = format!("{}{uri}", host.url.origin());
    let asked = Asked {
        access,
        method: original.method,
        next: address::shown_page(host, Place::Endpoint, &url),
    };
    asked.judge(host, auth_request, visit)
}

/// The request that the question is about.
struct Asked<'h> {
    access: Cow<'h, Access>,
    method: Method,
    /// Where a sign-in leads. `None` stands for the landing path.
    next: Option<ReturnPath>,
}

impl Asked<'_> {
    fn judge(
        self,
        host: &Arc<Host>,
        auth_request: &AuthRequest,
        visit: &Visit<'_>,
    ) -> Response<Bytes> {
        let verdict = self.access.judge(visit.user(), visit.now);
        match (verdict, &visit.visitor) {
            (Verdict::Welcome, _) => self.pass(host, auth_request, visit),
            // Nobody signs in again who may have signed out just now.
            (_, Visitor::Unverified(_)) => {
                let text = "it is not known at the moment whether the session has ended";
                plain(host, Answer::text(StatusCode::SERVICE_UNAVAILABLE, text))
            }
            (Verdict::SignIn, _) => self.sign_in(host, visit, false),
            (Verdict::SignInAfresh, _) => self.sign_in(host, visit, true),
            (Verdict::Forbidden, _) => {
                host.tell(Refused::new(RefusedReason::NotAllowed).signed_in(visit.user()));
                plain(host, Answer::status(StatusCode::FORBIDDEN))
            }
        }
    }

    /// The request may pass. The backend gets the identity, and the browser a renewed cookie when it is due.
    fn pass(
        &self,
        host: &Arc<Host>,
        auth_request: &AuthRequest,
        visit: &Visit<'_>,
    ) -> Response<Bytes> {
        let mut response = plain(host, Answer::no_content());
        let Some(user) = visit.user() else {
            return response;
        };
        auth_request
            .introduction
            .introduce(user, response.headers_mut());
        let brings = if self.access.is_private() {
            Brings::Renewal
        } else {
            Brings::Nothing
        };
        let serve = Serve {
            marks_private: false,
            brings,
        };
        let asked = Visit {
            method: &self.method,
            visitor: Visitor::SignedIn(user.clone()),
            ..*visit
        };
        let status = response.status();
        let mut finish = serve.to(host, asked).finish(host);
        finish.apply(status, response.headers_mut());
        response
    }

    /// The visitor has to sign in. The login begins at the login path: the browser gets its cookie there.
    fn sign_in(&self, host: &Host, visit: &Visit<'_>, is_renewal: bool) -> Response<Bytes> {
        let mut response = plain(host, Answer::status(StatusCode::UNAUTHORIZED));
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("CAS"));
        let may_be_sent_away = self.access.may_redirect()
            && is_navigation(&self.method, visit.headers)
            && !visit.is_hidden(host);
        if may_be_sent_away && let Some(url) = self.login_url(host, is_renewal) {
            headers.insert(LOGIN_URL, url);
        }
        response
    }

    /// With as much of the return path as there is room for.
    fn login_url(&self, host: &Host, is_renewal: bool) -> Option<HeaderValue> {
        let url = |next: Option<&ReturnPath>| {
            let link = if is_renewal {
                Place::Endpoint.renewal_link(host, next)
            } else {
                Place::Endpoint.login_link(host, next)
            };
            format!("{}{link}", host.url.origin())
        };
        let without_query = self.next.as_ref().map(ReturnPath::without_query);
        let fitting = [self.next.as_ref(), without_query.as_ref()]
            .into_iter()
            .flatten()
            .map(|next| url(Some(next)))
            .find(|url| url.len() <= MAX_LOGIN_URL);
        HeaderValue::try_from(fitting.unwrap_or_else(|| url(None))).ok()
    }
}

/// For a program, which shows nothing of it to anybody.
fn plain(host: &Host, answer: Answer) -> Response<Bytes> {
    answer.render(host, &Reader::program(None))
}
