//! Who gets to the inner service, and with what.

use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, Response};

use super::{Anonymous, extra_cookie::ExtraCookie};
use crate::{
    app::Shared,
    rules::{Access, Verdict},
    sign_in::begin::{self, AskWithoutForm},
    user::{CasUser, Place},
    visit::{Visit, Visitor},
};

/// What becomes of a request for a path of the inner service's.
pub(super) enum Admission {
    /// Boxed, as an admission is on its way with every request.
    Refused(Box<Response<Bytes>>),
    Admitted(Admitted),
}

/// A request that the inner service gets.
pub(super) struct Admitted {
    user: Option<CasUser>,
    place: Place,
    /// Whether the response gets a `Cache-Control` if it has none.
    pub(super) marks_private: bool,
    /// A cookie that the response may bring.
    pub(super) extra: Option<ExtraCookie>,
}

pub(super) fn admit(shared: &Arc<Shared>, visit: Visit<'_>, access: &Access) -> Admission {
    let refused = |response| Admission::Refused(Box::new(response));
    match (access.judge(visit.user(), visit.now), &visit.visitor) {
        (Verdict::Welcome, _) => {}
        (_, Visitor::Unverified(_)) => return refused(begin::not_current(shared, &visit)),
        (Verdict::SignIn, _) => return refused(begin::demand(shared, &visit)),
        (Verdict::SignInAfresh, _) => return refused(begin::demand_renewal(shared, &visit)),
        (Verdict::Forbidden, _) => return refused(begin::forbid(shared, &visit)),
    }
    let is_private = access.is_private();
    let place = visit.place;
    let (user, extra) = match visit.visitor {
        Visitor::SignedIn(user) => {
            let renewal = is_private.then(|| ExtraCookie::renewal(shared, &user, visit.now));
            (Some(user), renewal.flatten())
        }
        Visitor::Anonymous | Visitor::Ended | Visitor::Idle(_) if access.is_gateway() => {
            match begin::ask_without_form(shared, &visit) {
                AskWithoutForm::Redirect(redirect) => return Admission::Refused(redirect),
                AskWithoutForm::Probe(probe) => (None, Some(ExtraCookie::probe(shared, probe))),
                AskWithoutForm::No => (None, None),
            }
        }
        _ => (None, None),
    };
    Admission::Admitted(Admitted {
        user,
        place,
        marks_private: is_private && shared.private_by_default,
        extra,
    })
}

impl Admitted {
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
