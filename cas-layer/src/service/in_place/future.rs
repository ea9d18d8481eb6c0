//! The future in place. Only two kinds of requests are boxed, also for a signed-in user: a form that has to be looked
//! at, and a request that may be a logout request.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;

use super::{
    super::{
        CasFuture,
        decide::{Action, Reply, Served},
    },
    decide::afterwards,
    peek::{Found, Peek},
    peeked::Peeked,
};
use crate::{
    answer::{Answer, Reader},
    app::Host,
    clock::UnixSeconds,
    events::Channel,
    sign_in::confirmation,
    sign_out::{
        form::NO_ROOM,
        single_logout::{self, FrontChannel, NoLogout},
    },
    user::Place,
    visit::Visit,
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
        Peeking { form: Option<Box<Form<S, B>>> },
        Asking { question: Option<Box<Question<S, B>>> },
        Answering { #[pin] future: CasFuture<S::Future> },
    }
}

/// A form that may be a logout request, or an answer to the question whether a sign-in is the user's own.
pub(super) struct Form<S, B: Body> {
    pub(super) peek: Peek<B>,
    pub(super) parts: Parts,
    pub(super) host: Arc<Host>,
    pub(super) now: UnixSeconds,
    pub(super) otherwise: Otherwise<S>,
}

/// What happens to a form that is no logout request.
pub(super) enum Otherwise<S> {
    /// It cannot be the app's own.
    Confirmation,
    Refused(Reply),
    /// The service that `poll_ready` made ready gets it, if the visitor is still admitted then: a session can end
    /// while a form is on its way.
    Served(S),
}

/// A request with a logout request in its address, while the registry is asked whether it is about a session of ours.
pub(super) struct Question<S, B> {
    answer: Pin<Box<dyn Future<Output = Option<Response<Bytes>>> + Send>>,
    request: Request<B>,
    host: Arc<Host>,
    /// The one that `poll_ready` made ready.
    service: S,
}

impl<S, B> CasInPlaceFuture<S, B>
where
    S: Service<Request<Peeked<B>>>,
    B: Body,
{
    pub(super) fn peeking(form: Form<S, B>) -> Self {
        Self {
            state: State::Peeking {
                form: Some(Box::new(form)),
            },
        }
    }

    pub(super) fn asking(question: Question<S, B>) -> Self {
        Self {
            state: State::Asking {
                question: Some(Box::new(question)),
            },
        }
    }

    pub(super) fn answering(future: CasFuture<S::Future>) -> Self {
        Self {
            state: State::Answering { future },
        }
    }
}

impl<S, B, ResBody> Future for CasInPlaceFuture<S, B>
where
    S: Service<Request<Peeked<B>>, Response = Response<ResBody>>,
    B: Body,
    ResBody: From<Bytes>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            // Neither is ever without: the state is another one as soon as it is taken.
            let future = match state.as_mut().project() {
                StateProjection::Answering { future } => return future.poll(cx),
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
                        (_, Some(refusal)) => CasFuture::ready(refusal),
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
                        (Some(answer), _) => CasFuture::ready(answer),
                        (None, Some(question)) => question.pass_on(),
                        (None, None) => return Poll::Pending,
                    }
                }
            };
            state.set(State::Answering { future });
        }
    }
}

impl<S, B: Body> Form<S, B> {
    /// The answer to a logout request from a sender who may not send one.
    fn refuse(&self) -> Option<Response<Bytes>> {
        let refusal = single_logout::refuse_source(&self.host, &self.parts.extensions)?;
        Some(tell(&self.host, refusal))
    }

    fn answer(self, found: Found) -> CasFuture<S::Future>
    where
        S: Service<Request<Peeked<B>>>,
    {
        let Self {
            peek,
            parts,
            host,
            now,
            otherwise,
        } = self;
        match (found, otherwise) {
            (Found::Whole, Otherwise::Confirmation) => {
                let form = peek.into_form();
                let request = Request::from_parts(parts, ());
                CasFuture::endpoint(async move {
                    confirmation::answer(&host, Place::Page, &request, form.data()).await
                })
            }
            (Found::Broken((status, reason)), Otherwise::Confirmation) => {
                let answer = Answer::text(status, reason);
                CasFuture::ready(answer.render(&host, &Reader::program(None)))
            }
            (Found::Ours | Found::Foreign, Otherwise::Confirmation) => {
                let reason = "the form is over 64 KiB";
                let answer = Answer::text(StatusCode::PAYLOAD_TOO_LARGE, reason);
                CasFuture::ready(answer.render(&host, &Reader::program(None)))
            }
            // It may be a logout request, and the sender of one has to know that it was not heard.
            (Found::Unread, Otherwise::Confirmation | Otherwise::Refused(_)) => {
                CasFuture::ready(tell(&host, NoLogout::Unread(NO_ROOM)))
            }
            (Found::Whole, _) => {
                let form = peek.into_form();
                let sender = single_logout::back_channel_sender(&host, &parts.extensions);
                CasFuture::endpoint(async move {
                    let answer = single_logout::back_channel(&host, form, sender, now).await;
                    answer.render(&host, &Reader::program(None))
                })
            }
            (Found::Broken(reason), _) => CasFuture::ready(tell(&host, NoLogout::Unread(reason))),
            (Found::Ours | Found::Foreign, Otherwise::Refused(reply)) => CasFuture::reply(reply),
            (Found::Ours | Found::Foreign | Found::Unread, Otherwise::Served(mut service)) => {
                let request = Request::from_parts(parts, peek.into_body());
                act_afterwards(&host, &mut service, request)
            }
        }
    }
}

fn tell(host: &Host, no_logout: NoLogout) -> Response<Bytes> {
    let answer = no_logout.tell(host, Channel::Back);
    answer.render(host, &Reader::program(None))
}

/// Decides on a request that turned out to be no logout request. The user is looked up now, and not when the request
/// came.
fn act_afterwards<S, B: Body>(
    host: &Arc<Host>,
    service: &mut S,
    request: Request<Peeked<B>>,
) -> CasFuture<S::Future>
where
    S: Service<Request<Peeked<B>>>,
{
    let visit = Visit::of(&request, host, Place::Page);
    match afterwards(host, &visit) {
        Action::Own(task) => CasFuture::reply(task.run(host, &visit)),
        Action::Serve(serve) => pass_on(host, serve.to(host, visit), service, request),
    }
}

pub(super) fn pass_on<S, B: Body>(
    host: &Arc<Host>,
    served: Served,
    service: &mut S,
    mut request: Request<Peeked<B>>,
) -> CasFuture<S::Future>
where
    S: Service<Request<Peeked<B>>>,
{
    served.announce(host, request.extensions_mut());
    CasFuture::inner(service.call(request), served.marks_private, served.extra)
}

impl<S, B> Question<S, B> {
    pub(super) fn new(
        front_channel: FrontChannel,
        reader: Reader,
        request: Request<B>,
        host: &Arc<Host>,
        service: S,
    ) -> Self {
        let asked = Arc::clone(host);
        Self {
            answer: Box::pin(async move {
                let answer = front_channel.run_if_ours(&asked).await?;
                Some(answer.render(&asked, &reader))
            }),
            request,
            host: Arc::clone(host),
            service,
        }
    }

    /// The message is the app's own.
    fn pass_on(mut self) -> CasFuture<S::Future>
    where
        S: Service<Request<Peeked<B>>>,
        B: Body,
    {
        let request = self.request.map(Peeked::untouched);
        act_afterwards(&self.host, &mut self.service, request)
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
