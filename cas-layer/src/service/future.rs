//! The service's future. It waits for a visitor's attributes if they are not here, which is rare.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;

use super::{answer::answer, answered::AnswerFuture};
use crate::{
    app::Host,
    visit::{Absent, Visitor},
};

pin_project! {
    /// The answer of [`Cas`](crate::Cas): one of ours, or the inner service's.
    pub struct CasFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Fetching { fetching: Option<Box<Fetching<S, B>>> },
        Answering { #[pin] future: AnswerFuture<S::Future> },
    }
}

impl<S, B> CasFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn fetching(fetching: Fetching<S, B>) -> Self {
        Self {
            state: State::Fetching {
                fetching: Some(Box::new(fetching)),
            },
        }
    }

    pub(super) fn answering(future: AnswerFuture<S::Future>) -> Self {
        Self {
            state: State::Answering { future },
        }
    }
}

impl<S, B, ResBody> Future for CasFuture<S, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    B: Body + Send + 'static,
    ResBody: From<Bytes>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let fetching = match state.as_mut().project() {
                StateProjection::Answering { future } => return future.poll(cx),
                StateProjection::Fetching { fetching } => fetching,
            };
            let Arrived {
                visitor,
                request,
                host,
                mut service,
            } = ready!(Fetching::poll(fetching, cx));
            let future = answer(&host, visitor, host.app.clock.now(), request, &mut service);
            state.set(State::Answering { future });
        }
    }
}

impl<S, B> fmt::Debug for CasFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CasFuture")
    }
}

/// A request that waits for the attributes of its visitor.
pub(super) struct Fetching<S, B> {
    visitor: Pin<Box<dyn Future<Output = Visitor> + Send>>,
    request: Request<B>,
    host: Arc<Host>,
    /// The one that `poll_ready` made ready.
    service: S,
}

impl<S, B> Fetching<S, B> {
    pub(super) fn new(absent: Absent, request: Request<B>, host: &Arc<Host>, service: S) -> Self {
        Self {
            visitor: Box::pin(absent.fetch()),
            request,
            host: Arc::clone(host),
            service,
        }
    }

    /// Takes the request out as soon as its visitor is known.
    pub(super) fn poll(
        fetching: &mut Option<Box<Self>>,
        cx: &mut Context<'_>,
    ) -> Poll<Arrived<S, B>> {
        // Never without: whoever takes it goes on to another state.
        let Some(waiting) = fetching else {
            return Poll::Pending;
        };
        let visitor = ready!(waiting.visitor.as_mut().poll(cx));
        let Some(fetching) = fetching.take() else {
            return Poll::Pending;
        };
        let Self {
            request,
            host,
            service,
            ..
        } = *fetching;
        Poll::Ready(Arrived {
            visitor,
            request,
            host,
            service,
        })
    }
}

/// A request, its visitor, and the service for it.
pub(super) struct Arrived<S, B> {
    pub(super) visitor: Visitor,
    pub(super) request: Request<B>,
    pub(super) host: Arc<Host>,
    pub(super) service: S,
}
