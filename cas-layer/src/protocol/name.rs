//! Names of users and of proxies: names that look the same must be the same.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// The longest accepted user name, in bytes.
const MAX_USER_BYTES: usize = 1024;

/// It looks like a space, but Unicode does not call it white space.
const BLANK_BRAILLE: char = '\u{2800}';

/// What is wrong with a user name.
pub(crate) fn check_user_name(user: &str) -> Result<(), &'static str> {
    match fault(user) {
        Some(Fault::Empty) => Err("the user name is empty"),
        Some(Fault::Control) => Err("the user name has control characters"),
        Some(Fault::Invisible) => Err("the user name has characters that nobody can see"),
        Some(Fault::Edges) => Err("the user name begins or ends with white space"),
        None if user.len() > MAX_USER_BYTES => Err("the user name is too long"),
        None => Ok(()),
    }
}

/// What is wrong with the name of a proxy, its callback URL as a rule.
pub(super) fn check_proxy(proxy: &str) -> Result<(), &'static str> {
    match fault(proxy) {
        Some(Fault::Empty) => Err("a proxy is empty"),
        Some(Fault::Control) => Err("a proxy has control characters"),
        Some(Fault::Invisible) => Err("a proxy has characters that nobody can see"),
        Some(Fault::Edges) => Err("a proxy begins or ends with white space"),
        None => Ok(()),
    }
}

enum Fault {
    /// It has no visible character.
    Empty,
    Control,
    /// Zero-width characters, those that turn the direction of writing, and the like: with them `admin` is written in
    /// many ways that look the same.
    Invisible,
    Edges,
}

fn fault(name: &str) -> Option<Fault> {
    if name.chars().any(char::is_control) {
        return Some(Fault::Control);
    }
    let is_blank = |c: char| c.is_whitespace() || c == BLANK_BRAILLE || is_invisible(c);
    if name.chars().all(is_blank) {
        return Some(Fault::Empty);
    }
    if name.chars().any(is_invisible) {
        return Some(Fault::Invisible);
    }
    if name.trim_matches(is_blank).len() < name.len() {
        return Some(Fault::Edges);
    }
    None
}

fn is_invisible(c: char) -> bool {
    // Most names are ASCII, and a look at the tables of Unicode costs time.
    !c.is_ascii()
        && (CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
            || matches!(
                CodePointMapData::<GeneralCategory>::new().get(c),
                GeneralCategory::Format
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
            ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_script_are_names() {
        let longest = "x".repeat(MAX_USER_BYTES);
        for name in [
            "alice",
            "Liddell, Alice",
            "\u{e5}lice",
            "A\u{301}lice",
            "\u{418}\u{432}\u{430}\u{43d}",
            "\u{5c71}\u{7530}\u{3000}\u{592a}\u{90ce}",
            "\u{645}\u{62d}\u{645}\u{62f}",
            "alice\u{a0}b",
            "\u{1f431}",
            &longest,
        ] {
            assert_eq!(check_user_name(name), Ok(()), "{name:?}");
            assert_eq!(check_proxy(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn a_name_with_nothing_to_see_in_it_is_none() {
        for name in [
            "",
            " ",
            "\u{feff}",
            "\u{a0}",
            "\u{200b}\u{200b}",
            "\u{3000}\u{2003}",
            "\u{2800}",
            "\u{3164}",
            "\u{115f}",
            "\u{ad}",
            "\u{2028}",
            "\u{e0041}",
            "\u{fe0f}",
        ] {
            assert_eq!(
                check_user_name(name),
                Err("the user name is empty"),
                "{name:?}"
            );
            assert_eq!(check_proxy(name), Err("a proxy is empty"), "{name:?}");
        }
    }

    #[test]
    fn two_names_that_look_the_same_differ_in_no_character_that_nobody_sees() {
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2028}',
            '\u{2029}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0100}',
        ] {
            for name in [
                format!("ad{c}min"),
                format!("{c}admin"),
                format!("admin{c}"),
            ] {
                let error = check_user_name(&name);
                assert_eq!(
                    error,
                    Err("the user name has characters that nobody can see"),
                    "{name:?}"
                );
                assert!(check_proxy(&name).is_err(), "{name:?}");
            }
        }
        for name in [
            "admin\u{a0}",
            "\u{2003}admin",
            "admin ",
            "\u{3000}admin",
            "admin\u{2800}",
            "\u{2800}admin",
        ] {
            let error = check_user_name(name);
            assert_eq!(
                error,
                Err("the user name begins or ends with white space"),
                "{name:?}"
            );
        }
        for name in ["a\0b", "a\u{7f}", "a\u{85}b", "a\nb", "\u{9b}"] {
            let error = check_user_name(name);
            assert_eq!(error, Err("the user name has control characters"));
        }
        let long = "x".repeat(MAX_USER_BYTES + 1);
        assert_eq!(check_user_name(&long), Err("the user name is too long"));
    }
}
