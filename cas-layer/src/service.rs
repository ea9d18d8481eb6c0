//! The tower service. Data flows one way: request, session, endpoint or inner service, response.

mod above;
mod acting;
mod answer;
mod answered;
mod api;
mod auth_request;
mod decide;
mod extra_cookie;
mod finish;
mod future;
mod host;
mod in_place;
mod post;
mod require;
mod serve;

use std::{
    mem,
    task::{Context, Poll},
};

pub(crate) use above::{Anonymous, Shows, app_above};
pub use answered::AnswerFuture;
pub use api::{CasApi, CasApiFuture, CasApiLayer, PasswordOptions};
use bytes::Bytes;
pub use future::CasFuture;
use http::{Request, Response};
use http_body::Body;
pub use in_place::{CasInPlace, CasInPlaceFuture, Peeked};
pub use require::{Require, RequireService};
use tower::Service;

use self::{answer::answer, future::Fetching};
use crate::{app::Hosts, user::Place, visit::Visitor};

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
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ReqBody: Body + Send + 'static,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = CasFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let host = match host::choose(&self.hosts, &request) {
            Ok(host) => host,
            Err(no_host) => {
                return CasFuture::answering(AnswerFuture::ready(no_host.answer()));
            }
        };
        let now = host.app.clock.now();
        let visitor = match Visitor::of(&request, host, Place::Endpoint, now) {
            Ok(visitor) => visitor,
            Err(absent) if host.needs_no_attributes(request.uri().path()) => {
                absent.without_attributes()
            }
            Err(absent) => {
                let service = take_ready(&mut self.inner);
                return CasFuture::fetching(Fetching::new(absent, request, host, service));
            }
        };
        CasFuture::answering(answer(host, visitor, now, request, &mut self.inner))
    }
}

/// The service that `poll_ready` made ready, to be called later.
fn take_ready<S: Clone>(inner: &mut S) -> S {
    let clone = inner.clone();
    mem::replace(inner, clone)
}
