//! Names of users, proxies and attributes, which are the same in every protocol.

use super::{Outcome, alice_and, outcome, outcome_of, saml, success, user};
use crate::Protocol;

/// What every protocol makes of a user of this name.
fn outcomes_of_user(name: &str) -> [Outcome; 4] {
    let json = serde_json::to_string(name).unwrap();
    [
        outcome_of(Protocol::Cas1, format!("yes\n{name}\n")),
        outcome(success(&format!("<cas:user>{name}</cas:user>"))),
        outcome(format!(
            r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":{json}}}}}}}"#
        )),
        outcome_of(Protocol::Saml1, saml::of_user(name)),
    ]
}

#[test]
fn a_user_name_that_is_not_what_it_looks_like_is_unreadable_in_every_protocol() {
    for name in [
        "\u{feff}",
        "\u{a0}",
        "\u{200b}",
        "\u{3164}",
        "ad\u{200b}min",
        "admin\u{feff}",
        "\u{202e}nimda",
        "admin\u{a0}",
        "\u{2003}admin",
        "ad\u{ad}min",
        "ad\u{2028}min",
        "ad\u{85}min",
    ] {
        let all = [const { Outcome::Unreadable }; 4];
        assert_eq!(outcomes_of_user(name), all, "{name:?}");
    }
    for name in [
        "admin",
        "Liddell, Alice",
        "\u{5c71}\u{7530}\u{3000}\u{592a}\u{90ce}",
    ] {
        assert_eq!(outcomes_of_user(name), [(); 4].map(|()| user(name)));
    }
}

#[test]
fn a_proxy_that_is_not_what_it_looks_like_is_unreadable() {
    for proxy in [
        "\u{feff}",
        "https://a\u{200b}.example",
        "https://a.example\u{a0}",
    ] {
        let xml = format!("<cas:proxies><cas:proxy>{proxy}</cas:proxy></cas:proxies>");
        assert_eq!(outcome(alice_and(&xml)), Outcome::Unreadable, "{proxy:?}");
        let json = format!(
            r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":"alice","proxies":["{proxy}"]}}}}}}"#
        );
        assert_eq!(outcome(json), Outcome::Unreadable, "{proxy:?}");
    }
}

/// For SAML see [`saml`].
#[test]
fn an_attribute_without_a_name_makes_an_answer_unreadable_in_every_dialect() {
    for attributes in [
        r#"<cas:attribute name="" value="x"/>"#,
        r#"<cas:attribute name=" " value="x"/>"#,
        r#"<cas:attribute name="">x</cas:attribute>"#,
        "<cas:attribute><cas:name/><cas:value>x</cas:value></cas:attribute>",
        r#"<cas:attributes><cas:attribute name="" value="x"/></cas:attributes>"#,
        r#"<cas:userAttributes><cas:attribute name="" value="x"/></cas:userAttributes>"#,
        r#"<cas:wrapper><cas:attribute name="" value="x"/></cas:wrapper>"#,
    ] {
        assert_eq!(
            outcome(alice_and(attributes)),
            Outcome::Unreadable,
            "{attributes}"
        );
    }
    for name in ["", " ", "\\t"] {
        let body = format!(
            r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":"alice","attributes":{{"{name}":"x"}}}}}}}}"#
        );
        assert_eq!(outcome(body), Outcome::Unreadable, "{name:?}");
    }
}
