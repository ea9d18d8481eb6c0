//! Attributes in XML.

use super::{Outcome, alice_and, authentication, numbered, outcome, table};

type Table = &'static [(&'static str, &'static [&'static str])];

#[track_caller]
fn assert_reads(inner: &str, expected: Table) {
    let authentication = authentication(alice_and(inner));
    assert_eq!(authentication.user(), "alice");
    let expected: Vec<(&str, Vec<&str>)> = expected
        .iter()
        .map(|(name, values)| (*name, values.to_vec()))
        .collect();
    assert_eq!(table(&authentication), expected, "{inner}");
}

#[test]
fn every_dialect_gives_the_same_attributes() {
    let expected: Table = &[("mail", &["a@x"]), ("memberOf", &["staff", "cats"])];
    for inner in [
        // nested, with and without the prefix, names not adjacent
        "<cas:attributes><cas:mail>a@x</cas:mail><cas:memberOf>staff</cas:memberOf><cas:memberOf>cats</cas:memberOf></cas:attributes>",
        "<cas:attributes><mail>a@x</mail><memberOf>staff</memberOf><memberOf>cats</memberOf></cas:attributes>",
        "<cas:attributes><mail>a@x</mail><x:memberOf xmlns:x='http://x.example/'>staff</x:memberOf><memberOf>cats</memberOf></cas:attributes>",
        // nested, with names and values inside
        "<cas:attributes><cas:attribute name='mail' value='a@x'/><cas:attribute name='memberOf' value='staff'/><cas:attribute name='memberOf' value='cats'/></cas:attributes>",
        "<cas:attributes><cas:attribute><cas:name>mail</cas:name><cas:value>a@x</cas:value></cas:attribute><cas:attribute><cas:name>memberOf</cas:name><cas:value>staff</cas:value><cas:value>cats</cas:value></cas:attribute></cas:attributes>",
        // name and value
        "<cas:attribute name='mail' value='a@x'/><cas:attribute name='memberOf' value='staff'/><cas:attribute name='memberOf' value='cats'/>",
        "<cas:attribute name='mail'>a@x</cas:attribute><cas:attribute name='memberOf'>staff</cas:attribute><cas:attribute name='memberOf'>cats</cas:attribute>",
        "<cas:attribute><cas:name>mail</cas:name><cas:value>a@x</cas:value></cas:attribute><cas:attribute><cas:name>memberOf</cas:name><cas:value>staff</cas:value><cas:value>cats</cas:value></cas:attribute>",
        "<cas:attribute name='mail'><cas:value>a@x</cas:value></cas:attribute><cas:attribute name='memberOf'><cas:value>staff</cas:value><cas:value>cats</cas:value></cas:attribute>",
        // userAttributes and another wrapper
        "<cas:userAttributes><cas:mail>a@x</cas:mail><cas:memberOf>staff</cas:memberOf><cas:memberOf>cats</cas:memberOf></cas:userAttributes>",
        "<cas:userAttributes><cas:attribute name='mail' value='a@x'/><cas:attribute name='memberOf' value='staff'/><cas:attribute name='memberOf' value='cats'/></cas:userAttributes>",
        // the same inside of `attributes`
        "<cas:attributes><cas:userAttributes><cas:attribute name='mail'>a@x</cas:attribute><cas:attribute name='memberOf'>staff</cas:attribute><cas:attribute name='memberOf'>cats</cas:attribute></cas:userAttributes></cas:attributes>",
        "<norEduPerson><mail>a@x</mail><memberOf>staff</memberOf><memberOf>cats</memberOf></norEduPerson>",
        // flat
        "<cas:mail>a@x</cas:mail><cas:memberOf>staff</cas:memberOf><cas:memberOf>cats</cas:memberOf>",
        "<mail>a@x</mail><memberOf>staff</memberOf><memberOf>cats</memberOf>",
    ] {
        assert_reads(inner, expected);
    }
}

#[test]
fn a_repeated_name_is_one_list_even_when_not_adjacent() {
    assert_reads(
        "<cas:attributes><cas:g>1</cas:g><cas:m>x</cas:m><cas:g>2</cas:g></cas:attributes>",
        &[("g", &["1", "2"]), ("m", &["x"])],
    );
}

#[test]
fn of_several_dialects_the_first_in_order_is_taken_alone() {
    let dialects = [
        (
            "nested",
            "<cas:attributes><cas:from>nested</cas:from></cas:attributes>",
        ),
        (
            "user",
            "<cas:userAttributes><cas:from>user</cas:from></cas:userAttributes>",
        ),
        (
            "wrapper",
            "<cas:norEduPerson><cas:from>wrapper</cas:from></cas:norEduPerson>",
        ),
        ("pairs", "<cas:attribute name='from' value='pairs'/>"),
        ("flat", "<cas:from>flat</cas:from>"),
    ];
    for (first, (name, _)) in dialects.iter().enumerate() {
        let rest = &dialects[first..];
        let forwards: String = rest.iter().map(|(_, xml)| *xml).collect();
        let backwards: String = rest.iter().rev().map(|(_, xml)| *xml).collect();
        for inner in [forwards, backwards] {
            let authentication = authentication(alice_and(&inner));
            assert_eq!(table(&authentication), [("from", vec![*name])], "{inner}");
        }
    }
}

#[test]
fn a_container_without_anything_in_it_does_not_hide_the_next_dialect() {
    assert_reads(
        "<cas:attributes/><cas:userAttributes> </cas:userAttributes><cas:mail>a@x</cas:mail>",
        &[("mail", &["a@x"])],
    );
    assert_reads("<cas:attributes/>", &[]);
    assert_reads("", &[]);
}

#[test]
fn the_marker_of_the_dialect_is_no_attribute() {
    for inner in [
        "<cas:attributes><cas:attraStyle>Jasig</cas:attraStyle><cas:mail>a@x</cas:mail></cas:attributes>",
        "<cas:attraStyle>RubyCAS</cas:attraStyle><cas:mail>a@x</cas:mail>",
        "<cas:attribute name='attraStyle' value='Name-Value'/><cas:attribute name='mail' value='a@x'/>",
    ] {
        assert_reads(inner, &[("mail", &["a@x"])]);
    }
}

#[test]
fn white_space_is_kept_inside_a_value_and_not_around_it() {
    assert_reads(
        "<cas:attributes><cas:a>\n  two  words\n\tmore \n</cas:a></cas:attributes>",
        &[("a", &["two  words\n\tmore"])],
    );
    assert_reads(
        "<cas:attribute name=' a ' value='  two  words '/>",
        &[("a", &["two  words"])],
    );
}

#[test]
fn references_and_cdata_are_resolved_and_do_not_split_a_value() {
    assert_reads(
        "<cas:attributes>\
         <cas:a>&#197;&#x732B; &lt;b&gt; &amp;amp;</cas:a>\
         <cas:b>x<![CDATA[<y> & ]]>z</cas:b>\
         <cas:c>x<!-- not y -->z</cas:c>\
         </cas:attributes>",
        &[
            ("a", &["Å猫 <b> &amp;"]),
            ("b", &["x<y> & z"]),
            ("c", &["xz"]),
        ],
    );
}

#[test]
fn an_empty_attribute_is_an_empty_string() {
    let expected: Table = &[("a", &[""]), ("b", &["x", ""])];
    for inner in [
        "<cas:attributes><cas:a/><cas:b>x</cas:b><cas:b></cas:b></cas:attributes>",
        "<cas:attribute name='a'/><cas:attribute name='b' value='x'/><cas:attribute name='b' value=''/>",
        "<cas:attribute><cas:name>a</cas:name></cas:attribute><cas:attribute><cas:name>b</cas:name><cas:value>x</cas:value><cas:value/></cas:attribute>",
        "<cas:a/><cas:b>x</cas:b><cas:b> </cas:b>",
    ] {
        assert_reads(inner, expected);
    }
}

#[test]
fn a_nested_element_is_the_list_of_its_leaves() {
    assert_reads(
        "<cas:attributes>\
         <cas:address>\n  <street>Road  1</street>\n  <city>Town<!-- -->ship</city>\n</cas:address>\
         <cas:groups><g>ad</g><g>min</g></cas:groups>\
         <cas:memberOf><value>staff</value><value/></cas:memberOf>\
         <cas:memberOf>cats</cas:memberOf>\
         <cas:deep>a<b>b<c>c</c>d</b>e<!-- -->f</cas:deep>\
         <cas:deeper><a><b><c>1</c><c>2</c></b></a><a> </a></cas:deeper>\
         </cas:attributes>",
        &[
            ("address", &["Road  1", "Township"]),
            ("groups", &["ad", "min"]),
            ("memberOf", &["staff", "", "cats"]),
            ("deep", &["a", "b", "c", "d", "ef"]),
            ("deeper", &["1", "2", ""]),
        ],
    );
    // With names beside the values.
    for inner in [
        "<cas:attribute name='g'><item>a</item><item>b</item></cas:attribute>",
        "<cas:attribute name='g'><value><item>a</item><item>b</item></value></cas:attribute>",
        "<cas:attribute><name>g</name><value><v>a</v></value><value>b</value></cas:attribute>",
    ] {
        assert_reads(inner, &[("g", &["a", "b"])]);
    }
}

#[test]
fn flat_attributes_beside_a_list_are_kept() {
    let lists = "<cas:groups number='2'><cas:group>EDITORS</cas:group><cas:group>ALL</cas:group></cas:groups>\
        <cas:strengths number='1'><cas:strength>PASSWORD</cas:strength></cas:strengths>";
    let expected: Table = &[
        ("departmentNumber", &["UNIT.A.3"]),
        ("groups", &["EDITORS", "ALL"]),
        ("strengths", &["PASSWORD"]),
        ("ticketType", &["SERVICE"]),
    ];
    assert_reads(
        &format!(
            "<cas:departmentNumber>UNIT.A.3</cas:departmentNumber>{lists}<cas:ticketType>SERVICE</cas:ticketType>"
        ),
        expected,
    );
    assert_reads(
        "<cas:mail>a@x</cas:mail><cas:memberOf><cas:value>a</cas:value></cas:memberOf>",
        &[("mail", &["a@x"]), ("memberOf", &["a"])],
    );
    // What says the same twice is one attribute; what only marks the dialect is none.
    assert_reads(
        "<cas:attraStyle>x</cas:attraStyle><person><mail>a@x</mail><cn>A</cn></person><cas:mail>a@x</cas:mail>",
        &[("mail", &["a@x"]), ("cn", &["A"])],
    );
}

#[test]
fn a_value_cut_into_very_many_pieces_is_read_in_linear_time() {
    let pieces = numbered(40_000, |_| "x<!---->".to_owned());
    let texts = numbered(4_000, |_| "<g>u</g>t".to_owned());
    let body = alice_and(&format!(
        "<cas:attributes><cas:a>{pieces}{texts}</cas:a></cas:attributes>"
    ));
    let values = authentication(body).attributes().all("a").len();
    assert_eq!(values, 8_001);
}

#[test]
fn lists_that_servers_write_as_text_stay_text() {
    assert_reads(
        "<groups><![CDATA[--- \n- staff\n- cats\n]]></groups><name>--- Alice</name><list>[a, b]</list>",
        &[
            ("groups", &["--- \n- staff\n- cats"]),
            ("name", &["--- Alice"]),
            ("list", &["[a, b]"]),
        ],
    );
}

#[test]
fn an_attribute_element_without_a_name_is_an_attribute_of_that_name() {
    assert_reads(
        "<cas:attributes><cas:attribute>x</cas:attribute></cas:attributes>",
        &[("attribute", &["x"])],
    );
}

#[test]
fn the_known_attributes_are_typed_and_stay_attributes() {
    let authentication = authentication(alice_and(
        "<cas:attributes>\
         <cas:authenticationDate>sometime</cas:authenticationDate>\
         <cas:isFromNewLogin>TRUE</cas:isFromNewLogin>\
         <cas:longTermAuthenticationRequestTokenUsed>maybe</cas:longTermAuthenticationRequestTokenUsed>\
         </cas:attributes>",
    ));
    assert_eq!(authentication.authentication_date(), None);
    assert_eq!(authentication.is_from_new_login(), Some(true));
    assert_eq!(
        authentication.long_term_authentication_request_token_used(),
        None
    );
    assert_eq!(
        authentication.attributes().first("authenticationDate"),
        Some("sometime")
    );
    assert_eq!(authentication.attributes().len(), 3);
}

#[test]
fn a_thousand_attributes_and_twenty_thousand_values_are_the_most() {
    let names = |count: usize| -> String {
        let entries = numbered(count, |i| format!("<a{i}>x</a{i}>"));
        alice_and(&format!("<cas:attributes>{entries}</cas:attributes>"))
    };
    let values = |count: usize| {
        alice_and(&format!(
            "<cas:attributes>{}</cas:attributes>",
            "<a>x</a>".repeat(count)
        ))
    };
    assert_eq!(authentication(names(1_000)).attributes().len(), 1_000);
    assert_eq!(outcome(names(1_001)), Outcome::Unreadable);
    assert_eq!(
        authentication(values(20_000)).attributes().all("a").len(),
        20_000
    );
    assert_eq!(outcome(values(20_001)), Outcome::Unreadable);
}
