//! The future in place. Only two kinds of requests are boxed, also for a signed-in user: a form that has to be looked
//! at, and a request that may be a logout request.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;

use super::{
    super::{answered::AnswerFuture, future::Fetching},
    next::{Form, Next, Question, answer, answer_afterwards},
    peek::Found,
    peeked::Peeked,
};

pin_project! {
    /// The answer of [`CasInPlace`](crate::CasInPlace): one of ours, or the inner service's.
    pub struct CasInPlaceFuture<S, B>
    where
        S: Service<Request<Peeked<B>>>,
        B: Body,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<Peeked<B>>>,
        B: Body,
    {
        Fetching { fetching: Option<Box<Fetching<S, B>>> },
        FetchingAgain { fetching: Option<Box<Fetching<S, Peeked<B>>>> },
        Peeking { form: Option<Box<Form<S, B>>> },
        Asking { question: Option<Box<Question<S, B>>> },
        Answering { #[pin] future: AnswerFuture<S::Future> },
    }
}

impl<S, B> CasInPlaceFuture<S, B>
where
    S: Service<Request<Peeked<B>>>,
    B: Body,
{
    pub(super) fn of(next: Next<S, B>) -> Self {
        Self {
            state: State::of(next),
        }
    }

    pub(super) fn fetching(fetching: Fetching<S, B>) -> Self {
        Self {
            state: State::Fetching {
                fetching: Some(Box::new(fetching)),
            },
        }
    }
}

impl<S, B> State<S, B>
where
    S: Service<Request<Peeked<B>>>,
    B: Body,
{
    fn of(next: Next<S, B>) -> Self {
        match next {
            Next::Answer(future) => Self::Answering { future },
            Next::Peek(form) => Self::Peeking { form: Some(form) },
            Next::Ask(question) => Self::Asking {
                question: Some(question),
            },
            Next::FetchAgain(fetching) => Self::FetchingAgain {
                fetching: Some(fetching),
            },
        }
    }
}

impl<S, B, ResBody> Future for CasInPlaceFuture<S, B>
where
    S: Service<Request<Peeked<B>>, Response = Response<ResBody>> + Clone,
    B: Body,
    ResBody: From<Bytes>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            // None is ever without: the state is another one as soon as it is taken.
            let next = match state.as_mut().project() {
                StateProjection::Answering { future } => return future.poll(cx),
                StateProjection::Fetching { fetching } => {
                    let mut it = ready!(Fetching::poll(fetching, cx));
                    answer(
                        &it.host,
                        it.visitor,
                        it.host.app.clock.now(),
                        it.request,
                        &mut it.service,
                    )
                }
                StateProjection::FetchingAgain { fetching } => {
                    let mut it = ready!(Fetching::poll(fetching, cx));
                    let future =
                        answer_afterwards(&it.host, it.visitor, it.request, &mut it.service);
                    Next::Answer(future)
                }
                StateProjection::Peeking { form } => {
                    let Some(peeking) = form.as_mut() else {
                        return Poll::Pending;
                    };
                    let found = ready!(peeking.peek.poll(cx));
                    let refusal = match found {
                        Found::Ours => peeking.refuse(),
                        Found::Whole | Found::Broken(_) | Found::Foreign | Found::Unread => None,
                    };
                    match (found, refusal) {
                        (_, Some(refusal)) => Next::Answer(AnswerFuture::ready(refusal)),
                        (Found::Ours, None) => continue,
                        _ => match form.take() {
                            Some(form) => form.answer(found),
                            None => return Poll::Pending,
                        },
                    }
                }
                StateProjection::Asking { question } => {
                    let Some(asking) = question.as_mut() else {
                        return Poll::Pending;
                    };
                    let answer = ready!(asking.answer.as_mut().poll(cx));
                    match (answer, question.take()) {
                        (Some(answer), _) => Next::Answer(AnswerFuture::ready(answer)),
                        (None, Some(question)) => question.pass_on(),
                        (None, None) => return Poll::Pending,
                    }
                }
            };
            state.set(State::of(next));
        }
    }
}

impl<S, B> fmt::Debug for CasInPlaceFuture<S, B>
where
    S: Service<Request<Peeked<B>>>,
    B: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CasInPlaceFuture")
    }
}
