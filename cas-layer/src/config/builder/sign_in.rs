//! How visitors sign in, and where they go afterwards.

use std::time::Duration;

use super::endpoints::return_path;
#[cfg(doc)]
use crate::rules::Access;
use crate::{
    app::{AskedPage, Endpoints, SignIn},
    client::CasClient,
    clock::UnixSeconds,
    error::ConfigError,
    language_tag::LanguageTag,
    paths::ReturnPath,
    protocol::LoginPage,
    rules::Rules,
};

/// What [`CasConfigBuilder::sign_in`](crate::CasConfigBuilder::sign_in) changes: how visitors sign in, where they go
/// afterwards, and how many can sign in at once.
#[derive(Debug)]
#[must_use]
pub struct SignInOptions {
    landing_path: String,
    pub(super) way: SignIn,
    /// Without the language.
    page: AskedPage,
    locale: Option<String>,
    allows_login_csrf: bool,
    gateway_interval: Duration,
    pub(super) max_concurrent_validations: usize,
}

impl Default for SignInOptions {
    fn default() -> Self {
        Self {
            landing_path: "/".to_owned(),
            way: SignIn::default(),
            page: AskedPage::default(),
            locale: None,
            allows_login_csrf: false,
            gateway_interval: Duration::from_secs(600),
            max_concurrent_validations: 64,
        }
    }
}

impl SignInOptions {
    /// Where a visitor goes who signed in without asking for a page, relative to the app URL. The default value is
    /// `/`.
    ///
    /// This page must not redirect to the login endpoint, which sends signed-in visitors back to it.
    pub fn landing_path(mut self, path: impl Into<String>) -> Self {
        self.landing_path = path.into();
        self
    }

    /// Makes every sign-in ask for credentials, even if the user has a session at the CAS server (`renew`, CAS
    /// protocol 2.1.1). The login page and the validation both get the parameter. By default, neither does. For single paths, use
    /// [`Access::fresh`].
    pub fn renew(mut self, renew: bool) -> Self {
        self.way.is_renewed = renew;
        self
    }

    /// Asks the CAS server to sign nobody in without a page that says so (`warn`, CAS protocol 2.2.1), even if the user
    /// has a session there. By default, a user with a session sees nothing of the server.
    ///
    /// The protocol defines `warn` for the login form. Whether a server takes it from the URL of its login page is up to
    /// the server, so try it with yours. A server that does not know it ignores it. To be sure that a user is asked, use
    /// [`renew`](Self::renew): the validation tells whether that worked.
    ///
    /// [`build`](crate::CasConfigBuilder::build) refuses it together with a rule with [`Access::gateway`], which signs
    /// visitors in without any page.
    pub fn warn(mut self, warn: bool) -> Self {
        self.page.always.warns = warn;
        self
    }

    /// Asks the CAS server to remember users who sign in for longer than others (`rememberMe`, CAS protocol 2.2.2), or to
    /// offer that in its form. By default, the user alone chooses there.
    ///
    /// As with [`warn`](Self::warn), it is up to the server whether it takes this from the URL of its login page. How long
    /// sessions of this app last then is [`remember_me_lifetime`](crate::SessionOptions::remember_me_lifetime).
    ///
    /// # Security
    /// Users of shared computers stay signed in at the CAS server, and so at all of its apps.
    pub fn remember_me(mut self, remember: bool) -> Self {
        self.page.always.remembers = remember;
        self
    }

    /// Lets a link ask for [`remember_me`](Self::remember_me), for the sign-in that it begins:
    /// `/login?rememberMe=true&next=/profile`. By default, the parameter is ignored. No other value than `true` counts, and
    /// no link takes back what `remember_me` says.
    ///
    /// # Security
    /// Any site can have such a link. Whoever follows it, and signs in, is remembered by the CAS server.
    pub fn remember_me_by_link(mut self, allow: bool) -> Self {
        self.page.links.remember = allow;
        self
    }

    /// The language of the CAS server's login page (`locale`, of Apereo CAS), as a language tag (BCP 47) such as `de` or
    /// `pt-BR`. By default, the server chooses.
    ///
    /// For a server that wants another parameter, or another form such as `pt_BR`, use
    /// [`login_parameter`](crate::CasClientBuilder::login_parameter). The languages of the layer's own pages are in
    /// [`PageOptions`](crate::PageOptions).
    pub fn locale(mut self, tag: impl Into<String>) -> Self {
        self.locale = Some(tag.into());
        self
    }

    /// Lets a link choose the language of the CAS server's login page, for the sign-in that it begins:
    /// `/login?locale=fr&next=/profile`. It comes before [`locale`](Self::locale). By default, the parameter is ignored.
    ///
    /// Only a text in the form of a language tag is passed on: parts of one to eight letters or digits with `-` between
    /// them, the first of letters alone, and 35 bytes at most. Anything else counts as no parameter. The CAS server may keep
    /// the language for later.
    pub fn locale_by_link(mut self, allow: bool) -> Self {
        self.page.links.choose_locale = allow;
        self
    }

    /// Keeps the service URL free of any query, for CAS servers that register exact URLs: it is only the app URL and
    /// the login path. The login cookie then carries everything that a login needs. The default is a service URL with
    /// a query.
    ///
    /// A return path of over 256 bytes loses its query. If it is still longer, the landing path takes its place. If
    /// several logins were begun in one browser, the layer takes the newest as the one that comes back. It knows of
    /// five at most, so tabs that sign in at once may end on each other's pages.
    ///
    /// # Security
    /// Nothing in the URL says which login a ticket is for, so a browser that has begun any login accepts any ticket.
    /// Another site can open this app in that browser, so that a login begins, and then send the browser back with a
    /// ticket of its owner's. The visitor would work under a foreign name (login CSRF). Therefore a user has to
    /// confirm a sign-in if somebody else, or nobody, signed in last in the browser. The user gets a page with the
    /// name that they are about to be signed in under
    /// ([`PageKind::ConfirmationNeeded`](crate::PageKind::ConfirmationNeeded)). They stay a visitor until they press
    /// its button, within 10 minutes. No other site can press it for them. An ordinary user sees the page once in a
    /// browser: the login cookie remembers the last user, as a keyed hash of the name, for a year after the last
    /// sign-in.
    ///
    /// What remains: a visitor who confirms a name that is not theirs is signed in under it. A program that does not
    /// ask for HTML cannot confirm anything, so it cannot sign in. Over plain http, an attacker who can set cookies
    /// for the host can make a browser know a foreign user.
    ///
    /// The nodes that serve the page and receive its answer have to share a
    /// [registry](crate::CasConfigBuilder::registry).
    pub fn bare_service_url(mut self, bare: bool) -> Self {
        self.way.is_bare = bare;
        self
    }

    /// Signs a browser that has begun a login in without asking, whatever ticket it comes back with, if the service
    /// URL is [bare](Self::bare_service_url). By default, a user who is new to the browser has to confirm their name.
    /// Without a bare service URL nobody is asked, and this setting changes nothing.
    ///
    /// # Security
    /// Any site can sign visitors in under the name of an account of its own, without their notice (login CSRF). What
    /// they then upload, type or buy goes to that account.
    pub fn allow_login_csrf(mut self, allow: bool) -> Self {
        self.allows_login_csrf = allow;
        self
    }

    /// Asks the CAS server to let the browser post the ticket (`method=POST`, CAS protocol 2.1.1). Then the ticket is
    /// in no URL: not in the logs of a proxy, nor in the browser's history. The default is the redirect with the
    /// ticket in its query. Servers that do not know `method=POST` answer with that redirect, and the layer accepts
    /// it. An [`Access::gateway`] path never asks for `POST`.
    ///
    /// [`build`](crate::CasConfigBuilder::build) refuses it for an app URL that is not https, loopback or not, and
    /// together with [`bare_service_url`](Self::bare_service_url). Without it, a `POST` with a ticket signs its user
    /// in only if the login cookie comes along. A [`CasInPlaceLayer`](crate::CasInPlaceLayer) never asks for it, and its login cookie stays `SameSite=Lax`. Both
    /// layers over one app share the cookie, so a login at the endpoint may then have to begin a second time.
    ///
    /// # Security
    /// Browsers send no `SameSite=Lax` cookie with a form that another site posts. So the login cookie becomes
    /// `SameSite=None`: other sites can make the browser send it, but cannot read it, and a ticket still counts only
    /// for the login that asked for it. The session cookie stays `Lax`. So the login cookie remembers the session
    /// that a sign-in replaces, or that a form of another site signs out.
    ///
    /// A request behind the user's back is one with `Sec-Fetch-Site: cross-site` that is not a page of its own: an
    /// image, a script, a frame. It cannot begin a login, sign anybody out or change that cookie. It gets 401, or 403
    /// at the logout path. So users cannot sign in to such an app within a frame of another site, unless
    /// [`framed_by`](crate::SessionOptions::framed_by) names one. Some browsers send
    /// no `Sec-Fetch-*` headers (Safari before 16.4, Firefox before 90). From these, every request counts as such
    /// that does not name `text/html` in its `Accept`, also one with `*/*` alone. The layer cannot tell a frame from
    /// a page there. So other sites can still make such a browser forget logins that are under way, and the session
    /// that the next sign-in would end.
    pub fn tickets_by_post(mut self, by_post: bool) -> Self {
        self.way.is_by_post = by_post;
        self
    }

    /// How long the layer waits before it sends a visitor to the CAS server again, in whole seconds, if an
    /// [`Access::gateway`] path sent them there and they came back without having signed in. The default value is 10
    /// minutes. At least 1 second and at most 1 hour. The time also runs from a sign-out.
    pub fn gateway_interval(mut self, interval: Duration) -> Self {
        self.gateway_interval = interval;
        self
    }

    /// How many tickets are validated at once, at each CAS server. Tickets that browsers bring back from their logins
    /// and tickets that programs bring to a [`CasApiLayer`](crate::CasApiLayer) each have this limit, so neither kind
    /// keeps the other waiting. The default value is 64. While the app's own
    /// [`SessionOptions::admit`](crate::SessionOptions::admit) works on a user, their ticket counts too: so no more than twice
    /// this number of hooks run at once at each CAS server.
    ///
    /// A ticket beyond that waits, if it is likely to have its answer within 3 seconds: as many are before it, and as long
    /// as the last ones took. Where each takes over 2 seconds, the wait may be up to 1 second. Any other ticket gets a 503 with
    /// `Retry-After` at once, and so does one that has waited for 3 seconds, or for the time that the CAS server
    /// ([`timeout`](crate::CasClientBuilder::timeout)) and the app's hook may take, if that is shorter. No more than 16 times
    /// the limit may wait, of each kind. No ticket that is turned away is used up.
    ///
    ///
    /// Waiting tickets take turns: by sender if [`peer_address`](crate::CasConfigBuilder::peer_address) is set,
    /// otherwise by login. If all places are taken, the sender with the most places gives one up for another. For one
    /// login, one ticket is validated at a time, and at most six requests are under way. A request that brings the
    /// same ticket meanwhile, as by a reload or a double click, gets the same answer.
    pub fn max_concurrent_validations(mut self, limit: usize) -> Self {
        self.max_concurrent_validations = limit;
        self
    }

    /// Whether users who are new to their browser confirm that it is them.
    pub(super) fn confirms_users(&self) -> bool {
        self.way.is_bare && !self.allows_login_csrf
    }

    /// What the CAS server's login page is asked for.
    pub(super) fn login_page(&self) -> Result<AskedPage, ConfigError> {
        let mut page = self.page.clone();
        if let Some(text) = &self.locale {
            let tag =
                LanguageTag::parse(text).ok_or_else(|| ConfigError::InvalidLoginParameter {
                    name: LoginPage::LOCALE.to_owned(),
                    reason: "it is no language tag such as `de` or `pt-BR`",
                })?;
            page.always.locale = Some(tag);
        }
        Ok(page)
    }

    /// Refuses what is said here, or may be said by a link, and in the parameters of the client too: the URL would have
    /// it twice.
    pub(super) fn check_client(&self, client: &CasClient) -> Result<(), ConfigError> {
        let AskedPage { always, links } = &self.page;
        for (is_here, name) in [
            (always.warns, LoginPage::WARN),
            (always.remembers || links.remember, LoginPage::REMEMBER_ME),
            (
                self.locale.is_some() || links.choose_locale,
                LoginPage::LOCALE,
            ),
        ] {
            if is_here && client.has_login_parameter(name) {
                return Err(ConfigError::InvalidLoginParameter {
                    name: name.to_owned(),
                    reason: "the options of the sign-in (`sign_in`) say it too: leave it to one of the two",
                });
            }
        }
        Ok(())
    }

    /// Where a sign-in leads, and the gateway interval in seconds.
    pub(super) fn check(
        &self,
        rules: &Rules,
        endpoints: &Endpoints,
    ) -> Result<(ReturnPath, UnixSeconds), ConfigError> {
        if self.way.is_renewed && rules.have_gateway() {
            return Err(ConfigError::InvalidRule {
                reason: "signs visitors in without a form, but every sign-in asks for credentials",
            });
        }
        if self.page.always.warns && rules.have_gateway() {
            return Err(ConfigError::InvalidRule {
                reason: "signs visitors in without a page, but nobody is to be signed in without one (`warn`)",
            });
        }
        if self.way.is_bare && rules.have_gateway() {
            return Err(ConfigError::InvalidRule {
                reason: "signs visitors in without a form, but a bare service URL cannot say so",
            });
        }
        if self.way.is_bare && self.way.is_by_post {
            return Err(ConfigError::PostWithBareServiceUrl);
        }
        let interval = self.gateway_interval;
        ConfigError::check_duration(
            "gateway interval",
            interval,
            &[
                (
                    interval < Duration::from_secs(1),
                    "is shorter than a second",
                ),
                (
                    interval > Duration::from_secs(3600),
                    "is longer than an hour",
                ),
            ],
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
