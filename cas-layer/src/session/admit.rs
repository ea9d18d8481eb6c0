//! The app's own work before a session opens. It may wait for a database, and may fail.

use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, timeout};

use super::{
    new_session::{NewSession, Veto},
    rejected::Rejected,
};

/// Why [`SessionOptions::admit`](crate::SessionOptions::admit) lets a user not in: a [`Veto`], or a failure.
///
/// Any error turns into a failure by `?`, and a [`Veto`] into a veto.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// The app does not admit this user. They read the reason, and get a 403.
    Vetoed(Veto),
    /// The app cannot tell at the moment, as when its database is away. The user gets a 503 and may try again, and the log
    /// has the error.
    Failed(Box<dyn Error + Send + Sync>),
}

impl NotAdmitted {
    /// A failure, told in words: for the log, not for the user.
    #[must_use]
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Veto> for NotAdmitted {
    fn from(veto: Veto) -> Self {
        Self::Vetoed(veto)
    }
}

// It is no `Error` itself, so that this is possible.
impl<E: Error + Send + Sync + 'static> From<E> for NotAdmitted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NotAdmitted> for Rejected {
    fn from(not_admitted: NotAdmitted) -> Self {
        match not_admitted {
            NotAdmitted::Vetoed(veto) => Self::Vetoed(veto),
            NotAdmitted::Failed(error) => Self::Failed(error),
        }
    }
}

type Admitting = Pin<Box<dyn Future<Output = Result<NewSession, NotAdmitted>> + Send>>;

/// The hook of the app, as it is kept until the configuration is built, and after that.
#[derive(Clone)]
pub(crate) struct Admit {
    hook: Arc<dyn Fn(NewSession) -> Admitting + Send + Sync>,
    pub(crate) limit: Duration,
}

impl Admit {
    pub(crate) fn new<F>(
        hook: impl Fn(NewSession) -> F + Send + Sync + 'static,
        limit: Duration,
    ) -> Self
    where
        F: Future<Output = Result<NewSession, NotAdmitted>> + Send + 'static,
    {
        Self {
            hook: Arc::new(move |session| Box::pin(hook(session))),
            limit,
        }
    }

    /// Asks the app. A panic ends here: nobody is signed in by it, and others are not concerned.
    pub(super) async fn ask(&self, session: NewSession) -> Result<NewSession, Rejected> {
        // The hook may panic before there is a future.
        let mut asked = pin!(async { (self.hook)(session).await });
        let caught = std::future::poll_fn(|context| {
            let polled = catch_unwind(AssertUnwindSafe(|| asked.as_mut().poll(context)));
            polled.map_or(Poll::Ready(None), |poll| poll.map(Some))
        });
        let asked_at = Instant::now();
        match timeout(self.limit, caught).await {
            // A hook that blocks its thread is not interrupted, but it does not let anybody in late.
            Ok(Some(_)) if asked_at.elapsed() > self.limit => Err(Rejected::TimedOut(self.limit)),
            Ok(Some(admitted)) => Ok(admitted?),
            Ok(None) => Err(Rejected::Panicked),
            Err(_) => Err(Rejected::TimedOut(self.limit)),
        }
    }
}

impl fmt::Debug for Admit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admit")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::session::new_session::tests::new_session;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn work_that_is_done_at_the_limit_is_in_time_and_a_moment_later_it_is_not() {
        for (takes, is_in_time) in [
            (Duration::ZERO, true),
            (LIMIT, true),
            (LIMIT + Duration::from_millis(1), false),
        ] {
            // The clock has gone on when the hook is done. Its thread was busy until then, so nothing has stopped it.
            let hook = move |new| async move {
                advance(takes).await;
                Ok(new)
            };
            let asked = Admit::new(hook, LIMIT).ask(new_session()).await;
            match asked {
                Ok(_) => assert!(is_in_time, "{takes:?}"),
                Err(Rejected::TimedOut(limit)) => {
                    assert!(!is_in_time && limit == LIMIT, "{takes:?}");
                }
                Err(other) => panic!("{takes:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_configuration_shows_how_long_the_hook_may_take() {
        let admit = Admit::new(async |new| Ok(new), LIMIT);
        assert_eq!(format!("{admit:?}"), "Admit { limit: 5s, .. }");
    }
}
