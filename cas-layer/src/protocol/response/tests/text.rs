//! CAS 1.

use super::{Outcome, outcome_of, user};
use crate::protocol::Protocol;

#[test]
fn yes_and_a_name_is_a_success() {
    for body in [
        "yes\nalice\n",
        "yes\nalice",
        "yes\r\nalice\r\n",
        "yes\n alice \n\n",
        "\u{feff}yes\nalice\n",
    ] {
        assert_eq!(outcome_of(Protocol::Cas1, body), user("alice"), "{body:?}");
    }
}

#[test]
fn no_is_a_refusal_on_every_endpoint() {
    for protocol in [Protocol::Cas1, Protocol::Cas2, Protocol::Cas3] {
        for body in [
            "no\n\n",
            "no\n",
            "no",
            "no\r\n\r\n",
            "\u{feff}no\n\n",
            "no\nalice\n",
        ] {
            assert_eq!(
                outcome_of(protocol, body),
                Outcome::Refused(None),
                "{protocol} {body:?}"
            );
        }
    }
}

#[test]
fn anything_else_is_an_error_of_the_server_and_not_a_user() {
    for body in [
        "",
        "\n",
        "yes",
        "yes\n",
        "yes\n\n",
        "yes\n \t\n",
        "yes \nalice\n",
        " yes\nalice\n",
        "\nyes\nalice\n",
        "YES\nalice\n",
        "yesalice\n",
        "yes alice\n",
        "yes\n\nalice\n",
        "yes\nalice\nbob\n",
        "yes\nal\u{7}ice\n",
        "yes\nali\rce\n",
        "alice\n",
        "No\n",
        "no way\n",
        "nope",
        "<html>yes\nalice\n</html>",
        r#"{"serviceResponse":{"authenticationSuccess":{"user":"alice"}}}"#,
    ] {
        assert_eq!(
            outcome_of(Protocol::Cas1, body),
            Outcome::Unreadable,
            "{body:?}"
        );
    }
}

#[test]
fn a_plain_yes_is_no_success_where_xml_is_due() {
    for protocol in [Protocol::Cas2, Protocol::Cas3] {
        assert_eq!(outcome_of(protocol, "yes\nalice\n"), Outcome::Unreadable);
    }
}

#[test]
fn a_user_name_has_up_to_1024_bytes() {
    let longest = "x".repeat(1024);
    assert_eq!(
        outcome_of(Protocol::Cas1, format!("yes\n{longest}\n")),
        user(&longest)
    );
    assert_eq!(
        outcome_of(Protocol::Cas1, format!("yes\n{longest}x\n")),
        Outcome::Unreadable
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_unreadable() {
    for protocol in [Protocol::Cas1, Protocol::Cas2, Protocol::Cas3] {
        assert_eq!(
            outcome_of(protocol, b"yes\nal\xefce\n"),
            Outcome::Unreadable
        );
        assert_eq!(outcome_of(protocol, b"no\n\xff"), Outcome::Unreadable);
    }
}
