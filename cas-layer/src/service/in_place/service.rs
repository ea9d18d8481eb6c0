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
    super::{
        CasFuture,
        admission::{Admission, admit},
        host, response,
        route::Route,
        visit::Visit,
    },
    address, arrival,
    future::{CasInPlaceFuture, Form, Otherwise},
    peek::{self, Peek},
    peeked::Peeked,
};
use crate::config::Hosts;

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

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let shared = match host::choose(&self.hosts, &request) {
            Ok(shared) => shared,
            Err(no_host) => {
                return CasInPlaceFuture::answering(CasFuture::ready(no_host.answer()));
            }
        };
        let visit = Visit::in_place(&request, shared);
        let Route::App(access) = visit.route else {
            return CasInPlaceFuture::answering(CasFuture::ready(response::not_found()));
        };
        // Where no sign-in comes back to, no logout request is sent to.
        let may_sign_out = access.is_private() || address::is_fallback(shared, visit.uri);
        if let Some(answer) = arrival::answer(shared, &visit, access, may_sign_out) {
            return CasInPlaceFuture::answering(answer);
        }
        let is_to_be_seen =
            may_sign_out && peek::is_worth_it(visit.method, visit.headers, request.body());
        let now = visit.now;
        let admission = admit(shared, visit, access);
        if let Admission::Admitted(admitted) = &admission {
            admitted.announce(shared, request.extensions_mut());
        }
        if is_to_be_seen {
            let otherwise = match admission {
                Admission::Refused(refusal) => Otherwise::Refused(refusal),
                Admission::Admitted(admitted) => {
                    // The service that `poll_ready` made ready is the one that is called.
                    let clone = self.inner.clone();
                    Otherwise::Admitted(mem::replace(&mut self.inner, clone), admitted)
                }
            };
            let (parts, body) = request.into_parts();
            return CasInPlaceFuture::peeking(Form {
                peek: Peek::new(body),
                parts,
                shared: Arc::clone(shared),
                now,
                otherwise,
            });
        }
        CasInPlaceFuture::answering(match admission {
            Admission::Refused(refusal) => CasFuture::ready(*refusal),
            Admission::Admitted(admitted) => CasFuture::inner(
                self.inner.call(request.map(Peeked::untouched)),
                admitted.marks_private,
                admitted.extra,
            ),
        })
    }
}
