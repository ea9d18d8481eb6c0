//! Why a browser is sent to sign in again and again.

use crate::clock::UnixSeconds;

/// The longest part of a requested path that is shown.
const MAX_SHOWN: usize = 200;

/// The likely cause. Its text is for the operator: it is in the log, and on the page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CircleCause {
    #[error(
        "a sign-in came back at the path {requested}, but the app URL is {app_url}, so it is expected at {expected}. \
         Does a reverse proxy strip or add a prefix that the app was not told of (app URL, prefix_stripped_by_proxy)?"
    )]
    OtherPath {
        requested: String,
        app_url: String,
        expected: String,
    },
    #[error(
        "a {cookie} cookie came that cannot be read: it is sealed with a key that this node does not have, or by a later \
         release. Either the nodes of this app have different keys, or the key has changed"
    )]
    UnknownKey { cookie: &'static str },
    #[error(
        "a session cookie came from {seconds} seconds in the future. The clock of this node is slow, or that of \
         another node of this app is fast"
    )]
    FromTheFuture { seconds: UnixSeconds },
    #[error(
        "a login came back that began {seconds} seconds away from now, by the clock of this node. The clocks of the \
         nodes of this app differ"
    )]
    LoginOutOfTime { seconds: UnixSeconds },
    #[error(
        "the registry does not have the attributes of a session, which do not fit into its cookie. Either the nodes of \
         this app do not share one registry, or the registry loses what it has"
    )]
    NotInRegistry,
    #[error(
        "the browser sends a session cookie, but no login cookie. Something between this app and the browser drops it"
    )]
    NoLoginCookie,
    #[error("each time, the login cookie that came was not that of the login")]
    OtherLogin,
}

impl CircleCause {
    pub(crate) fn other_path(requested: &str, app_url: String, expected: String) -> Self {
        Self::OtherPath {
            requested: requested.chars().take(MAX_SHOWN).collect(),
            app_url,
            expected,
        }
    }

    /// In one word, so that one cause in the log does not hide another.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::OtherPath { .. } => "other-path",
            Self::UnknownKey { .. } => "unknown-key",
            Self::FromTheFuture { .. } => "from-the-future",
            Self::LoginOutOfTime { .. } => "login-out-of-time",
            Self::NotInRegistry => "not-in-registry",
            Self::NoLoginCookie => "no-login-cookie",
            Self::OtherLogin => "other-login",
        }
    }
}
