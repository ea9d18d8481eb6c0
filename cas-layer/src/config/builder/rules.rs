//! What paths ask of their visitors.

use super::CasConfigBuilder;
use crate::rules::{Access, Paths};

impl CasConfigBuilder {
    /// Makes one path public, relative to the app URL and decoded: visitors get there without
    /// signing in, and if they have signed in, the user is known there too. Everything that is not
    /// public requires a user.
    ///
    /// The short form of [`rule`](Self::rule) with [`Paths::exact`] and [`Access::public`].
    pub fn public(self, path: impl Into<String>) -> Self {
        self.rule(Paths::exact(path), Access::public())
    }

    /// Makes a path and all below it public. It ends at a segment: `/static` covers `/static/a.css`
    /// and not `/statics`.
    ///
    /// A path that could be read in two ways (dot or empty segments or others of dots and white space alone, `;`,
    /// `\`, an encoded slash or letter) is never public.
    ///
    /// The short form of [`rule`](Self::rule) with [`Paths::prefix`] and [`Access::public`].
    pub fn public_prefix(self, path: impl Into<String>) -> Self {
        self.rule(Paths::prefix(path), Access::public())
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
        self.settings.rules.push((paths, access));
        self
    }
}
