//! What of the app is called when something happens.

use super::CasConfigBuilder;
use crate::{
    events::{Refused, SignedOut},
    user::CasUser,
};

impl CasConfigBuilder {
    /// Calls `hook` when somebody has signed in: for an audit log, or to note in the app's own database who is new.
    ///
    /// It is called where requests are served, after the fact: the session is open, the one that the browser had before
    /// has ended, and the cookie is about to be sent. It must not block: what takes time it hands over to a task or a
    /// thread. It decides nothing: for that there is [`SessionOptions::map`](crate::SessionOptions::map). A panic in it
    /// ends the request without an answer, so that the browser gets no session. Of several calls the last counts.
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

    /// Calls `hook` when a session has ended before its time, on the node where that happened. Everything that
    /// [`on_sign_in`](Self::on_sign_in) says of hooks holds: the session has ended by then, and a panic does not
    /// bring it back.
    pub fn on_sign_out(mut self, hook: impl Fn(&SignedOut<'_>) + Send + Sync + 'static) -> Self {
        self.settings.hooks.sign_out = Some(Box::new(hook));
        self
    }

    /// Calls `hook` when somebody was turned away: a sign-in came to nothing, or a signed-in user got a 403.
    /// Everything that [`on_sign_in`](Self::on_sign_in) says of hooks holds: a panic lets nobody in.
    ///
    /// A page that is sent to the CAS server for sign-in, and a 401 that asks for it, are no refusals.
    pub fn on_refused(mut self, hook: impl Fn(&Refused<'_>) + Send + Sync + 'static) -> Self {
        self.settings.hooks.refused = Some(Box::new(hook));
        self
    }
}
