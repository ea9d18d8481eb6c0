//! The tower service. Data flows one way: request, session, endpoint or inner service, response.

mod admission;
mod api;
mod callback;
mod confirmation;
mod extra_cookie;
mod forms;
mod future;
pub(crate) mod granting;
mod host;
mod in_place;
mod login;
mod logins;
mod logout;
mod navigation;
pub(crate) mod place;
mod post;
mod require;
mod response;
mod route;
mod service_url;
mod single_logout;
mod validation;
mod visit;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

pub use api::{CasApi, CasApiFuture, CasApiLayer};
use bytes::Bytes;
pub(crate) use forms::Forms;
pub use future::CasFuture;
use http::{Extensions, Method, Request, Response};
use http_body::Body;
pub use in_place::{CasInPlace, CasInPlaceFuture, Peeked};
pub(crate) use logout::sign_out;
pub(crate) use place::Place;
pub use require::{Require, RequireAttribute, RequireFresh, RequireUser};
use tower::Service;
pub(crate) use validation::Validations;

use self::{
    admission::{Admission, admit},
    login::Login,
    route::{Endpoint, Route},
    visit::Visit,
};
use crate::{
    config::{Hosts, Shared},
    events::Channel,
    protocol::InvalidLogoutRequest,
};

/// The service that [`CasLayer`](crate::CasLayer) makes of an inner one.
#[derive(Clone, Debug)]
pub struct Cas<S> {
    inner: S,
    hosts: Hosts,
}

/// In the extensions of a request that went through the layer without a user, so that an extractor
/// can tell a visitor from a missing layer, and a layer below can ask for a user.
#[derive(Clone, Debug)]
pub(crate) struct Anonymous(pub(crate) Arc<Shared>, pub(crate) Place);

impl<S> Cas<S> {
    pub(crate) fn new(inner: S, hosts: Hosts) -> Self {
        Self { inner, hosts }
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
        let shared = match host::choose(&self.hosts, &request) {
            Ok(shared) => shared,
            Err(no_host) => return CasFuture::ready(no_host.answer()),
        };
        let visit = Visit::of(&request, shared);
        let access = match shared.route(visit.uri.path()) {
            Route::Endpoint(
                endpoint @ (Endpoint::Login | Endpoint::LogoutRequest | Endpoint::ProxyCallback),
            ) if *visit.method == Method::POST => {
                let (shared, now) = (Arc::clone(shared), visit.now);
                return match post::refuse(&shared, endpoint, &visit, request.extensions()) {
                    None => CasFuture::endpoint(post::take(shared, endpoint, request, now)),
                    Some(refusal) => CasFuture::ready(refusal),
                };
            }
            Route::Endpoint(Endpoint::ProxyCallback) => {
                return CasFuture::endpoint(granting::answer(shared, &request));
            }
            Route::Endpoint(endpoint) => {
                return answer(shared, endpoint, &visit, request.extensions());
            }
            Route::Nowhere => return CasFuture::ready(response::not_found()),
            Route::App(access) => access,
        };
        let admitted = match admit(shared, visit, &access) {
            Admission::Refused(refusal) => return CasFuture::ready(*refusal),
            Admission::Admitted(admitted) => admitted,
        };
        admitted.announce(shared, request.extensions_mut());
        // The service that `poll_ready` made ready is the one that is called.
        CasFuture::inner(
            self.inner.call(request),
            admitted.marks_private,
            admitted.extra,
        )
    }
}

/// Answers a request for one of our own paths.
fn answer<F>(
    shared: &Arc<Shared>,
    endpoint: Endpoint,
    visit: &Visit<'_>,
    extensions: &Extensions,
) -> CasFuture<F> {
    let allowed = match endpoint {
        Endpoint::LogoutCallback => "GET, HEAD",
        Endpoint::Logout if shared.sign_out.is_post_only => "POST",
        Endpoint::Login | Endpoint::Logout | Endpoint::LogoutRequest | Endpoint::ProxyCallback => {
            "GET, HEAD, POST"
        }
    };
    let ready = match (endpoint, visit.method) {
        (Endpoint::LogoutCallback, &(Method::GET | Method::HEAD)) => {
            logout::logged_out(shared, visit)
        }
        (Endpoint::Logout, method) if shared.sign_out.is_post_only && *method != Method::POST => {
            response::method_not_allowed(allowed)
        }
        (Endpoint::Logout, &Method::POST)
            if shared.sign_out.is_post_only && !logout::is_same_origin(shared, visit.headers) =>
        {
            logout::refuse_foreign(shared)
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
            match logout::refuse_hidden(shared, visit) {
                Some(refusal) => refusal,
                None => return CasFuture::endpoint(logout::logout(shared, visit)),
            }
        }
        (Endpoint::Login | Endpoint::LogoutRequest, &Method::GET) => {
            let front_channel = single_logout::front_channel(shared, visit, extensions);
            match (front_channel, endpoint) {
                (Some(Ok(front_channel)), _) => {
                    let shared = Arc::clone(shared);
                    return CasFuture::endpoint(async move { front_channel.run(&shared).await });
                }
                (Some(Err(error)), _) => single_logout::refused(shared, Channel::Front, error),
                (None, Endpoint::Login) => match login::login(shared, visit) {
                    Login::Answer(response) => response,
                    Login::Validate(callback) => {
                        let shared = Arc::clone(shared);
                        return CasFuture::endpoint(async move { callback.run(&shared).await });
                    }
                },
                (None, _) => {
                    let error = InvalidLogoutRequest::Missing;
                    single_logout::refused(shared, Channel::Front, error)
                }
            }
        }
        _ => response::method_not_allowed(allowed),
    };
    CasFuture::ready(visit.clear_if_ended(shared, ready))
}
