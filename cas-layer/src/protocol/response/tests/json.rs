//! CAS 3 in JSON.

use super::{Outcome, authentication, numbered, outcome, outcome_of, refused, table, user};
use crate::protocol::{
    Protocol,
    response::{ResponseError, parse_service_response},
};

fn success(inner: &str) -> String {
    format!(r#"{{"serviceResponse":{{"authenticationSuccess":{{{inner}}}}}}}"#)
}

fn with_attributes(attributes: &str) -> String {
    success(&format!(r#""user":"alice","attributes":{attributes}"#))
}

#[test]
fn json_is_read_wherever_xml_is() {
    let body = success(r#""user":"alice""#);
    for protocol in [Protocol::Cas2, Protocol::Cas3] {
        for start in ["", "\u{feff}", " \r\n\t"] {
            assert_eq!(
                outcome_of(protocol, format!("{start}{body}\n")),
                user("alice")
            );
        }
    }
    assert_eq!(outcome_of(Protocol::Cas1, &body), Outcome::Unreadable);
}

#[test]
fn values_are_lists_of_strings_whatever_they_were() {
    let body = with_attributes(
        r#"{"s":" Ålice \u732b\n ","e":"","i":42,"big":123456789012345678901234567890,"f":1.50,
            "exp":1E+2,"t":true,"n":null,"none":[],"list":["a",1,false,null,"b"],"spaced":[ "x" , 2 ]}"#,
    );
    assert_eq!(
        table(&authentication(body)),
        [
            ("s", vec!["Ålice 猫"]),
            ("e", vec![""]),
            ("i", vec!["42"]),
            ("big", vec!["123456789012345678901234567890"]),
            ("f", vec!["1.50"]),
            ("exp", vec!["1E+2"]),
            ("t", vec!["true"]),
            ("n", vec![]),
            ("none", vec![]),
            ("list", vec!["a", "1", "false", "b"]),
            ("spaced", vec!["x", "2"]),
        ]
    );
}

#[test]
fn other_values_are_unreadable() {
    for attributes in [
        r#"{"a":{"b":"c","b":"d"}}"#,
        r#"{"a":{"":"c"}}"#,
        r#"{"a":{" ":"c"}}"#,
        r#"{"a":["b",]}"#,
        r#"{"a":"\ud800"}"#,
        r#"["a"]"#,
        r#""a""#,
        "7",
    ] {
        assert_eq!(
            outcome(with_attributes(attributes)),
            Outcome::Unreadable,
            "{attributes}"
        );
    }
}

#[test]
fn lists_in_lists_become_one_and_what_is_in_an_object_gets_a_name_of_its_own() {
    let body = with_attributes(
        r#"{"groups":[["a","b"],"c",[["d"],[]]],
            "org":{"unit":"x","ids":[1,2],"boss":{"mail":"b@x","on":true,"off":null}},
            "roles":[{"name":"r1","scope":["s"]},{"name":"r2"},"r3"],
            "nothing":{},"list":[[]],"text":"[a, b]","last":"z"}"#,
    );
    assert_eq!(
        table(&authentication(body)),
        [
            ("groups", vec!["a", "b", "c", "d"]),
            ("org.unit", vec!["x"]),
            ("org.ids", vec!["1", "2"]),
            ("org.boss.mail", vec!["b@x"]),
            ("org.boss.on", vec!["true"]),
            ("org.boss.off", vec![]),
            ("roles.name", vec!["r1", "r2"]),
            ("roles.scope", vec!["s"]),
            ("roles", vec!["r3"]),
            ("nothing", vec![]),
            ("list", vec![]),
            ("text", vec!["[a, b]"]),
            ("last", vec!["z"]),
        ]
    );
}

#[test]
fn a_nested_attribute_is_bounded() {
    let nested = |depth: usize| {
        let value = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        outcome(with_attributes(&format!(r#"{{"a":{value}}}"#)))
    };
    assert_eq!(nested(64), user("alice"));
    assert_eq!(nested(65), Outcome::Unreadable);
    assert_eq!(nested(400_000), Outcome::Unreadable);
    let inside = |depth: usize| {
        let value = format!("{}1{}", r#"{"k":"#.repeat(depth), "}".repeat(depth));
        outcome(with_attributes(&format!(r#"{{"a":{value}}}"#)))
    };
    assert_eq!(inside(64), user("alice"));
    assert_eq!(inside(65), Outcome::Unreadable);
    let named = |length: usize| {
        let key = "k".repeat(length);
        outcome(with_attributes(&format!(r#"{{"a":{{"{key}":1}}}}"#)))
    };
    assert_eq!(named(1_022), user("alice"));
    assert_eq!(named(1_023), Outcome::Unreadable);
    let many = format!(r#"{{"a":[[{}1]]}}"#, "1,".repeat(20_000));
    assert_eq!(outcome(with_attributes(&many)), Outcome::Unreadable);
}

/// Why the attributes are not read.
fn reason(attributes: &str) -> &'static str {
    match parse_service_response(with_attributes(attributes).as_bytes()) {
        Err(ResponseError::Unreadable(reason)) => reason,
        _ => "it is read",
    }
}

/// Were they made before, a MiB of keys could become 130 MiB of names.
#[test]
fn names_are_counted_before_more_of_them_are_made() {
    let parent = "p".repeat(1_000);
    let keys = numbered(90_000, |i| format!(r#""{i}":1,"#));
    let last = "k".repeat(1_024);
    let one_level = format!(r#"{{"{parent}":{{{keys}"{last}":1}}}}"#);
    assert_eq!(reason(&one_level), "it has more than 1,000 attributes");
    let two_levels = format!(r#"{{"{parent}":{{{keys}"a":{{{keys}"{last}":1}}}}}}"#);
    assert_eq!(reason(&two_levels), "it has more than 1,000 attributes");
}

/// Each of them looks its name up.
#[test]
fn lists_without_values_are_counted_as_values() {
    for nothing in ["[]", "[null]", "{}"] {
        let many = |count: usize| format!(r#"{{"a":[{}[]]}}"#, format!("{nothing},").repeat(count));
        assert_eq!(reason(&many(19_999)), "it is read", "{nothing}");
        let said = reason(&many(20_000));
        assert_eq!(
            said, "it has more than 20,000 attribute values",
            "{nothing}"
        );
    }
}

#[test]
fn two_places_never_share_a_name() {
    for attributes in [
        r#"{"org":{"unit":"a"},"org.unit":"b"}"#,
        r#"{"org.unit":"b","org":{"unit":"a"}}"#,
        r#"{"a":{"b.c":1,"b":{"c":2}}}"#,
        r#"{"a":{"b.c":[]},"a.b":{"c":2}}"#,
    ] {
        let said = reason(attributes);
        assert_eq!(
            said, "two of its attributes would have the same name",
            "{attributes}"
        );
    }
    for attributes in [
        r#"{"org.unit":"a","org":{"name":"b"}}"#,
        r#"{"roles":[{"a.b":1},{"a.b":2},[{"a.b":3}]]}"#,
    ] {
        assert_eq!(reason(attributes), "it is read", "{attributes}");
    }
}

#[test]
fn no_attributes_are_no_attributes() {
    for body in [
        with_attributes("{}"),
        with_attributes("null"),
        success(r#""user":"alice""#),
    ] {
        assert!(authentication(body).attributes().is_empty());
    }
}

#[test]
fn flags_and_dates_may_be_lists_of_one() {
    let authentication = authentication(with_attributes(
        r#"{"isFromNewLogin":[true],"longTermAuthenticationRequestTokenUsed":["false"],
            "authenticationDate":["2015-11-12T09:30:10Z[UTC]"]}"#,
    ));
    assert_eq!(authentication.is_from_new_login(), Some(true));
    assert_eq!(
        authentication.long_term_authentication_request_token_used(),
        Some(false)
    );
    assert!(authentication.authentication_date().is_some());
}

#[test]
fn a_failure_is_one_because_it_is_there() {
    for (failure, expected) in [
        (
            r#"{"code":"INVALID_TICKET","description":"not found"}"#,
            refused("INVALID_TICKET"),
        ),
        (r#"{"code":"INVALID_TICKET"}"#, refused("INVALID_TICKET")),
        (r#"{"code":7}"#, Outcome::Refused(None)),
        (r#"{"code":"A","code":"B"}"#, Outcome::Refused(None)),
        ("{}", Outcome::Refused(None)),
        ("null", Outcome::Refused(None)),
        (r#""""#, Outcome::Refused(None)),
    ] {
        for key in ["authenticationFailure", "proxyFailure"] {
            let body = format!(r#"{{"serviceResponse":{{"{key}":{failure}}}}}"#);
            assert_eq!(outcome(&body), expected, "{body}");
        }
    }
}

#[test]
fn there_is_exactly_one_answer() {
    let alice = r#""authenticationSuccess":{"user":"alice"}"#;
    for inner in [
        String::new(),
        format!(r#"{alice},"authenticationFailure":{{"code":"X"}}"#),
        format!(r#""authenticationFailure":{{"code":"X"}},{alice}"#),
        format!(r#""authenticationFailure":null,{alice}"#),
        format!("{alice},{alice}"),
        r#""proxySuccess":{"proxyTicket":"PT-1"}"#.to_owned(),
        r#""AuthenticationSuccess":{"user":"alice"}"#.to_owned(),
    ] {
        let body = format!(r#"{{"serviceResponse":{{{inner}}}}}"#);
        assert_eq!(outcome(&body), Outcome::Unreadable, "{body}");
    }
}

#[test]
fn a_key_that_comes_twice_is_refused_at_every_level() {
    let response = r#""serviceResponse":{"authenticationSuccess":{"user":"alice"}}"#;
    for body in [
        format!("{{{response},{response}}}"),
        success(r#""user":"alice","user":"root""#),
        // The same key, spelt with an escape.
        success(r#""user":"alice","us\u0065r":"root""#),
        success(r#""user":"alice","attributes":{},"attributes":{"a":"b"}"#),
        success(r#""user":"alice","proxies":["https://a.example/"],"proxies":[]"#),
        with_attributes(r#"{"a":"b","a":"c"}"#),
    ] {
        assert_eq!(outcome(&body), Outcome::Unreadable, "{body}");
    }
}

#[test]
fn there_is_a_user_and_it_is_a_string() {
    for inner in [
        "",
        r#""user":null"#,
        r#""user":7"#,
        r#""user":["alice"]"#,
        r#""user":{"name":"alice"}"#,
        r#""user":"""#,
        r#""user":" \n ""#,
        r#""user":"al\u0000ice""#,
        r#""user":"al\nice""#,
        r#""attributes":{"user":"alice"}"#,
    ] {
        assert_eq!(outcome(success(inner)), Outcome::Unreadable, "{inner}");
    }
    assert_eq!(outcome(success(r#""user":" \u00c5lice ""#)), user("Ålice"));
    let too_long = "x".repeat(1025);
    assert_eq!(
        outcome(success(&format!(r#""user":"{too_long}""#))),
        Outcome::Unreadable
    );
}

#[test]
fn proxies_are_a_list_of_strings() {
    let authentication = authentication(success(
        r#""user":"alice","proxies":[" https://b.example/ ","https://a.example/"]"#,
    ));
    assert_eq!(
        authentication.proxies(),
        ["https://b.example/", "https://a.example/"]
    );
    assert!(authentication.attributes().is_empty());
    for proxies in [
        r#""https://a.example/""#,
        "[1]",
        r#"[""]"#,
        r#"{"a":"b"}"#,
        "[null]",
    ] {
        let body = success(&format!(r#""user":"alice","proxies":{proxies}"#));
        assert_eq!(outcome(body), Outcome::Unreadable, "{proxies}");
    }
    let none = success(r#""user":"alice","proxies":null,"proxyGrantingTicket":null"#);
    assert_eq!(outcome(none), user("alice"));
}

#[test]
fn what_is_not_quite_json_is_unreadable() {
    for body in [
        "{",
        "{}",
        "[]",
        r#"{"serviceResponse":null}"#,
        r#"{"serviceResponse":[]}"#,
        r#"{"authenticationSuccess":{"user":"alice"}}"#,
        r#"{"serviceResponse":{"authenticationSuccess":{"user":"alice"}}} x"#,
        r#"{"serviceResponse":{"authenticationSuccess":{"user":"alice"}},}"#,
        r#"{"serviceResponse":{"authenticationSuccess":"alice"}}"#,
        "{'serviceResponse':{'authenticationSuccess':{'user':'alice'}}}",
        r#"{"error":"down"}"#,
    ] {
        assert_eq!(outcome(body), Outcome::Unreadable, "{body}");
    }
}
