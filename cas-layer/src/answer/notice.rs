//! A page for a visitor, or a problem document for a program.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::{
    fields::{retry, with},
    reader::{Reader, Reads},
};
use crate::{
    app::{Host, Route},
    client::{CasClient, ValidationError},
    pages::{Confirmation, Page, PageContext, PageKind, problem},
    paths::ReturnPath,
    user::Place,
};

/// After how many seconds a page goes on by itself.
const SOON: &str = "2";

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Where htmx leaves the page for, with any status.
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// A page of ours for a visitor, or a problem document for a program.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) kind: PageKind,
    /// Where a sign-in from here leads.
    pub(super) next: Option<ReturnPath>,
    pub(super) detail: Detail,
    /// Whether the visitor has sent a form, which a reload of the page sends again.
    pub(super) keeps_form: bool,
    /// Whether a script must not lead its page away.
    pub(super) stays: bool,
}

/// What a page says besides its kind.
#[derive(Clone, Debug)]
pub(crate) enum Detail {
    Nothing,
    /// The CAS server's own code, if it gave one.
    Code(Option<String>),
    /// The same if the server refuses a ticket only because of the proxy callback at this URL.
    Callback {
        code: Option<String>,
        url: String,
    },
    /// The app's own reason.
    Veto(String),
    /// Why sign-ins lead nowhere.
    Cause(String),
    /// The CAS server was there, but took too long.
    TimedOut,
    /// The CAS server was not asked, as it has not answered for a while.
    Away,
    /// A sign-in from here asks for credentials in any case.
    Renewed,
    /// The page goes on to this link by itself.
    Later(String),
    /// The ticket was not looked at: this browser has no login under way for it.
    NotUnderWay,
    /// What a visitor can tell the operator, who finds it in the log.
    Reference(Option<String>),
    Question(Confirmation),
    /// The path of an image.
    Image(String),
}

impl Notice {
    pub(super) fn render(self, host: &Host, reader: &Reader) -> Response<Bytes> {
        let (kind, place) = (self.kind, reader.place);
        let refresh = match &self.detail {
            Detail::Later(link) => HeaderValue::try_from(format!("{SOON}; url={link}")).ok(),
            _ => None,
        };
        let status = self.status(place);
        let needs_sign_in = status == StatusCode::UNAUTHORIZED;
        let leads_on =
            needs_sign_in && reader.reads == Reads::Htmx && self.leads_to_sign_in(host, place);
        let way = leads_on.then(|| self.link(host, place));
        // Having signed out is no problem to a program either.
        let mut response = if reader.wants_page || kind == PageKind::LoggedOut {
            let context = reader.context(host);
            let page = self.page(host, (place, &context), status);
            host.app.pages.html(&page, &context)
        } else {
            let login_url = place.login_url(host, self.next.as_ref(), self.is_renewal());
            let page = self.detail.put_on(Page::new(
                kind,
                status,
                Arc::clone(&reader.context(host).language),
                String::new(),
            ));
            problem(&page, login_url.as_deref())
        };
        if needs_sign_in {
            response = challenge(response, reader);
        }
        // Links of ours are header values.
        if let Some(Ok(way)) = way.map(HeaderValue::try_from) {
            response.headers_mut().insert(HX_REDIRECT, way);
        }
        if let Some(refresh) = refresh {
            response.headers_mut().insert(header::REFRESH, refresh);
            return with(response, [(header::RETRY_AFTER, SOON)]);
        }
        retry(response, status == StatusCode::SERVICE_UNAVAILABLE)
    }

    fn status(&self, place: Place) -> StatusCode {
        match (self.kind, &self.detail) {
            (PageKind::CasUnavailable, Detail::TimedOut) => StatusCode::GATEWAY_TIMEOUT,
            (PageKind::CasUnavailable, Detail::Away) => StatusCode::SERVICE_UNAVAILABLE,
            (PageKind::ConfirmationNeeded, Detail::Question(_)) => StatusCode::OK,
            (PageKind::SignInRefused, Detail::NotUnderWay) => StatusCode::BAD_REQUEST,
            // A program can try again with another ticket.
            (PageKind::SignInRefused, _) if place == Place::Request => StatusCode::UNAUTHORIZED,
            (kind, _) => kind.usual_status(),
        }
    }

    /// Whether a sign-in from here asks for credentials in any case.
    fn is_renewal(&self) -> bool {
        matches!(
            (self.kind, &self.detail),
            (PageKind::FreshSignInNeeded, _) | (_, Detail::Renewed)
        )
    }

    /// Where the visitor goes from here.
    fn link(&self, host: &Host, place: Place) -> String {
        if let Detail::Later(link) = &self.detail {
            return link.clone();
        }
        let next = self.next.as_ref();
        match self.kind {
            PageKind::SessionUnverified | PageKind::SessionNotKept => host.destination(next),
            // Signing in again would change nothing.
            PageKind::NotAllowed => host.destination(None),
            PageKind::ConfirmationNeeded => place.renewal_link(host, next),
            _ if self.is_renewal() => place.renewal_link(host, next),
            // A user with another account has to sign out at the CAS server first.
            PageKind::SignInVetoed | PageKind::SessionTooLarge => place.logout_link(host),
            _ => place.login_link(host, next),
        }
    }

    /// Where somebody else signs in, if this user is the one who may not go on.
    fn other_link(&self, host: &Host, place: Place) -> Option<String> {
        match self.kind {
            PageKind::NotAllowed | PageKind::SignInVetoed => {
                place.link_for_somebody_else(host, self.next.as_ref())
            }
            _ => None,
        }
    }

    /// Whether the link leads to a sign-in. In place, that is a page which requires a user. A script that leads to another
    /// page would do so again from there, for ever.
    fn leads_to_sign_in(&self, host: &Host, place: Place) -> bool {
        let at_landing = || host.route_in_place(host.app.landing.path());
        let is_required = |route| matches!(route, Route::App(access) if access.is_required());
        !self.stays
            && (place == Place::Endpoint || self.next.is_some() || is_required(at_landing()))
    }

    fn page(
        self,
        host: &Host,
        (place, context): (Place, &PageContext),
        status: StatusCode,
    ) -> Page {
        let link = self.link(host, place);
        let page = Page::new(self.kind, status, Arc::clone(&context.language), link);
        let page = page
            .keeping_form(self.keeps_form)
            .with_other_link(self.other_link(host, place));
        self.detail.put_on(page)
    }
}

impl Detail {
    /// What the CAS server said when it refused a ticket.
    pub(crate) fn of_refusal(client: &CasClient, error: &ValidationError) -> Self {
        let code = error.code().map(str::to_owned);
        match client
            .callback()
            .filter(|_| client.is_about_callback(error))
        {
            Some(url) => Self::Callback { code, url },
            None => Self::Code(code),
        }
    }

    fn put_on(self, page: Page) -> Page {
        match self {
            Self::Nothing | Self::TimedOut | Self::Away | Self::Renewed | Self::NotUnderWay | Self::Later(_) => page,
            Self::Code(code) => page.with_code(code),
            Self::Callback { code, url } => page.with_code(code).with_cause(format!(
                "The sign-in server does not accept the proxy callback {url}: it cannot reach it, does not trust its \
                 certificate, or does not let this site be a proxy"
            )),
            Self::Reference(reference) => page.with_reference(reference),
            Self::Veto(reason) => page.with_veto(reason),
            Self::Cause(cause) => page.with_cause(cause),
            Self::Question(confirmation) => page.with_confirmation(confirmation),
            Self::Image(path) => page.with_image(path),
        }
    }
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
    if reader.offers_passwords {
        let basic = HeaderValue::from_static("Basic realm=\"CAS\", charset=\"UTF-8\"");
        response
            .headers_mut()
            .append(header::WWW_AUTHENTICATE, basic);
    }
    if reader.reads != Reads::Grpc {
        return response;
    }
    // Clients are to map 401 to UNAUTHENTICATED, but some read the body as gRPC before they look at the status. A
    // status in the head is one that all of them see.
    with(
        response,
        [(GRPC_STATUS, "16"), (GRPC_MESSAGE, "sign-in needed")],
    )
}
