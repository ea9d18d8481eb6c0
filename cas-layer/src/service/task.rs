//! What the layer does itself, once that is decided.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Extensions, Response};

use super::{
    Anonymous,
    decide::{Brings, Serve, Task},
    extra_cookie::ExtraCookie,
};
use crate::{
    answer::Reader,
    app::Shared,
    events::Channel,
    session::Binding,
    sign_in::granting,
    sign_out::{logout, single_logout::NoLogout},
    user::{CasUser, Place},
    visit::{Visit, Visitor},
};

/// A response of ours, now or after some work.
pub(super) enum Reply {
    Now(Box<Response<Bytes>>),
    Later(Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>),
}

impl Task {
    pub(super) fn run(self, shared: &Arc<Shared>, visit: &Visit<'_>) -> Reply {
        let answer = match self {
            Self::Answer(answer) => answer,
            Self::RefuseSignOut => logout::refuse_foreign(shared),
            Self::RefuseForm(refusal) => refusal.answer(shared),
            Self::RefuseLogout(error) => NoLogout::Invalid(error).answer(shared, Channel::Front),
            Self::SignIn(step) => match step.take(shared, visit) {
                Ok(answer) => answer,
                Err(callback) => {
                    let shared = Arc::clone(shared);
                    return Reply::later(async move { callback.run(&shared).await });
                }
            },
            Self::SignOut(leaving) => {
                let (shared, reader) = (Arc::clone(shared), leaving.reader.clone());
                return Reply::later(async move {
                    let answer = leaving.run(&shared).await;
                    answer.render(&shared, &reader)
                });
            }
            Self::EndSessions(front_channel) => {
                let (shared, reader) = (Arc::clone(shared), Reader::of_later(visit));
                return Reply::later(async move {
                    let answer = front_channel.run(&shared).await;
                    answer.render(&shared, &reader)
                });
            }
            Self::TakePair => {
                let (shared, call) = (Arc::clone(shared), granting::Call::of(shared, visit));
                return Reply::later(async move {
                    let answer = call.run(&shared).await;
                    answer.render(&shared, &Reader::program(None))
                });
            }
        };
        Reply::now(answer.render(shared, &Reader::of(visit)))
    }
}

impl Reply {
    pub(super) fn now(response: Response<Bytes>) -> Self {
        Self::Now(Box::new(response))
    }

    pub(super) async fn wait(self) -> Box<Response<Bytes>> {
        match self {
            Self::Now(response) => response,
            Self::Later(response) => Box::new(response.await),
        }
    }

    fn later(response: impl Future<Output = Response<Bytes>> + Send + 'static) -> Self {
        Self::Later(Box::pin(response))
    }
}

/// A request that the inner service gets.
pub(super) struct Served {
    user: Option<CasUser>,
    place: Place,
    pub(super) marks_private: bool,
    pub(super) extra: Option<ExtraCookie>,
}

impl Serve {
    pub(super) fn to(self, shared: &Arc<Shared>, visit: Visit<'_>) -> Served {
        let (place, now) = (visit.place, visit.now);
        let user = match visit.visitor {
            Visitor::SignedIn(user) => Some(user),
            _ => None,
        };
        let extra = match (self.brings, &user) {
            (Brings::Renewal, Some(user)) => ExtraCookie::renewal(shared, user, now),
            (Brings::Probe, _) => place
                .kept_login_cookie(shared, &Binding::default())
                .map(|cookie| ExtraCookie::probe(shared, cookie)),
            (Brings::Renewal | Brings::Nothing, _) => None,
        };
        Served {
            user,
            place,
            marks_private: self.marks_private,
            extra,
        }
    }
}

impl Served {
    /// Tells who is asking to whoever reads the request next.
    pub(super) fn announce(&self, shared: &Arc<Shared>, extensions: &mut Extensions) {
        if let Some(user) = &self.user {
            extensions.insert(user.clone());
        } else {
            // Whatever an outer layer left there, it is not a user of ours.
            extensions.remove::<CasUser>();
            extensions.insert(Anonymous(Arc::clone(shared), self.place));
        }
    }
}
