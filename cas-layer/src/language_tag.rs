//! Tags of languages (BCP 47).

/// The longest tag (RFC 5646, section 4.4.1), in bytes.
const MAX_BYTES: usize = 35;

/// A text that has the form of a language tag: nothing in it has a meaning in a URL or in markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LanguageTag(String);

impl LanguageTag {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_language_tag(text).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text has the form of a language tag, as far as matching needs it (RFC 4647, section 2.1, without `*`).
pub(crate) fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_part =
        |part: &str| matches!(part.len(), 1..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= MAX_BYTES
        && parts
            .next()
            .is_some_and(|first| is_part(first) && first.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_a_tag_is_taken() {
        let longest = "de-12345678-12345678-12345678-12345";
        for tag in [
            "de",
            "pt-BR",
            "zh-Hant-TW",
            "ca-ES-valencia",
            "i-x",
            longest,
        ] {
            assert!(LanguageTag::parse(tag).is_some(), "{tag}");
        }
        let too_long = format!("{longest}6");
        for text in [
            "",
            "-",
            "de-",
            "-de",
            "de--CH",
            "de_CH",
            "1a",
            "*",
            "abcdefghi",
            "de ",
            "de\n",
            "de\0",
            "de&service=x",
            "de%2D",
            "dé",
            "../de",
            "<de>",
            &too_long,
        ] {
            assert!(LanguageTag::parse(text).is_none(), "{text:?}");
        }
    }
}
