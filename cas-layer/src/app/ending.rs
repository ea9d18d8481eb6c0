//! The end of sessions before their time.

use super::Host;
use crate::{
    clock::UnixSeconds,
    events::{SignOutCause, SignedOut},
    registry::{AccountId, LogoutSender, RegistryError},
    session::{Remembered, SessionId},
    user::CasUser,
};

impl Host {
    /// Ends a session whose cookie was shown. A user without a session has none to end. If the registry cannot be
    /// reached, the session has still ended on this node, and the registry tells the others when it can.
    pub(crate) async fn end(&self, user: &CasUser, cause: SignOutCause, now: UnixSeconds) {
        let Some(session) = user.session() else {
            return;
        };
        self.app.kept.forget(self.owner(session));
        let ended = self
            .app
            .registry
            .end(session.id, session.expires_at, now)
            .await;
        self.tell(SignedOut::shown(user, cause).recorded(ended.as_ref().copied()));
    }

    /// The same for a session that the login cookie remembers. One that has ended meanwhile is left alone.
    pub(crate) async fn end_remembered(
        &self,
        old: Remembered,
        cause: SignOutCause,
        now: UnixSeconds,
    ) {
        if self.app.registry.ended().contain_id(old.id) || old.expires_at <= now {
            return;
        }
        let ended = self.app.registry.end(old.id, old.expires_at, now).await;
        let signed_out = SignedOut::named(old.id, cause);
        self.tell(signed_out.recorded(ended.as_ref().copied()));
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
