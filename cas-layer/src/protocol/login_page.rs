//! What the CAS server's login page is asked for besides a ticket.

use crate::language_tag::LanguageTag;

/// Parameters that change what a user sees at the login page, and for how long the CAS server knows them. The protocol
/// defines the first two for the login form (2.2.1, 2.2.2). The third is Apereo's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoginPage {
    /// `warn`: nobody is signed in without a page that says so.
    pub(crate) warns: bool,
    /// `rememberMe`: the session at the CAS server lasts longer.
    pub(crate) remembers: bool,
    /// `locale`: the language of the page.
    pub(crate) locale: Option<LanguageTag>,
}

impl LoginPage {
    pub(crate) const WARN: &str = "warn";
    pub(crate) const REMEMBER_ME: &str = "rememberMe";
    pub(crate) const LOCALE: &str = "locale";

    /// The same, and what one login asks for besides.
    pub(crate) fn with(&self, login: &Self) -> Self {
        Self {
            warns: self.warns || login.warns,
            remembers: self.remembers || login.remembers,
            locale: login.locale.as_ref().or(self.locale.as_ref()).cloned(),
        }
    }

    /// As parameters of the login page.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let flag = |is_set: bool, name| is_set.then_some((name, "true"));
        let locale = self.locale.as_ref();
        [
            flag(self.warns, Self::WARN),
            flag(self.remembers, Self::REMEMBER_ME),
            locale.map(|tag| (Self::LOCALE, tag.as_str())),
        ]
        .into_iter()
        .flatten()
    }
}
