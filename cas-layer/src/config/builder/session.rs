//! How long sessions last, what they carry, and what their cookie is like.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{
    app::Frames,
    error::ConfigError,
    registry::Registry,
    session::{
        Admit, Content, Lifetimes, NewSession, NotAdmitted, SessionPlace, UserName, VERIFIED_BYTES,
        Veto,
    },
};

const HOUR: u64 = 3600;

/// A session must end some day, and its times must fit into numbers.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * HOUR);

const DEFAULT_IDLE: Duration = Duration::from_secs(2 * HOUR);

const DEFAULT_ADMIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Nobody waits for longer.
const MAX_ADMIT_TIMEOUT: Duration = Duration::from_secs(60);

/// What [`CasConfigBuilder::session`](crate::CasConfigBuilder::session) changes: how long a session lasts, which
/// attributes and which user name it carries, and what its cookie is like.
#[derive(Debug)]
#[must_use]
pub struct SessionOptions {
    lifetime: Duration,
    idle: Idle,
    remembered: Option<Duration>,
    pub(super) cookie_name: Option<String>,
    pub(super) persistent: bool,
    encrypted: bool,
    pub(super) place: SessionPlace,
    pub(super) cookie_cache: usize,
    pub(super) leaves_cache_control: bool,
    framed_by: Vec<String>,
    content: Content,
    admit_timeout: Duration,
}

/// The default may be longer than a session. A chosen time may not.
#[derive(Debug)]
enum Idle {
    Default,
    After(Duration),
    Never,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(8 * HOUR),
            idle: Idle::Default,
            remembered: None,
            cookie_name: None,
            persistent: false,
            encrypted: false,
            place: SessionPlace::default(),
            cookie_cache: VERIFIED_BYTES,
            leaves_cache_control: false,
            framed_by: Vec::new(),
            content: Content::default(),
            admit_timeout: DEFAULT_ADMIT_TIMEOUT,
        }
    }
}

impl SessionOptions {
    /// How long a session lasts from sign-in, used or not, in whole seconds. The default value is 8 hours. At least 1
    /// second and at most 366 days.
    ///
    /// A shorter lifetime applies to open sessions too, a longer one only to new sessions.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long an unused session lasts, in whole seconds. The default value is 2 hours. At least 1 second and at
    /// most the [session lifetime](Self::lifetime). With `None`, a session lasts for its lifetime, used or not.
    ///
    /// A session is in use when it comes with a request for a path that is not public. The cookie is renewed at
    /// most once in a tenth of this time. So a session ends at the latest this time after its last use, and at the
    /// earliest nine tenths of it. A page that keeps asking the app for news keeps its session in use.
    ///
    /// The layer never sends the new cookie where a shared cache might keep it: on a response that says `public` or
    /// `s-maxage` in its `Cache-Control`, or has a `CDN-Cache-Control`. If `Cache-Control` says neither `private` nor
    /// `no-store`, the layer adds `private`. With [`leave_cache_control`](Self::leave_cache_control) it sends no
    /// cookie in that case.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle = timeout.into().map_or(Idle::Never, Idle::After);
        self
    }

    /// Gives "remember me" logins a lifetime of their own, in whole seconds. These are logins for which the CAS
    /// server says `longTermAuthenticationRequestTokenUsed` (CAS protocol 2.5.5). Their sessions last that long, used
    /// or not. By default, such a login is like any other. At least 1 second and at most 366 days.
    ///
    /// To outlast the browser it needs a [persistent cookie](Self::persistent).
    pub fn remember_me_lifetime(mut self, lifetime: Duration) -> Self {
        self.remembered = Some(lifetime);
        self
    }

    /// Lets the browser keep the session cookie until the session ends (`Max-Age`). By default, the cookie goes when
    /// the browser is closed. Many browsers bring it back with the tabs that were open.
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Encrypts the session cookie (XChaCha20-Poly1305), so that the person at the browser cannot read what it
    /// carries. By default, the cookie is only signed.
    ///
    /// The layer reads both forms in any case, so you can switch this on and off without signing anyone out.
    pub fn encrypted(mut self, encrypt: bool) -> Self {
        self.encrypted = encrypt;
        self
    }

    /// Where the user's attributes are: in the cookie, or in the registry if they are too large for it, which is the
    /// default; in the cookie alone; or in the registry alone, so that the cookie is small and tells nothing.
    ///
    /// The app may change this at any time. Sessions that are open stay where they are.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key, SessionPlace};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| session.place(SessionPlace::Registry))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn place(mut self, place: SessionPlace) -> Self {
        self.place = place;
        self
    }

    /// The base of the cookie names. The default value is `cas-` and a short hash of the app URL and
    /// the CAS server URL, so that two apps on one host do not meet. The layer adds `-session` or
    /// `-login`, and the prefix `__Host-` on https.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = Some(name.into());
        self
    }

    /// How much memory session cookies that this process has verified may take with their sessions and attributes, in
    /// bytes, about. The default value is 16 MiB for all hosts of the app together, which is room for about 10,000 small
    /// sessions. More than 1 GiB does not count. With 0, each cookie is verified on each request.
    ///
    /// A cookie that comes again, byte for byte, need not be verified again. Whether its session has expired or ended, how
    /// long it was unused, and whatever else can change is looked up on every request all the same. A cookie is kept here
    /// when it comes for the second time. It goes when it comes to be renewed, when it comes after the end of its session,
    /// or within a minute after that end while other requests come to the same host. Then cookie, payload and
    /// proxy-granting ticket are wiped.
    pub fn cookie_cache(mut self, bytes: usize) -> Self {
        self.cookie_cache = bytes;
        self
    }

    /// Leaves `Cache-Control` alone. By default, a response of a path that is not public gets `private, no-store`
    /// if the app says nothing.
    ///
    /// # Security
    /// The app must then itself keep users' pages out of shared caches, and out of the history of a browser that has
    /// signed out. A session stays in use only through responses on which the app says `private` or `no-store`; see
    /// [`idle_timeout`](Self::idle_timeout).
    pub fn leave_cache_control(mut self, leave: bool) -> Self {
        self.leaves_cache_control = leave;
        self
    }

    /// Lets users work with the app in a frame of these origins, such as `https://portal.example.org`, which are other
    /// sites than the app's. The default is an empty list: browsers then send no cookies of the app in such a frame. A
    /// portal of the app's own site, so with the same registrable domain, needs no setting. The guide's page on
    /// [frames](crate::guide::frames) says what browsers and CAS servers forbid all the same.
    ///
    /// - The cookies become `SameSite=None; Secure; Partitioned`. The browser keeps them apart for each site that has the app in a
    ///   frame, and for the app in a tab of its own. So a user signs in once in each of these. The cookies have other names
    ///   than without the setting: whoever switches it on or off signs everybody out.
    /// - Every response says `frame-ancestors 'self'` and these origins, in a `Content-Security-Policy` besides those of the
    ///   app. Browsers then ignore `X-Frame-Options`.
    /// - The logout path answers 403 if another site asks for it in a frame, or behind the user's back.
    ///
    /// [`build`](crate::CasConfigBuilder::build) refuses what is not an origin, a wildcard, and an origin or an app URL on
    /// plain http that is not on loopback.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| session.framed_by(["https://portal.example.com"]))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    ///
    /// # Security
    /// Pages of other sites can make the browser send the cookies now. So a session counts only if
    /// - the method is `GET`, `HEAD` or `OPTIONS`, and the browser does not say that another site asks for something that is not
    ///   a page (`Sec-Fetch-Site`, or else `Origin`), or
    /// - the request comes from a page of the app itself: same scheme, host and port.
    ///
    /// To any other request the layer answers as if it had come without a session. Some browsers send no `Sec-Fetch-*`
    /// (Safari before 16.4, Firefox before 90). They know no partitioned cookies, and there a `GET` for an image or a script
    /// counts, whichever site asks for it. A page that changes something on `GET` can be made to do so by any site.
    ///
    /// Whoever may frame the app can put things over it. Name only origins that you trust as much as the app.
    pub fn framed_by(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.framed_by = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps all attributes out of the session. What [`CasUser`](crate::CasUser) says of the sign-in itself stays,
    /// such as its `authentication_date`.
    pub fn no_attributes(self) -> Self {
        self.only_attributes(std::iter::empty::<String>())
    }

    /// Keeps only these attributes in the session, by the names under which the CAS server sends them. By default,
    /// all are kept. If this method is called more than once, the last call applies.
    ///
    /// Fewer attributes make a smaller [cookie](Self::place).
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| {
    ///         session
    ///             .only_attributes(["urn:oid:0.9.2342.19200300.100.1.3", "memberOf"])
    ///             .rename_attribute("urn:oid:0.9.2342.19200300.100.1.3", "mail")
    ///     })
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn only_attributes(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: HashSet<String> = names.into_iter().map(Into::into).collect();
        self.content.only = Some(names);
        self
    }

    /// Gives an attribute another name: `from` is the CAS server's, `to` the app's. Attributes that get the same name
    /// become one list, in the order in which the server sent them.
    pub fn rename_attribute(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.content.renamed.insert(from.into(), to.into());
        self
    }

    /// How the user name is written. The default is [`UserName::AsIs`].
    pub fn user_name(mut self, user_name: UserName) -> Self {
        self.content.user_name = user_name;
        self
    }

    /// Looks at every session before it opens. `map` may change user name and attributes. They have already been
    /// chosen, renamed and written as configured. `map` also sees everything that the CAS server said.
    ///
    /// A [`Veto`] signs nobody in: the user gets a 403 with the reason, and the browser's previous session stays as
    /// it was. `map` is called once for each sign-in, where requests are served, so it must not block. What has to wait for
    /// something belongs into [`admit`](Self::admit).
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key, Veto};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| {
    ///         session.map(|new| {
    ///             if !new.attributes().contains("memberOf", "staff") {
    ///                 return Err(Veto::new("Only staff may sign in."));
    ///             }
    ///             if let Some(name) = new.name().strip_suffix("@example.org") {
    ///                 let name = name.to_owned();
    ///                 new.set_name(name);
    ///             }
    ///             new.attributes_mut().remove("memberOf");
    ///             Ok(())
    ///         })
    ///     })
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn map(
        mut self,
        map: impl Fn(&mut NewSession) -> Result<(), Veto> + Send + Sync + 'static,
    ) -> Self {
        self.content.map = Some(Arc::new(map));
        self
    }

    /// Does the app's own work before a session opens: looks the user up in a database or a directory, adds what the app
    /// knows about them, or turns them away. Whatever the hook returns is the session: it is in
    /// [`CasUser`](crate::CasUser) from the first page on, lasts as long as the session, and counts in
    /// [rules](crate::Access).
    ///
    /// It comes after [`map`](Self::map), if `map` has not refused the user, and before everything else: a
    /// [confirmation](crate::SignInOptions::bare_service_url) is asked for later, with the name that the hook returned. It is
    /// called once for each ticket for which the CAS server vouches. Under a [`CasApiLayer`](crate::CasApiLayer), that is each
    /// request with a ticket.
    ///
    /// | the hook | the visitor gets | [`RefusedReason`](crate::RefusedReason) |
    /// | --- | --- | --- |
    /// | returns the session | the page that they asked for | |
    /// | returns a [`Veto`] | 403, with the reason | `Vetoed` |
    /// | returns another error | 503, with `Retry-After` | `AdmissionFailed` |
    /// | takes longer than [`admit_timeout`](Self::admit_timeout) | 503, with `Retry-After` | `AdmissionTimedOut` |
    /// | panics | 500 | `AdmissionPanicked` |
    ///
    /// In all but the first case nobody is signed in, and the browser's previous session stays as it was. The log has the text
    /// of an error, so no secret must be in it.
    ///
    /// If the browser goes away meanwhile, the hook still runs to its end. A reload that comes by then gets its result. If
    /// nobody comes back, no session opens. A session does not open either if its single logout came meanwhile. So what the hook did to a
    /// database does not prove that its user has signed in.
    ///
    /// The hook must wait for what takes time, and not block: no time limit helps against that. Its future must be `Send` and
    /// own what it uses, so give it a clone of a pool.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key, NewSession, NotAdmitted, Veto};
    ///
    /// # #[derive(Clone)]
    /// # struct Users;
    /// # struct User { id: u64, is_blocked: bool, roles: Vec<String> }
    /// # impl Users {
    /// #     async fn find(&self, name: &str) -> Result<User, std::io::Error> {
    /// #         Ok(User { id: 1, is_blocked: name == "mallory", roles: Vec::new() })
    /// #     }
    /// # }
    /// async fn admit(users: Users, mut new: NewSession) -> Result<NewSession, NotAdmitted> {
    ///     let user = users.find(new.name()).await?; // an error of the app's own: a 503
    ///     if user.is_blocked {
    ///         return Err(Veto::new("Your account is blocked.").into());
    ///     }
    ///     new.attributes_mut().set("id", [user.id.to_string()]);
    ///     new.attributes_mut().set("role", user.roles);
    ///     Ok(new)
    /// }
    ///
    /// # let users = Users;
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .session(|session| session.admit(move |new| admit(users.clone(), new)))
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    ///
    /// # Security
    /// [`Attributes::set`](crate::Attributes::set) replaces what the CAS server may have sent under the same name. After
    /// `push`, rules would count both.
    ///
    /// The example `database` does this with sqlx.
    pub fn admit<F>(mut self, admit: impl Fn(NewSession) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<NewSession, NotAdmitted>> + Send + 'static,
    {
        self.content.admit = Some(Admit::new(admit, DEFAULT_ADMIT_TIMEOUT));
        self
    }

    /// How long [`admit`](Self::admit) may take. The default value is 10 seconds. At least 1 millisecond and at most
    /// a minute: visitors and reverse proxies do not wait for longer. A future that has not ended by then is dropped.
    pub fn admit_timeout(mut self, timeout: Duration) -> Self {
        self.admit_timeout = timeout;
        self
    }

    /// Whether only the app can read its session cookie.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypted || self.place == SessionPlace::Registry
    }

    /// Whether pages of other sites have the app in a frame.
    pub(super) fn is_framed(&self) -> bool {
        !self.framed_by.is_empty()
    }

    pub(super) fn frames(&self) -> Result<Option<Frames>, ConfigError> {
        Frames::by(&self.framed_by)
    }

    pub(super) fn check_place(&self, registry: &dyn Registry) -> Result<(), ConfigError> {
        if self.place == SessionPlace::Registry && registry.storage().is_none() {
            return Err(ConfigError::NoStorage);
        }
        Ok(())
    }

    /// How long sessions last, and what they carry.
    pub(super) fn check(&self) -> Result<(Lifetimes, Content), ConfigError> {
        Ok((self.lifetimes()?, self.content()?))
    }

    fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        let idle = match self.idle {
            Idle::Default => Some(DEFAULT_IDLE.as_secs()),
            Idle::After(idle) if idle > self.lifetime => {
                return Err(ConfigError::InvalidDuration {
                    what: "idle timeout",
                    value: idle,
                    reason: "is longer than the session lifetime",
                });
            }
            Idle::After(idle) => Some(seconds("idle timeout", idle)?),
            Idle::Never => None,
        };
        Ok(Lifetimes {
            session: seconds("session lifetime", self.lifetime)?,
            idle,
            remembered: self
                .remembered
                .map(|lifetime| seconds("remember-me lifetime", lifetime))
                .transpose()?,
        })
    }

    fn content(&self) -> Result<Content, ConfigError> {
        if let Some(only) = &self.content.only
            && let Some(name) = self
                .content
                .renamed
                .keys()
                .find(|name| !only.contains(*name))
        {
            return Err(ConfigError::InvalidAttribute {
                name: name.clone(),
                reason: "is renamed but not chosen: choose it by the name that the CAS server sends",
            });
        }
        let timeout = self.admit_timeout;
        ConfigError::check_duration(
            "admit timeout",
            timeout,
            &[
                (
                    timeout < Duration::from_millis(1),
                    "is shorter than a millisecond",
                ),
                (timeout > MAX_ADMIT_TIMEOUT, "is longer than a minute"),
            ],
        )?;
        let mut content = self.content.clone();
        if let Some(admit) = &mut content.admit {
            admit.limit = timeout;
        }
        Ok(content)
    }
}

fn seconds(what: &'static str, value: Duration) -> Result<u64, ConfigError> {
    ConfigError::check_duration(
        what,
        value,
        &[
            (value < Duration::from_secs(1), "is shorter than a second"),
            (value > MAX_LIFETIME, "is longer than 366 days"),
        ],
    )?;
    Ok(value.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasConfig, CasConfigBuilder, Key};

    const SECOND: Duration = Duration::from_secs(1);

    fn builder() -> CasConfigBuilder {
        CasConfig::builder("https://cas.example.org", "https://app.example.org")
            .key(Key::generate())
    }

    fn lifetimes(builder: CasConfigBuilder) -> (u64, Option<u64>, Option<u64>) {
        let built = builder.build().unwrap().first_host().app.lifetimes;
        (built.session, built.idle, built.remembered)
    }

    #[test]
    fn a_session_lasts_eight_hours_and_two_unused_unless_told_otherwise() {
        assert_eq!(lifetimes(builder()), (28_800, Some(7_200), None));
        let told = builder().session(|session| {
            session
                .lifetime(MAX_LIFETIME)
                .idle_timeout(Duration::from_millis(1_999))
                .remember_me_lifetime(SECOND)
        });
        assert_eq!(lifetimes(told), (31_622_400, Some(1), Some(1)));
        let never = builder().session(|session| session.idle_timeout(SECOND).idle_timeout(None));
        assert_eq!(lifetimes(never), (28_800, None, None));
    }

    #[test]
    fn durations_that_are_zero_or_too_long_are_refused() {
        let too_long = MAX_LIFETIME + SECOND;
        for bad in [
            Duration::ZERO,
            Duration::from_millis(999),
            too_long,
            Duration::MAX,
        ] {
            for (setting, expected) in [
                (
                    builder().session(|session| session.lifetime(bad).idle_timeout(None)),
                    "session lifetime",
                ),
                (
                    builder().session(|session| session.idle_timeout(bad)),
                    "idle timeout",
                ),
                (
                    builder().session(|session| session.remember_me_lifetime(bad)),
                    "remember-me lifetime",
                ),
            ] {
                let error = setting.build().unwrap_err();
                assert!(
                    matches!(error, ConfigError::InvalidDuration { what, .. } if what == expected),
                    "{bad:?}: {error}"
                );
            }
        }
    }

    #[test]
    fn the_apps_own_work_has_a_time_limit_of_ten_seconds_unless_told_otherwise() {
        let with = |timeout: Option<Duration>| {
            builder().session(|session| {
                // What is called first does not matter.
                let session = match timeout {
                    Some(timeout) => session.admit_timeout(timeout),
                    None => session,
                };
                session.admit(async |session| Ok(session))
            })
        };
        let limit = |timeout| {
            let built = with(timeout).build().unwrap();
            built.first_host().app.content.admit.as_ref().unwrap().limit
        };
        assert_eq!(limit(None), 10 * SECOND);
        assert_eq!(limit(Some(60 * SECOND)), 60 * SECOND);
        for bad in [Duration::ZERO, 61 * SECOND, Duration::MAX] {
            let error = with(Some(bad)).build().unwrap_err();
            assert!(
                matches!(
                    error,
                    ConfigError::InvalidDuration {
                        what: "admit timeout",
                        ..
                    }
                ),
                "{bad:?}: {error}"
            );
        }
    }

    #[test]
    fn an_idle_timeout_that_never_comes_is_refused_but_the_default_gives_way() {
        let short = || builder().session(|session| session.lifetime(Duration::from_secs(600)));
        let error = short()
            .session(|session| session.idle_timeout(Duration::from_secs(601)))
            .build();
        assert_eq!(
            error.unwrap_err().to_string(),
            "idle timeout of 601s: is longer than the session lifetime"
        );
        let equal = short().session(|session| session.idle_timeout(Duration::from_secs(600)));
        assert_eq!(lifetimes(equal), (600, Some(600), None));
        assert_eq!(lifetimes(short()), (600, Some(7_200), None));
    }

    #[test]
    fn an_attribute_that_is_renamed_but_not_chosen_is_a_mistake() {
        let renamed = || builder().session(|session| session.rename_attribute("urn:mail", "mail"));
        assert!(renamed().build().is_ok());
        assert!(
            renamed()
                .session(|session| session.only_attributes(["urn:mail"]))
                .build()
                .is_ok()
        );
        for mistaken in [
            renamed().session(|session| session.only_attributes(["mail"])),
            renamed().session(SessionOptions::no_attributes),
        ] {
            let error = mistaken.build().unwrap_err();
            assert!(
                matches!(&error, ConfigError::InvalidAttribute { name, .. } if name == "urn:mail"),
                "{error}"
            );
        }
    }
}
