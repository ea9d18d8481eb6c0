//! The texts of the built-in languages.
//!
//! They are for the members of a university or a company who want to get on with their work: polite, in plain words, and with
//! the words that their browser and their login page use. "The people who run this site" are those who read its log.

mod ar;
mod ca;
mod de;
mod el;
mod en;
mod es;
mod fr;
mod gl;
mod it;
mod ja;
mod nl;
mod pl;
mod pt;
mod zh_hans;

pub(super) use self::en::TRANSLATION as ENGLISH;
use super::translation::Translation;

/// English is the first: it is for visitors who ask for none of the others.
pub(super) const BUILT_IN: [&Translation; 14] = [
    &ENGLISH,
    &de::TRANSLATION,
    &fr::TRANSLATION,
    &es::TRANSLATION,
    &it::TRANSLATION,
    &pt::TRANSLATION,
    &nl::TRANSLATION,
    &ca::TRANSLATION,
    &gl::TRANSLATION,
    &el::TRANSLATION,
    &pl::TRANSLATION,
    &ja::TRANSLATION,
    &zh_hans::TRANSLATION,
    &ar::TRANSLATION,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        super::{kind::PageKind, translation::PagePhrase},
        BUILT_IN, ENGLISH, Translation,
    };

    /// Every text, by what it is for.
    fn all(language: &Translation) -> BTreeMap<String, &'static str> {
        let mut all = BTreeMap::new();
        for &kind in PageKind::ALL {
            all.insert(format!("title of {kind:?}"), (language.title)(kind));
            all.insert(format!("text of {kind:?}"), (language.text)(kind));
            all.insert(format!("advice of {kind:?}"), (language.advice)(kind));
        }
        for &phrase in PagePhrase::ALL {
            all.insert(format!("{phrase:?}"), (language.phrase)(phrase));
        }
        all
    }

    #[test]
    fn no_text_is_empty_or_has_markup_or_blanks_around_it() {
        for language in BUILT_IN {
            for (what, text) in all(language) {
                let said = format!("{} {what}: {text:?}", language.tag);
                assert!(text.chars().count() > 1, "{said}");
                assert_eq!(text.trim(), text, "{said}");
                assert!(!text.contains(['<', '>', '&', '"', '\n']), "{said}");
                assert!(!text.contains("  "), "{said}");
            }
        }
    }

    #[test]
    fn no_text_of_another_language_is_english() {
        let english = all(&ENGLISH);
        for language in &BUILT_IN[1..] {
            let same: Vec<_> = all(language)
                .into_iter()
                .filter(|(what, text)| english[what] == *text)
                .collect();
            assert!(same.is_empty(), "{}: {same:?}", language.tag);
        }
    }

    /// A sentence that was copied from a neighbouring language is a mistake, though a few words may be the same in two.
    #[test]
    fn no_sentence_is_that_of_another_language() {
        for (at, language) in BUILT_IN.iter().enumerate() {
            for other in &BUILT_IN[at + 1..] {
                let theirs = all(other);
                for (what, text) in all(language) {
                    let is_sentence = text.ends_with(['.', '。']);
                    assert!(
                        !is_sentence || theirs[&what] != text,
                        "{} and {} {what}: {text}",
                        language.tag,
                        other.tag
                    );
                }
            }
        }
    }

    /// A language is written in its own letters. English names (POST, Cookie) are few.
    #[test]
    fn every_sentence_is_in_the_letters_of_its_language() {
        for (tag, range) in [
            ("el", '\u{370}'..='\u{3ff}'),
            ("ja", '\u{3040}'..='\u{9fff}'),
            ("zh-Hans", '\u{4e00}'..='\u{9fff}'),
            ("ar", '\u{600}'..='\u{6ff}'),
        ] {
            let language = BUILT_IN.iter().find(|it| it.tag == tag).unwrap();
            for (what, text) in all(language) {
                let letters = text.chars().filter(|c| c.is_alphabetic());
                let (own, foreign): (Vec<char>, Vec<char>) =
                    letters.partition(|c| range.contains(c));
                let named = foreign.iter().filter(|c| c.is_ascii()).count();
                assert_eq!(
                    named,
                    foreign.iter().filter(|c| **c != 'ー').count(),
                    "{tag} {what}: {text}"
                );
                assert!(!own.is_empty(), "{tag} {what}: {text}");
            }
        }
    }

    #[test]
    fn placeholders_are_the_same_in_every_language() {
        for language in BUILT_IN {
            for &phrase in PagePhrase::ALL {
                let text = (language.phrase)(phrase);
                assert!(phrase.fits(text), "{} {phrase:?}: {text}", language.tag);
            }
            for (what, text) in all(language) {
                let is_phrase = PagePhrase::ALL.iter().any(|it| format!("{it:?}") == what);
                assert!(
                    is_phrase || !text.contains(['{', '}']),
                    "{} {what}: {text}",
                    language.tag
                );
            }
        }
    }

    /// The buttons say in each language what they are for, so that no two lead elsewhere under one name.
    #[test]
    fn no_two_buttons_have_the_same_label() {
        for language in BUILT_IN {
            let mut labels: Vec<_> = PagePhrase::ALL
                .iter()
                .map(|it| (language.phrase)(*it))
                .collect();
            labels.sort_unstable();
            labels.dedup();
            assert_eq!(labels.len(), PagePhrase::ALL.len(), "{}", language.tag);
        }
    }

    #[test]
    fn every_kind_and_phrase_is_listed() {
        let mut reasons: Vec<_> = PageKind::ALL.iter().map(|kind| kind.reason()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), PageKind::ALL.len());
        assert_eq!(PageKind::ALL.len(), PageKind::InternalError as usize + 1);
        assert_eq!(PagePhrase::ALL.len(), PagePhrase::SendAgain as usize + 1);
    }
}
