//! Messages made to cost time, memory or the stack, or to sign out somebody else. Nothing here measures time:
//! without the bounds these tests overflow the stack or do not come to an end.

use super::{
    InvalidLogoutRequest, KIB, LogoutRequest, NAMESPACE, Sessions, encode, from_xml, index, named,
    numbered, request, sessions, unreadable, usual,
};

const TOO_MANY: &str = "it has too many `SessionIndex` elements";
const NOT_WELL_FORMED: &str = "it is not well-formed XML";
const DOCTYPE: &str = "it has a DOCTYPE";
const TOO_DEEP: &str = "it is nested too deeply";
const TOO_MANY_ATTRIBUTES: &str = "an element has too many XML attributes or namespaces";

/// A document that is too long once it is percent-encoded goes as it is.
fn from_bare(document: &str) -> Sessions {
    assert!(!document.contains(['&', '+', '%']));
    let body = format!("logoutRequest={document}");
    assert!(body.len() <= 64 * KIB);
    sessions(LogoutRequest::from_form(body.as_bytes()))
}

/// `part` as often as it fits.
fn fill(part: &str) -> String {
    part.repeat(63 * KIB / part.len())
}

#[test]
fn a_doctype_is_refused_with_and_without_entities() {
    let usual = usual();
    let entity = request(&index("&a;"));
    for doctype in [
        "<!DOCTYPE x>",
        "<!doctype x>",
        "<!DOCTYPE x []>",
        r#"<!DOCTYPE x [<!ENTITY a "ST-1">]>"#,
        r#"<!DOCTYPE x [<!ENTITY % a "b"> %a;]>"#,
        r#"<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">"#,
        r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#,
        r#"<!DOCTYPE x PUBLIC "a" "b"><!-- x -->"#,
    ] {
        for document in [&usual, &entity] {
            assert_eq!(
                from_xml(format!("{doctype}{document}")),
                unreadable(DOCTYPE),
                "{doctype}"
            );
        }
    }
    for document in [
        format!("{usual}<!DOCTYPE x>"),
        request(&format!("<!DOCTYPE x>{}", index("ST-1"))),
        request(&index("<!ENTITY a 'b'>ST-1")),
    ] {
        assert_eq!(from_xml(document), unreadable(DOCTYPE));
    }
    // An entity that nobody declared.
    assert_eq!(from_xml(entity), unreadable(NOT_WELL_FORMED));
}

#[test]
fn a_billion_laughs_are_refused() {
    let levels = numbered(9, |i| {
        format!(r#"<!ENTITY l{} "{}">"#, i + 1, format!("&l{i};").repeat(10))
    });
    let bomb = format!(r#"<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>"#);
    assert_eq!(
        from_xml(format!("{bomb}{}", request(&index("&l9;")))),
        unreadable(DOCTYPE)
    );
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let inner = format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        request(&format!("{inner}{}", index("ST-1")))
    };
    // The request is one level of 64.
    assert_eq!(from_bare(&nested(63)), named(&["ST-1"]));
    assert_eq!(from_bare(&nested(64)), unreadable(TOO_DEEP));
    assert_eq!(from_bare(&nested(9_000)), unreadable(TOO_DEEP));
    assert_eq!(from_bare(&fill("<a>")), unreadable(TOO_DEEP));
    let nested = |count: usize| {
        let nested = "<samlp:SessionIndex>".repeat(count);
        from_bare(&format!(
            "<samlp:LogoutRequest xmlns:samlp='{NAMESPACE}'>{nested}"
        ))
    };
    assert_eq!(nested(64), unreadable(TOO_DEEP));
    // Not even parsed.
    assert_eq!(nested(3_000), unreadable(TOO_MANY));
}

#[test]
fn a_document_full_of_nothing_is_read_or_refused() {
    for part in [
        "<a/>",
        "<!---->",
        "<![CDATA[]]>",
        "<?a?>",
        "<a>1</a>",
        "x",
        "\r\n",
    ] {
        let filled = request(&format!("{}{}", fill(part), index("ST-1")));
        assert_eq!(from_bare(&filled), named(&["ST-1"]), "{part:?}");
        let unended = fill(part);
        assert!(from_bare(&unended).is_err(), "{part:?}");
    }
    let attributes = numbered(5_000, |i| format!(" a{i}='u'"));
    let namespaces = numbered(3_000, |i| format!(" xmlns:a{i}='u{i}'"));
    for many in [attributes, namespaces] {
        assert_eq!(
            from_bare(&request(&format!("<a{many}/>{}", index("ST-1")))),
            unreadable(TOO_MANY_ATTRIBUTES)
        );
    }
    let value = format!("ST-1{}", fill("<!---->"));
    assert_eq!(from_bare(&request(&index(&value))), named(&["ST-1"]));
    assert_eq!(
        from_bare(&request(&fill("<samlp:SessionIndex/>"))),
        unreadable(TOO_MANY)
    );
}

#[test]
fn a_document_that_grows_beyond_64_kib_while_it_is_decoded_is_refused() {
    // Each byte becomes a replacement character of three.
    for (count, expected) in [
        (21_000, named(&["ST-1"])),
        (22_000, unreadable("it is longer than 64 KiB")),
    ] {
        let document = request(&format!("!{}", index("ST-1")));
        let (before, after) = document.split_once('!').unwrap();
        let body = [
            b"logoutRequest=",
            before.as_bytes(),
            &vec![0xff; count],
            after.as_bytes(),
        ];
        assert_eq!(sessions(LogoutRequest::from_form(&body.concat())), expected);
    }
}

#[test]
fn thousands_of_fields_are_no_request() {
    for part in ["&", "=&", "a&", "a=b&", "%&", "ticket&"] {
        assert_eq!(
            sessions(LogoutRequest::from_form(fill(part).as_bytes())),
            Err(InvalidLogoutRequest::Missing)
        );
    }
    assert_eq!(
        sessions(LogoutRequest::from_form(fill("logoutRequest&").as_bytes())),
        Err(InvalidLogoutRequest::Repeated)
    );
}

#[test]
fn attributes_name_no_session() {
    for document in [
        format!(
            "<LogoutRequest a='xmlns=' xmlns:samlp='{NAMESPACE}'><SessionIndex>ST-1</SessionIndex></LogoutRequest>"
        ),
        format!("<a xmlns='{NAMESPACE}' LogoutRequest='' SessionIndex='ST-1'/>"),
        format!("<samlp:LogoutRequest xmlns:samlp='{NAMESPACE}' SessionIndex='ST-1'/>"),
        format!(
            "<samlp:LogoutRequest xmlns:samlp='{NAMESPACE}' samlp:SessionIndex='ST-1'></samlp:LogoutRequest>"
        ),
        request("<samlp:SessionIndexX samlp:SessionIndex='ST-1'/>"),
    ] {
        assert!(from_xml(&document).is_err(), "{document}");
    }
    for value in [
        "<samlp:SessionIndex value='ST-1'/>",
        "<samlp:SessionIndex xml:base='ST-1'></samlp:SessionIndex>",
    ] {
        assert_eq!(from_xml(request(value)), named(&[]), "{value}");
    }
}

#[test]
fn what_is_not_one_well_formed_document_is_refused() {
    let usual = usual();
    for document in [
        String::new(),
        " ".to_owned(),
        "\u{feff}".to_owned(),
        "garbage".to_owned(),
        "ST-1".to_owned(),
        format!("{usual}{usual}"),
        format!("{usual}<a/>"),
        format!("{usual}x"),
        format!("x{usual}"),
        format!("{usual}\0"),
        format!("<{usual}"),
        format!("{usual}<?xml version='1.0'?>"),
        request("<samlp:SessionIndex>ST-1"),
        request("<samlp:SessionIndex>ST-1</SessionIndex>"),
        request("ST-1</samlp:SessionIndex>"),
        request(&index("ST-1&")),
        request(&index("ST-1&#0;")),
        request(&index("ST-1&#x1;")),
        request(&index("ST-1\u{1}")),
        request(&index("ST-1]]>")),
        request(&index("ST-1<")),
        request("<samlp:SessionIndex a='1' a='2'>ST-1</samlp:SessionIndex>"),
        request("<samlp:SessionIndex a=1>ST-1</samlp:SessionIndex>"),
        request("<samlp:SessionIndex a='<'>ST-1</samlp:SessionIndex>"),
        request("<x:SessionIndex>ST-1</x:SessionIndex>"),
        usual.replace('<', "\u{ff1c}"),
        usual.chars().flat_map(|c| [c, '\0']).collect(),
    ] {
        assert!(
            matches!(
                from_xml(&document),
                Err(InvalidLogoutRequest::Unreadable(_))
            ),
            "{document}"
        );
    }
}

#[test]
fn a_message_is_refused_wherever_it_is_cut() {
    let usual = usual();
    for end in 0..usual.len() {
        assert!(from_xml(&usual[..end]).is_err(), "{end}");
        // A form that is cut may end inside an escape.
        let form = format!("logoutRequest={}", encode(&usual));
        let end = form.len() - 1 - end;
        assert!(
            sessions(LogoutRequest::from_form(&form.as_bytes()[..end])).is_err(),
            "{end}"
        );
    }
}

#[test]
fn errors_and_debug_output_say_what_is_wrong_and_quote_nothing() {
    let secret = index("ST-secret");
    for body in [
        format!("secret={secret}"),
        format!("logoutRequest={secret}&logoutRequest={secret}"),
        format!("logoutRequest={}&ticket=ST-secret", request(&secret)),
        format!("logoutRequest={secret}"),
        format!("logoutRequest={}", request(&secret).replace("</", "<")),
        format!("logoutRequest={}", request("<secret:a/>")),
        format!("logoutRequest={}", request("%26secret;")),
        format!(
            "logoutRequest={}",
            request(&secret).replace("urn:", "secret:")
        ),
    ] {
        let error = LogoutRequest::from_form(body.as_bytes()).unwrap_err();
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("secret"), "{printed}");
        assert!(error.to_string().contains("logout request"), "{printed}");
    }
    let body = format!("logoutRequest={}", request(&secret));
    let read = LogoutRequest::from_form(body.as_bytes()).unwrap();
    assert_eq!(read.sessions().len(), 1);
    assert!(!format!("{read:?}{read:#?}").contains("secret"));
}
