//! Compares paths as a program does that reads them more loosely than we do. Pure functions.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizer;
use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

/// Whether two segments are the same to a program that ignores the case of letters, dots and white space at the end,
/// white space at the beginning, invisible characters, and how a letter is put together; or to a file system that
/// takes what follows a colon for a part of the file.
pub(crate) fn is_alike(one: &str, other: &str) -> bool {
    let (one, other) = (name(one), name(other));
    one.eq_ignore_ascii_case(&other)
        || !(one.is_ascii() && other.is_ascii())
            && composed(&without_case(&one)) == composed(&without_case(&other))
}

/// Whether a program that ignores dots and white space sees an empty segment here: it is empty, a dot segment, or may
/// be taken for one of these.
pub(super) fn is_hollow(segment: &str) -> bool {
    trim(&visible(segment)).is_empty()
}

/// What a file system looks for. A colon begins the name of a stream of the same file (NTFS).
fn name(segment: &str) -> Cow<'_, str> {
    let file = segment.split_once(':').map_or(segment, |(file, _)| file);
    match visible(file) {
        Cow::Borrowed(file) => trim(file).into(),
        Cow::Owned(file) => trim(&file).to_owned().into(),
    }
}

/// Without what may be left out when a text is shown (Unicode, `Default_Ignorable_Code_Point`).
fn visible(segment: &str) -> Cow<'_, str> {
    if segment.is_ascii() {
        return segment.into();
    }
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let seen = segment.chars().filter(|&c| !ignorable.contains(c));
    seen.collect::<String>().into()
}

/// With letters and their marks in one (Unicode, NFC).
fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizer::new_nfc().normalize(text)
}

fn trim(segment: &str) -> &str {
    segment
        .trim_start()
        .trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// By way of the upper case, which is one for some letters whose lower cases differ, as for `ſ` and `s`.
fn without_case(text: &str) -> String {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_what_stands_around_a_name_make_no_difference() {
        for (one, other) in [
            ("admin", "admin"),
            ("admin", "AdMiN"),
            ("admin", "admin."),
            ("admin", "admin. . "),
            ("admin", "  admin"),
            ("admin", "\u{a0}admin\u{3000}"),
            ("admin.", "admin "),
            ("über", "ÜBER"),
            ("books", "boo\u{212a}\u{17f}"),
            ("admin", "admin::$INDEX_ALLOCATION"),
            ("admin", "admin:stream"),
            ("admin", "ad\u{ad}min\u{feff}"),
            ("inn\u{e9}r", "INNE\u{301}R"),
            ("", ""),
        ] {
            assert!(is_alike(one, other) && is_alike(other, one), "{other}");
        }
    }

    #[test]
    fn another_name_is_another() {
        for other in [
            "", "admi", "admins", ".admin", "ad min", "admin.x", "admin-",
        ] {
            assert!(!is_alike("admin", other), "{other}");
        }
    }

    #[test]
    fn dots_and_white_space_are_no_name() {
        for segment in [
            "",
            ".",
            "..",
            "...",
            " ",
            ". .",
            ".. ",
            " ..",
            "\u{a0}",
            "\u{200b}.",
        ] {
            assert!(is_hollow(segment), "{segment:?}");
        }
        for segment in ["a", ".a", "a.", " a ", "..a"] {
            assert!(!is_hollow(segment), "{segment:?}");
        }
    }
}
