//! What the layer's own pages are like.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::Response;

use crate::{
    error::ConfigError,
    pages::{Page, PageContext, PageLanguage, Pages, Render, Style},
};

/// What [`CasConfigBuilder::pages`](crate::CasConfigBuilder::pages) changes: what the layer's own pages for browsers are like.
#[derive(Default)]
#[must_use]
pub struct PageOptions {
    style: Style,
    own_languages: Vec<PageLanguage>,
    languages: Option<Vec<String>>,
    render: Option<Arc<Render>>,
}

impl PageOptions {
    /// The name of the app, which stands above each page and in its title. Plain text of at most 200 bytes.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key};
    ///
    /// const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
    ///     <circle cx="16" cy="16" r="14" fill="#7a1f3d"/></svg>"##;
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .pages(|pages| {
    ///         pages
    ///             .name("Library of Example University")
    ///             .logo(LOGO)
    ///             .accent("#7a1f3d")
    ///             .support("mailto:library@example.org")
    ///     })
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.style.name = Some(name.into());
        self
    }

    /// A logo above each page: an `<svg>` element with a `viewBox`. It may have shapes, texts and gradients. Scripts, event
    /// attributes, CSS, images and references to other documents are refused. Without a [name](Self::name) beside it, it
    /// needs a `<title>`.
    ///
    /// # Security
    /// It becomes a part of the page, so take it from people whom you trust.
    pub fn logo(mut self, svg: impl Into<String>) -> Self {
        self.style.logo = Some(svg.into());
        self
    }

    /// The colour of the button, `#rgb` or `#rrggbb`. Its text is black or white, whichever can be read better.
    pub fn accent(mut self, color: impl Into<String>) -> Self {
        self.style.accent = Some(color.into());
        self
    }

    /// Where visitors get help: `mailto:` and an address, or an https URL.
    pub fn support(mut self, address: impl Into<String>) -> Self {
        self.style.support = Some(address.into());
        self
    }

    /// Adds a language, or replaces texts of a built-in one: see [`PageLanguage`].
    pub fn language(mut self, language: PageLanguage) -> Self {
        self.own_languages.push(language);
        self
    }

    /// Which languages the pages have, by their tags. A visitor gets the one that their browser prefers
    /// (`Accept-Language`), and the first of these if it asks for none of them. By default, it is all built-in languages and
    /// those that were [added](Self::language), with English as the first.
    pub fn languages(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.languages = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Renders the pages by a function of the app, which is told what to say and [for whom](PageContext). If it returns
    /// `None`, the layer renders the page. The layer always sets the status, `Cache-Control` and `Referrer-Policy` itself,
    /// and adds `Vary: Accept-Language`.
    ///
    /// # Security
    /// Escape [`Page::link`], [`Page::other_link`], [`Page::code`], [`Page::veto`], [`Page::cause`], the name and the form
    /// target of a [`Page::confirmation`], and whatever comes from the [`PageContext`]. A page with a confirmation is of no use without its form.
    ///
    /// ```
    /// use cas_layer::{CasConfig, Key, PageKind};
    ///
    /// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
    ///     .key(Key::generate())
    ///     .pages(|pages| {
    ///         pages.rendered_by(|page, context| {
    ///             let is_french = context.language().tag() == "fr";
    ///             (page.kind() == PageKind::LoggedOut && is_french)
    ///                 .then(|| http::Response::new("<h1>À bientôt !</h1>".into()))
    ///         })
    ///     })
    ///     .build()?;
    /// # Ok::<(), cas_layer::ConfigError>(())
    /// ```
    pub fn rendered_by(
        mut self,
        render: impl Fn(&Page, &PageContext) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        self.render = Some(Arc::new(render));
        self
    }

    /// `may_be_framed`: whether the app lets others frame its pages. Each answer says who they are.
    pub(super) fn check(self, may_be_framed: bool) -> Result<Pages, ConfigError> {
        let style = Style {
            may_be_framed,
            ..self.style
        };
        let languages = self.languages.as_deref();
        Pages::new(self.render, self.own_languages, languages, style)
    }
}

/// A closure has nothing to show.
impl fmt::Debug for PageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageOptions")
            .field("style", &self.style)
            .field("languages", &self.languages)
            .finish_non_exhaustive()
    }
}
