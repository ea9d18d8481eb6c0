//! The tower service in place.

use std::{
    borrow::Cow,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{
    super::{
        CasFuture,
        admit::{Admission, admit},
        host,
    },
    arrival,
    decision::decide,
    future::{CasInPlaceFuture, Form, Otherwise, Question},
    peek::{self, Peek},
    peeked::Peeked,
};
use crate::{
    address::in_place as address,
    answer,
    app::{Hosts, Route},
    sign_in::granting,
    visit::Visit,
};

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
        let shared = match host::choose(&self.hosts, &request) {
            Ok(shared) => shared,
            Err(no_host) => {
                return CasInPlaceFuture::answering(CasFuture::ready(no_host.answer()));
            }
        };
        let visit = Visit::in_place(&request, shared);
        let may_be_logout_request = peek::is_worth_it(visit.method, visit.headers, request.body());
        let access = match shared.route_in_place(visit.uri.path()) {
            Route::App(access) => access,
            // A logout request, as on every path of the app's.
            Route::Endpoint(_) if may_be_logout_request => Cow::Borrowed(shared.rules.required()),
            Route::Endpoint(_) => {
                let answer = granting::answer(shared, &request);
                return CasInPlaceFuture::answering(CasFuture::endpoint(answer));
            }
            Route::Nowhere => {
                return CasInPlaceFuture::answering(CasFuture::ready(answer::not_found()));
            }
        };
        // Where no sign-in comes back to, no logout request is sent to.
        let may_sign_out = access.is_private() || address::is_fallback(shared, visit.uri);
        let confirms = arrival::is_confirmation(shared, &visit);
        if confirms || may_sign_out && may_be_logout_request {
            let now = visit.now;
            let otherwise = if confirms {
                Otherwise::Confirmation
            } else {
                match admit(shared, visit, &access) {
                    Admission::Refused(refusal) => Otherwise::Refused(refusal),
                    Admission::Admitted(_) => Otherwise::Admitted(take_ready(&mut self.inner)),
                }
            };
            let (parts, body) = request.into_parts();
            let seat = shared.forms.seat(shared.peers.of(&parts.extensions));
            return CasInPlaceFuture::peeking(Form {
                peek: if confirms {
                    Peek::known(seat, body)
                } else {
                    Peek::new(seat, body)
                },
                parts,
                shared: Arc::clone(shared),
                now,
                otherwise,
            });
        }
        if may_sign_out
            && let Some(front_channel) =
                arrival::front_channel(shared, &visit, request.extensions())
        {
            let service = take_ready(&mut self.inner);
            let question = Question::new(front_channel, request, shared, service);
            return CasInPlaceFuture::asking(question);
        }
        let decision = decide(shared, visit, &access);
        let request = request.map(Peeked::untouched);
        CasInPlaceFuture::answering(decision.carry_out(shared, &mut self.inner, request))
    }
}

/// The service that `poll_ready` made ready, to be called later.
fn take_ready<S: Clone>(inner: &mut S) -> S {
    let clone = inner.clone();
    mem::replace(inner, clone)
}
