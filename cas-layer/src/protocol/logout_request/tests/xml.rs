//! The message.

use super::{
    NAMESPACE, USUAL_TICKET, from_xml, index, named, numbered, request, unreadable, usual,
};

const NOT_WELL_FORMED: &str = "it is not well-formed XML";
const NO_REQUEST: &str = "it is XML, but no SAML `LogoutRequest`";
const NO_INDEX: &str = "it has no `SessionIndex`";
const WRONG_NAMESPACE: &str = "a `SessionIndex` is in the wrong namespace";
const ELEMENTS_INSIDE: &str = "a `SessionIndex` has elements inside";

#[test]
fn the_ticket_is_found_however_the_message_is_laid_out() {
    let usual = usual();
    for document in [
        usual.clone(),
        usual.replace('\n', ""),
        usual.replace('\n', "\r\n"),
        usual.replace('\n', "\r"),
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{usual}"),
        format!("<?xml version='1.0' encoding='ISO-8859-1' standalone='yes'?>{usual}"),
        format!("\u{feff}{usual}"),
        format!("\u{feff}<?xml version=\"1.0\"?>{usual}"),
        format!("\r\n\t {usual}\r\n\r\n"),
        format!("\n<?xml version='1.0'?>{usual}"),
        format!("<!-- a server --><?pi x?>{usual}<!-- the end -->"),
        usual.replace("<samlp:SessionIndex>", "<samlp:SessionIndex >\r\n    "),
        usual.replace("</samlp:SessionIndex>", "\n  </samlp:SessionIndex\n>"),
        usual.replace("<samlp:SessionIndex>", "<samlp:SessionIndex a='1'>"),
        usual.replace('"', "'"),
    ] {
        assert_eq!(from_xml(&document), named(&[USUAL_TICKET]), "{document}");
    }
}

#[test]
fn the_other_parts_of_the_message_say_nothing() {
    let with = |attributes: &str, inner: &str| {
        format!(
            "<s:LogoutRequest xmlns:s='{NAMESPACE}' xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion' {attributes}>\
             {inner}<s:SessionIndex>ST-1</s:SessionIndex></s:LogoutRequest>"
        )
    };
    for attributes in [
        "",
        "ID='[RANDOM ID]' Version='2.0' IssueInstant='[CURRENT DATE/TIME]'",
        "ID='ST-1' IssueInstant='2026-11-23T22:26:11.231309+00:00'",
        "IssueInstant='2026-11-23T22:26:11Z[UTC]'",
        "IssueInstant='Mon, 23 Nov 2026 22:26:11 GMT'",
        "IssueInstant='' ID=''",
        "Version='1.1' NotOnOrAfter='1970-01-01T00:00:00Z' Destination='https://other.example'",
        "SessionIndex='ST-2' s:SessionIndex='ST-3'",
    ] {
        assert_eq!(
            from_xml(with(attributes, "")),
            named(&["ST-1"]),
            "{attributes}"
        );
    }
    for inner in [
        "",
        "<a:NameID/>",
        "<a:NameID></a:NameID>",
        "<a:NameID>@NOT_USED@</a:NameID>",
        "<a:NameID Format='x'>Ålice &lt;&amp;&gt; 猫</a:NameID>",
        "<a:NameID>ST-2</a:NameID>",
        "<a:NameID>alice</a:NameID><a:NameID>bob</a:NameID>",
        "<a:Issuer>https://cas.example.org</a:Issuer><a:BaseID/>",
        "<NameID>alice</NameID>",
        "<s:NameID>alice</s:NameID>",
        "<s:Extensions><x xmlns='urn:x'><y/></x></s:Extensions>",
        "ST-2",
    ] {
        assert_eq!(from_xml(with("", inner)), named(&["ST-1"]), "{inner}");
    }
}

#[test]
fn the_namespace_counts_and_its_prefix_does_not() {
    let with = |declaration: &str, prefix: &str| {
        format!(
            "<{prefix}LogoutRequest {declaration}><{prefix}SessionIndex>ST-1</{prefix}SessionIndex></{prefix}LogoutRequest>"
        )
    };
    for (declaration, prefix, expected) in [
        (
            format!("xmlns:samlp='{NAMESPACE}'"),
            "samlp:",
            named(&["ST-1"]),
        ),
        (
            format!("xmlns:saml2p='{NAMESPACE}'"),
            "saml2p:",
            named(&["ST-1"]),
        ),
        (
            format!("xmlns:saml='{NAMESPACE}'"),
            "saml:",
            named(&["ST-1"]),
        ),
        (format!("xmlns='{NAMESPACE}'"), "", named(&["ST-1"])),
        (
            format!("xmlns:samlp='{NAMESPACE}' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'"),
            "samlp:",
            named(&["ST-1"]),
        ),
        (String::new(), "", unreadable(NO_REQUEST)),
        ("xmlns=''".to_owned(), "", unreadable(NO_REQUEST)),
        // Declared, and not used.
        (
            format!("xmlns:samlp='{NAMESPACE}'"),
            "",
            unreadable(NO_REQUEST),
        ),
        (
            "xmlns='urn:oasis:names:tc:SAML:2.0:assertion'".to_owned(),
            "",
            unreadable(NO_REQUEST),
        ),
        (
            "xmlns:samlp='urn:oasis:names:tc:SAML:1.0:protocol'".to_owned(),
            "samlp:",
            unreadable(NO_REQUEST),
        ),
        (format!("xmlns='{NAMESPACE} '"), "", unreadable(NO_REQUEST)),
        (
            format!("xmlns='{}'", NAMESPACE.to_uppercase()),
            "",
            unreadable(NO_REQUEST),
        ),
        (String::new(), "samlp:", unreadable(NOT_WELL_FORMED)),
    ] {
        assert_eq!(
            from_xml(with(&declaration, prefix)),
            expected,
            "{declaration} {prefix}"
        );
    }
}

#[test]
fn two_prefixes_of_one_namespace_are_the_same() {
    let document = format!(
        "<a:LogoutRequest xmlns:a='{NAMESPACE}' xmlns:b='{NAMESPACE}'><b:SessionIndex>ST-1</b:SessionIndex>\
         <SessionIndex xmlns='{NAMESPACE}'>ST-2</SessionIndex></a:LogoutRequest>"
    );
    assert_eq!(from_xml(document), named(&["ST-1", "ST-2"]));
}

#[test]
fn a_session_index_of_another_namespace_is_refused() {
    for element in [
        "<SessionIndex>ST-2</SessionIndex>",
        "<e:SessionIndex xmlns:e='urn:e'>ST-2</e:SessionIndex>",
        "<SessionIndex xmlns='urn:oasis:names:tc:SAML:2.0:assertion'>ST-2</SessionIndex>",
        "<samlp:SessionIndex xmlns:samlp='urn:e'>ST-2</samlp:SessionIndex>",
    ] {
        for inner in [
            element.to_owned(),
            format!("{}{element}", index("ST-1")),
            format!("{element}{}", index("ST-1")),
        ] {
            assert_eq!(
                from_xml(request(&inner)),
                unreadable(WRONG_NAMESPACE),
                "{inner}"
            );
        }
    }
}

#[test]
fn only_children_of_the_root_count() {
    let nested = index("ST-2");
    for inner in [
        format!("<n>{nested}</n>"),
        format!("<samlp:Extensions>{nested}</samlp:Extensions>"),
        format!("<samlp:NameID>{nested}</samlp:NameID>"),
        request(&nested),
    ] {
        assert_eq!(from_xml(request(&inner)), unreadable(NO_INDEX), "{inner}");
        let with_another = format!("{inner}{}", index("ST-1"));
        assert_eq!(
            from_xml(request(&with_another)),
            named(&["ST-1"]),
            "{inner}"
        );
    }
}

#[test]
fn elements_inside_a_session_index_are_refused() {
    for value in [
        index("ST-2"),
        format!("ST-1{}", index("ST-2")),
        "ST-<b/>1".to_owned(),
        "<b>ST-1</b>".to_owned(),
        "<samlp:a/>".to_owned(),
    ] {
        let inner = format!("{}{}", index("ST-0"), index(&value));
        assert_eq!(
            from_xml(request(&inner)),
            unreadable(ELEMENTS_INSIDE),
            "{value}"
        );
    }
}

#[test]
fn without_a_session_index_it_is_no_logout_of_cas() {
    for inner in [
        "",
        " \n",
        "ST-1",
        "<n>alice</n>",
        "<!-- <samlp:SessionIndex>ST-1</samlp:SessionIndex> -->",
        "<![CDATA[<samlp:SessionIndex>ST-1</samlp:SessionIndex>]]>",
        "<?x <samlp:SessionIndex>ST-1</samlp:SessionIndex>?>",
        "&lt;samlp:SessionIndex>ST-1&lt;/samlp:SessionIndex>",
        "<samlp:sessionIndex>ST-1</samlp:sessionIndex>",
        "<samlp:SessionIndexes>ST-1</samlp:SessionIndexes>",
        "<samlp:MySessionIndex>ST-1</samlp:MySessionIndex>",
        "<n SessionIndex='ST-1' samlp:SessionIndex='ST-1'/>",
        "<n a='&lt;samlp:SessionIndex>ST-1&lt;/samlp:SessionIndex>'/>",
    ] {
        assert_eq!(from_xml(request(inner)), unreadable(NO_INDEX), "{inner}");
    }
}

#[test]
fn another_root_is_no_logout_request() {
    for root in [
        "LogoutResponse",
        "AuthnRequest",
        "logoutRequest",
        "SessionIndex",
        "MyLogoutRequest",
    ] {
        let document = request(&index("ST-1")).replace("LogoutRequest", root);
        assert_eq!(from_xml(&document), unreadable(NO_REQUEST), "{document}");
    }
    let inner = request(&index("ST-1"));
    for document in [
        format!("<x>{inner}</x>"),
        format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>{inner}</s:Body></s:Envelope>"
        ),
    ] {
        assert_eq!(from_xml(&document), unreadable(NO_REQUEST), "{document}");
    }
}

#[test]
fn each_session_index_counts_in_order() {
    let inner = format!(
        "{}\n{}<n/>{}{}",
        index("ST-2"),
        index("PT-1"),
        index("PGT-3"),
        index("ST-2")
    );
    assert_eq!(
        from_xml(request(&inner)),
        named(&["ST-2", "PT-1", "PGT-3", "ST-2"])
    );
}

#[test]
fn up_to_32_of_them_are_read() {
    let tickets: Vec<String> = (0..32).map(|i| format!("ST-{i}")).collect();
    let indexes = numbered(32, |i| index(&tickets[i]));
    assert_eq!(from_xml(request(&indexes)), Ok(tickets.clone()));
    // As servers with a default namespace write it.
    let bare = numbered(32, |i| {
        format!("<SessionIndex>{}</SessionIndex>", tickets[i])
    });
    let bare = format!("<LogoutRequest xmlns='{NAMESPACE}'>{bare}</LogoutRequest>");
    assert_eq!(from_xml(bare), Ok(tickets));
    // One that is no ticket is one of them.
    for more in [index("ST-x"), index("")] {
        assert_eq!(
            from_xml(request(&format!("{indexes}{more}"))),
            unreadable("it has too many `SessionIndex` elements")
        );
    }
}

#[test]
fn a_value_that_no_ticket_can_be_is_left_out() {
    let longest = "x".repeat(2_048);
    for value in ["ST-1@cas.example.org:8443", "ST-a/b+c%3D==", &longest] {
        assert_eq!(from_xml(request(&index(value))), named(&[value]));
    }
    for value in [
        "",
        " \r\n ",
        "ST-1 ST-2",
        "ST-1\nST-2",
        "ST-1\u{a0}",
        "ST-1\u{200b}",
        "ST-&#xC5;",
        "ST-猫",
        "ST-1&amp;ticket=ST-2",
        "&lt;b&gt;",
        "<!-- ST-1 -->",
        "<?ST-1 ST-2?>",
        &"x".repeat(2_049),
        &"x".repeat(5_000),
    ] {
        assert_eq!(from_xml(request(&index(value))), named(&[]), "{value}");
        let among_others = format!("{}{}{}", index("ST-1"), index(value), index("ST-2"));
        assert_eq!(
            from_xml(request(&among_others)),
            named(&["ST-1", "ST-2"]),
            "{value}"
        );
    }
}

#[test]
fn a_value_is_one_text_however_it_is_split() {
    for value in [
        "ST-1-ab",
        " ST-1-ab\n",
        "<!-- x -->ST-1-ab",
        "ST-1<!-- x -->-ab",
        "ST-<!---->1-<!-- ST-2 -->ab",
        "<![CDATA[ST-1-ab]]>",
        "<![CDATA[ST-1]]>-ab",
        "ST-<![CDATA[1-]]><![CDATA[ab]]>",
        "\n <![CDATA[\n ST-1-ab ]]>\r\n",
        "ST<?x y?>-1-ab",
        "ST&#45;1&#x2d;ab",
    ] {
        assert_eq!(
            from_xml(request(&index(value))),
            named(&["ST-1-ab"]),
            "{value}"
        );
    }
}

#[test]
fn two_values_never_become_one() {
    let halves = [index("ST-12"), index("34")];
    for between in ["", " ", "\n", "<!-- -->", "x", "<n/>", "<![CDATA[x]]>"] {
        let inner = halves.join(between);
        assert_eq!(
            from_xml(request(&inner)),
            named(&["ST-12", "34"]),
            "{between}"
        );
    }
    let mixed = format!("ST-1{}34", index("2"));
    assert_eq!(from_xml(request(&mixed)), named(&["2"]));
}
