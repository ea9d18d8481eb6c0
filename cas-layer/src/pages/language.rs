//! A language of the pages, with what the app says in other words.

use super::{
    kind::PageKind,
    texts::{BUILT_IN, ENGLISH},
    translation::{PagePhrase, Translation},
};
use crate::{error::ConfigError, language_tag::is_language_tag};

/// The longest text, in bytes.
const MAX_TEXT: usize = 2_000;

/// A language of the layer's own pages, for [`PageOptions::language`](crate::PageOptions::language): a new one, or a
/// built-in one with some texts in the app's own words.
///
/// The built-in languages are `en`, `de`, `fr`, `es`, `it`, `pt`, `nl`, `ca`, `gl`, `el`, `pl`, `ja`, `zh-Hans` and `ar`.
///
/// ```
/// use cas_layer::{CasConfig, Key, PageKind, PageLanguage, PagePhrase};
///
/// let german = PageLanguage::new("de")
///     .page(
///         PageKind::NotAllowed,
///         "Kein Zugriff",
///         "Ihre Kennung ist für diesen Dienst nicht freigeschaltet.",
///         "Bitte wenden Sie sich an den Service Desk.",
///     )
///     .phrase(PagePhrase::SignIn, "Mit Uni-Kennung anmelden");
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
///     .key(Key::generate())
///     .pages(|pages| pages.language(german))
///     .build()?;
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PageLanguage {
    tag: String,
    is_right_to_left: bool,
    /// What it says where the app says nothing else.
    base: &'static Translation,
    pages: Vec<(PageKind, Said)>,
    phrases: Vec<(PagePhrase, String)>,
}

#[derive(Clone, Debug)]
struct Said {
    title: String,
    text: String,
    advice: String,
}

impl PageLanguage {
    /// The language with this tag (BCP 47): `eu`, `de`, `pt-BR`. It begins with the texts of the built-in language of this
    /// tag or of its beginning (`pt` for `pt-BR`), and with the English ones if there is none. `zh-Hans` is for visitors who ask for `zh`, `zh-CN` or `zh-SG`.
    pub fn new(tag: impl Into<String>) -> Self {
        let tag = tag.into();
        let mut wanted = tag.as_str();
        let built_in = loop {
            let found = BUILT_IN
                .iter()
                .find(|it| it.tag.eq_ignore_ascii_case(wanted));
            match (found, wanted.rsplit_once('-')) {
                (None, Some((shorter, _))) => wanted = shorter,
                (found, _) => break found,
            }
        };
        Self {
            is_right_to_left: built_in.is_some_and(|it| it.is_right_to_left),
            base: built_in.copied().unwrap_or(&ENGLISH),
            tag,
            pages: Vec::new(),
            phrases: Vec::new(),
        }
    }

    /// The built-in language.
    pub(super) fn of(base: &'static Translation) -> Self {
        Self::new(base.tag)
    }

    /// Whether the language is written from right to left. By default, only `ar` is.
    pub fn right_to_left(mut self, is_right_to_left: bool) -> Self {
        self.is_right_to_left = is_right_to_left;
        self
    }

    /// Replaces the texts of one page: its title, what happened, and what to do. They are plain text.
    pub fn page(
        mut self,
        kind: PageKind,
        title: impl Into<String>,
        text: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let said = Said {
            title: title.into(),
            text: text.into(),
            advice: advice.into(),
        };
        self.pages.retain(|(other, _)| *other != kind);
        self.pages.push((kind, said));
        self
    }

    /// Replaces a short text. It has the [placeholder](PagePhrase::placeholder) of that phrase once, if there is one.
    pub fn phrase(mut self, phrase: PagePhrase, text: impl Into<String>) -> Self {
        self.phrases.retain(|(other, _)| *other != phrase);
        self.phrases.push((phrase, text.into()));
        self
    }

    /// The tag as it was given.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Whether the language is written from right to left.
    #[must_use]
    pub fn is_right_to_left(&self) -> bool {
        self.is_right_to_left
    }

    /// The title of a page.
    #[must_use]
    pub fn title_of(&self, kind: PageKind) -> &str {
        self.said(kind)
            .map_or_else(|| (self.base.title)(kind), |said| &said.title)
    }

    /// What a page says has happened.
    #[must_use]
    pub fn text_of(&self, kind: PageKind) -> &str {
        self.said(kind)
            .map_or_else(|| (self.base.text)(kind), |said| &said.text)
    }

    /// What a page says is to be done.
    #[must_use]
    pub fn advice_of(&self, kind: PageKind) -> &str {
        self.said(kind)
            .map_or_else(|| (self.base.advice)(kind), |said| &said.advice)
    }

    /// A short text, with its placeholder.
    #[must_use]
    pub fn phrase_of(&self, phrase: PagePhrase) -> &str {
        let own = self.phrases.iter().find(|(of, _)| *of == phrase);
        own.map_or_else(|| (self.base.phrase)(phrase), |(_, text)| text)
    }

    fn said(&self, kind: PageKind) -> Option<&Said> {
        let own = self.pages.iter().find(|(of, _)| *of == kind);
        own.map(|(_, said)| said)
    }

    /// Whether the tag is one, and what the app says can be shown.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let fault = |value: &str, reason| {
            Err(ConfigError::InvalidPageSetting {
                what: "language",
                value: value.chars().take(100).collect(),
                reason,
            })
        };
        if !is_language_tag(&self.tag) {
            return fault(&self.tag, "it is no language tag such as `de` or `pt-BR`");
        }
        for (_, said) in &self.pages {
            for text in [&said.title, &said.text, &said.advice] {
                if !is_text(text) {
                    return fault(text, NO_TEXT);
                }
            }
        }
        for (phrase, text) in &self.phrases {
            if !is_text(text) {
                return fault(text, NO_TEXT);
            }
            if !phrase.fits(text) {
                return fault(
                    text,
                    "this phrase needs its placeholder once, and has no other braces (`PagePhrase::placeholder`)",
                );
            }
        }
        Ok(())
    }
}

const NO_TEXT: &str =
    "a text is empty, is longer than 2,000 bytes, or has a control character in it";

fn is_text(text: &str) -> bool {
    let is_blank = text.trim().is_empty();
    !is_blank && text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_text_replaces_one_and_leaves_the_others() {
        let language = PageLanguage::new("DE")
            .page(PageKind::Busy, "Voll", "Es ist voll.", "Warten Sie.")
            .phrase(PagePhrase::SignIn, "Los");
        assert!(language.check().is_ok());
        assert_eq!(language.title_of(PageKind::Busy), "Voll");
        assert_eq!(language.advice_of(PageKind::Busy), "Warten Sie.");
        assert_eq!(language.title_of(PageKind::LoggedOut), "Abgemeldet");
        assert_eq!(language.phrase_of(PagePhrase::SignIn), "Los");
        assert_eq!(language.phrase_of(PagePhrase::SignOut), "Abmelden");
    }

    #[test]
    fn a_new_language_is_english_until_it_has_texts() {
        let language = PageLanguage::new("eu");
        assert_eq!(language.title_of(PageKind::LoggedOut), "Signed out");
        assert!(!language.is_right_to_left());
        assert!(PageLanguage::new("ar").is_right_to_left());
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        for tag in [
            "",
            "d e",
            "de_DE",
            "1a",
            "de-",
            "-de",
            "de\n",
            "abcdefghi",
            "*",
        ] {
            assert!(PageLanguage::new(tag).check().is_err(), "{tag:?}");
        }
        for tag in ["de", "pt-BR", "zh-Hant-TW", "ca-ES-valencia", "i-x"] {
            assert!(PageLanguage::new(tag).check().is_ok(), "{tag:?}");
        }
        let phrase = |text: &str| PageLanguage::new("de").phrase(PagePhrase::ContinueAs, text);
        assert!(phrase("Als {user} weiter").check().is_ok());
        for text in [
            "Weiter",
            "{user} {user}",
            "{name}",
            "{user} {code}",
            "{user",
            "",
        ] {
            assert!(phrase(text).check().is_err(), "{text:?}");
        }
        let page = |text: &str| PageLanguage::new("de").page(PageKind::Busy, "Voll", text, "x");
        for text in ["", " ", "a\nb", &"x".repeat(MAX_TEXT + 1)] {
            assert!(page(text).check().is_err(), "{text:?}");
        }
    }
}
