//! A ticket comes back: it is validated, and a session opens.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{
    login::destination,
    logout, response,
    service_url::{LoginKind, login_link},
    visit::render,
};
use crate::{
    client::{ValidationError, ValidationErrorKind},
    config::Shared,
    pages::{Page, PageKind},
    paths::ReturnPath,
    protocol::{Authentication, ServiceTicket, ServiceUrl},
    registry::{Begun, Opened, RegistryError, RegistryErrorKind},
    session::{Binding, MAX_COOKIE_BYTES, NoCookie, Rejected, SessionData, SessionId},
    user::CasUser,
};

/// How long a session may take to open once its ticket is validated.
const OPENING: Duration = Duration::from_secs(30);

/// A ticket from the browser that began the login.
#[derive(Debug)]
pub(crate) struct Callback {
    pub(crate) ticket: ServiceTicket,
    pub(crate) service: ServiceUrl,
    pub(crate) kind: LoginKind,
    pub(crate) next: Option<ReturnPath>,
    /// The browser's login binding, from which this login has been taken out.
    pub(crate) binding: Binding,
    /// The session that the browser has already, unused for too long or not.
    pub(crate) current: Option<CasUser>,
    /// Whether that session is live.
    pub(crate) signed_in: bool,
    pub(crate) wants_page: bool,
}

impl Callback {
    pub(crate) async fn run(mut self, shared: &Shared) -> Response<Bytes> {
        let mut response = self.sign_in(shared).await;
        response::add_cookie(&mut response, shared.binding_cookie.write(&self.binding));
        response
    }

    async fn sign_in(&mut self, shared: &Shared) -> Response<Bytes> {
        let id = SessionId::of(&self.ticket);
        // A validation waits for a slot as long as it may itself take, so a burst passes and a dead
        // CAS server does not pile up requests.
        let waited = slot(shared, shared.client.timeout()).await;
        let Some(_slot) = waited else {
            tracing::error!("too many tickets are being validated: a sign-in was turned away");
            return self.busy(shared);
        };
        let lasts = shared.client.timeout() + OPENING;
        let begun = match Begun::new(&shared.registry, id, lasts).await {
            Ok(begun) => begun,
            Err(error) => return self.registry_failed(shared, &error),
        };
        let validated = if self.kind.is_renewed {
            let client = &shared.client;
            client.validate_renewed(&self.ticket, &self.service).await
        } else {
            shared.client.validate(&self.ticket, &self.service).await
        };
        match validated {
            Ok(authentication) => self.open(shared, begun, id, &authentication).await,
            Err(error) => self.failed(shared, &error),
        }
    }

    /// The CAS server vouches for the user.
    async fn open(
        &mut self,
        shared: &Shared,
        begun: Begun,
        id: SessionId,
        authentication: &Authentication,
    ) -> Response<Bytes> {
        let now = shared.clock.now();
        let content = match shared.content.of(authentication) {
            Ok(content) => content,
            Err(rejected) => return self.rejected(shared, id, &rejected),
        };
        let mut session =
            SessionData::new(content, id, self.kind.is_renewed, now, &shared.lifetimes);
        match begun.open(session.expires_at, now).await {
            Ok(Opened::Live { number }) => session.number = number,
            Ok(Opened::Ended) => {
                tracing::info!(session = %id, "signed out before the sign-in was finished");
                return self.page(shared, PageKind::SignInRefused, StatusCode::FORBIDDEN);
            }
            Err(error) => return self.registry_failed(shared, &error),
        }
        let cookie = match shared.session_cookie.write(&session, now) {
            Ok(cookie) => cookie,
            Err(no_cookie) => {
                // Opened for nothing. If this cannot be noted, the entry goes when it expires.
                let _ = shared.registry.end_if_opened(vec![id], now).await;
                return self.no_cookie(shared, no_cookie, &session);
            }
        };
        if let Some(old) = self.current.as_ref().filter(|old| old.session_id() != id) {
            logout::end(shared, old, now).await;
        }
        tracing::info!(session = %id, "signed in");
        let not_kept = self.binding.finish(self.current.is_some(), now);
        let mut response = if not_kept {
            tracing::warn!("a browser does not keep the session cookie");
            let link = destination(shared, self.next.as_ref());
            let page = Page::new(PageKind::SessionNotKept, StatusCode::BAD_REQUEST, link);
            render(shared, &page, self.wants_page)
        } else {
            self.go_on(shared)
        };
        response::add_cookie(&mut response, Some(cookie));
        response
    }

    /// The app does not admit the user, or made something of the name that is none.
    fn rejected(&self, shared: &Shared, id: SessionId, rejected: &Rejected) -> Response<Bytes> {
        match rejected {
            Rejected::Vetoed(veto) => {
                tracing::info!(session = %id, "the app does not admit a user: nobody is signed in");
                // Who has another account has to leave the CAS server first.
                let link = shared.app.public_path(&shared.endpoints.logout);
                let page = Page::new(PageKind::SignInVetoed, StatusCode::FORBIDDEN, link);
                render(shared, &page.with_veto(veto), self.wants_page)
            }
            Rejected::BadName(reason) => {
                tracing::error!(
                    reason,
                    "the app made a user name that is none: nobody is signed in"
                );
                self.page(
                    shared,
                    PageKind::InternalError,
                    StatusCode::INTERNAL_SERVER_ERROR,
                )
            }
        }
    }

    fn no_cookie(
        &self,
        shared: &Shared,
        no_cookie: NoCookie,
        session: &SessionData,
    ) -> Response<Bytes> {
        let kind = match no_cookie {
            NoCookie::TooLarge { bytes } => {
                tracing::error!(
                    bytes,
                    limit = MAX_COOKIE_BYTES,
                    attributes = session.attributes().len(),
                    "a session does not fit into a cookie: nobody is signed in"
                );
                PageKind::SessionTooLarge
            }
            NoCookie::NotSealed => {
                tracing::error!("the operating system gives no random bytes: nobody is signed in");
                PageKind::InternalError
            }
        };
        self.page(shared, kind, StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Nobody is signed in or out by a failure.
    fn failed(&self, shared: &Shared, error: &ValidationError) -> Response<Bytes> {
        let status = match error.kind() {
            ValidationErrorKind::Refused => {
                tracing::warn!(error = %error, "the CAS server refused a ticket");
                if self.kind.is_gateway {
                    return self.go_on(shared);
                }
                // A used ticket is what reloading the page or going back brings. But where credentials
                // were to be given, the visitor might be sent around for ever.
                if self.signed_in && !self.kind.is_renewed {
                    return self.go_on(shared);
                }
                let link = login_link(shared, self.next.as_ref());
                let page = Page::new(PageKind::SignInRefused, StatusCode::FORBIDDEN, link)
                    .with_code(error.code());
                return render(shared, &page, self.wants_page);
            }
            // For the operator, whose clocks or configuration it is about.
            ValidationErrorKind::ConditionsUnmet => {
                tracing::error!(error = %error, "an assertion of the CAS server is not accepted");
                return self.page(shared, PageKind::SignInRefused, StatusCode::FORBIDDEN);
            }
            ValidationErrorKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(error = %error, cause, "a ticket could not be validated");
        if self.kind.is_gateway {
            return self.go_on(shared);
        }
        self.page(shared, PageKind::CasUnavailable, status)
    }

    fn go_on(&self, shared: &Shared) -> Response<Bytes> {
        response::redirect(StatusCode::FOUND, &destination(shared, self.next.as_ref()))
            .unwrap_or_else(|| {
                self.page(
                    shared,
                    PageKind::InternalError,
                    StatusCode::INTERNAL_SERVER_ERROR,
                )
            })
    }

    /// Without the registry nobody is signed in: a logout could not end that session.
    fn registry_failed(&self, shared: &Shared, error: &RegistryError) -> Response<Bytes> {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, cause, "the registry takes no session: a sign-in was turned away");
        if error.kind() == RegistryErrorKind::Full {
            self.busy(shared)
        } else {
            self.later(shared, PageKind::RegistryUnavailable)
        }
    }

    fn busy(&self, shared: &Shared) -> Response<Bytes> {
        self.later(shared, PageKind::Busy)
    }

    fn later(&self, shared: &Shared, kind: PageKind) -> Response<Bytes> {
        response::retry_later(self.page(shared, kind, StatusCode::SERVICE_UNAVAILABLE))
    }

    fn page(&self, shared: &Shared, kind: PageKind, status: StatusCode) -> Response<Bytes> {
        let link = login_link(shared, self.next.as_ref());
        render(shared, &Page::new(kind, status, link), self.wants_page)
    }
}

async fn slot(shared: &Shared, patience: Duration) -> Option<tokio::sync::SemaphorePermit<'_>> {
    tokio::time::timeout(patience, shared.validations.acquire())
        .await
        .ok()?
        .ok()
}
