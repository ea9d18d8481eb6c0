//! What paths ask of their visitors.

use std::time::Duration;

use super::CasConfigBuilder;
use crate::{
    app::SignIn,
    clock::UnixSeconds,
    error::ConfigError,
    rules::{Access, Paths, Rules},
};

/// Rules about paths and sign-ins, before they are checked.
#[derive(Debug)]
pub(super) struct RuleOptions {
    list: Vec<(Paths, Access)>,
    gateway_interval: Duration,
    pub(super) sign_in: SignIn,
    allows_login_csrf: bool,
}

impl Default for RuleOptions {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            gateway_interval: Duration::from_secs(600),
            sign_in: SignIn::default(),
            allows_login_csrf: false,
        }
    }
}

impl RuleOptions {
    /// Whether users who are new to their browser confirm that it is them.
    pub(super) fn confirm_users(&self) -> bool {
        self.sign_in.is_bare && !self.allows_login_csrf
    }

    /// The rules, and the gateway interval in seconds.
    pub(super) fn check(&self) -> Result<(Rules, UnixSeconds), ConfigError> {
        let rules = Rules::new(self.list.clone())?;
        if self.sign_in.is_renewed && rules.have_gateway() {
            return Err(ConfigError::InvalidRule {
                reason: "signs in without a form where every sign-in asks for credentials",
            });
        }
        if self.sign_in.is_bare && rules.have_gateway() {
            return Err(ConfigError::InvalidRule {
                reason: "signs in without a form where the service URL is bare and cannot say so",
            });
        }
        if self.sign_in.is_bare && self.sign_in.is_by_post {
            return Err(ConfigError::PostWithBareServiceUrl);
        }
        let gateway_interval = self.gateway_interval.as_secs();
        if !(1..=3600).contains(&gateway_interval) {
            return Err(ConfigError::InvalidDuration {
                what: "gateway interval",
                value: self.gateway_interval,
                reason: "is shorter than a second or longer than an hour",
            });
        }
        Ok((rules, gateway_interval))
    }
}

impl CasConfigBuilder {
    /// Makes one path public, relative to the app URL and decoded: visitors get there without
    /// signing in, and if they have signed in, the user is known there too. Everything that is not
    /// public requires a user.
    pub fn public(mut self, path: impl Into<String>) -> Self {
        self.rules.list.push((Paths::exact(path), Access::public()));
        self
    }

    /// Makes a path and all below it public. It ends at a segment: `/static` covers `/static/a.css`
    /// and not `/statics`.
    ///
    /// A path that could be read in two ways (dot or empty segments or others of dots and white space alone, `;`,
    /// `\`, an encoded slash or letter) is never public.
    pub fn public_prefix(mut self, path: impl Into<String>) -> Self {
        self.rules
            .list
            .push((Paths::prefix(path), Access::public()));
        self
    }

    /// Says what paths ask of their visitors. Rules are looked at in the order in which they were given,
    /// those of [`public`](Self::public) and [`public_prefix`](Self::public_prefix) among them, and the first that
    /// covers a path counts. A path without a rule requires a user.
    ///
    /// Rules see the decoded path and never the query. The path of a request is judged as a whole, before the path
    /// of the app URL is taken off. One that could be read in two ways is covered by no rule, and neither is one
    /// outside of the app URL: both require a user, and as soon as one rule asks for more than a user they are
    /// answered with 404.
    ///
    /// A rule that stands before the one that counts, and asks for more, also covers its paths in
    /// [loose spellings](Paths#loose-spellings): the path then asks for what the stricter one does, and where several ask
    /// for more than a user, for all of that. `gateway` asks for more than `optional`, and that for more than
    /// `public`. So put the stricter of two rules first. One that stands behind a rule for the path as it is written
    /// never counts, however the path is spelled.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cas_layer::{Access, CasConfig, Key, Paths};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .rule(Paths::exact("/"), Access::gateway())
    ///     .rule(Paths::prefix("/static"), Access::public())
    ///     .rule(Paths::prefix("/admin"), Access::required().any_of("memberOf", ["admin"]))
    ///     .rule(
    ///         Paths::pattern("/users/{id}/password"),
    ///         Access::required().fresh(Duration::from_secs(60)),
    ///     )
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn rule(mut self, paths: Paths, access: Access) -> Self {
        self.rules.list.push((paths, access));
        self
    }

    /// How long a visitor who was sent to the CAS server by an [`Access::gateway`] path, and came back without
    /// having signed in there, is not sent again, in whole seconds. The default value is 10 minutes; at least 1
    /// second and at most 1 hour. It counts from a sign-out too.
    pub fn gateway_interval(mut self, interval: Duration) -> Self {
        self.rules.gateway_interval = interval;
        self
    }

    /// Makes every sign-in ask for credentials, single sign-on or not (`renew`, CAS protocol 2.1.1): sent to
    /// the login page and to validation. The default is not to. For single paths there is
    /// [`Access::fresh`].
    pub fn renew(mut self, renew: bool) -> Self {
        self.rules.sign_in.is_renewed = renew;
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
    /// Nothing in the URL says for which login a ticket is, so a browser that has begun any login takes any ticket. Another
    /// site can open this app there, so that a login begins, and then have it come back with a ticket of its owner's: the
    /// visitor would work under a foreign name (login CSRF). Therefore a sign-in as somebody else than who
    /// signed in last in the browser, or as the first, has to be confirmed: the user gets a page that names
    /// whom they are about to be signed in as ([`PageKind::ConfirmationNeeded`](crate::PageKind::ConfirmationNeeded)) and counts
    /// as a visitor until they press its button, which they have 10 minutes for. No other site can press it for them. An
    /// ordinary user sees the page once in a browser: the login cookie remembers who has signed in there last, as a keyed hash
    /// of the name, for a year after the last sign-in.
    ///
    /// What remains: a visitor who confirms a name that is not theirs is signed in under it; and a program that
    /// asks for no HTML cannot confirm anything, so it cannot sign in. Over plain http, whoever can set cookies for the
    /// host can make a browser know a foreign user.
    ///
    /// Page and answer have to come to nodes that share a [registry](Self::registry).
    pub fn bare_service_url(mut self, bare: bool) -> Self {
        self.rules.sign_in.is_bare = bare;
        self
    }

    /// Signs in without asking whoever comes back with a ticket, where the service URL is
    /// [bare](Self::bare_service_url). The default is that a user who is new to the browser confirms that it is them. Without
    /// a bare service URL nobody is asked, and this changes nothing.
    ///
    /// # Security
    /// Any site can sign a visitor in under the name of an account of its own, without their notice (login CSRF): what they
    /// then upload, type or buy goes to that account.
    pub fn allow_login_csrf(mut self, allow: bool) -> Self {
        self.rules.allows_login_csrf = allow;
        self
    }

    /// Asks the CAS server to have the browser post the ticket (`method=POST`, CAS protocol 2.1.1), so that it stands
    /// in no URL: not in the logs of a proxy, nor in the browser's history. The default is the redirect with the
    /// ticket in its query. Servers that do not know this answer with that redirect, which is taken as well; so is
    /// the way back from an [`Access::gateway`], which is never asked to be by `POST`.
    ///
    /// [`build`](Self::build) refuses it for an app URL that is not https, loopback or not, and together with
    /// [`bare_service_url`](Self::bare_service_url). Without it a `POST` with a ticket gets 400. A
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
        self.rules.sign_in.is_by_post = by_post;
        self
    }
}
