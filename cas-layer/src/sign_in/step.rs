//! The next step of a visitor on their way to a session, as a value. Nothing begins, and nobody is told, until the step is
//! taken.

use super::{Callback, Login, circle::Circle};
use crate::{
    answer::Answer,
    app::Host,
    events::{CircleCause, Refused, RefusedReason},
    visit::Visit,
};

/// The next step of a visitor who signs in, or has to.
#[derive(Debug)]
#[must_use]
pub(crate) enum Step {
    Answer(Answer),
    /// An answer, and a reason that is told to the app.
    Refuse(RefusedReason, Answer),
    /// A browser goes round in circles, for a cause that the app is told.
    Stop(CircleCause, Answer),
    /// A signed-in user has no permission. The app is told who it is.
    Forbid(Answer),
    Begin(Box<Login>),
    /// The login begins when no other tab of its browser is on its way.
    BeginAlone(Box<Login>),
    /// The login begins again, for a reason that is told to the app.
    BeginAgain(RefusedReason, Box<Login>),
    /// The browser that began this login brings a ticket for it.
    Validate(Box<Callback>),
}

/// The result of a step.
pub(crate) enum Taken {
    Answer(Answer),
    Validate(Box<Callback>),
}

impl From<Circle> for Step {
    fn from(Circle { cause, answer }: Circle) -> Self {
        Self::Stop(cause, answer)
    }
}

impl Step {
    /// Carries out everything but a validation, which takes time.
    pub(crate) fn take(self, host: &Host, visit: &Visit<'_>) -> Taken {
        let cause;
        let (refused, answer) = match self {
            Self::Validate(callback) => return Taken::Validate(callback),
            Self::Stop(of, answer) => {
                cause = of;
                (Some(Refused::by(&cause)), answer)
            }
            Self::Answer(answer) => (None, answer),
            Self::Begin(login) => (None, login.begin(host, visit)),
            Self::BeginAlone(login) => (None, login.begin_alone(host, visit)),
            Self::BeginAgain(reason, login) => {
                (Some(Refused::new(reason)), login.begin(host, visit))
            }
            Self::Refuse(reason, answer) => (Some(Refused::new(reason)), answer),
            Self::Forbid(answer) => {
                let refused = Refused::new(RefusedReason::NotAllowed);
                (Some(refused.signed_in(visit.user())), answer)
            }
        };
        if let Some(refused) = refused {
            host.tell(refused);
        }
        Taken::Answer(answer)
    }
}
