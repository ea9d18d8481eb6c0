//! How long sessions last, what they carry, and what their cookie is like.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{
    error::ConfigError,
    registry::Registry,
    session::{Content, Lifetimes, NewSession, SessionPlace, UserName, Veto},
};

const HOUR: u64 = 3600;

/// A session must end some day, and its times must fit into numbers.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * HOUR);

const DEFAULT_IDLE: Duration = Duration::from_secs(2 * HOUR);

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
    pub(super) leaves_cache_control: bool,
    content: Content,
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
            leaves_cache_control: false,
            content: Content::default(),
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
    /// it was. `map` is called once for each sign-in, where requests are served, so it must not block.
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
        map: impl Fn(&mut NewSession<'_>) -> Result<(), Veto> + Send + Sync + 'static,
    ) -> Self {
        self.content.map = Some(Arc::new(map));
        self
    }

    /// Whether only the app can read its session cookie.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypted || self.place == SessionPlace::Registry
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
        Ok(self.content.clone())
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
