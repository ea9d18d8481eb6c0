//! The functions of the app that are called when something happens.

use super::CasConfigBuilder;
use crate::{
    events::{Refused, SignedOut},
    user::CasUser,
};

impl CasConfigBuilder {
    /// Calls `hook` when a user has signed in: for an audit log, or to note new users in the app's own database.
    ///
    /// The hook runs where requests are served, after the fact: the session is open, the browser's previous session
    /// has ended, and the cookie is about to be sent. The hook must not block: hand slow work over to a task or a
    /// thread. It decides nothing; to refuse users, use [`SessionOptions::map`](crate::SessionOptions::map). If it
    /// panics, the request ends without an answer, so the browser gets no session. If this method is called more than
    /// once, the last call applies.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let (audit, _log) = std::sync::mpsc::channel();
    /// let (turned_away, left) = (audit.clone(), audit.clone());
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .on_sign_in(move |user| {
    ///         let _ = audit.send(format!("{} signed in: {}", user.name(), user.session_id()));
    ///     })
    ///     .on_sign_out(move |signed_out| {
    ///         if let Some(session) = signed_out.session_id() {
    ///             let _ = left.send(format!("{session} ended by {}", signed_out.cause()));
    ///         }
    ///     })
    ///     .on_refused(move |refused| {
    ///         let who = refused.user_name().unwrap_or("somebody");
    ///         let _ = turned_away.send(format!("{who} was turned away: {}", refused.reason()));
    ///     })
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn on_sign_in(mut self, hook: impl Fn(&CasUser) + Send + Sync + 'static) -> Self {
        self.settings.hooks.sign_in = Some(Box::new(hook));
        self
    }

    /// Calls `hook` when a session has ended before its time, on the node where that happened. What
    /// [`on_sign_in`](Self::on_sign_in) says of hooks holds here too: the session has already ended, and a panic does
    /// not bring it back.
    pub fn on_sign_out(mut self, hook: impl Fn(&SignedOut<'_>) + Send + Sync + 'static) -> Self {
        self.settings.hooks.sign_out = Some(Box::new(hook));
        self
    }

    /// Calls `hook` when the layer turned somebody away: a sign-in failed, or a signed-in user got a 403. What
    /// [`on_sign_in`](Self::on_sign_in) says of hooks holds here too: a panic lets nobody in.
    ///
    /// It is not called for a redirect to the CAS server, nor for a 401 that asks for a sign-in.
    pub fn on_refused(mut self, hook: impl Fn(&Refused<'_>) + Send + Sync + 'static) -> Self {
        self.settings.hooks.refused = Some(Box::new(hook));
        self
    }
}
