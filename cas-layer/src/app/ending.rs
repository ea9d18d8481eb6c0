//! The end of sessions before their time.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::timeout;

use super::Host;
use crate::{
    clock::UnixSeconds,
    events::{SignOutCause, SignedOut},
    registry::{AccountId, Begun, LogoutSender, Opened, RegistryError, RegistryFuture},
    session::{Remembered, SessionData, SessionId},
    user::CasUser,
};

/// How long a sign-in waits at most for the registry to begin what it leaves behind. The end itself may take as long as
/// any call.
const SOON: Duration = Duration::from_millis(500);

impl Host {
    /// Ends a session whose cookie was shown, and its family. A user without a session has none to end. If the registry
    /// cannot be reached, the session has still ended on this node, and the registry tells the others when it can.
    pub(crate) async fn end(&self, user: &CasUser, cause: SignOutCause, now: UnixSeconds) {
        self.end_shown(user, cause, None, now).await;
    }

    /// Ends a session whose browser has another one by now. If that is of the same family, the family goes on.
    pub(crate) async fn replace(&self, old: &CasUser, by: &SessionData, now: UnixSeconds) {
        let cause = SignOutCause::Replaced;
        self.end_shown(old, cause, by.family, now).await;
    }

    async fn end_shown(
        &self,
        user: &CasUser,
        cause: SignOutCause,
        spared: Option<SessionId>,
        now: UnixSeconds,
    ) {
        let Some(session) = user.session() else {
            return;
        };
        self.app.kept.forget(self.owner(session));
        let ended = self.end_both(Remembered::of(session), spared, now).await;
        self.tell(SignedOut::shown(user, cause).recorded(ended.as_ref().copied()));
    }

    /// The same for a session of which only the name is known, as a login cookie remembers it. One that has ended
    /// meanwhile is left alone. One that has expired ends too: this node's clock may be wrong.
    pub(crate) async fn end_remembered(
        &self,
        old: Remembered,
        cause: SignOutCause,
        spared: Option<SessionId>,
        now: UnixSeconds,
    ) {
        let has_ended = |id| self.app.registry.ended().contain_id(id);
        if has_ended(old.id) || old.family.is_some_and(has_ended) {
            return;
        }
        let ended = self.end_both(old, spared, now).await;
        let signed_out = SignedOut::named(old.id, cause);
        self.tell(signed_out.recorded(ended.as_ref().copied()));
    }

    /// Ends a session, and its family unless that is `spared`.
    async fn end_both(
        &self,
        session: Remembered,
        spared: Option<SessionId>,
        now: UnixSeconds,
    ) -> Result<(), RegistryError> {
        let end = || {
            let registry = &self.app.registry;
            registry.end(session.id, session.expires_at, now)
        };
        let Some(family) = session.family else {
            return end().await;
        };
        if Some(family) != spared {
            return both(end(), self.end_family(family, now)).await;
        }
        match self.begin_to_leave(session.id).await {
            // From here on a message is heard, so it does not matter which of the two is first.
            Some(begun) => both(end(), Box::pin(self.leave_behind(begun, family, now))).await,
            None => end().await,
        }
    }

    /// Begins to leave behind where single logout finds the family of a session that is about to end alone. Its ticket
    /// may be the newest, so the only one that the CAS server names. `None` if the registry knows no families, or does
    /// not answer soon: the user is waiting. A message for this session then ends nothing.
    async fn begin_to_leave(&self, id: SessionId) -> Option<Begun> {
        let registry = &self.app.registry;
        registry.families()?;
        let name = SessionId::of_replaced(id);
        let begun = Begun::new(registry, name, self.begun_for());
        timeout(SOON, begun).await.ok()?.ok()
    }

    /// The session has ended if this fails, so its result is that of the end alone.
    async fn leave_behind(
        &self,
        begun: Begun,
        family: SessionId,
        now: UnixSeconds,
    ) -> Result<(), RegistryError> {
        let last_expires_at = now.saturating_add(self.app.lifetimes.longest());
        match begun.open(Some(family), last_expires_at, now).await {
            // A message came meanwhile.
            Ok(Opened::Ended) => self.end_family(family, now).await,
            Ok(Opened::Live { .. }) | Err(_) => Ok(()),
        }
    }

    /// Ends all sessions of a family.
    pub(crate) fn end_family(&self, family: SessionId, now: UnixSeconds) -> RegistryFuture<'_, ()> {
        let last_expires_at = now.saturating_add(self.app.lifetimes.longest());
        self.app.registry.end(family, last_expires_at, now)
    }

    /// Takes back a session that opened and that its user did not get. Its family goes on. If this cannot be noted, the
    /// entries go when they expire.
    pub(crate) async fn withdraw(&self, session: &SessionData, now: UnixSeconds) {
        let ending = self.app.registry.end(session.id, session.expires_at, now);
        let _ = ending.await;
    }

    /// Takes back a session that was opened for nothing. If this cannot be noted, the entries go when they expire.
    pub(crate) async fn take_back(&self, ids: Vec<SessionId>, now: UnixSeconds) {
        let _ = self
            .app
            .registry
            .end_if_opened(ids, LogoutSender::app(), now)
            .await;
    }

    /// Ends all sessions of a user.
    pub(crate) async fn end_all_of(&self, user: &str) -> Result<(), RegistryError> {
        let now = self.app.clock.now();
        let user = self.app.content.user_name(user);
        let account = AccountId::of(self.client.url(), &user);
        let last_expires_at = now.saturating_add(self.app.lifetimes.longest());
        let ended = self
            .app
            .registry
            .end_all(account, last_expires_at, now)
            .await;
        self.tell(SignedOut::all_of(&user).recorded(ended.as_ref().copied()));
        ended
    }
}

/// Waits for two ends at the same time: if the registry is away, each takes a second.
async fn both(
    mut one: RegistryFuture<'_, ()>,
    mut other: RegistryFuture<'_, ()>,
) -> Result<(), RegistryError> {
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        let is_first_done = is_done(&mut one, &mut first, context);
        if is_done(&mut other, &mut second, context) && is_first_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    [first, second].into_iter().flatten().collect()
}

/// Goes on with what is not done yet, and notes its result.
fn is_done(
    ending: &mut RegistryFuture<'_, ()>,
    result: &mut Option<Result<(), RegistryError>>,
    context: &mut Context<'_>,
) -> bool {
    if result.is_none()
        && let Poll::Ready(ended) = ending.as_mut().poll(context)
    {
        *result = Some(ended);
    }
    result.is_some()
}
