//! The tower service. Data flows one way: request, session, endpoint or inner service, response.

mod callback;
mod future;
mod login;
mod logout;
mod navigation;
mod renewal;
mod response;
mod route;
mod service_url;
mod single_logout;
mod visit;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
pub use future::CasFuture;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use tower::Service;

use self::{
    login::Login,
    renewal::Renewal,
    route::{Endpoint, Route},
    visit::{Visit, Visitor},
};
use crate::{config::Shared, user::CasUser};

/// The service that [`CasLayer`](crate::CasLayer) makes of an inner one.
#[derive(Clone, Debug)]
pub struct Cas<S> {
    inner: S,
    shared: Arc<Shared>,
}

/// In the extensions of a request that went through the layer without a user, so that an extractor
/// can tell a visitor from a missing layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anonymous;

impl<S> Cas<S> {
    pub(crate) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Cas<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ReqBody: Body + Send + 'static,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = CasFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let visit = Visit::of(&request, &self.shared);
        let required = match visit.route {
            Route::Endpoint(Endpoint::Login | Endpoint::LogoutRequest)
                if *visit.method == Method::POST =>
            {
                let (shared, now) = (Arc::clone(&self.shared), visit.now);
                return match single_logout::refuse(&shared, visit.headers, request.extensions()) {
                    None => CasFuture::endpoint(single_logout::back_channel(
                        shared,
                        request.into_body(),
                        now,
                    )),
                    Some(refusal) => CasFuture::ready(refusal),
                };
            }
            Route::Endpoint(endpoint) => return self.answer(endpoint, &visit),
            Route::App { required } => required,
        };
        let extensions = match visit.visitor {
            Visitor::SignedIn(user) => {
                let renewal = required
                    .then(|| Renewal::when_due(&self.shared, &user, visit.now))
                    .flatten();
                request.extensions_mut().insert(user);
                // The service that `poll_ready` made ready is the one that is called.
                let inner = self.inner.call(request);
                return CasFuture::inner(inner, self.marks_private(required), renewal);
            }
            Visitor::Unverified(_) if required => {
                return CasFuture::ready(login::not_current(&self.shared, &visit));
            }
            _ if required => return CasFuture::ready(login::demand(&self.shared, &visit)),
            Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) | Visitor::Unverified(_) => {
                request.extensions_mut()
            }
        };
        // Whatever an outer layer left there, it is not a user of ours.
        extensions.remove::<CasUser>();
        extensions.insert(Anonymous);
        let inner = self.inner.call(request);
        CasFuture::inner(inner, self.marks_private(required), None)
    }
}

impl<S> Cas<S> {
    fn marks_private(&self, required: bool) -> bool {
        required && self.shared.private_by_default
    }

    /// Answers a request for one of our own paths.
    fn answer<F>(&self, endpoint: Endpoint, visit: &Visit<'_>) -> CasFuture<F> {
        let shared = &self.shared;
        let allowed = match endpoint {
            Endpoint::LogoutCallback => "GET, HEAD",
            Endpoint::Login | Endpoint::Logout | Endpoint::LogoutRequest => "GET, HEAD, POST",
        };
        let ready = match (endpoint, visit.method) {
            (Endpoint::LogoutCallback, &(Method::GET | Method::HEAD)) => {
                logout::logged_out(shared, visit)
            }
            // Neither a question about an answer nor a browser that guesses ahead signs anyone in
            // or out.
            (Endpoint::Login | Endpoint::Logout | Endpoint::LogoutRequest, &Method::HEAD) => {
                response::ok()
            }
            (
                Endpoint::Login | Endpoint::Logout | Endpoint::LogoutRequest,
                &(Method::GET | Method::POST),
            ) if navigation::is_prefetch(visit.headers) => response::not_now(),
            (Endpoint::Logout, &(Method::GET | Method::POST)) => {
                return CasFuture::endpoint(logout::logout(shared, visit));
            }
            (Endpoint::Login | Endpoint::LogoutRequest, &Method::GET) => {
                match (single_logout::front_channel(shared, visit), endpoint) {
                    (Some(Ok(front_channel)), _) => {
                        let shared = Arc::clone(shared);
                        return CasFuture::endpoint(
                            async move { front_channel.run(&shared).await },
                        );
                    }
                    (Some(Err(error)), _) => single_logout::refused(error),
                    (None, Endpoint::Login) => match login::login(shared, visit) {
                        Login::Answer(response) => response,
                        Login::Validate(callback) => {
                            let shared = Arc::clone(shared);
                            return CasFuture::endpoint(async move { callback.run(&shared).await });
                        }
                    },
                    (None, _) => {
                        response::text(StatusCode::BAD_REQUEST, "there is no logout request")
                    }
                }
            }
            _ => response::method_not_allowed(allowed),
        };
        CasFuture::ready(visit.clear_if_ended(shared, ready))
    }
}
