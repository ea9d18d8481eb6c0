//! What happens to a request: first the layer decides, which is pure, and then it acts.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Method, Response};

use super::{
    auth_request, post,
    serve::{Brings, Serve},
};
use crate::{
    answer::{Answer, Reader},
    app::{Endpoint, Host, Route},
    events::Channel,
    protocol::InvalidLogoutRequest,
    rules::{Access, Verdict},
    sign_in::{
        Step, Taken,
        decision::{self, Gateway},
        granting,
    },
    sign_out::{
        logout::{self, Leaving},
        single_logout::{FrontChannel, NoLogout},
    },
    visit::{Visit, Visitor, navigation::is_prefetch},
};

/// What happens to a request.
#[derive(Debug)]
pub(super) enum Action {
    /// The inner service gets it.
    Serve(Serve),
    Own(Task),
}

/// The first step, where the layer has endpoints.
#[derive(Debug)]
pub(super) enum First {
    Act(Action),
    /// The form that is posted to this endpoint is read. It decides.
    Read(Endpoint),
}

/// What the layer does itself.
#[derive(Debug)]
pub(super) enum Task {
    Answer(Answer),
    SignIn(Step),
    /// Another site tries to sign a visitor out.
    RefuseSignOut,
    SignOut(Box<Leaving>),
    /// Ends the sessions that a logout request names.
    EndSessions(Box<FrontChannel>),
    /// A form that is not read.
    RefuseForm(post::Refusal),
    /// What a browser brought is not a logout request.
    RefuseLogout(InvalidLogoutRequest),
    /// Takes the pair of a proxy-granting ticket and its IOU.
    TakePair,
    /// Answers a reverse proxy that asks about a request.
    Vouch,
}

/// Decides on a request where the layer has endpoints.
pub(super) fn decide(host: &Host, visit: &Visit<'_>) -> First {
    First::Act(match host.route(visit.uri.path()) {
        Route::Endpoint(endpoint) if visit.is_post() && endpoint.takes_forms() => {
            match post::refuse(host, endpoint, visit) {
                None => return First::Read(endpoint),
                Some(refusal) => Action::Own(Task::RefuseForm(refusal)),
            }
        }
        Route::Endpoint(endpoint) => Action::Own(at_endpoint(host, endpoint, visit)),
        Route::Nowhere => Action::Own(Task::Answer(Answer::not_found())),
        Route::App(access) => at_app(host, visit, &access),
    })
}

/// Decides on a request for a path of the inner service.
pub(super) fn at_app(host: &Host, visit: &Visit<'_>, access: &Access) -> Action {
    let refused = match (access.judge(visit.user(), visit.now), &visit.visitor) {
        (Verdict::Welcome, _) => None,
        (_, Visitor::Unverified(_)) => Some(Step::Answer(decision::not_current(host, visit))),
        (Verdict::SignIn, _) => Some(decision::demand(host, visit, access)),
        (Verdict::SignInAfresh, _) => Some(decision::demand_renewal(host, visit, access)),
        (Verdict::Forbidden, _) => Some(decision::forbid(host, visit)),
    };
    if let Some(step) = refused {
        return Action::Own(Task::SignIn(step));
    }
    let is_private = access.is_private();
    let brings = match &visit.visitor {
        Visitor::SignedIn(_) if is_private => Brings::Renewal,
        Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) | Visitor::Lost(_)
            if access.is_gateway() =>
        {
            match decision::gateway(host, visit) {
                Gateway::Pass => Brings::Nothing,
                Gateway::Probe => Brings::Probe,
                Gateway::Ask(login) => return Action::Own(Task::SignIn(Step::Begin(login))),
            }
        }
        _ => Brings::Nothing,
    };
    Action::Serve(Serve {
        marks_private: is_private && host.app.private_by_default,
        brings,
    })
}

fn at_endpoint(host: &Host, endpoint: Endpoint, visit: &Visit<'_>) -> Task {
    match endpoint {
        Endpoint::ProxyCallback => Task::TakePair,
        Endpoint::AuthRequest => match *visit.method {
            Method::GET | Method::HEAD => Task::Vouch,
            _ => Task::Answer(Answer::method_not_allowed("GET, HEAD")),
        },
        Endpoint::LogoutCallback => logged_out(host, visit),
        Endpoint::Logout => sign_out(host, visit),
        Endpoint::Login | Endpoint::LogoutRequest => match on_demand(visit) {
            Some(answer) => Task::Answer(answer),
            None => sign_in(host, endpoint, visit),
        },
    }
}

/// The answer to a request that signs nobody in or out: a question about an answer (`HEAD`), or a browser's prefetch.
fn on_demand(visit: &Visit<'_>) -> Option<Answer> {
    match *visit.method {
        Method::HEAD => Some(Answer::ok()),
        Method::GET | Method::POST if is_prefetch(visit.headers) => Some(Answer::not_now()),
        Method::GET | Method::POST => None,
        _ => Some(Answer::method_not_allowed("GET, HEAD, POST")),
    }
}

fn logged_out(host: &Host, visit: &Visit<'_>) -> Task {
    Task::Answer(match *visit.method {
        Method::GET | Method::HEAD => logout::logged_out(host, visit),
        _ => Answer::method_not_allowed("GET, HEAD"),
    })
}

fn sign_out(host: &Host, visit: &Visit<'_>) -> Task {
    if host.app.sign_out.is_post_only {
        if !visit.is_post() {
            return Task::Answer(Answer::method_not_allowed("POST"));
        }
        if !visit.is_same_origin(host) {
            return Task::RefuseSignOut;
        }
    }
    match on_demand(visit) {
        Some(answer) => Task::Answer(answer),
        // Another site makes the browser sign out behind its user's back, and without the session cookie.
        None if visit.is_part_of_another_site(host) => Task::RefuseSignOut,
        None => Task::SignOut(Box::new(Leaving::of(host, visit))),
    }
}

/// A `GET` that may bring a ticket, or a logout request through the browser.
fn sign_in(host: &Host, endpoint: Endpoint, visit: &Visit<'_>) -> Task {
    match FrontChannel::read(host, visit) {
        Ok(front_channel) => Task::EndSessions(Box::new(front_channel)),
        Err(InvalidLogoutRequest::Missing) if endpoint == Endpoint::Login => {
            Task::SignIn(decision::at_login(host, visit))
        }
        Err(error) => Task::RefuseLogout(error),
    }
}

/// A response of ours, now or after some work.
pub(super) enum Reply {
    Now(Box<Response<Bytes>>),
    Later(Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>),
}

impl Task {
    pub(super) fn run(self, host: &Arc<Host>, visit: &Visit<'_>) -> Reply {
        let reader = Reader::of(host, visit);
        let answer = match self {
            Self::Answer(answer) => answer,
            Self::RefuseSignOut => logout::refuse_foreign(host),
            Self::RefuseForm(refusal) => refusal.tell(host),
            Self::RefuseLogout(error) => NoLogout::Invalid(error).tell(host, Channel::Front),
            Self::SignIn(step) => match step.take(host, visit) {
                Taken::Answer(answer) => answer,
                Taken::Validate(callback) => {
                    let host = Arc::clone(host);
                    return Reply::Later(Box::pin(async move { callback.run(&host).await }));
                }
            },
            Self::SignOut(leaving) => {
                return Reply::later(host, reader, |it| async move { leaving.run(&it).await });
            }
            Self::EndSessions(front_channel) => {
                let reader = Reader::never_clearing(host, visit);
                return Reply::later(
                    host,
                    reader,
                    |it| async move { front_channel.run(&it).await },
                );
            }
            Self::Vouch => return Reply::now(auth_request::answer(host, visit)),
            Self::TakePair => {
                let (reader, call) = (Reader::program(None), granting::Call::of(host, visit));
                return Reply::later(host, reader, |it| async move { call.run(&it).await });
            }
        };
        Reply::now(answer.render(host, &reader))
    }
}

impl Reply {
    pub(super) fn now(response: Response<Bytes>) -> Self {
        Self::Now(Box::new(response))
    }

    /// The result of `work`, for this reader.
    fn later<W, F>(host: &Arc<Host>, reader: Reader, work: W) -> Self
    where
        W: FnOnce(Arc<Host>) -> F,
        F: Future<Output = Answer> + Send + 'static,
    {
        let (host, answer) = (Arc::clone(host), work(Arc::clone(host)));
        Self::Later(Box::pin(async move { answer.await.render(&host, &reader) }))
    }

    pub(super) async fn wait(self) -> Box<Response<Bytes>> {
        match self {
            Self::Now(response) => response,
            Self::Later(response) => Box::new(response.await),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
