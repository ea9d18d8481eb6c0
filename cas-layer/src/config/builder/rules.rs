//! What paths require.

use super::CasConfigBuilder;
use crate::rules::{Access, Paths};

impl CasConfigBuilder {
    /// Makes one path public, relative to the app URL and decoded. Visitors can open it without signing in, and the
    /// app still knows users who are signed in. Every path without a rule requires a user.
    ///
    /// This is short for [`rule`](Self::rule) with [`Paths::exact`] and [`Access::public`].
    pub fn public(self, path: impl Into<String>) -> Self {
        self.rule(Paths::exact(path), Access::public())
    }

    /// Makes a path and everything below it public. The prefix ends at a segment: `/static` covers `/static/a.css`
    /// and not `/statics`.
    ///
    /// A path that could be read in two ways is never public: one with dot segments, empty segments or segments of
    /// only dots and white space, with `;` or `\`, or with an encoded slash or letter.
    ///
    /// This is short for [`rule`](Self::rule) with [`Paths::prefix`] and [`Access::public`].
    pub fn public_prefix(self, path: impl Into<String>) -> Self {
        self.rule(Paths::prefix(path), Access::public())
    }

    /// Says what paths require. The first rule that covers a path applies, in the order of the calls;
    /// [`public`](Self::public) and [`public_prefix`](Self::public_prefix) add rules too. A path without a rule
    /// requires a user.
    ///
    /// Rules see the decoded path and never the query. The layer judges the path of a request as a whole, before it
    /// takes off the path of the app URL. No rule covers a path that could be read in two ways, or a path outside of
    /// the app URL. Such a path requires a user. As soon as one rule asks for more than a user, it is answered with
    /// 404.
    ///
    /// A rule that comes before the rule that applies, and asks for more, also covers its paths in [loose
    /// spellings](Paths#loose-spellings). Such a spelling requires what the stricter rule asks. If several rules ask
    /// for more than a user, it requires what all of them ask. `gateway` asks for more than `optional`, and
    /// `optional` asks for more than `public`. So put the stricter of two rules first. A rule behind one that covers
    /// the path as it is written never applies, however the path is spelled.
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
