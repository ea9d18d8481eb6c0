//! How visitors sign in, and where they go then.

use std::time::Duration;

use super::endpoints::return_path;
#[cfg(doc)]
use crate::rules::Access;
use crate::{
    app::{Endpoints, SignIn},
    clock::UnixSeconds,
    error::ConfigError,
    paths::ReturnPath,
    rules::Rules,
};

/// What [`CasConfigBuilder::sign_in`](crate::CasConfigBuilder::sign_in) changes: how visitors sign in, where they go then,
/// and how many do so at once.
#[derive(Debug)]
#[must_use]
pub struct SignInOptions {
    landing_path: String,
    pub(super) way: SignIn,
    allows_login_csrf: bool,
    gateway_interval: Duration,
    pub(super) max_concurrent_validations: usize,
}

impl Default for SignInOptions {
    fn default() -> Self {
        Self {
            landing_path: "/".to_owned(),
            way: SignIn::default(),
            allows_login_csrf: false,
            gateway_interval: Duration::from_secs(600),
            max_concurrent_validations: 64,
        }
    }
}

impl SignInOptions {
    /// Where a visitor goes who signs in without having asked for a page, relative to the app URL.
    /// The default value is `/`.
    ///
    /// It must not itself redirect to the login endpoint: a signed-in visitor is sent from there to
    /// here.
    pub fn landing_path(mut self, path: impl Into<String>) -> Self {
        self.landing_path = path.into();
        self
    }

    /// Makes every sign-in ask for credentials, single sign-on or not (`renew`, CAS protocol 2.1.1): sent to
    /// the login page and to validation. The default is not to. For single paths there is
    /// [`Access::fresh`].
    pub fn renew(mut self, renew: bool) -> Self {
        self.way.is_renewed = renew;
        self
    }

    /// Keeps the service URL free of any query, for CAS servers that register exact URLs: it is the app URL and
    /// the login path, nothing else. Everything that a login needs then travels in the login cookie. The default
    /// is a service URL with a query.
    ///
    /// A return path of over 256 bytes becomes the landing path, and of several logins begun in one browser the
    /// newest is taken to be the one that comes back.
    ///
    /// # Security
    /// Nothing in the URL says for which login a ticket is, so a browser that has begun any login takes any ticket.
    /// Another site can open this app there, so that a login begins, and then have it come back with a ticket of its
    /// owner's: the visitor would work under a foreign name (login CSRF). Therefore a sign-in as somebody else than who
    /// signed in last in the browser, or as the first, has to be confirmed: the user gets a page that names whom they
    /// are about to be signed in as ([`PageKind::ConfirmationNeeded`](crate::PageKind::ConfirmationNeeded)) and counts
    /// as a visitor until they press its button, which they have 10 minutes for. No other site can press it for them.
    /// An ordinary user sees the page once in a browser: the login cookie remembers who has signed in there last, as a
    /// keyed hash of the name, for a year after the last sign-in.
    ///
    /// What remains: a visitor who confirms a name that is not theirs is signed in under it; and a program that
    /// asks for no HTML cannot confirm anything, so it cannot sign in. Over plain http, whoever can set cookies for the
    /// host can make a browser know a foreign user.
    ///
    /// Page and answer have to come to nodes that share a [registry](crate::CasConfigBuilder::registry).
    pub fn bare_service_url(mut self, bare: bool) -> Self {
        self.way.is_bare = bare;
        self
    }

    /// Signs in without asking whoever comes back with a ticket, where the service URL is
    /// [bare](Self::bare_service_url). The default is that a user who is new to the browser confirms that it is them.
    /// Without a bare service URL nobody is asked, and this changes nothing.
    ///
    /// # Security
    /// Any site can sign a visitor in under the name of an account of its own, without their notice (login CSRF): what they
    /// then upload, type or buy goes to that account.
    pub fn allow_login_csrf(mut self, allow: bool) -> Self {
        self.allows_login_csrf = allow;
        self
    }

    /// Asks the CAS server to have the browser post the ticket (`method=POST`, CAS protocol 2.1.1), so that it stands
    /// in no URL: not in the logs of a proxy, nor in the browser's history. The default is the redirect with the
    /// ticket in its query. Servers that do not know this answer with that redirect, which is taken as well; so is
    /// the way back from an [`Access::gateway`], which is never asked to be by `POST`.
    ///
    /// [`build`](crate::CasConfigBuilder::build) refuses it for an app URL that is not https, loopback or not, and
    /// together with [`bare_service_url`](Self::bare_service_url). Without it a `POST` with a ticket gets 400. A
    /// [`CasInPlaceLayer`](crate::CasInPlaceLayer) never asks for it, and its login cookie stays `SameSite=Lax`; both
    /// layers over one app share the cookie, so a login at the endpoint may then have to begin a second time.
    ///
    /// # Security
    /// A form that another site posts brings no `SameSite=Lax` cookie along. So the login cookie becomes
    /// `SameSite=None`: other sites can have the browser send it, but not read it, and a ticket still counts only
    /// for the login that asked for it. The session cookie stays `Lax`; the session that a sign-in replaces is the one
    /// that the login cookie remembers, and so is one that a form of another site signs out.
    ///
    /// A request behind the user's back (`Sec-Fetch-Site: cross-site`, and not a page of its own: an image, a script, a
    /// frame) therefore neither begins a login nor signs out nor changes that cookie: it gets 401, at the logout path 403.
    /// So an app with this cannot be signed in to within a frame of another site. From a browser that sends no
    /// `Sec-Fetch-*` headers (Safari before 16.4, Firefox before 90), whatever does not name `text/html` in its `Accept`
    /// counts as such, with `*/*` alone too; a frame cannot be told from a page there, so that other sites can
    /// still have such a browser forget logins that are under way, and the session that the next sign-in would end.
    pub fn tickets_by_post(mut self, by_post: bool) -> Self {
        self.way.is_by_post = by_post;
        self
    }

    /// How long a visitor who was sent to the CAS server by an [`Access::gateway`] path, and came back without
    /// having signed in there, is not sent again, in whole seconds. The default value is 10 minutes; at least 1
    /// second and at most 1 hour. It counts from a sign-out too.
    pub fn gateway_interval(mut self, interval: Duration) -> Self {
        self.gateway_interval = interval;
        self
    }

    /// How many tickets are validated at once, at each CAS server: so many that browsers bring back from their logins, and
    /// so many that programs bring to a [`CasApiLayer`](crate::CasApiLayer), so that neither keeps the other waiting. The
    /// default value is 64.
    ///
    /// 16 times as many of each kind may wait, and no longer than the CAS server may take to answer
    /// ([`timeout`](crate::CasClientBuilder::timeout)). Beyond that, and at once where too many wait, there is a 503 with
    /// `Retry-After`.
    ///
    /// Those who wait take turns: each sender where [`peer_address`](crate::CasConfigBuilder::peer_address) is set,
    /// else each login. Where all places are taken, the sender with the most of them gives one up for another. Of one
    /// login one ticket is validated at a time, and at most six requests are under way. One that brings the same ticket
    /// meanwhile, as by a reload or a double click, gets the same answer.
    pub fn max_concurrent_validations(mut self, limit: usize) -> Self {
        self.max_concurrent_validations = limit;
        self
    }

    /// Whether users who are new to their browser confirm that it is them.
    pub(super) fn confirms_users(&self) -> bool {
        self.way.is_bare && !self.allows_login_csrf
    }

    /// Where a sign-in leads, and the gateway interval in seconds.
    pub(super) fn check(
        &self,
        rules: &Rules,
        endpoints: &Endpoints,
    ) -> Result<(ReturnPath, UnixSeconds), ConfigError> {
        if self.way.is_renewed && rules.have_gateway() {
            return Err(ConfigError::InvalidRule {
                reason: "signs in without a form where every sign-in asks for credentials",
            });
        }
        if self.way.is_bare && rules.have_gateway() {
            return Err(ConfigError::InvalidRule {
                reason: "signs in without a form where the service URL is bare and cannot say so",
            });
        }
        if self.way.is_bare && self.way.is_by_post {
            return Err(ConfigError::PostWithBareServiceUrl);
        }
        ConfigError::check_duration(
            "gateway interval",
            self.gateway_interval,
            (Duration::from_secs(1), "is shorter than a second"),
            (Duration::from_secs(3600), "is longer than an hour"),
        )?;
        if self.max_concurrent_validations == 0 {
            return Err(ConfigError::InvalidLimit {
                what: "concurrent validations",
                value: self.max_concurrent_validations,
                reason: "at least one is needed",
            });
        }
        let landing = return_path("landing path", &self.landing_path, endpoints)?;
        Ok((landing, self.gateway_interval.as_secs()))
    }
}
