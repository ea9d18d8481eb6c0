//! What follows for a request in place whose visitor is known.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body;
use tower::Service;

use super::{
    super::{
        answered::AnswerFuture,
        decide::{Action, Reply},
        future::Fetching,
        serve::Served,
        take_ready,
    },
    decide::{First, afterwards, first},
    peek::{self, Found, Peek},
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
    visit::{Visit, Visitor},
};

/// What follows.
pub(super) enum Next<S, B>
where
    S: Service<Request<Peeked<B>>>,
    B: Body,
{
    Answer(AnswerFuture<S::Future>),
    Peek(Box<Form<S, B>>),
    Ask(Box<Question<S, B>>),
    /// The visitor is looked up a second time, and their attributes are not here any more.
    FetchAgain(Box<Fetching<S, Peeked<B>>>),
}

/// A form that may be a logout request, or an answer to the question whether a sign-in is the user's own.
pub(super) struct Form<S, B: Body> {
    pub(super) peek: Peek<B>,
    parts: Parts,
    host: Arc<Host>,
    now: UnixSeconds,
    otherwise: Otherwise<S>,
}

/// What happens to a form that is no logout request.
enum Otherwise<S> {
    /// It cannot be the app's own.
    Confirmation,
    Refused(Reply),
    /// The service that `poll_ready` made ready gets it, if the visitor is still admitted then: a session can end
    /// while a form is on its way.
    Served(S),
}

/// A request with a logout request in its address, while the registry is asked whether it is about a session of ours.
pub(super) struct Question<S, B> {
    pub(super) answer: Pin<Box<dyn Future<Output = Option<Response<Bytes>>> + Send>>,
    request: Request<B>,
    host: Arc<Host>,
    /// The one that `poll_ready` made ready.
    service: S,
}

/// The answer to a request of this visitor, who was looked up `now`. `inner` is ready.
pub(super) fn answer<S, B>(
    host: &Arc<Host>,
    visitor: Visitor,
    now: UnixSeconds,
    request: Request<B>,
    inner: &mut S,
) -> Next<S, B>
where
    S: Service<Request<Peeked<B>>> + Clone,
    B: Body,
{
    let visit = Visit::by(&request, Place::Page, visitor, now);
    let may_be_logout_request = peek::is_worth_it(visit.method, visit.headers, request.body());
    let otherwise = match first(host, &visit, may_be_logout_request) {
        First::Act(Action::Serve(serve)) => {
            let served = serve.to(host, visit);
            let request = request.map(Peeked::untouched);
            return Next::Answer(pass_on(host, served, inner, request));
        }
        First::Act(Action::Own(task)) => {
            let reply = task.run(host, &visit);
            return Next::Answer(AnswerFuture::reply(reply));
        }
        First::Ask(front_channel) => {
            let service = take_ready(inner);
            let reader = Reader::never_clearing(host, &visit);
            let question = Question::new(*front_channel, reader, request, host, service);
            return Next::Ask(Box::new(question));
        }
        First::Confirm => Otherwise::Confirmation,
        First::Peek(Action::Serve(_)) => Otherwise::Served(take_ready(inner)),
        First::Peek(Action::Own(task)) => Otherwise::Refused(task.run(host, &visit)),
    };
    let now = visit.now;
    let (parts, body) = request.into_parts();
    let seat = host.app.forms.seat(host.app.peers.of(&parts.extensions));
    Next::Peek(Box::new(Form {
        peek: match otherwise {
            Otherwise::Confirmation => Peek::known(seat, body),
            Otherwise::Refused(_) | Otherwise::Served(_) => Peek::new(seat, body),
        },
        parts,
        host: Arc::clone(host),
        now,
        otherwise,
    }))
}

impl<S, B: Body> Form<S, B> {
    /// The answer to a logout request from a sender who may not send one.
    pub(super) fn refuse(&self) -> Option<Response<Bytes>> {
        let refusal = single_logout::refuse_unread(&self.host, &self.parts.extensions)?;
        Some(tell(&self.host, refusal))
    }

    pub(super) fn answer(self, found: Found) -> Next<S, B>
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
        Next::Answer(match (found, otherwise) {
            (Found::Whole, Otherwise::Confirmation) => {
                let form = peek.into_form();
                let request = Request::from_parts(parts, ());
                AnswerFuture::endpoint(async move {
                    confirmation::answer(&host, Place::Page, &request, form.data()).await
                })
            }
            (Found::Broken((status, reason)), Otherwise::Confirmation) => {
                let answer = Answer::text(status, reason);
                AnswerFuture::ready(answer.render(&host, &Reader::program(None)))
            }
            (Found::Ours | Found::Foreign, Otherwise::Confirmation) => {
                let reason = "the form is over 64 KiB";
                let answer = Answer::text(StatusCode::PAYLOAD_TOO_LARGE, reason);
                AnswerFuture::ready(answer.render(&host, &Reader::program(None)))
            }
            // It may be a logout request, and the sender of one has to know that it was not heard.
            (Found::Unread, Otherwise::Confirmation | Otherwise::Refused(_)) => {
                AnswerFuture::ready(tell(&host, NoLogout::Unread(NO_ROOM)))
            }
            (Found::Whole, _) => {
                let form = peek.into_form();
                AnswerFuture::endpoint(async move {
                    let extensions = &parts.extensions;
                    let answer = single_logout::posted(&host, extensions, form, now).await;
                    answer.render(&host, &Reader::program(None))
                })
            }
            (Found::Broken(reason), _) => {
                AnswerFuture::ready(tell(&host, NoLogout::Unread(reason)))
            }
            (Found::Ours | Found::Foreign, Otherwise::Refused(reply)) => AnswerFuture::reply(reply),
            (Found::Ours | Found::Foreign | Found::Unread, Otherwise::Served(service)) => {
                let request = Request::from_parts(parts, peek.into_body());
                return act_afterwards(&host, service, request);
            }
        })
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
    mut service: S,
    request: Request<Peeked<B>>,
) -> Next<S, B>
where
    S: Service<Request<Peeked<B>>>,
{
    let now = host.app.clock.now();
    match Visitor::of(&request, host, Place::Page, now) {
        Ok(visitor) => Next::Answer(answer_afterwards(host, visitor, request, &mut service)),
        Err(absent) => Next::FetchAgain(Box::new(Fetching::new(absent, request, host, service))),
    }
}

pub(super) fn answer_afterwards<S, B: Body>(
    host: &Arc<Host>,
    visitor: Visitor,
    request: Request<Peeked<B>>,
    service: &mut S,
) -> AnswerFuture<S::Future>
where
    S: Service<Request<Peeked<B>>>,
{
    let visit = Visit::by(&request, Place::Page, visitor, host.app.clock.now());
    match afterwards(host, &visit) {
        Action::Own(task) => AnswerFuture::reply(task.run(host, &visit)),
        Action::Serve(serve) => pass_on(host, serve.to(host, visit), service, request),
    }
}

fn pass_on<S, B: Body>(
    host: &Arc<Host>,
    mut served: Served,
    service: &mut S,
    mut request: Request<Peeked<B>>,
) -> AnswerFuture<S::Future>
where
    S: Service<Request<Peeked<B>>>,
{
    served.announce(host, request.extensions_mut());
    AnswerFuture::inner(service.call(request), served.finish(host))
}

impl<S, B> Question<S, B> {
    fn new(
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
    pub(super) fn pass_on(self) -> Next<S, B>
    where
        S: Service<Request<Peeked<B>>>,
        B: Body,
    {
        let request = self.request.map(Peeked::untouched);
        act_afterwards(&self.host, self.service, request)
    }
}
