//! How somebody reads a path who takes its spelling less seriously than we do. Pure functions.

/// Whether two segments are the same to whoever does not care about the case of letters, about dots and white space
/// at the end, and about white space at the beginning.
pub(super) fn is_alike(one: &str, other: &str) -> bool {
    let (one, other) = (trim(one), trim(other));
    one.eq_ignore_ascii_case(other)
        || !(one.is_ascii() && other.is_ascii()) && without_case(one).eq(without_case(other))
}

/// Whether nothing is left of a segment to whoever does not care about dots and white space: it is empty, a dot
/// segment, or may be taken for one of these.
pub(super) fn is_hollow(segment: &str) -> bool {
    trim(segment).is_empty()
}

fn trim(segment: &str) -> &str {
    segment
        .trim_start()
        .trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// By way of the upper case, which is one for some letters whose lower cases differ, as for `ſ` and `s`.
fn without_case(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
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
        for segment in ["", ".", "..", "...", " ", ". .", ".. ", " ..", "\u{a0}"] {
            assert!(is_hollow(segment), "{segment:?}");
        }
        for segment in ["a", ".a", "a.", " a ", "..a"] {
            assert!(!is_hollow(segment), "{segment:?}");
        }
    }
}
