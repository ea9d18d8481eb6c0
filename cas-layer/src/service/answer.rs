//! From a request and its visitor to the answer.

use std::sync::Arc;

use http::Request;
use http_body::Body;
use tower::Service;

use super::{
    answered::AnswerFuture,
    decide::{Action, First, decide},
    post,
};
use crate::{
    app::Host,
    clock::UnixSeconds,
    user::Place,
    visit::{Visit, Visitor},
};

/// The answer to a request of this visitor, who was looked up `now`. `inner` is ready.
pub(super) fn answer<S, B>(
    host: &Arc<Host>,
    visitor: Visitor,
    now: UnixSeconds,
    mut request: Request<B>,
    inner: &mut S,
) -> AnswerFuture<S::Future>
where
    S: Service<Request<B>>,
    B: Body + Send + 'static,
{
    let visit = Visit::by(&request, Place::Endpoint, visitor, now);
    let mut served = match decide(host, &visit) {
        First::Act(Action::Serve(serve)) => serve.to(host, visit),
        First::Act(Action::Own(task)) => return AnswerFuture::reply(task.run(host, &visit)),
        First::Read(endpoint) => {
            let (host, now) = (Arc::clone(host), visit.now);
            return AnswerFuture::endpoint(post::take(host, endpoint, request, now));
        }
    };
    served.announce(host, request.extensions_mut());
    AnswerFuture::inner(inner.call(request), served.finish(host))
}
