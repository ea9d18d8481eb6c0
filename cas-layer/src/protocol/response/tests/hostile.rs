//! Answers made to cost time, memory or the stack. Nothing here measures time: without the bounds these tests
//! overflow the stack or do not come to an end.

use super::{NAMESPACE, Outcome, alice_and, numbered, outcome, success};

const MIB: usize = 1024 * 1024;

/// `part` as often as it fits into a response.
fn fill(part: &str) -> String {
    part.repeat((MIB - 1024) / part.len())
}

#[test]
fn a_doctype_is_refused_with_and_without_entities() {
    let body = alice_and("");
    for doctype in [
        "<!DOCTYPE x>",
        "<!DOCTYPE x []>",
        r#"<!DOCTYPE x [<!ENTITY a "b">]>"#,
        r#"<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">"#,
        r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#,
    ] {
        assert_eq!(
            outcome(format!("{doctype}{body}")),
            Outcome::Unreadable,
            "{doctype}"
        );
    }
    let entity = r#"<!DOCTYPE x [<!ENTITY a "alice">]>"#;
    assert_eq!(
        outcome(format!("{entity}{}", success("<cas:user>&a;</cas:user>"))),
        Outcome::Unreadable
    );
    assert_eq!(
        outcome(success("<cas:user>&a;</cas:user>")),
        Outcome::Unreadable
    );
}

#[test]
fn a_billion_laughs_are_refused() {
    let levels = numbered(9, |i| {
        format!(r#"<!ENTITY l{} "{}">"#, i + 1, format!("&l{i};").repeat(10))
    });
    let bomb = format!(r#"<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>"#);
    assert_eq!(
        outcome(format!("{bomb}{}", success("<cas:user>&l9;</cas:user>"))),
        Outcome::Unreadable
    );
}

#[test]
fn nesting_is_bounded_in_xml_and_json() {
    let nested = |depth: usize| {
        alice_and(&format!(
            "<cas:attributes>{}x{}</cas:attributes>",
            "<a>".repeat(depth),
            "</a>".repeat(depth)
        ))
    };
    // The response, the answer and `attributes` are three levels of 64.
    assert_eq!(outcome(nested(61)), Outcome::User("alice".to_owned()));
    assert_eq!(outcome(nested(62)), Outcome::Unreadable);
    assert_eq!(outcome(nested(60_000)), Outcome::Unreadable);
    // A new namespace on every level is copied to every level below.
    let namespaces = numbered(20_000, |i| format!("<a xmlns:n{i}='u{i}'>"));
    assert_eq!(
        outcome(format!("{namespaces}{}", "</a>".repeat(20_000))),
        Outcome::Unreadable
    );

    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for body in [
            format!(r#"{{"serviceResponse":{deep}}}"#),
            format!(
                r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":"a","attributes":{{"b":{deep}}}}}}}}}"#
            ),
            format!(r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":{deep}}}}}}}"#),
        ] {
            assert_eq!(outcome(body), Outcome::Unreadable);
        }
    }
}

#[test]
fn a_mebibyte_of_xml_attributes_namespaces_or_nodes_is_unreadable() {
    let attributes = numbered(60_000, |i| format!(" a{i}='u{i}'"));
    let namespaces = numbered(40_000, |i| format!(" xmlns:a{i}='u{i}'"));
    let scope = numbered(16, |i| format!(" xmlns:n{i}='u{i}'"));
    for body in [
        alice_and(&format!("<cas:a{attributes}/>")),
        alice_and(&format!("<cas:a{namespaces}/>")),
        alice_and(&fill("<a>1</a>")),
        alice_and(&fill("<a/>")),
        alice_and(&fill("<!---->")),
        format!("<a{scope}>{}</a>", fill("<b xmlns:c='d'/>")),
    ] {
        assert!(body.len() <= MIB);
        assert_eq!(outcome(body), Outcome::Unreadable);
    }
}

#[test]
fn a_mebibyte_of_one_value_is_read() {
    for part in ["x", "<![CDATA[x]]>", "x<!---->", "&amp;", "\r\n"] {
        let value = fill(part);
        let outcome = outcome(alice_and(&format!(
            "<cas:attributes><cas:a>{value}</cas:a></cas:attributes>"
        )));
        // Comments are nodes, and there are too many of them.
        let expected = if part == "x<!---->" {
            Outcome::Unreadable
        } else {
            Outcome::User("alice".to_owned())
        };
        assert_eq!(outcome, expected, "{part:?}");
    }
}

#[test]
fn a_mebibyte_of_json_keys_or_values_is_unreadable() {
    let keys = numbered(90_000, |i| format!(r#""{i}":1,"#));
    for attributes in [
        format!(r#"{{{keys}"x":1}}"#),
        format!(r#"{{"a":[{}1]}}"#, fill("1,")),
    ] {
        let body = format!(
            r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":"alice","attributes":{attributes}}}}}}}"#
        );
        assert!(body.len() <= MIB);
        assert_eq!(outcome(body), Outcome::Unreadable);
    }
}

#[test]
fn a_broken_document_is_unreadable_wherever_it_is_cut() {
    let body = alice_and("<cas:attributes><cas:mail>é&amp;</cas:mail></cas:attributes>");
    for end in 0..body.len() {
        assert_eq!(
            outcome(&body.as_bytes()[..end]),
            Outcome::Unreadable,
            "{end}"
        );
    }
    for byte in 0..=255_u8 {
        for position in (0..body.len()).step_by(7) {
            let mut changed = body.clone().into_bytes();
            changed[position] = byte;
            // Whatever it is, it is not a panic.
            let _ = outcome(&changed);
        }
    }
}

#[test]
fn markup_in_places_where_it_does_not_belong_is_unreadable() {
    for body in [
        format!("<cas:serviceResponse xmlns:cas='{NAMESPACE}' xmlns:cas='{NAMESPACE}'/>"),
        alice_and("<cas:a></cas:b>"),
        alice_and("<cas:a b=c/>"),
        alice_and("<cas:a b='<'/>"),
        alice_and("&undefined;"),
        alice_and("&#0;"),
        alice_and("&#x1;"),
        alice_and("\u{1}"),
        alice_and("<!DOCTYPE a>"),
        alice_and("<?xml version='1.0'?>"),
        alice_and("]]>"),
    ] {
        assert_eq!(outcome(&body), Outcome::Unreadable, "{body}");
    }
}
