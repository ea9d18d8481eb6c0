//! The tower service in place.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{
    super::{CasFuture, decide::Action, host},
    decide::{First, first},
    future::{CasInPlaceFuture, Form, Otherwise, Question, pass_on},
    peek::{self, Peek},
    peeked::Peeked,
};
use crate::{answer::Reader, app::Hosts, user::Place, visit::Visit};

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
                return CasInPlaceFuture::answering(CasFuture::ready(no_host.answer()));
            }
        };
        let visit = Visit::of(&request, host, Place::Page);
        let may_be_logout_request = peek::is_worth_it(visit.method, visit.headers, request.body());
        let otherwise = match first(host, &visit, may_be_logout_request) {
            First::Act(Action::Serve(serve)) => {
                let served = serve.to(host, visit);
                let request = request.map(Peeked::untouched);
                let future = pass_on(host, served, &mut self.inner, request);
                return CasInPlaceFuture::answering(future);
            }
            First::Act(Action::Own(task)) => {
                let reply = task.run(host, &visit);
                return CasInPlaceFuture::answering(CasFuture::reply(reply));
            }
            First::Ask(front_channel) => {
                let service = take_ready(&mut self.inner);
                let reader = Reader::never_clearing(&visit);
                let question = Question::new(*front_channel, reader, request, host, service);
                return CasInPlaceFuture::asking(question);
            }
            First::Confirm => Otherwise::Confirmation,
            First::Peek(Action::Serve(_)) => Otherwise::Served(take_ready(&mut self.inner)),
            First::Peek(Action::Own(task)) => Otherwise::Refused(task.run(host, &visit)),
        };
        let now = visit.now;
        let (parts, body) = request.into_parts();
        let seat = host.app.forms.seat(host.app.peers.of(&parts.extensions));
        CasInPlaceFuture::peeking(Form {
            peek: match otherwise {
                Otherwise::Confirmation => Peek::known(seat, body),
                Otherwise::Refused(_) | Otherwise::Served(_) => Peek::new(seat, body),
            },
            parts,
            host: Arc::clone(host),
            now,
            otherwise,
        })
    }
}

/// The service that `poll_ready` made ready, to be called later.
fn take_ready<S: Clone>(inner: &mut S) -> S {
    let clone = inner.clone();
    mem::replace(inner, clone)
}
