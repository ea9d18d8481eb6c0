//! The tower service. Data flows one way: request, session, endpoint or inner service, response.

mod above;
mod acting;
mod admit;
mod api;
mod extra_cookie;
mod future;
mod host;
mod in_place;
mod post;
mod require;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

pub(crate) use above::{Anonymous, app_above};
pub use api::{CasApi, CasApiFuture, CasApiLayer};
use bytes::Bytes;
pub use future::CasFuture;
use http::{Extensions, Method, Request, Response};
use http_body::Body;
pub use in_place::{CasInPlace, CasInPlaceFuture, Peeked};
pub use require::{Require, RequireService};
use tower::Service;

use self::admit::{Admission, admit};
use crate::{
    answer,
    app::{Endpoint, Hosts, Route, Shared},
    events::Channel,
    protocol::InvalidLogoutRequest,
    sign_in::{
        begin::{self, Login},
        granting,
    },
    sign_out::{logout, single_logout},
    visit::{
        Visit,
        navigation::{is_prefetch, is_same_origin},
    },
};

/// The service that [`CasLayer`](crate::CasLayer) makes of an inner one.
#[derive(Clone, Debug)]
pub struct Cas<S> {
    inner: S,
    hosts: Hosts,
}

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
                return answer_endpoint(shared, endpoint, &visit, request.extensions());
            }
            Route::Nowhere => return CasFuture::ready(answer::not_found()),
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
fn answer_endpoint<F>(
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
            answer::method_not_allowed(allowed)
        }
        (Endpoint::Logout, &Method::POST)
            if shared.sign_out.is_post_only
                && !is_same_origin(shared.app.origin(), visit.headers) =>
        {
            logout::refuse_foreign(shared)
        }
        // Neither a question about an answer nor a browser that guesses ahead signs anyone in
        // or out.
        (Endpoint::Login | Endpoint::Logout | Endpoint::LogoutRequest, &Method::HEAD) => {
            answer::ok()
        }
        (
            Endpoint::Login | Endpoint::Logout | Endpoint::LogoutRequest,
            &(Method::GET | Method::POST),
        ) if is_prefetch(visit.headers) => answer::not_now(),
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
                (None, Endpoint::Login) => match begin::login(shared, visit) {
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
        _ => answer::method_not_allowed(allowed),
    };
    CasFuture::ready(answer::clear_if_ended(shared, visit, ready))
}
