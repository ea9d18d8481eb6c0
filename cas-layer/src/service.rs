//! The tower service. Data flows one way: request, session, endpoint or inner service, response.

mod above;
mod acting;
mod api;
mod decide;
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
use http::{Request, Response};
use http_body::Body;
pub use in_place::{CasInPlace, CasInPlaceFuture, Peeked};
pub use require::{Require, RequireService};
use tower::Service;

use self::decide::{Action, First, decide};
use crate::{app::Hosts, user::Place, visit::Visit};

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
        let host = match host::choose(&self.hosts, &request) {
            Ok(host) => host,
            Err(no_host) => return CasFuture::ready(no_host.answer()),
        };
        let visit = Visit::of(&request, host, Place::Endpoint);
        let served = match decide(host, &visit) {
            First::Act(Action::Serve(serve)) => serve.to(host, visit),
            First::Act(Action::Own(task)) => return CasFuture::reply(task.run(host, &visit)),
            First::Read(endpoint) => {
                let (host, now) = (Arc::clone(host), visit.now);
                return CasFuture::endpoint(post::take(host, endpoint, request, now));
            }
        };
        served.announce(host, request.extensions_mut());
        // The service that `poll_ready` made ready is the one that is called.
        CasFuture::inner(self.inner.call(request), served.marks_private, served.extra)
    }
}
