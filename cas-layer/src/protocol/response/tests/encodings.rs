//! Answers in other encodings than UTF-8.

use encoding_rs::{EUC_JP, GBK, SHIFT_JIS, WINDOWS_1252};

use super::{Outcome, alice_and, outcome_from, refused, user};
use crate::protocol::{
    Authentication,
    response::{Received, ResponseError, parse_service_response, parse_text_response},
};

fn parse(body: &[u8], content_type: Option<&str>) -> Result<Authentication, ResponseError> {
    parse_service_response(Received {
        body,
        content_type,
        namespaces: &[],
    })
}

fn outcome(body: &[u8], content_type: Option<&str>) -> Outcome {
    outcome_from(parse(body, content_type))
}

/// What the attribute `cn` is, or why there is none.
fn name(body: &[u8], content_type: Option<&str>) -> Result<String, &'static str> {
    match parse(body, content_type) {
        Ok(alice) => Ok(alice.attributes().first("cn").unwrap().to_owned()),
        Err(ResponseError::Unreadable(reason)) => Err(reason),
        Err(_) => Err("refused"),
    }
}

fn xml(declaration: &str, cn: &str) -> String {
    let attributes = format!("<cas:attributes><cas:cn>{cn}</cas:cn></cas:attributes>");
    format!("{declaration}{}", alice_and(&attributes))
}

fn saying(label: &str, cn: &str) -> String {
    xml(
        &format!("<?xml version=\"1.0\" encoding='{label}' standalone=\"yes\"?>\n"),
        cn,
    )
}

fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

#[test]
fn an_encoding_is_declared_in_the_document_or_in_the_header_or_in_both() {
    for (label, encoding, cn) in [
        ("ISO-8859-1", WINDOWS_1252, "José Muñoz"),
        ("windows-1252", WINDOWS_1252, "José “Muñoz” €"),
        ("GBK", GBK, "王小明"),
        ("gb2312", GBK, "王小明"),
        ("Shift_JIS", SHIFT_JIS, "山田太郎ソ"),
        ("euc-jp", EUC_JP, "山田太郎"),
        ("UTF-8", encoding_rs::UTF_8, "José 猫"),
    ] {
        let encoded = |text: &str| encoding.encode(text).0.into_owned();
        let header = format!("text/xml; charset={label}");
        let quoted = format!("application/xml;Charset=\"{label}\";x=y");
        for (body, header) in [
            (saying(label, cn), None),
            (saying(label, cn), Some(&header)),
            (xml("", cn), Some(&header)),
            (xml("", cn), Some(&quoted)),
            (xml("<?xml version='1.0'?>", cn), Some(&header)),
        ] {
            let header = header.map(String::as_str);
            assert_eq!(name(&encoded(&body), header), Ok(cn.to_owned()), "{body}");
        }
        let json = format!(
            r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":"alice","attributes":{{"cn":"{cn}"}}}}}}}}"#
        );
        let header = format!("application/json;charset={label}");
        assert_eq!(name(&encoded(&json), Some(&header)), Ok(cn.to_owned()));
        let text = parse_text_response(Received {
            body: &encoded(&format!("yes\n{cn}\n")),
            content_type: Some(&format!("text/plain;charset={label}")),
            namespaces: &[],
        });
        assert_eq!(outcome_from(text), user(cn));
    }
}

#[test]
fn utf_16_is_read_with_a_mark_or_by_its_first_character() {
    let cn = "José 猫 😀";
    for (order, exact) in [
        (u16::to_le_bytes as fn(u16) -> [u8; 2], "utf-16le"),
        (u16::to_be_bytes, "utf-16be"),
    ] {
        let mark = utf_16("\u{feff}", order);
        for (body, header) in [
            (saying("UTF-16", cn), None),
            (saying("utf-16", cn), Some("text/xml;charset=UTF-16")),
            (xml("", cn), Some("text/xml;charset=UTF-16")),
        ] {
            let bytes = utf_16(&body, order);
            assert_eq!(name(&bytes, header), Ok(cn.to_owned()), "{body}");
            let marked = [&mark[..], &bytes].concat();
            assert_eq!(name(&marked, header), Ok(cn.to_owned()), "{body}");
        }
        let bytes = utf_16(&xml("", cn), order);
        let marked = [&mark[..], &bytes].concat();
        assert_eq!(name(&marked, None), Ok(cn.to_owned()));
        let header = format!("text/xml;charset={exact}");
        assert_eq!(name(&bytes, Some(&header)), Ok(cn.to_owned()));
        // Nothing says that it is UTF-16.
        assert_eq!(outcome(&bytes, None), Outcome::Unreadable);
    }
}

#[test]
fn ascii_is_read_whatever_is_named_but_utf_16() {
    let ascii = |label: &str| saying(label, "Jose").into_bytes();
    let mark = |body: Vec<u8>| [b"\xef\xbb\xbf".to_vec(), body].concat();
    for (body, header) in [
        (ascii("UTF-8"), Some("text/xml;charset=ISO-8859-1")),
        (ascii("ISO-8859-1"), Some("text/xml;charset=utf-8")),
        (ascii("GBK"), Some("text/xml;charset=Shift_JIS")),
        (ascii("UTF-8"), Some("text/xml;charset=utf-8;charset=GBK")),
        (mark(ascii("ISO-8859-1")), None),
        (mark(ascii("UTF-8")), Some("text/xml;charset=ISO-8859-1")),
    ] {
        assert_eq!(name(&body, header), Ok("Jose".to_owned()), "{header:?}");
    }
    for (body, header) in [
        (ascii("UTF-16"), Some("text/xml;charset=utf-8")),
        (ascii("UTF-8"), Some("text/xml;charset=utf-16")),
    ] {
        let said = name(&body, header);
        assert_eq!(said, Err("it names two different encodings"), "{header:?}");
    }
    for label in ["UTF-16", "UTF-16LE", "UTF-16BE"] {
        let said = name(&ascii(label), None);
        assert_eq!(said, Err("it is not UTF-16, as it says"), "{label}");
    }
}

#[test]
fn two_different_encodings_are_unreadable_where_they_would_say_different_things() {
    let in_utf_8 = |label: &str| saying(label, "José").into_bytes();
    let mark = |body: Vec<u8>| [b"\xef\xbb\xbf".to_vec(), body].concat();
    let wide = |label: &str| {
        utf_16(
            &format!("\u{feff}{}", saying(label, "Jose")),
            u16::to_le_bytes,
        )
    };
    let wide_without_mark = |label: &str| utf_16(&saying(label, "Jose"), u16::to_be_bytes);
    for (body, header) in [
        (in_utf_8("UTF-8"), Some("text/xml;charset=windows-1252")),
        (in_utf_8("UTF-8"), Some("text/xml;charset=GBK")),
        (in_utf_8("ISO-8859-1"), Some("text/xml;charset=utf-8")),
        (
            in_utf_8("UTF-8"),
            Some("text/xml;charset=utf-8;charset=GBK"),
        ),
        (mark(in_utf_8("ISO-8859-1")), None),
        (mark(in_utf_8("ISO-8859-1")), Some("text/html")),
        // Without a declaration, a default is all there is.
        (
            mark(xml("", "José").into_bytes()),
            Some("text/xml;charset=ISO-8859-1"),
        ),
        (wide("UTF-8"), None),
        (wide("UTF-16BE"), None),
        (wide("UTF-16"), Some("text/xml;charset=utf-8")),
        (wide_without_mark("UTF-16LE"), None),
        (wide_without_mark("UTF-8"), None),
        (
            wide_without_mark("UTF-16"),
            Some("text/xml;charset=utf-16le"),
        ),
    ] {
        let said = name(&body, header);
        assert_eq!(said, Err("it names two different encodings"), "{header:?}");
    }
    // Two names of one encoding.
    let body = WINDOWS_1252
        .encode(&saying("latin1", "José"))
        .0
        .into_owned();
    let header = Some("text/xml;charset=ISO-8859-1");
    assert_eq!(name(&body, header), Ok("José".to_owned()));
}

#[test]
fn a_declaration_counts_more_than_the_default_of_a_servlet_container() {
    for header in [
        "text/xml;charset=ISO-8859-1",
        "application/xml; charset=us-ascii",
        "text/html;charset=utf-8",
        "Text/HTML; charset=windows-1252",
    ] {
        for (label, encoding, cn) in [
            ("UTF-8", encoding_rs::UTF_8, "José 猫"),
            ("GBK", GBK, "王小明"),
        ] {
            let body = encoding.encode(&saying(label, cn)).0.into_owned();
            assert_eq!(name(&body, Some(header)), Ok(cn.to_owned()), "{header}");
        }
        let wide = utf_16(&saying("UTF-16", "José"), u16::to_le_bytes);
        assert_eq!(name(&wide, Some(header)), Ok("José".to_owned()), "{header}");
    }
}

#[test]
fn bytes_that_are_not_in_the_encoding_are_unreadable() {
    let replaced = |label: &str, bytes: &[u8]| {
        let body = saying(label, "@");
        let (before, after) = body.split_once('@').unwrap();
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    for (label, bytes) in [
        ("UTF-8", &b"Jos\xe9"[..]),
        ("UTF-8", b"\xc0\xbc"),
        ("UTF-8", b"\xed\xa0\x80"),
        ("GBK", b"\xff"),
        ("Shift_JIS", b"\xa0"),
        ("euc-jp", b"\xff\xff"),
        // A first half alone takes no markup with it.
        ("GBK", b"\x81"),
        ("Shift_JIS", b"\x81"),
    ] {
        let body = replaced(label, bytes);
        assert_eq!(outcome(&body, None), Outcome::Unreadable, "{label}");
    }
    let odd = [&utf_16(&saying("UTF-16", "a"), u16::to_le_bytes)[..], b"x"].concat();
    assert_eq!(outcome(&odd, None), Outcome::Unreadable);
    let half = utf_16(&saying("UTF-16", "a"), u16::to_le_bytes);
    let half = [&half[..], &0xd800_u16.to_le_bytes()].concat();
    assert_eq!(outcome(&half, None), Outcome::Unreadable);
    // It says that it is, and is not.
    let ascii = saying("UTF-16", "a").into_bytes();
    assert_eq!(outcome(&ascii, None), Outcome::Unreadable);
}

#[test]
fn an_encoding_that_nobody_knows_or_that_hides_markup_is_unreadable() {
    let unknown = Err("it is in an encoding that is not known");
    for label in [
        "EBCDIC-CP-US",
        "utf-7",
        "iso-2022-jp",
        "hz-gb-2312",
        "x",
        "",
    ] {
        assert_eq!(
            name(saying(label, "a").as_bytes(), None),
            unknown,
            "{label}"
        );
    }
    for label in ["klingon", "utf-7", "utf-32", "iso-2022-kr"] {
        let header = format!("text/xml;charset={label}");
        let body = xml("", "a");
        assert_eq!(name(body.as_bytes(), Some(&header)), unknown, "{label}");
    }
}

#[test]
fn a_refusal_is_one_in_every_encoding() {
    let body = "<?xml version='1.0' encoding='ISO-8859-1'?><serviceResponse>\
        <authenticationFailure code='INVALID_TICKET'>Le ticket a été utilisé</authenticationFailure></serviceResponse>";
    let body = WINDOWS_1252.encode(body).0.into_owned();
    assert_eq!(outcome(&body, None), refused("INVALID_TICKET"));
}

#[test]
fn only_the_declaration_at_the_start_counts() {
    let cn = "José &lt;?xml encoding='GBK'?&gt;";
    for body in [
        xml("<?xml version='1.0' ?>", cn),
        xml(" \n<?xml\tversion = '1.0'\nencoding\n=\n\"utf-8\" ?>", cn),
        xml("<!-- encoding='GBK' -->", cn),
        xml("<?xml version='encoding=\"GBK\"'?>", cn),
        xml("<?xml-model href='x' encoding='GBK'?>", cn),
    ] {
        let expected = "José <?xml encoding='GBK'?>".to_owned();
        let said = name(body.as_bytes(), None);
        assert!(
            said == Ok(expected) || said == Err("it is not well-formed XML"),
            "{said:?} {body}"
        );
    }
}
