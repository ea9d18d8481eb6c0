//! The tower service in place.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{
    super::{answered::AnswerFuture, future::Fetching, host, take_ready},
    future::CasInPlaceFuture,
    next::{Next, answer},
    peeked::Peeked,
};
use crate::{app::Hosts, user::Place, visit::Visitor};

/// The service that [`CasInPlaceLayer`](crate::CasInPlaceLayer) makes of an inner one.
#[derive(Clone, Debug)]
pub struct CasInPlace<S> {
    inner: S,
    hosts: Hosts,
}

impl<S> CasInPlace<S> {
    pub(crate) fn new(inner: S, hosts: Hosts) -> Self {
        Self { inner, hosts }
    }
}

impl<S, B, ResBody> Service<Request<B>> for CasInPlace<S>
where
    S: Service<Request<Peeked<B>>, Response = Response<ResBody>> + Clone,
    B: Body,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = CasInPlaceFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let host = match host::choose(&self.hosts, &request) {
            Ok(host) => host,
            Err(no_host) => {
                let answer = AnswerFuture::ready(no_host.answer());
                return CasInPlaceFuture::of(Next::Answer(answer));
            }
        };
        let now = host.app.clock.now();
        match Visitor::of(&request, host, Place::Page, now) {
            Ok(visitor) => {
                CasInPlaceFuture::of(answer(host, visitor, now, request, &mut self.inner))
            }
            Err(absent) => {
                let service = take_ready(&mut self.inner);
                CasInPlaceFuture::fetching(Fetching::new(absent, request, host, service))
            }
        }
    }
}
