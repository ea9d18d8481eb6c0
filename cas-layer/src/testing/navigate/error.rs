//! Why a test does not get the page that it asks for.

use std::error::Error;

use http::StatusCode;
use url::Url;

use crate::testing::loopback::shown;

/// Why a sign-in in a test does not lead to the page that was asked for, or a
/// [`TestBrowser`](crate::testing::TestBrowser) cannot open a page.
///
/// URLs are without their query, which may have a ticket in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisitError {
    /// The address is no absolute URL of http or https.
    #[error("`{url}` is no absolute URL of http or https")]
    InvalidUrl {
        /// The address.
        url: String,
    },

    /// The embedded CAS server has no such user.
    #[error("the CAS server has no user `{user}`: add one with `CasServerBuilder::user`")]
    UnknownUser {
        /// The name.
        user: String,
    },

    /// The page came, but nobody was asked for a password: it is public or optional, it is not below the layer, or this client
    /// is signed in already, at the app or at the CAS server. Open such a page without a sign-in, and take a client of its
    /// own for each user.
    #[error(
        "`{url}` was answered with {status}, and nobody was asked to sign in: the path requires no user, or this client is \
         signed in already, at the app or at the CAS server"
    )]
    NotAsked {
        /// The page where the way ended.
        url: String,
        /// Its status.
        status: StatusCode,
    },

    /// The way leads neither to the app nor to this CAS server. Is the app's CAS server the one that is asked to sign in,
    /// [`CasServer::url`](crate::testing::CasServer::url)? A [`TestBrowser`](crate::testing::TestBrowser) visits its app and loopback alone.
    #[error("the way leads to `{url}`, which is neither the app nor this CAS server")]
    Elsewhere {
        /// Where it leads.
        url: String,
    },

    /// The CAS server does not take this password for this user.
    #[error("the CAS server does not sign `{user}` in: wrong user name or password")]
    WrongPassword {
        /// The name.
        user: String,
    },

    /// The client has not sent back a cookie that it got with the login form. A client of reqwest is built with
    /// `cookie_store(true)`, for which reqwest needs its feature `cookies`.
    #[error(
        "the client keeps no cookies: build it with `reqwest::Client::builder().cookie_store(true)`"
    )]
    NoCookies,

    /// The layer shows a page of its own in place of the page that was asked for.
    #[error("the layer answers with {status} ({reason}): {text}")]
    Refused {
        /// The status of the page.
        status: StatusCode,
        /// What the page is about: the `reason` of a problem document, as `not-allowed` or `sign-in-vetoed`.
        reason: String,
        /// What is written on the page.
        text: String,
    },

    /// The CAS server shows neither the login form nor the way back, as when it does not serve the app.
    #[error("the CAS server answers with {status}: {text}")]
    CasServer {
        /// The status of the page.
        status: StatusCode,
        /// What is written on the page.
        text: String,
    },

    /// There is no end of redirects.
    #[error("there is no end of redirects, and the last leads to `{url}`")]
    TooManyRedirects {
        /// Where the last redirect leads.
        url: String,
    },

    /// There is no answer: nobody listens there, the connection broke, or the service failed.
    #[error("no answer from `{url}`")]
    NoAnswer {
        /// What was asked for.
        url: String,
        /// What has happened.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl VisitError {
    pub(in crate::testing) fn not_asked(url: &Url, status: StatusCode) -> Self {
        Self::NotAsked {
            url: shown(url.as_str()),
            status,
        }
    }

    pub(in crate::testing) fn elsewhere(url: &Url) -> Self {
        Self::Elsewhere {
            url: shown(url.as_str()),
        }
    }

    pub(in crate::testing) fn too_many_redirects(url: &Url) -> Self {
        Self::TooManyRedirects {
            url: shown(url.as_str()),
        }
    }

    pub(in crate::testing) fn no_answer(
        url: &Url,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::NoAnswer {
            url: shown(url.as_str()),
            source: source.into(),
        }
    }
}
