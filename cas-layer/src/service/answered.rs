//! The answer to a request whose visitor is known. Only truly asynchronous work is boxed: a sign-in, never a request of a
//! signed-in user.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::{decide::Reply, finish::Finish};

type Endpoint = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

pin_project! {
    /// The answer of [`RequireService`](crate::RequireService): one of ours, or the inner service's.
    pub struct AnswerFuture<F> {
        #[pin]
        state: AnswerState<F>,
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum AnswerState<F> {
        Ready { response: Option<Response<Bytes>> },
        Endpoint { future: Endpoint },
        Inner { #[pin] future: F, finish: Finish },
    }
}

impl<F> AnswerFuture<F> {
    pub(super) fn ready(response: Response<Bytes>) -> Self {
        Self {
            state: AnswerState::Ready {
                response: Some(response),
            },
        }
    }

    pub(super) fn endpoint(future: impl Future<Output = Response<Bytes>> + Send + 'static) -> Self {
        Self {
            state: AnswerState::Endpoint {
                future: Box::pin(future),
            },
        }
    }

    /// A response of ours, now or later.
    pub(super) fn reply(reply: Reply) -> Self {
        match reply {
            Reply::Now(response) => Self::ready(*response),
            Reply::Later(future) => Self {
                state: AnswerState::Endpoint { future },
            },
        }
    }

    pub(super) fn inner(future: F, finish: Finish) -> Self {
        Self {
            state: AnswerState::Inner { future, finish },
        }
    }
}

impl<F, ResBody, E> Future for AnswerFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: From<Bytes>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project().state.project() {
            // Polled again after completion, which no caller may do; waiting is the harmless answer.
            AnswerProjection::Ready { response } => match response.take() {
                Some(response) => response,
                None => return Poll::Pending,
            },
            AnswerProjection::Endpoint { future } => ready!(future.as_mut().poll(cx)),
            AnswerProjection::Inner { future, finish } => {
                let mut response = ready!(future.poll(cx))?;
                finish.apply(response.status(), response.headers_mut());
                return Poll::Ready(Ok(response));
            }
        };
        Poll::Ready(Ok(response.map(ResBody::from)))
    }
}

impl<F> fmt::Debug for AnswerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerFuture")
    }
}
