//! What becomes of a request in place that is no logout request.

use std::sync::Arc;

use http::Request;
use http_body::Body;
use tower::Service;

use super::{
    super::{
        CasFuture,
        admit::{Admission, Admitted, admit},
    },
    arrival,
    peeked::Peeked,
};
use crate::{
    answer,
    app::{Route, Shared},
    rules::Access,
    visit::Visit,
};

/// The answer to a request that turned out to be no logout request. Who is asking is looked up now, and not when the
/// request came.
pub(super) fn pass_on<S, B: Body>(
    shared: &Arc<Shared>,
    service: &mut S,
    request: Request<Peeked<B>>,
) -> CasFuture<S::Future>
where
    S: Service<Request<Peeked<B>>>,
{
    let visit = Visit::in_place(&request, shared);
    let Route::App(access) = shared.route_in_place(visit.uri.path()) else {
        return CasFuture::ready(answer::not_found());
    };
    decide(shared, visit, &access).carry_out(shared, service, request)
}

/// What becomes of a request that is no logout request.
pub(super) enum Decision<F> {
    Answer(CasFuture<F>),
    Admitted(Admitted),
}

pub(super) fn decide<F>(shared: &Arc<Shared>, visit: Visit<'_>, access: &Access) -> Decision<F> {
    if let Some(answer) = arrival::answer(shared, &visit, access) {
        return Decision::Answer(answer);
    }
    match admit(shared, visit, access) {
        Admission::Refused(refusal) => Decision::Answer(CasFuture::ready(*refusal)),
        Admission::Admitted(admitted) => Decision::Admitted(admitted),
    }
}

impl<F> Decision<F> {
    pub(super) fn carry_out<S, B: Body>(
        self,
        shared: &Arc<Shared>,
        service: &mut S,
        mut request: Request<Peeked<B>>,
    ) -> CasFuture<F>
    where
        S: Service<Request<Peeked<B>>, Future = F>,
    {
        match self {
            Self::Answer(answer) => answer,
            Self::Admitted(admitted) => {
                admitted.announce(shared, request.extensions_mut());
                CasFuture::inner(
                    service.call(request),
                    admitted.marks_private,
                    admitted.extra,
                )
            }
        }
    }
}
